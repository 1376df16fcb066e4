//! Doubles in hexadecimal, which servers take because C's `strtod` does: `0x1F`, `0x.8`, `0x1.8p-3`.

/// Powers of two beyond this are as good as infinitely large or small, however many digits there are.
const POWER_MAX: i64 = 1 << 40;

/// The double nearest to what the digits behind `0x` spell, and whether a double has room for it; `None` if they spell
/// nothing.
///
/// Digits beyond what a double holds are rounded to the nearest, ties to even; of numbers below 2^-1022 the last bit may
/// be rounded twice.
pub(super) fn parse(text: &[u8]) -> Option<(f64, bool)> {
    let power_at = text.iter().position(|byte| matches!(byte, b'p' | b'P'));
    let (number, power) = match power_at {
        Some(at) => (&text[..at], parse_power(&text[at + 1..])?),
        None => (text, 0),
    };
    let (mantissa, shift) = parse_mantissa(number)?;
    let value = scale(mantissa as f64, power.saturating_add(shift));
    let vanished = value == 0.0 && mantissa != 0;
    Some((value, value.is_finite() && !vanished))
}

/// A decimal power with an optional sign, clamped where nothing depends on it any more.
fn parse_power(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text {
        [b'-', rest @ ..] => (rest, -1),
        [b'+', rest @ ..] => (rest, 1),
        rest => (rest, 1),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(POWER_MAX);
    Some(sign * digits.iter().fold(0, add))
}

/// The leading bits, the last one set if anything was cut off behind them, and the power of two that they are worth.
fn parse_mantissa(number: &[u8]) -> Option<(u64, i64)> {
    let (mut bits, mut shift, mut digits, mut point) = (0u64, 0i64, 0usize, false);
    for byte in number {
        if *byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        digits += 1;
        if bits >> 60 == 0 {
            bits = bits << 4 | digit;
            shift -= if point { 4 } else { 0 };
        } else {
            bits |= u64::from(digit != 0);
            shift += if point { 0 } else { 4 };
        }
    }
    (digits > 0).then_some((bits, shift))
}

/// `value * 2^power`, in steps that do not overflow on the way.
fn scale(mut value: f64, power: i64) -> f64 {
    const STEP: i64 = 512;
    let mut left = power.clamp(-4 * STEP, 4 * STEP);
    while left != 0 {
        let step = left.clamp(-STEP, STEP);
        value *= f64::powi(2.0, step as i32);
        left -= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Option<f64> {
        parse(text.as_bytes()).and_then(|(value, fits)| fits.then_some(value))
    }

    #[test]
    fn reads_what_strtod_reads() {
        // As a real server answered `ZADD`.
        for (text, expected) in [
            ("10", 16.0),
            ("1.8p1", 3.0),
            (".8", 0.5),
            ("1.p1", 2.0),
            ("0.p1", 0.0),
            ("123456789abcdef01234", 8.596805828370696e22),
            ("1p-1074", 5e-324),
            ("0p99999999999999999999", 0.0),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        for text in [
            "",
            ".",
            ".p1",
            "1p",
            "1p+",
            "p1",
            "1..0",
            "g",
            "1p1024",
            "1p-2000",
            "1p-99999999999999999999",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_normal_double_reads_back(bits: u64) {
            let double = f64::from_bits(bits & !(1 << 63));
            prop_assume!(double.is_normal());
            let power = (bits >> 52 & 0x7ff) as i64 - 1023;
            let text = format!("1.{:013x}p{power}", bits & ((1 << 52) - 1));
            prop_assert_eq!(value(&text), Some(double));
        }

        #[test]
        fn integers_round_as_they_do_in_binary(number: u128) {
            let text = format!("{number:x}");
            prop_assert_eq!(value(&text), Some(number as f64));
        }
    }
}

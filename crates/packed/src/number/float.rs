//! Doubles as text, in both styles that servers have.

use super::grisu::{self, Decimal};
use super::{hexadecimal, write_i64};

/// Integral doubles up to this magnitude print as integers: half of the i64 range, as the servers compare.
const INTEGRAL_MAX: f64 = 4_611_686_018_427_387_904.0;

/// The double that `text` spells, by the rules of a score or float argument.
///
/// Decimal with optional sign, point and exponent, hexadecimal behind `0x`, or `inf`, `infinity`, `nan` in any case.
/// `None` for anything before or after it, and for a number too large or too small for a double (1e400, 1e-400), which servers refuse as well.
/// `nan` gives a NaN: callers that hold scores refuse it.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    spelled(text).and_then(|(value, fits)| fits.then_some(value))
}

/// As [`parse_f64`], but a number too large is infinite and one too small is 0, as where servers read the bound of a
/// range.
pub fn parse_f64_saturating(text: &[u8]) -> Option<f64> {
    spelled(text).map(|(value, _)| value)
}

/// The double nearest to what `text` spells, and whether a double has room for it.
fn spelled(text: &[u8]) -> Option<(f64, bool)> {
    let (unsigned, negative) = match text {
        [b'-', rest @ ..] => (rest, true),
        [b'+', rest @ ..] => (rest, false),
        rest => (rest, false),
    };
    let (magnitude, fits) = match unsigned {
        [] => return None,
        [b'0', b'x' | b'X', digits @ ..] => hexadecimal::parse(digits)?,
        [b'0'..=b'9' | b'.', ..] => decimal(unsigned)?,
        _ if unsigned.eq_ignore_ascii_case(b"inf")
            || unsigned.eq_ignore_ascii_case(b"infinity") =>
        {
            (f64::INFINITY, true)
        }
        _ if unsigned.eq_ignore_ascii_case(b"nan") => (f64::NAN, true),
        _ => return None,
    };
    Some((if negative { -magnitude } else { magnitude }, fits))
}

/// An unsigned decimal, and whether it is within the range of a double.
fn decimal(text: &[u8]) -> Option<(f64, bool)> {
    let value: f64 = fast_float2::parse(text).ok()?;
    let vanished = value == 0.0 && mantissa_is_nonzero(text);
    Some((value, value.is_finite() && !vanished))
}

fn mantissa_is_nonzero(text: &[u8]) -> bool {
    text.iter()
        .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'))
        .any(|byte| matches!(byte, b'1'..=b'9'))
}

/// Appends the text of infinities, NaN and zeros, which both styles print alike; whether it was one of them.
fn write_special(value: f64, out: &mut Vec<u8>) -> bool {
    let text: &[u8] = if value.is_nan() {
        b"nan"
    } else if value.is_infinite() {
        if value < 0.0 { b"-inf" } else { b"inf" }
    } else if value == 0.0 {
        if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        }
    } else {
        return false;
    };
    out.extend_from_slice(text);
    true
}

impl Decimal {
    /// The 17 significant digits of C's `%.17g`, trailing zeros dropped; `value` is finite and greater than 0.
    fn of_17_digits(value: f64) -> Self {
        let text = format!("{value:.16e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mut decimal = Self::new(exponent.parse().unwrap_or(0) + 1);
        for digit in mantissa
            .trim_end_matches('0')
            .bytes()
            .filter(|byte| *byte != b'.')
        {
            if let Some(place) = decimal.digits.get_mut(decimal.len) {
                *place = digit;
                decimal.len += 1;
            }
        }
        decimal.power -= decimal.len as i32;
        decimal
    }

    /// Power of ten of the first digit: the exponent in scientific form.
    fn exponent(&self) -> i32 {
        self.power + self.len as i32 - 1
    }

    /// `12300`, `12.3` or `0.00123`.
    fn write_plain(&self, out: &mut Vec<u8>) {
        let zeros = |count: i32| std::iter::repeat_n(b'0', count.max(0) as usize);
        let integral = (self.exponent() + 1).max(0) as usize;
        match self.as_bytes().split_at_checked(integral) {
            Some(([], fraction)) => {
                out.extend_from_slice(b"0.");
                out.extend(zeros(-self.exponent() - 1));
                out.extend_from_slice(fraction);
            }
            Some((integral, fraction @ [_, ..])) => {
                out.extend_from_slice(integral);
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
            _ => {
                out.extend_from_slice(self.as_bytes());
                out.extend(zeros(self.power));
            }
        }
    }

    /// `1.23e+5`, the exponent at least `width` (1 or 2) digits wide.
    fn write_scientific(&self, width: usize, out: &mut Vec<u8>) {
        if let Some((first, rest)) = self.as_bytes().split_first() {
            out.push(*first);
            if !rest.is_empty() {
                out.push(b'.');
                out.extend_from_slice(rest);
            }
        }
        let exponent = self.exponent();
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if width == 2 && exponent.unsigned_abs() < 10 {
            out.push(b'0');
        }
        write_i64(i64::from(exponent.unsigned_abs()), out);
    }
}

/// Appends `value` as Redis 7.2 and later and Valkey print doubles: integral values up to 2^62 as integers, else the
/// shortest digits that read back (but for one case of a thousand, in which theirs are not the shortest either), plain
/// or scientific by the servers' own rule.
pub fn write_f64_shortest(value: f64, out: &mut Vec<u8>) {
    if write_special(value, out) {
        return;
    }
    if value.abs() <= INTEGRAL_MAX && value.trunc() == value {
        return write_i64(value as i64, out);
    }
    write_f64_digits(value, out);
}

/// Appends `value` as [`write_f64_shortest`] does, but without the exception for integral values: 1e8 is `1e+8`. The
/// servers' digest is computed of this.
pub fn write_f64_digits(value: f64, out: &mut Vec<u8>) {
    if write_special(value, out) {
        return;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    let decimal = grisu::digits_of(value.abs());
    let exponent = decimal.exponent().abs();
    let plain_integral = decimal.power >= 0 && exponent < decimal.len as i32 + 7;
    let plain_fraction = decimal.power < 0 && (decimal.power > -7 || exponent < 4);
    if plain_integral || plain_fraction {
        decimal.write_plain(out);
    } else {
        decimal.write_scientific(1, out);
    }
}

/// Appends `value` as C's `%.17g` does, which is how Redis up to 7.0 prints doubles.
pub fn write_f64_17g(value: f64, out: &mut Vec<u8>) {
    if write_special(value, out) {
        return;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    let decimal = Decimal::of_17_digits(value.abs());
    if (-4..17).contains(&decimal.exponent()) {
        decimal.write_plain(out);
    } else {
        decimal.write_scientific(2, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shortest(value: f64) -> String {
        let mut out = Vec::new();
        write_f64_shortest(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn percent_17g(value: f64) -> String {
        let mut out = Vec::new();
        write_f64_17g(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn digits_know_no_integers() {
        // As the digests of Redis 8.2 and Valkey 9.1 show.
        for (value, text) in [
            (1.0, "1"),
            (1e8, "1e+8"),
            (123_456_789_012.0, "123456789012"),
            (1e-5, "0.00001"),
        ] {
            let mut out = Vec::new();
            write_f64_digits(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn prints_as_the_servers_do() {
        // (value, shortest, %.17g), as read off real servers.
        let table = [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (3.0, "3", "3"),
            (-1.5, "-1.5", "-1.5"),
            (0.1, "0.1", "0.10000000000000001"),
            (1e-7, "1e-7", "9.9999999999999995e-08"),
            (1e17, "100000000000000000", "1e+17"),
            (1e20, "1e+20", "1e+20"),
            (
                123_456_789_012_345_680_000.0,
                "123456789012345680000",
                "1.2345678901234568e+20",
            ),
            (1e21, "1e+21", "1e+21"),
            (
                -9_223_372_036_854_775_808.0,
                "-9223372036854776000",
                "-9.2233720368547758e+18",
            ),
            (
                9_007_199_254_740_992.0,
                "9007199254740992",
                "9007199254740992",
            ),
            (
                292_798_855.544_839_14,
                "2.9279885554483914e+8",
                "292798855.54483914",
            ),
            (5e-324, "5e-324", "4.9406564584124654e-324"),
            (
                f64::MAX,
                "1.7976931348623157e+308",
                "1.7976931348623157e+308",
            ),
            (f64::INFINITY, "inf", "inf"),
            (f64::NEG_INFINITY, "-inf", "-inf"),
            (f64::NAN, "nan", "nan"),
        ];
        for (value, short, long) in table {
            assert_eq!(shortest(value), short);
            assert_eq!(percent_17g(value), long);
        }
    }

    #[test]
    fn reads_what_a_score_may_be() {
        for (text, value) in [
            ("0", 0.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("+3", 3.0),
            ("-3e2", -300.0),
            ("1E5", 1e5),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("+INF", f64::INFINITY),
            ("0e-999", 0.0),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse_f64(b"nan").unwrap().is_nan());
        for text in [
            "", " 1", "1 ", "+", "-", ".", "--1", "+-1", "1e", "1e400", "-1e400", "1e-400", "in",
            "1x", "e5",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn bounds_may_be_beyond_the_range() {
        for (text, value) in [
            ("1e400", Some(f64::INFINITY)),
            ("-1e400", Some(f64::NEG_INFINITY)),
            ("1e-400", Some(0.0)),
            ("0x1p5000", Some(f64::INFINITY)),
            ("1.5", Some(1.5)),
            ("1e400x", None),
        ] {
            assert_eq!(parse_f64_saturating(text.as_bytes()), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_prints_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(parse_f64(shortest(value).as_bytes()).map(f64::to_bits), Some(bits));
            prop_assert_eq!(parse_f64(percent_17g(value).as_bytes()).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn everyday_doubles_read_back(mantissa in -1_000_000_000i64..1_000_000_000, exponent in -12i32..12) {
            let value = mantissa as f64 * 10f64.powi(exponent);
            prop_assert_eq!(parse_f64(shortest(value).as_bytes()), Some(value));
            prop_assert_eq!(parse_f64(percent_17g(value).as_bytes()), Some(value));
        }

        #[test]
        fn reading_never_panics(text in prop::collection::vec(prop::sample::select(&b"0123456789+-.eEinfatyNx "[..]), 0..24)) {
            let _ = parse_f64(&text);
        }
    }
}

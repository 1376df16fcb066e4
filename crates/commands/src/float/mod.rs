//! The 80-bit floats of `INCRBYFLOAT` and `HINCRBYFLOAT`.
//!
//! Redis computes these with C's `long double`: 64 bits of mantissa, so that 0.1 + 0.2 prints as
//! 0.3 where doubles would give 0.30000000000000004. The three things needed (text to nearest
//! value, rounded sum, `%.17Lf`) are done here on integers, exactly.

mod natural;

use natural::Natural;

/// Longer texts are no numbers to Redis, whatever they say.
const TEXT_LEN_MAX: usize = 5 * 1024 - 1;
/// Powers of ten whose values are beyond the format, on either side.
const DECIMAL_POINT_MAX: i64 = 4_934;
const DECIMAL_POINT_MIN: i64 = -4_952;
/// The exponent of the largest values, when the mantissa is an integer of 64 bits.
const EXPONENT_MAX: i32 = 16_383 - 63;
const EXPONENT_MIN: i32 = -16_445;

/// A number of x87 extended precision: `mantissa * 2^exponent`, or an infinity.
///
/// The mantissa has its top bit set unless the number is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LongDouble {
    negative: bool,
    mantissa: u64,
    exponent: i32,
}

/// The exponent that marks infinities.
const INFINITE: i32 = i32::MAX;

impl LongDouble {
    pub(crate) const ZERO: LongDouble = LongDouble {
        negative: false,
        mantissa: 0,
        exponent: 0,
    };

    /// The number nearest to a text, as `strtold` reads it: decimal digits with a point and an
    /// exponent, hexadecimal ones behind `0x`, `inf` or `infinity`. `None` for anything else, NaN, and what is too large or too
    /// small to be told from zero.
    pub(crate) fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let magnitude =
            if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") {
                LongDouble::INFINITY
            } else if let [b'0', b'x' | b'X', digits @ ..] = digits {
                hexadecimal(digits)?
            } else {
                Decimal::parse(digits)?.to_long_double()?
            };
        Some(LongDouble {
            negative,
            ..magnitude
        })
    }

    const INFINITY: LongDouble = LongDouble {
        negative: false,
        mantissa: 1 << 63,
        exponent: INFINITE,
    };

    pub(crate) fn is_finite(self) -> bool {
        self.exponent != INFINITE
    }

    /// The rounded sum, or `None` if it is infinite or no number.
    pub(crate) fn checked_add(self, other: LongDouble) -> Option<LongDouble> {
        if !self.is_finite() || !other.is_finite() {
            return None;
        }
        let (large, small) = if self.magnitude() >= other.magnitude() {
            (self, other)
        } else {
            (other, self)
        };
        if small.mantissa == 0 {
            return Some(large);
        }
        let (a, b) = aligned(large, small);
        let sum = if large.negative == small.negative {
            a + b
        } else {
            a - b
        };
        LongDouble::rounded(large.negative, sum, large.exponent - GUARD_BITS as i32)
    }

    /// What magnitudes compare by.
    fn magnitude(self) -> (bool, i32, u64) {
        (self.mantissa != 0, self.exponent, self.mantissa)
    }

    /// The number nearest to `wide * 2^exponent`, ties to even. Bits that were cut off `wide` must
    /// have left its lowest bit set.
    fn rounded(negative: bool, wide: u128, exponent: i32) -> Option<LongDouble> {
        if wide == 0 {
            return Some(LongDouble::ZERO);
        }
        let shift = 64 - wide.leading_zeros() as i32;
        let mut exponent = exponent + shift;
        let mut mantissa = if shift <= 0 {
            (wide << -shift) as u64
        } else {
            (wide >> shift) as u64
        };
        if shift > 0 && round_up(wide, shift as u32) {
            mantissa = mantissa.wrapping_add(1);
            if mantissa == 0 {
                mantissa = 1 << 63;
                exponent += 1;
            }
        }
        (exponent <= EXPONENT_MAX).then_some(LongDouble {
            negative,
            mantissa,
            exponent,
        })
    }

    /// The text of the number with at most 17 digits behind the point (`%.17Lf`) and without
    /// zeros at the end; infinities as `inf`.
    pub(crate) fn to_text(self) -> Vec<u8> {
        if !self.is_finite() {
            return if self.negative { "-inf" } else { "inf" }.into();
        }
        let unsigned = if self.exponent >= 0 {
            Natural::from_u64(self.mantissa)
                .shifted_left(self.exponent as u32)
                .to_decimal()
        } else {
            fixed_point(self.mantissa, self.exponent.unsigned_abs())
        };
        if self.negative && unsigned != "0" {
            format!("-{unsigned}").into_bytes()
        } else {
            unsigned.into_bytes()
        }
    }
}

impl From<i64> for LongDouble {
    fn from(number: i64) -> LongDouble {
        LongDouble::rounded(number < 0, number.unsigned_abs().into(), 0)
            .expect("64 bits are never too large")
    }
}

impl From<f64> for LongDouble {
    /// Every double is one of these numbers; NaN, which none is, becomes an infinity.
    fn from(number: f64) -> LongDouble {
        let bits = number.to_bits();
        let negative = number.is_sign_negative();
        if !number.is_finite() {
            return LongDouble {
                negative,
                ..LongDouble::INFINITY
            };
        }
        let fraction = bits & ((1 << 52) - 1);
        let power = (bits >> 52 & 0x7ff) as i32;
        let implied = u64::from(power > 0) << 52;
        LongDouble::rounded(negative, (fraction | implied).into(), power.max(1) - 1075)
            .expect("the range of doubles is smaller")
    }
}

/// Bits kept below the mantissas while they are added: enough for the one bit that a subtraction
/// can move up, a guard bit and a sticky one.
const GUARD_BITS: u32 = 62;

/// Both mantissas at the scale of the larger number's, times `2^GUARD_BITS`; what the smaller one
/// loses is remembered in its lowest bit.
fn aligned(large: LongDouble, small: LongDouble) -> (u128, u128) {
    let a = u128::from(large.mantissa) << GUARD_BITS;
    let b = u128::from(small.mantissa) << GUARD_BITS;
    let distance = (large.exponent - small.exponent).unsigned_abs();
    if distance >= 127 {
        return (a, 1);
    }
    let kept = b >> distance;
    let lost = (kept << distance) != b;
    (a, kept | u128::from(lost))
}

/// Whether `wide >> shift` must be raised by one to be the nearest, ties to even.
fn round_up(wide: u128, shift: u32) -> bool {
    let rest = wide & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    rest > half || (rest == half && wide >> shift & 1 == 1)
}

/// `mantissa / 2^down` with at most 17 digits behind the point.
fn fixed_point(mantissa: u64, down: u32) -> String {
    const ONE: u128 = 100_000_000_000_000_000;
    let scaled = u128::from(mantissa) * ONE;
    let rounded = if down >= 127 {
        0
    } else {
        (scaled >> down) + u128::from(round_up(scaled, down))
    };
    let text = format!("{}.{:017}", rounded / ONE, rounded % ONE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The number nearest to hexadecimal digits with a point, and a power of two behind a `p`.
fn hexadecimal(text: &[u8]) -> Option<LongDouble> {
    let exponent_at = text.iter().position(|byte| matches!(byte, b'p' | b'P'));
    let (number, exponent) = match exponent_at {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (digits, behind_point) = without_point(number);
    let digits = digits
        .iter()
        .map(|&digit| char::from(digit).to_digit(16))
        .collect::<Option<Vec<u32>>>()?;
    if digits.is_empty() {
        return None;
    }
    let (wide, skipped) = Natural::from_hexadecimal(&digits).leading_bits();
    let exponent = exponent - 4 * behind_point as i64;
    let number = LongDouble::rounded(false, wide, skipped.checked_add(exponent as i32)?)?;
    (wide == 0 || number.exponent >= EXPONENT_MIN).then_some(number)
}

/// The digits of a number, and how many of them stood behind its point.
fn without_point(number: &[u8]) -> (Vec<u8>, usize) {
    let mut digits = number.to_vec();
    let point = number.iter().position(|&byte| byte == b'.');
    if let Some(at) = point {
        digits.remove(at);
    }
    (digits, point.map_or(0, |at| number.len() - at - 1))
}

/// A decimal text taken apart: its digits without zeros around them, and the power of ten of the
/// last one.
struct Decimal {
    digits: Vec<u8>,
    power: i64,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Decimal> {
        let exponent_at = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (number, exponent) = match exponent_at {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (mut digits, behind_point) = without_point(number);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let trailing = digits
            .iter()
            .rev()
            .take_while(|&&digit| digit == b'0')
            .count();
        digits.truncate(digits.len() - trailing);
        let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..leading);
        Some(Decimal {
            power: exponent - behind_point as i64 + trailing as i64,
            digits,
        })
    }

    /// The nearest number; `None` if it is too large or too small.
    fn to_long_double(&self) -> Option<LongDouble> {
        let point = self.digits.len() as i64 + self.power;
        if self.digits.is_empty() {
            return Some(LongDouble::ZERO);
        }
        if !(DECIMAL_POINT_MIN..=DECIMAL_POINT_MAX).contains(&point) {
            return None;
        }
        let number = Natural::from_digits(&self.digits);
        let power = Natural::power_of_ten(self.power.unsigned_abs() as u32);
        let (wide, exponent) = if self.power >= 0 {
            number.times(&power).leading_bits()
        } else {
            number.quotient_bits(&power)
        };
        LongDouble::rounded(false, wide, exponent).filter(|number| number.exponent >= EXPONENT_MIN)
    }
}

/// The number behind an `e`; sizes that no value can have are all the same.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |number, digit| {
        (number * 10 + i64::from(digit - b'0')).min(1_000_000)
    });
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        let sum = LongDouble::parse(a.as_bytes())?.checked_add(LongDouble::parse(b.as_bytes())?)?;
        String::from_utf8(sum.to_text()).ok()
    }

    /// The sums are those of Redis 7.0.15 on x86-64.
    #[test]
    fn sums_are_those_of_long_double() {
        for (a, b, wanted) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3.0", "1.000000000000000005", "4.00000000000000001"),
            ("1", "-1", "0"),
            ("0x10", "0x.8p1", "17"),
            ("0x1p-3", "-0XA", "-9.875"),
            ("0x0", "0x123456789abcdef01", "20988295479420645120"),
            ("-0.0", "0", "0"),
            ("0", "-1e-18", "0"),
            ("0", "1e-17", "0.00000000000000001"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551615", "1", "18446744073709551616"),
            ("18446744073709551616", "1", "18446744073709551616"),
            ("1e20", "0.5", "100000000000000000000"),
            (
                "123456789.123456789",
                "0.000000001",
                "123456789.12345678999554366",
            ),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(wanted), "{a} + {b}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "1e",
            "--1",
            ".",
            "1e5000",
            "1e-5000",
            "0x",
            "1.2.3",
            "0x1p",
            "0xg",
            "0x1p99999",
            "0x1p-99999",
        ] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
        }
        assert!(LongDouble::parse(&[b'1'; 6000]).is_none());
        assert_eq!(sum("inf", "1"), None);
        assert_eq!(sum("1.18e4932", "1.18e4932"), None);
    }

    #[test]
    fn doubles_are_taken_exactly() {
        let text = |number: f64| String::from_utf8(LongDouble::from(number).to_text());
        assert_eq!(text(0.1).as_deref(), Ok("0.10000000000000001"));
        assert_eq!(text(-2.5).as_deref(), Ok("-2.5"));
        assert_eq!(text(5e-324).as_deref(), Ok("0"));
        assert_eq!(text(1e23).as_deref(), Ok("99999999999999991611392"));
    }

    #[test]
    fn huge_numbers_print_all_their_digits() {
        let huge = LongDouble::parse(b"1e40").expect("a number");
        let text = String::from_utf8(huge.to_text()).expect("digits");
        assert_eq!(text, "9999999999999999999783686092270256259072");
        let text = LongDouble::parse(b"-1e4932").expect("a number").to_text();
        assert_eq!(text.len(), 4934);
    }

    proptest::proptest! {
        /// Seventeen digits behind the point are within the precision of numbers this small.
        #[test]
        fn short_decimals_come_back(whole in -63_i64..64, frac in 0..1000_u32) {
            let text = format!("{whole}.{frac:03}");
            let wanted = text.trim_end_matches('0').trim_end_matches('.');
            let wanted = if wanted == "-0" { "0" } else { wanted };
            let got = LongDouble::parse(text.as_bytes()).expect("a number").to_text();
            proptest::prop_assert_eq!(String::from_utf8_lossy(&got), wanted);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,40}") {
            if let Some(number) = LongDouble::parse(text.as_bytes()) {
                let again = LongDouble::parse(&number.to_text());
                proptest::prop_assert!(again.is_some());
            }
        }

        #[test]
        fn whole_numbers_add_as_integers(a in proptest::num::i64::ANY, b in proptest::num::i64::ANY) {
            let sum = LongDouble::from(a).checked_add(LongDouble::from(b)).expect("finite");
            let wanted = i128::from(a) + i128::from(b);
            if wanted.unsigned_abs() <= u128::from(u64::MAX) {
                proptest::prop_assert_eq!(sum.to_text(), wanted.to_string().into_bytes());
            }
        }
    }
}

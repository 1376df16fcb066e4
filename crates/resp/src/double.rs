//! The shortest decimal text of a double, laid out as Redis does since 7.2 (`d2string`, which is
//! `fpconv_dtoa` for all but whole numbers).

/// `3`, `0.1`, `1.5e-7`, `1e+21`, `-inf`, `nan`.
pub(crate) fn shortest(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if number.trunc() == number && number.abs() <= WHOLE_MAX && number != 0.0 {
        return (number as i64).to_string();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let mut buffer = zmij::Buffer::new();
    let (digits, exponent) = decompose(buffer.format_finite(number.abs()));
    format!("{sign}{}", lay_out(&digits, exponent))
}

/// Whole numbers up to here print all their digits.
const WHOLE_MAX: f64 = (1u64 << 62) as f64;

/// Splits a decimal text into significant digits and the power of ten of the last of them.
fn decompose(text: &str) -> (String, i32) {
    let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut exponent = power.parse::<i32>().unwrap_or(0) - fraction.len() as i32;
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    exponent += (digits.len() - kept.len()) as i32;
    match kept.trim_start_matches('0') {
        "" => ("0".to_owned(), 0),
        significant => (significant.to_owned(), exponent),
    }
}

fn lay_out(digits: &str, exponent: i32) -> String {
    let count = digits.len() as i32;
    let scientific = exponent + count - 1;
    if exponent >= 0 && scientific < count + 7 {
        return format!("{digits}{}", "0".repeat(exponent as usize));
    }
    if exponent < 0 && (exponent > -7 || scientific.abs() < 4) {
        let whole = count + exponent;
        return if whole <= 0 {
            format!("0.{}{digits}", "0".repeat(whole.unsigned_abs() as usize))
        } else {
            let (whole, fraction) = digits.split_at(whole as usize);
            format!("{whole}.{fraction}")
        };
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e{scientific:+}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn layouts_of_redis() {
        for (number, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (100000.0, "100000"),
            (1e7, "10000000"),
            (1e8, "100000000"),
            (4611686018427387904.0, "4611686018427387904"),
            (5e18, "5e+18"),
            (1e19, "1e+19"),
            (1e21, "1e+21"),
            (1.25e-4, "0.000125"),
            (1.25e-5, "1.25e-5"),
            (1e-7, "1e-7"),
            (1.5e300, "1.5e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(shortest(number), want);
        }
    }

    proptest! {
        #[test]
        fn reads_back_to_the_same_bits(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(!number.is_nan());
            let text = shortest(number);
            prop_assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(bits), "{}", text);
        }
    }
}

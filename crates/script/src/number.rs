//! Numbers as Lua and its libraries print them.

/// `%.<digits>g` of C: as many significant digits at most, without zeros at the end.
pub(crate) fn general(number: f64, digits: usize) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() {
            "-nan"
        } else {
            "nan"
        }
        .to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let digits = digits.max(1);
    let scientific = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..digits as i32).contains(&exponent) {
        let places = usize::try_from(digits as i32 - 1 - exponent).unwrap_or_default();
        return without_zeros(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn numbers_have_the_text_of_c() {
        let cases = [
            (0.1, "0.10000000000000001", "0.1"),
            (1e15, "1000000000000000", "1e+15"),
            (3.0, "3", "3"),
            (-0.0, "-0", "-0"),
            (1.5e-7, "1.4999999999999999e-07", "1.5e-07"),
            (
                123456789012345680.0,
                "1.2345678901234568e+17",
                "1.2345678901235e+17",
            ),
            (f64::NEG_INFINITY, "-inf", "-inf"),
        ];
        for (number, in_17, in_14) in cases {
            assert_eq!(general(number, 17), in_17);
            assert_eq!(general(number, 14), in_14);
        }
    }
}

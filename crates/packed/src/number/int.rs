//! Canonical decimal integers.

/// Digits and sign of the longest i64.
const I64_TEXT_MAX: usize = 20;

/// The i64 whose canonical decimal `text` is: no `+`, no leading zeros, no `-0`, nothing before or after.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    match digits {
        [b'0'] if !negative => Some(0),
        [b'1'..=b'9', ..] if text.len() <= I64_TEXT_MAX => signed(magnitude(digits)?, negative),
        _ => None,
    }
}

/// The number these digits (at most 20) spell, if all are digits and a u64 holds it.
#[inline]
fn magnitude(digits: &[u8]) -> Option<u64> {
    let mut value = 0u64;
    // 19 digits cannot overflow a u64.
    for &byte in digits.iter().take(19) {
        value = value * 10 + digit(byte)?;
    }
    match digits.get(19) {
        Some(&byte) => value.checked_mul(10)?.checked_add(digit(byte)?),
        None => Some(value),
    }
}

#[inline]
fn digit(byte: u8) -> Option<u64> {
    let value = byte.wrapping_sub(b'0');
    (value < 10).then_some(u64::from(value))
}

#[inline]
fn signed(magnitude: u64, negative: bool) -> Option<i64> {
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Appends the canonical decimal of `number`.
#[inline]
pub fn write_i64(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Length in bytes of the canonical decimal of `number`.
#[inline]
pub fn len_i64(number: i64) -> usize {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(number < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_canonical_form_is_a_number() {
        for text in [
            "0",
            "7",
            "-7",
            "10",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            assert_eq!(
                parse_i64(text.as_bytes()),
                Some(text.parse().unwrap()),
                "{text}"
            );
        }
        let refused: [&str; 17] = [
            "",
            "-",
            "+",
            "+5",
            "-0",
            "00",
            "007",
            "-07",
            " 1",
            "1 ",
            "1.0",
            "1a",
            "0x1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "100000000000000000000",
        ];
        for text in refused {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn writes_what_it_reads(number: i64, shift in 0u32..64) {
            let number = number >> shift;
            let mut text = Vec::new();
            write_i64(number, &mut text);
            prop_assert_eq!(&text, &number.to_string().into_bytes());
            prop_assert_eq!(text.len(), len_i64(number));
            prop_assert_eq!(parse_i64(&text), Some(number));
        }

        #[test]
        fn agrees_with_the_printed_form(text in "-?[0-9]{0,21}") {
            let expected = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
            prop_assert_eq!(parse_i64(text.as_bytes()), expected);
        }
    }
}

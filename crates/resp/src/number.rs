//! The decimal numbers of headers: canonical, as Redis's `string2ll` takes them.

/// How a header line goes on behind its type byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// `digits CR LF`, complete: the value and the bytes used.
    Number(i64, usize),
    /// Sound so far.
    Incomplete,
    /// Not a canonical decimal, out of range, or not ended by CR LF; with the offset of the first
    /// wrong byte.
    Bad(usize),
}

/// Reads `[-]digits CR LF` at the start of `bytes`.
///
/// Canonical means no leading zero, no plus sign, no `-0`.
#[inline]
pub(crate) fn header(bytes: &[u8]) -> Header {
    // Nearly every header is one or two digits.
    match bytes {
        [d, b'\r', b'\n', ..] if d.is_ascii_digit() => Header::Number(i64::from(d - b'0'), 3),
        [t, d, b'\r', b'\n', ..] if (b'1'..=b'9').contains(t) && d.is_ascii_digit() => {
            Header::Number(i64::from(t - b'0') * 10 + i64::from(d - b'0'), 4)
        }
        _ => long_header(bytes),
    }
}

fn long_header(bytes: &[u8]) -> Header {
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let mut value: i64 = 0;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'0' if at == start
                && (negative || !matches!(bytes.get(at + 1), None | Some(b'\r'))) =>
            {
                return Header::Bad(at);
            }
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                // Built downwards, since i64::MIN has no positive twin.
                match value.checked_mul(10).and_then(|v| v.checked_sub(digit)) {
                    Some(longer) => value = longer,
                    None => return Header::Bad(at),
                }
            }
            b'\r' if at > start => return end(bytes, at, value, negative),
            _ => return Header::Bad(at),
        }
    }
    Header::Incomplete
}

fn end(bytes: &[u8], cr: usize, negated: i64, negative: bool) -> Header {
    match (bytes.get(cr + 1), negative) {
        (None, _) => Header::Incomplete,
        (Some(b'\n'), true) => Header::Number(negated, cr + 2),
        (Some(b'\n'), false) => match negated.checked_neg() {
            Some(value) => Header::Number(value, cr + 2),
            None => Header::Bad(cr),
        },
        (Some(_), _) => Header::Bad(cr + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_canonical_decimals_only() {
        for (text, want) in [
            ("0\r\n", Header::Number(0, 3)),
            ("7\r\nx", Header::Number(7, 3)),
            ("42\r\n", Header::Number(42, 4)),
            ("-1\r\n", Header::Number(-1, 4)),
            ("9223372036854775807\r\n", Header::Number(i64::MAX, 21)),
            ("-9223372036854775808\r\n", Header::Number(i64::MIN, 22)),
            ("9223372036854775808\r\n", Header::Bad(19)),
            ("92233720368547758080\r\n", Header::Bad(19)),
            ("", Header::Incomplete),
            ("-", Header::Incomplete),
            ("0", Header::Incomplete),
            ("12\r", Header::Incomplete),
            ("\r\n", Header::Bad(0)),
            ("-\r\n", Header::Bad(1)),
            ("-0\r\n", Header::Bad(1)),
            ("01\r\n", Header::Bad(0)),
            ("+1\r\n", Header::Bad(0)),
            ("1x\r\n", Header::Bad(1)),
            ("1\rx", Header::Bad(2)),
            ("abc\r\n", Header::Bad(0)),
        ] {
            assert_eq!(header(text.as_bytes()), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_and_every_cut(value: i64) {
            let text = format!("{value}\r\n");
            prop_assert_eq!(header(text.as_bytes()), Header::Number(value, text.len()));
            for cut in 0..text.len() {
                prop_assert_eq!(header(&text.as_bytes()[..cut]), Header::Incomplete);
            }
        }
    }
}

//! Zipmap: the compact hash of the earliest servers. Very old files hold it; we only read it.
//!
//! Pairs of field and value in a row, a value perhaps with unused bytes behind it.
//!
//! ```text
//!   offset  size  field
//!   0       1     count     pairs; 254 and more = unknown
//!   1       ..    pairs
//!   ..      1     FF
//!
//!   pair = size, field, size, free (u8), value, free bytes of padding
//!   size = u8 up to 253, or FE and u32 little-endian
//!
//!   Example: 02  03 66 6F 6F  03 00 62 61 72  05 68 65 6C 6C 6F  05 00 77 6F 72 6C 64  FF
//!            2   foo          bar             hello              world
//! ```
//!
//! Invariants, which [`validate`] checks:
//!
//! * The terminator is the last byte; `count` is true unless unknown.
//! * A size under 254 is in the short form. Writers knew no other, and code that took the width from the value instead
//!   of from the byte went astray here.

use crate::wire;
use crate::{Error, ErrorKind};

const COUNT_UNKNOWN: u8 = 254;
const SIZE_LONG: u8 = 254;
const TERMINATOR: u8 = 0xff;

/// A pair and its size in bytes.
struct Pair<'a> {
    field: &'a [u8],
    value: &'a [u8],
    size: usize,
}

/// Decodes the pair at the start of `tail`, which ends before the terminator. Errors count from there.
fn decode(tail: &[u8]) -> Result<Pair<'_>, Error> {
    let (field_at, field_len) = read_size(tail, 0)?;
    let field_end = field_at.saturating_add(field_len);
    let field = slice(tail, field_at, field_end)?;
    let (free_at, value_len) = read_size(tail, field_end)?;
    let free = usize::from(*tail.get(free_at).ok_or_else(|| short(tail, free_at, 1))?);
    let value_at = free_at + 1;
    let value_end = value_at.saturating_add(value_len);
    let value = slice(tail, value_at, value_end)?;
    slice(tail, value_end, value_end.saturating_add(free))?;
    Ok(Pair {
        field,
        value,
        size: value_end + free,
    })
}

/// Reads a size at `at`: the offset behind it, and the size.
fn read_size(tail: &[u8], at: usize) -> Result<(usize, usize), Error> {
    match tail.get(at) {
        None => Err(short(tail, at, 1)),
        Some(&found @ TERMINATOR) => Err(Error::new(at, ErrorKind::Encoding { found })),
        Some(&SIZE_LONG) => {
            let size = wire::u32_le(tail, at + 1).ok_or_else(|| short(tail, at, 5))?;
            if size < u32::from(SIZE_LONG) {
                return Err(Error::new(at, ErrorKind::Overlong { found: size.into() }));
            }
            Ok((at + 5, size as usize))
        }
        Some(&size) => Ok((at + 1, usize::from(size))),
    }
}

fn slice(tail: &[u8], start: usize, end: usize) -> Result<&[u8], Error> {
    tail.get(start..end)
        .ok_or_else(|| short(tail, start, end - start))
}

fn short(tail: &[u8], at: usize, expected: usize) -> Error {
    let found = tail.len().saturating_sub(at) as u64;
    Error::new(
        at,
        ErrorKind::Short {
            expected: expected as u64,
            found,
        },
    )
}

/// Checks everything: each pair, the terminator, and the count unless it is unknown.
pub fn validate(bytes: &[u8]) -> Result<(), Error> {
    let [claimed, body @ .., last] = bytes else {
        return Err(Error::new(
            0,
            ErrorKind::Short {
                expected: 2,
                found: bytes.len() as u64,
            },
        ));
    };
    if *last != TERMINATOR {
        return Err(Error::new(bytes.len() - 1, ErrorKind::Terminator));
    }
    let (mut at, mut count) = (0, 0u64);
    while let Some(tail) = body.get(at..).filter(|tail| !tail.is_empty()) {
        let pair = decode(tail).map_err(|fault| Error::new(1 + at + fault.offset, fault.kind))?;
        at += pair.size;
        count += 1;
    }
    if *claimed < COUNT_UNKNOWN && u64::from(*claimed) != count {
        return Err(Error::new(
            0,
            ErrorKind::Count {
                expected: count,
                found: (*claimed).into(),
            },
        ));
    }
    Ok(())
}

/// A zipmap in borrowed bytes. Make it of validated bytes; over others, walks end early.
#[derive(Clone, Copy, Debug)]
pub struct Zipmap<'a> {
    bytes: &'a [u8],
}

impl<'a> Zipmap<'a> {
    /// The zipmap in `bytes`, which are those of the whole blob.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The pairs of field and value, in order.
    pub fn iter(self) -> Iter<'a> {
        let end = self.bytes.len().saturating_sub(1);
        Iter {
            rest: self.bytes.get(1..end).unwrap_or_default(),
        }
    }
}

impl<'a> IntoIterator for Zipmap<'a> {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The pairs of a zipmap in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let pair = decode(self.rest).ok();
        let size = pair.as_ref().map_or(self.rest.len(), |pair| pair.size);
        self.rest = self.rest.get(size..).unwrap_or_default();
        pair.map(|pair| (pair.field, pair.value))
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: &[u8] = b"\x02\x03foo\x03\x00bar\x05hello\x05\x00world\xff";

    #[test]
    fn the_example_in_the_drawing() {
        assert_eq!(validate(EXAMPLE), Ok(()));
        let pairs: Vec<_> = Zipmap::new(EXAMPLE).iter().collect();
        assert_eq!(pairs, [(&b"foo"[..], &b"bar"[..]), (b"hello", b"world")]);
    }

    #[test]
    fn long_sizes_and_padding_are_read() {
        let field = vec![b'f'; 300];
        let bytes = [
            b"\x01\xfe\x2c\x01\x00\x00".as_slice(),
            &field,
            b"\x01\x03v\0\0\0\xff",
        ]
        .concat();
        assert_eq!(validate(&bytes), Ok(()));
        assert_eq!(
            Zipmap::new(&bytes).iter().collect::<Vec<_>>(),
            [(&field[..], &b"v"[..])]
        );
    }

    #[test]
    fn says_what_is_wrong() {
        let fault = |bytes: &[u8]| validate(bytes).unwrap_err();
        assert_eq!(
            fault(b"\x00"),
            Error::new(
                0,
                ErrorKind::Short {
                    expected: 2,
                    found: 1
                }
            )
        );
        assert_eq!(
            fault(b"\x01\xff"),
            Error::new(
                0,
                ErrorKind::Count {
                    expected: 0,
                    found: 1
                }
            )
        );
        assert_eq!(fault(b"\x00\x01"), Error::new(1, ErrorKind::Terminator));
        assert_eq!(
            fault(b"\x01\x05ab\xff"),
            Error::new(
                2,
                ErrorKind::Short {
                    expected: 5,
                    found: 2
                }
            )
        );
        assert_eq!(
            fault(b"\x01\x01a\x01\x09b\xff"),
            Error::new(
                6,
                ErrorKind::Short {
                    expected: 9,
                    found: 0
                }
            )
        );
        assert_eq!(
            fault(b"\x01\xff\xff"),
            Error::new(1, ErrorKind::Encoding { found: 0xff })
        );
    }

    #[test]
    fn a_long_size_of_a_short_field_is_refused() {
        let bytes = b"\x01\xfe\x01\x00\x00\x00a\x01\x00b\xff";
        assert_eq!(
            validate(bytes),
            Err(Error::new(1, ErrorKind::Overlong { found: 1 }))
        );
    }

    proptest! {
        #[test]
        fn bad_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), small: bool) {
            if small {
                bytes.iter_mut().for_each(|byte| *byte %= 6);
                bytes.push(TERMINATOR);
            }
            let pairs = Zipmap::new(&bytes).iter().count();
            if validate(&bytes).is_ok() && bytes[0] < COUNT_UNKNOWN {
                prop_assert_eq!(pairs, usize::from(bytes[0]));
            }
        }
    }
}

//! Ziplist: what the listpack replaced. Old files hold lists, hashes and sorted sets in it; we only read it.
//!
//! Each entry begins with the size of the one before, so that it can be walked from the end; a change of size could
//! therefore ripple through all that follow.
//!
//! ```text
//!   offset  size    field
//!   0       4       total     bytes of the whole blob, u32 little-endian
//!   4       4       last      offset of the last entry (of the terminator if there is none), u32 little-endian
//!   8       2       count     entries, u16 little-endian; 65535 = unknown
//!   10      ..      entries
//!   ..      1       FF
//!
//!   entry = previous length, encoding, data
//!
//!   previous length       u8 up to 253, or FE and u32 little-endian; 0 for the first
//!   00xxxxxx              text of 0..=63 bytes
//!   01xxxxxx xxxxxxxx     text, 14-bit size, big-endian
//!   80 u32                text, size big-endian
//!   C0 i16, D0 i32, E0 i64, F0 i24, FE i8    integers, little-endian
//!   F1..FD                integer 0..=12
//!
//!   Example: 11 00 00 00  0E 00 00 00  02 00  00 02 68 69  04 F6  FF     "hi", "5"
//!            total 17     last 14      2      "hi"         5
//! ```
//!
//! Invariants, which [`validate`] checks:
//!
//! * `total`, `last` and `count` are true (`count` may be unknown), and the last byte is the only terminator.
//! * Each previous length is the size of the whole entry before it; the long form of a small one is legal.

use crate::wire;
use crate::{Element, Error, ErrorKind};

const LAST_AT: usize = 4;
const COUNT_AT: usize = 8;
const HEADER: usize = 10;
const TERMINATOR: u8 = 0xff;
const PREVIOUS_LONG: u8 = 0xfe;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// One entry: the claimed size of the entry before, the element, and its own size in bytes.
struct Entry<'a> {
    previous: u64,
    element: Element<'a>,
    size: usize,
}

/// Decodes the entry at the start of `tail`, which ends before the terminator.
fn decode(tail: &[u8]) -> Result<Entry<'_>, ErrorKind> {
    let short = |expected: usize| ErrorKind::Short {
        expected: expected as u64,
        found: tail.len() as u64,
    };
    let (previous, head) = match *tail.first().ok_or(short(2))? {
        PREVIOUS_LONG => (wire::u32_le(tail, 1).ok_or(short(6))?.into(), 5),
        found @ TERMINATOR => return Err(ErrorKind::Encoding { found }),
        size => (u64::from(size), 1),
    };
    let first = *tail.get(head).ok_or(short(head + 1))?;
    let text = |at: usize, len: usize| {
        let end = at.saturating_add(len);
        let element = Element::Bytes(tail.get(at..end).ok_or(short(end))?);
        Ok(Entry {
            previous,
            element,
            size: end,
        })
    };
    let int = |read: fn(&[u8], usize) -> Option<i64>, width: usize| {
        let size = head + 1 + width;
        let element = Element::Int(read(tail, head + 1).ok_or(short(size))?);
        Ok(Entry {
            previous,
            element,
            size,
        })
    };
    match first {
        0..0x40 => text(head + 1, usize::from(first)),
        0x40..0x80 => {
            let next = *tail.get(head + 1).ok_or(short(head + 2))?;
            text(
                head + 2,
                usize::from(u16::from_be_bytes([first & 0x3f, next])),
            )
        }
        0x80 => {
            let len = wire::array(tail, head + 1)
                .map(u32::from_be_bytes)
                .ok_or(short(head + 5))?;
            text(head + 5, len as usize)
        }
        0xc0 => int(wire::i16_le, 2),
        0xd0 => int(wire::i32_le, 4),
        0xe0 => int(wire::i64_le, 8),
        0xf0 => int(wire::i24_le, 3),
        0xfe => int(
            |tail, at| tail.get(at).map(|&byte| i64::from(byte.cast_signed())),
            1,
        ),
        0xf1..=0xfd => Ok(Entry {
            previous,
            element: Element::Int(i64::from(first & 0x0f) - 1),
            size: head + 1,
        }),
        found => Err(ErrorKind::Encoding { found }),
    }
}

/// Checks everything: header, terminator, each entry and what it says of the one before.
pub fn validate(bytes: &[u8]) -> Result<(), Error> {
    let (last_claimed, count_claimed) = validate_frame(bytes)?;
    let end = bytes.len() - 1;
    let (mut at, mut previous, mut last, mut count) = (HEADER, 0u64, HEADER, 0u64);
    while let Some(tail) = bytes.get(at..end).filter(|tail| !tail.is_empty()) {
        let entry = decode(tail).map_err(|kind| Error::new(at, kind))?;
        if entry.previous != previous {
            let kind = ErrorKind::PreviousLength {
                expected: previous,
                found: entry.previous,
            };
            return Err(Error::new(at, kind));
        }
        previous = entry.size as u64;
        last = at;
        count += 1;
        at += entry.size;
    }
    if u64::from(last_claimed) != last as u64 {
        let kind = ErrorKind::LastEntry {
            expected: last as u64,
            found: last_claimed.into(),
        };
        return Err(Error::new(LAST_AT, kind));
    }
    if count_claimed != COUNT_UNKNOWN && u64::from(count_claimed) != count {
        let kind = ErrorKind::Count {
            expected: count,
            found: count_claimed.into(),
        };
        return Err(Error::new(COUNT_AT, kind));
    }
    Ok(())
}

/// Checks what surrounds the entries; gives the claimed offset of the last entry and the claimed count.
fn validate_frame(bytes: &[u8]) -> Result<(u32, u16), Error> {
    let size = bytes.len() as u64;
    let (Some(total), Some(last), Some(count), true) = (
        wire::u32_le(bytes, 0),
        wire::u32_le(bytes, LAST_AT),
        wire::u16_le(bytes, COUNT_AT),
        bytes.len() > HEADER,
    ) else {
        return Err(Error::new(
            0,
            ErrorKind::Short {
                expected: HEADER as u64 + 1,
                found: size,
            },
        ));
    };
    if u64::from(total) != size {
        return Err(Error::new(
            0,
            ErrorKind::TotalSize {
                expected: size,
                found: total.into(),
            },
        ));
    }
    if bytes.last() != Some(&TERMINATOR) {
        return Err(Error::new(bytes.len() - 1, ErrorKind::Terminator));
    }
    Ok((last, count))
}

/// A ziplist in borrowed bytes. Make it of validated bytes; over others, walks end early.
#[derive(Clone, Copy, Debug)]
pub struct Ziplist<'a> {
    bytes: &'a [u8],
}

impl<'a> Ziplist<'a> {
    /// The ziplist in `bytes`, which are those of the whole blob.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The elements in order.
    pub fn iter(self) -> Iter<'a> {
        let end = self.bytes.len().saturating_sub(1);
        Iter {
            rest: self.bytes.get(HEADER..end).unwrap_or_default(),
        }
    }

    /// Number of elements; counts them if the header does not know.
    pub fn len(self) -> usize {
        match wire::u16_le(self.bytes, COUNT_AT) {
            Some(count) if count != COUNT_UNKNOWN => usize::from(count),
            _ => self.iter().count(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> IntoIterator for Ziplist<'a> {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The elements of a ziplist in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let entry = decode(self.rest).ok();
        let size = entry.as_ref().map_or(self.rest.len(), |entry| entry.size);
        self.rest = self.rest.get(size..).unwrap_or_default();
        entry.map(|entry| entry.element)
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: [u8; 17] = [
        0x11, 0, 0, 0, 0x0e, 0, 0, 0, 2, 0, 0, 2, b'h', b'i', 4, 0xf6, 0xff,
    ];

    /// A ziplist of raw entries (encoding and data), with true previous lengths and header.
    fn build(entries: &[&[u8]]) -> Vec<u8> {
        let mut body = Vec::new();
        let (mut previous, mut last) = (0, 0);
        for entry in entries {
            last = body.len();
            if previous < 254 {
                body.push(previous as u8);
            } else {
                body.push(PREVIOUS_LONG);
                body.extend_from_slice(&(previous as u32).to_le_bytes());
            }
            body.extend_from_slice(entry);
            previous = body.len() - last;
        }
        let mut bytes = ((HEADER + body.len() + 1) as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&((HEADER + last) as u32).to_le_bytes());
        bytes.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.push(TERMINATOR);
        bytes
    }

    #[test]
    fn the_example_in_the_drawing() {
        assert_eq!(validate(&EXAMPLE), Ok(()));
        let elements: Vec<_> = Ziplist::new(&EXAMPLE).iter().collect();
        assert_eq!(elements, [Element::Bytes(b"hi"), Element::Int(5)]);
        assert_eq!(build(&[&[2, b'h', b'i'], &[0xf6]]), EXAMPLE);
    }

    #[test]
    fn every_encoding_is_read() {
        let long = [&[0x41, 0x2c][..], &[b'x'; 300]].concat();
        let huge = [&[0x80, 0, 0, 0x40, 0][..], &vec![b'y'; 16384]].concat();
        let bytes = build(&[
            &long,
            &huge,
            &[0xc0, 0, 0x80],
            &[0xd0, 0, 0, 0, 0x80],
            &[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0xf0, 0xff, 0xff, 0xff],
            &[0xfe, 0x80],
            &[0xf1],
            &[0xfd],
            &[0],
        ]);
        assert_eq!(validate(&bytes), Ok(()));
        let texts: Vec<_> = Ziplist::new(&bytes)
            .iter()
            .map(|element| element.to_vec())
            .collect();
        assert_eq!(texts[0], [b'x'; 300]);
        assert_eq!(texts[1], vec![b'y'; 16384]);
        let rest: Vec<_> = texts[2..]
            .iter()
            .map(|text| String::from_utf8_lossy(text))
            .collect();
        assert_eq!(
            rest,
            [
                "-32768",
                "-2147483648",
                "-9223372036854775808",
                "-1",
                "-128",
                "0",
                "12",
                ""
            ]
        );
        assert_eq!(Ziplist::new(&bytes).len(), 10);
    }

    #[test]
    fn an_empty_one_and_an_unknown_count_are_legal() {
        let mut empty = build(&[]);
        assert_eq!(validate(&empty), Ok(()));
        empty[8..10].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(validate(&empty), Ok(()));
        assert!(Ziplist::new(&empty).is_empty());
    }

    #[test]
    fn says_what_is_wrong() {
        let fault = |at: usize, byte: u8| {
            let mut bytes = EXAMPLE;
            bytes[at] = byte;
            validate(&bytes).unwrap_err()
        };
        assert_eq!(
            fault(0, 16),
            Error::new(
                0,
                ErrorKind::TotalSize {
                    expected: 17,
                    found: 16
                }
            )
        );
        assert_eq!(
            fault(4, 10),
            Error::new(
                4,
                ErrorKind::LastEntry {
                    expected: 14,
                    found: 10
                }
            )
        );
        assert_eq!(
            fault(8, 3),
            Error::new(
                8,
                ErrorKind::Count {
                    expected: 2,
                    found: 3
                }
            )
        );
        assert_eq!(
            fault(11, 9),
            Error::new(
                10,
                ErrorKind::Short {
                    expected: 11,
                    found: 6
                }
            )
        );
        assert_eq!(
            fault(14, 5),
            Error::new(
                14,
                ErrorKind::PreviousLength {
                    expected: 4,
                    found: 5
                }
            )
        );
        assert_eq!(
            fault(15, 0xff),
            Error::new(14, ErrorKind::Encoding { found: 0xff })
        );
        assert_eq!(fault(16, 0), Error::new(16, ErrorKind::Terminator));
    }

    proptest! {
        #[test]
        fn bad_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), framed: bool) {
            if framed && bytes.len() > HEADER {
                let total = (bytes.len() as u32).to_le_bytes();
                bytes[..4].copy_from_slice(&total);
                *bytes.last_mut().unwrap() = TERMINATOR;
            }
            let _ = (validate(&bytes), Ziplist::new(&bytes).iter().count());
        }

        #[test]
        fn a_flipped_byte_is_seen_or_harmless(at in 0..EXAMPLE.len(), byte: u8) {
            let mut bytes = EXAMPLE;
            bytes[at] = byte;
            if validate(&bytes).is_ok() && bytes[8..10] != [0xff, 0xff] {
                prop_assert_eq!(Ziplist::new(&bytes).iter().count(), 2);
            }
        }
    }
}

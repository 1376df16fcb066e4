//! Listpack: the blob in which small lists, hashes, sets, sorted sets and stream nodes are kept, in memory and in
//! files alike.
//!
//! A run of entries that can be walked from either end, integers stored as integers, one allocation for all.
//!
//! ```text
//!   offset  size  field
//!   0       4     total     bytes of the whole blob, u32 little-endian
//!   4       2     count     entries, u16 little-endian; 65535 = unknown, count them
//!   6       ..    entries
//!   ..      1     FF
//!
//!   entry = encoding and data, then back length
//!
//!   0xxxxxxx              integer 0..=127
//!   10xxxxxx              text of 0..=63 bytes
//!   110xxxxx xxxxxxxx     integer of 13 bits, signed, big-endian bits
//!   1110xxxx xxxxxxxx     text of 0..=4095 bytes, size big-endian
//!   F0 u32                text, size little-endian
//!   F1 i16, F2 i24, F3 i32, F4 i64    integers, little-endian
//!   back length           size of encoding and data in groups of 7 bits, most significant first; every byte but the
//!                         first has its top bit set, so that it reads from the right
//!
//!   Example: 0E 00 00 00  02 00  82 68 69 03  C4 00 02  FF      "hi", "1024"
//!            total 14     2      "hi"         1024
//! ```
//!
//! Invariants, which [`validate`] checks and every edit of a [`ListpackBuf`] keeps:
//!
//! * `total` is the size of the blob, and its last byte is the only terminator.
//! * `count` is the number of entries, or 65535.
//! * Each back length equals the size of its entry, in the width that the size demands.
//! * What we write holds no text that is a canonical i64, and each entry in its smallest form; what we read may.

mod buf;
mod entry;

pub use buf::ListpackBuf;

use crate::number;
use crate::wire;
use crate::{Element, Error, ErrorKind};
use entry::TERMINATOR;

const TOTAL_AT: usize = 0;
const COUNT_AT: usize = 4;
const HEADER: usize = 6;
const EMPTY_LEN: usize = HEADER + 1;
/// A count that says nothing: there may be this many entries, or more, or fewer.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// Byte offset of an entry in its listpack. Good until the listpack is edited before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos(u32);

impl Pos {
    /// The byte offset.
    pub const fn offset(self) -> usize {
        self.0 as usize
    }

    /// A position at a byte offset; `None` past 4 GiB, which no listpack reaches.
    fn new(offset: usize) -> Option<Self> {
        u32::try_from(offset).ok().map(Self)
    }
}

/// Bytes that `text` will take as an element, back length included.
pub fn encoded_len(text: &[u8]) -> usize {
    entry::Encoded::of(Element::from_text(text)).len()
}

/// Checks everything: total size, terminator, each entry and back length, and the count unless it is unknown.
pub fn validate(bytes: &[u8]) -> Result<(), Error> {
    let claimed = validate_frame(bytes)?;
    let end = bytes.len() - 1;
    let (mut at, mut count) = (HEADER, 0u64);
    while let Some(tail) = bytes.get(at..end).filter(|tail| !tail.is_empty()) {
        at += entry::validate(tail).map_err(|kind| Error::new(at, kind))?;
        count += 1;
    }
    if claimed != COUNT_UNKNOWN && u64::from(claimed) != count {
        return Err(Error::new(
            COUNT_AT,
            ErrorKind::Count {
                expected: count,
                found: claimed.into(),
            },
        ));
    }
    Ok(())
}

/// Checks what surrounds the entries; gives the claimed count.
fn validate_frame(bytes: &[u8]) -> Result<u16, Error> {
    let short = ErrorKind::Short {
        expected: EMPTY_LEN as u64,
        found: bytes.len() as u64,
    };
    let (Some(total), Some(count), true) = (
        wire::u32_le(bytes, TOTAL_AT),
        wire::u16_le(bytes, COUNT_AT),
        bytes.len() >= EMPTY_LEN,
    ) else {
        return Err(Error::new(0, short));
    };
    if u64::from(total) != bytes.len() as u64 {
        let kind = ErrorKind::TotalSize {
            expected: bytes.len() as u64,
            found: total.into(),
        };
        return Err(Error::new(TOTAL_AT, kind));
    }
    if bytes.last() != Some(&TERMINATOR) {
        return Err(Error::new(bytes.len() - 1, ErrorKind::Terminator));
    }
    Ok(count)
}

/// A listpack in borrowed bytes. Make it of validated bytes; over others, walks end early and say nothing sensible.
#[derive(Clone, Copy, Debug)]
pub struct Listpack<'a> {
    bytes: &'a [u8],
}

impl<'a> Listpack<'a> {
    /// The listpack in `bytes`, which are those of the whole blob.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The blob.
    #[inline]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Number of elements; counts them if the header does not know.
    pub fn len(self) -> usize {
        match wire::u16_le(self.bytes, COUNT_AT) {
            None => 0,
            Some(COUNT_UNKNOWN) => self.positions().count(),
            Some(count) => usize::from(count),
        }
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start().is_none()
    }

    /// The elements in order, or from the end.
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter {
            bytes: self.bytes,
            front: HEADER,
            back: self.end().max(HEADER),
        }
    }

    /// The element at `index`, negative from the end: -1 is the last.
    pub fn get(self, index: isize) -> Option<Element<'a>> {
        self.seek(index).map(|pos| self.at(pos))
    }

    /// The first element.
    #[inline]
    pub fn first(self) -> Option<Element<'a>> {
        self.iter().next()
    }

    /// The last element.
    #[inline]
    pub fn last(self) -> Option<Element<'a>> {
        self.iter().next_back()
    }

    /// Where the terminator is.
    #[inline]
    fn end(self) -> usize {
        self.bytes.len().saturating_sub(1)
    }

    /// The position past the last element, where nothing can be read but something inserted.
    #[inline]
    pub fn end_pos(self) -> Pos {
        Pos(u32::try_from(self.end()).unwrap_or(u32::MAX))
    }

    /// The position at `offset` if an entry can start there.
    #[inline]
    fn entry_at(self, offset: usize) -> Option<Pos> {
        if offset < self.end() {
            Pos::new(offset)
        } else {
            None
        }
    }

    /// The position of the first element.
    #[inline]
    pub fn start(self) -> Option<Pos> {
        self.entry_at(HEADER)
    }

    /// The position of the last element.
    #[inline]
    pub fn last_pos(self) -> Option<Pos> {
        self.prev(self.end_pos())
    }

    /// The position of the element after the one at `pos`.
    #[inline]
    pub fn next(self, pos: Pos) -> Option<Pos> {
        let size = entry::skip(self.bytes.get(pos.offset()..)?)?;
        self.entry_at(pos.offset().checked_add(size)?)
    }

    /// The position of the element before the one at `pos`, which may be `end_pos()`.
    #[inline]
    pub fn prev(self, pos: Pos) -> Option<Pos> {
        if pos.offset() <= HEADER {
            return None;
        }
        let (size, width) = entry::read_back(self.bytes, pos.offset())?;
        let start = pos.offset().checked_sub(size.checked_add(width)?)?;
        if start < HEADER || size == 0 {
            None
        } else {
            self.entry_at(start)
        }
    }

    /// The element at `pos`, which came from this listpack; an empty text if nothing can be read there.
    #[inline]
    pub fn at(self, pos: Pos) -> Element<'a> {
        let tail = self.bytes.get(pos.offset()..self.end()).unwrap_or_default();
        entry::decode(tail).map_or(Element::Bytes(&[]), |(element, _)| element)
    }

    /// The position of the element at `index`, negative from the end. Walks from the nearer end, where the header knows
    /// which that is.
    pub fn seek(self, index: isize) -> Option<Pos> {
        match self.counted() {
            Some(len) if index >= 0 && index as usize >= len => None,
            Some(len) if index >= 0 && index as usize > len / 2 => {
                self.seek_back(len - index as usize)
            }
            _ if index < 0 => self.seek_back(index.unsigned_abs()),
            _ => {
                let mut pos = self.start()?;
                for _ in 0..index {
                    pos = self.next(pos)?;
                }
                Some(pos)
            }
        }
    }

    /// The position of the element `count` from the end; 1 is the last.
    fn seek_back(self, count: usize) -> Option<Pos> {
        let mut pos = self.end_pos();
        for _ in 0..count {
            pos = self.prev(pos)?;
        }
        Some(pos)
    }

    /// Number of elements, if the header knows it.
    fn counted(self) -> Option<usize> {
        let count = wire::u16_le(self.bytes, COUNT_AT)?;
        (count != COUNT_UNKNOWN).then_some(usize::from(count))
    }

    /// The positions of the elements in order.
    fn positions(self) -> impl Iterator<Item = Pos> {
        std::iter::successors(self.start(), move |pos| self.next(*pos))
    }

    /// The first element with this text among every `skip + 1`st, from the first on: 0 looks at all, 1 at the fields
    /// of field-value pairs.
    pub fn find(self, text: &[u8], skip: usize) -> Option<Pos> {
        self.find_from(self.start()?, text, skip)
    }

    /// As [`find`](Self::find), from the element at `pos` on.
    pub fn find_from(self, pos: Pos, text: &[u8], skip: usize) -> Option<Pos> {
        let int = number::parse_i64(text);
        let end = self.end();
        let mut at = pos.offset();
        loop {
            let tail = self.bytes.get(at..end)?;
            let (element, size) = entry::decode(tail)?;
            let found = match element {
                Element::Int(here) => int == Some(here),
                Element::Bytes(here) => here == text,
            };
            if found {
                return Pos::new(at);
            }
            at += size + entry::back_width(size);
            for _ in 0..skip {
                at = at.checked_add(entry::skip(self.bytes.get(at..end)?)?)?;
            }
        }
    }
}

impl<'a> IntoIterator for Listpack<'a> {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The elements of a listpack, from either end.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let tail = self.bytes.get(self.front..self.back)?;
        if let Some((element, size)) = entry::decode(tail) {
            self.front += size + entry::back_width(size);
            return Some(element);
        }
        self.front = self.back;
        None
    }

    #[inline]
    fn nth(&mut self, count: usize) -> Option<Element<'a>> {
        for _ in 0..count {
            let size = self.bytes.get(self.front..self.back).and_then(entry::skip);
            self.front = size
                .and_then(|size| self.front.checked_add(size))
                .unwrap_or(self.back);
        }
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let listpack = Listpack { bytes: self.bytes };
        let before = Pos::new(self.back)
            .and_then(|back| listpack.prev(back))
            .map(Pos::offset);
        let start = before.filter(|start| *start >= self.front && *start < self.back);
        let decoded = start.and_then(|start| entry::decode(self.bytes.get(start..self.back)?));
        self.back = start.unwrap_or(self.front);
        decoded.map(|(element, _)| element)
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: [u8; 14] = [0x0e, 0, 0, 0, 2, 0, 0x82, b'h', b'i', 3, 0xc4, 0, 2, 0xff];

    #[test]
    fn the_example_in_the_drawing() {
        assert_eq!(validate(&EXAMPLE), Ok(()));
        let listpack = Listpack::new(&EXAMPLE);
        assert_eq!(
            listpack.iter().collect::<Vec<_>>(),
            [Element::Bytes(b"hi"), Element::Int(1024)]
        );
        assert_eq!(
            listpack.iter().rev().collect::<Vec<_>>(),
            [Element::Int(1024), Element::Bytes(b"hi")]
        );
        let built: ListpackBuf = [&b"hi"[..], b"1024"].into_iter().collect();
        assert_eq!(built.bytes(), EXAMPLE);
    }

    #[test]
    fn says_what_is_wrong() {
        let fault = |at: usize, byte: u8| {
            let mut bytes = EXAMPLE;
            bytes[at] = byte;
            validate(&bytes).unwrap_err()
        };
        assert_eq!(
            validate(&EXAMPLE[..6]),
            Err(Error::new(
                0,
                ErrorKind::Short {
                    expected: 7,
                    found: 6
                }
            ))
        );
        assert_eq!(
            fault(0, 13),
            Error::new(
                0,
                ErrorKind::TotalSize {
                    expected: 14,
                    found: 13
                }
            )
        );
        assert_eq!(
            fault(4, 3),
            Error::new(
                4,
                ErrorKind::Count {
                    expected: 2,
                    found: 3
                }
            )
        );
        assert_eq!(
            fault(6, 0x8f),
            Error::new(
                6,
                ErrorKind::Short {
                    expected: 17,
                    found: 7
                }
            )
        );
        assert_eq!(
            fault(9, 4),
            Error::new(6, ErrorKind::BackLength { expected: 3 })
        );
        assert_eq!(
            fault(10, 0xff),
            Error::new(10, ErrorKind::Encoding { found: 0xff })
        );
        assert_eq!(fault(13, 0), Error::new(13, ErrorKind::Terminator));
    }

    #[test]
    fn an_unknown_count_is_counted() {
        let mut bytes = EXAMPLE;
        bytes[4..6].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(validate(&bytes), Ok(()));
        assert_eq!(Listpack::new(&bytes).len(), 2);
    }

    #[test]
    fn finds_fields_and_not_values() {
        let pairs: ListpackBuf = [&b"a"[..], b"b", b"b", b"7", b"7", b"c"]
            .into_iter()
            .collect();
        let listpack = pairs.as_ref();
        assert_eq!(listpack.find(b"b", 1), listpack.seek(2));
        assert_eq!(listpack.find(b"b", 0), listpack.seek(1));
        assert_eq!(listpack.find(b"7", 1), listpack.seek(-2));
        assert_eq!(listpack.find(b"07", 0), None);
        assert_eq!(listpack.find(b"c", 1), None);
        let second = listpack.seek(2).unwrap();
        assert_eq!(listpack.find_from(second, b"b", 0), Some(second));
        assert_eq!(listpack.find_from(second, b"a", 0), None);
    }

    #[test]
    fn an_empty_one_has_nothing_anywhere() {
        let empty = ListpackBuf::new();
        let listpack = empty.as_ref();
        assert_eq!(validate(empty.bytes()), Ok(()));
        assert_eq!(
            (listpack.len(), listpack.first(), listpack.last()),
            (0, None, None)
        );
        assert_eq!(
            (listpack.start(), listpack.last_pos(), listpack.find(b"", 0)),
            (None, None, None)
        );
        assert!(listpack.is_empty());
    }

    proptest! {
        #[test]
        fn bad_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), text: Vec<u8>, skip in 0usize..3) {
            if let Some(last) = bytes.last_mut() {
                *last = TERMINATOR;
            }
            let listpack = Listpack::new(&bytes);
            let _ = (validate(&bytes), listpack.iter().count(), listpack.iter().rev().count());
            let _ = (listpack.len(), listpack.get(3), listpack.get(-3), listpack.find(&text, skip), listpack.iter().nth(2));
            for offset in 0..80 {
                let pos = Pos(offset);
                let _ = (listpack.at(pos), listpack.next(pos), listpack.prev(pos), listpack.find_from(pos, &text, skip));
            }
        }

        #[test]
        fn valid_bytes_read_alike_both_ways(mut bytes in prop::sample::select(vec![EXAMPLE.to_vec()]), at in 4usize..13, byte: u8) {
            bytes[at] = byte;
            if validate(&bytes).is_ok() {
                let listpack = Listpack::new(&bytes);
                let mut backward: Vec<_> = listpack.iter().rev().collect();
                backward.reverse();
                prop_assert_eq!(listpack.iter().collect::<Vec<_>>(), backward);
            }
        }
    }
}

//! Intset: a small set of integers as one sorted array.
//!
//! All elements have one width, the smallest that holds the largest of them, so that membership is a binary search.
//!
//! ```text
//!   offset  size   field
//!   0       4      width     bytes an element: 2, 4 or 8; u32 little-endian
//!   4       4      count     elements, u32 little-endian
//!   8       ..     elements  signed, little-endian, strictly ascending
//!
//!   Example: 02 00 00 00  03 00 00 00  FF FF  05 00  E8 03     {-1, 5, 1000}
//! ```
//!
//! Invariants, which [`validate`] checks and every edit of an [`IntsetBuf`] keeps:
//!
//! * The blob is `8 + width * count` bytes.
//! * Elements ascend strictly.
//!
//! A width wider than needed is legal: servers never narrow one, and neither do we. A blob from outside must have an
//! element; an [`IntsetBuf`] may be empty while its owner decides what becomes of it.

use crate::room::reserve;
use crate::wire;
use crate::{Error, ErrorKind};

const WIDTH_AT: usize = 0;
const COUNT_AT: usize = 4;
const HEADER: usize = 8;

/// Bytes an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    #[inline]
    fn of_header(bytes: &[u8]) -> Option<Self> {
        match wire::u32_le(bytes, WIDTH_AT)? {
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The width that `int` needs.
    fn of(int: i64) -> Self {
        if i16::try_from(int).is_ok() {
            Self::Two
        } else if i32::try_from(int).is_ok() {
            Self::Four
        } else {
            Self::Eight
        }
    }

    #[inline]
    fn read(self, bytes: &[u8], at: usize) -> Option<i64> {
        match self {
            Self::Two => wire::i16_le(bytes, at),
            Self::Four => wire::i32_le(bytes, at),
            Self::Eight => wire::i64_le(bytes, at),
        }
    }

    /// Fills `place`, which is this wide, with `int`.
    fn write(self, int: i64, place: &mut [u8]) {
        for (byte, raw) in place.iter_mut().zip(int.to_le_bytes()) {
            *byte = raw;
        }
    }
}

/// Checks everything: width, size, that there is an element, and that elements ascend.
pub fn validate(bytes: &[u8]) -> Result<(), Error> {
    let (Some(raw_width), Some(count)) =
        (wire::u32_le(bytes, WIDTH_AT), wire::u32_le(bytes, COUNT_AT))
    else {
        let kind = ErrorKind::Short {
            expected: HEADER as u64,
            found: bytes.len() as u64,
        };
        return Err(Error::new(0, kind));
    };
    let Some(width) = Width::of_header(bytes) else {
        return Err(Error::new(
            WIDTH_AT,
            ErrorKind::ElementSize { found: raw_width },
        ));
    };
    let claimed = HEADER as u64 + u64::from(count) * width as u64;
    if claimed != bytes.len() as u64 {
        let kind = ErrorKind::TotalSize {
            expected: bytes.len() as u64,
            found: claimed,
        };
        return Err(Error::new(COUNT_AT, kind));
    }
    if count == 0 {
        return Err(Error::new(COUNT_AT, ErrorKind::Empty));
    }
    let set = Intset::new(bytes);
    match set
        .iter()
        .zip(set.iter().skip(1))
        .position(|(left, right)| left >= right)
    {
        Some(index) => Err(Error::new(
            HEADER + (index + 1) * width as usize,
            ErrorKind::NotAscending,
        )),
        None => Ok(()),
    }
}

/// An intset in borrowed bytes. Make it of validated bytes; over others, answers make no sense but nothing panics.
#[derive(Clone, Copy, Debug)]
pub struct Intset<'a> {
    bytes: &'a [u8],
    width: Width,
    len: usize,
}

impl<'a> Intset<'a> {
    /// The intset in `bytes`, which are those of the whole blob.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let width = Width::of_header(bytes).unwrap_or(Width::Two);
        let room = bytes.len().saturating_sub(HEADER) / width as usize;
        let claimed = wire::u32_le(bytes, COUNT_AT).unwrap_or(0) as usize;
        Self {
            bytes,
            width,
            len: claimed.min(room),
        }
    }

    /// The blob.
    #[inline]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Number of elements.
    #[inline]
    pub const fn len(self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The element at `index` in ascending order.
    #[inline]
    pub fn get(self, index: usize) -> Option<i64> {
        if index >= self.len {
            return None;
        }
        self.width
            .read(self.bytes, HEADER + index * self.width as usize)
    }

    /// Whether `int` is an element.
    #[inline]
    pub fn contains(self, int: i64) -> bool {
        Width::of(int) <= self.width && self.search(int).is_ok()
    }

    /// The index of `int`, or else the index where it belongs.
    pub fn search(self, int: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(here) if here == int => return Ok(middle),
                Some(here) if here < int => low = middle + 1,
                _ => high = middle,
            }
        }
        Err(low)
    }

    /// The elements, ascending.
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter {
            set: self,
            range: 0..self.len,
        }
    }
}

impl<'a> IntoIterator for Intset<'a> {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The elements of an intset, ascending.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    set: Intset<'a>,
    range: std::ops::Range<usize>,
}

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        self.range.next().and_then(|index| self.set.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }

    fn nth(&mut self, count: usize) -> Option<i64> {
        self.range.nth(count).and_then(|index| self.set.get(index))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<i64> {
        self.range.next_back().and_then(|index| self.set.get(index))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl std::iter::FusedIterator for Iter<'_> {}

/// An owned intset that can be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntsetBuf {
    bytes: Vec<u8>,
}

impl Default for IntsetBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl IntsetBuf {
    /// A set without elements, 8 bytes.
    pub fn new() -> Self {
        Self {
            bytes: vec![Width::Two as u8, 0, 0, 0, 0, 0, 0, 0],
        }
    }

    /// The intset in bytes that [`validate`] accepted.
    pub fn from_vec_trusted(bytes: Vec<u8>) -> Self {
        debug_assert!(validate(&bytes).is_ok() || Intset::new(&bytes).is_empty());
        if bytes.len() < HEADER {
            Self::new()
        } else {
            Self { bytes }
        }
    }

    /// The intset, to read.
    #[inline]
    pub fn as_ref(&self) -> Intset<'_> {
        Intset::new(&self.bytes)
    }

    /// The blob.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The blob, to keep.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.as_ref().is_empty()
    }

    /// Adds `int`; whether it was not there.
    pub fn insert(&mut self, int: i64) -> bool {
        let set = self.as_ref();
        if Width::of(int) > set.width {
            self.widen(Width::of(int));
        }
        let Err(index) = self.as_ref().search(int) else {
            return false;
        };
        let (width, count) = (self.as_ref().width, self.len());
        let at = HEADER + index * width as usize;
        let end = self.bytes.len();
        reserve(&mut self.bytes, width as usize);
        self.bytes.resize(end + width as usize, 0);
        self.bytes.copy_within(at..end, at + width as usize);
        if let Some(place) = self.bytes.get_mut(at..at + width as usize) {
            width.write(int, place);
        }
        self.store_header(width, count + 1);
        true
    }

    /// Removes `int`; whether it was there.
    pub fn remove(&mut self, int: i64) -> bool {
        let set = self.as_ref();
        let (width, count) = (set.width, set.len());
        let Ok(index) = set.search(int) else {
            return false;
        };
        let at = HEADER + index * width as usize;
        self.bytes.drain(at..at + width as usize);
        self.store_header(width, count - 1);
        true
    }

    /// Rewrites all elements at a greater width.
    fn widen(&mut self, width: Width) {
        let set = self.as_ref();
        let mut wide = vec![0; HEADER + set.len() * width as usize];
        let places = wide
            .get_mut(HEADER..)
            .unwrap_or_default()
            .chunks_exact_mut(width as usize);
        places
            .zip(set)
            .for_each(|(place, int)| width.write(int, place));
        let count = set.len();
        self.bytes = wide;
        self.store_header(width, count);
    }

    fn store_header(&mut self, width: Width, count: usize) {
        let count = u32::try_from(count).expect("owners keep intsets below 2^32 elements");
        if let Some(header) = self.bytes.first_chunk_mut::<HEADER>() {
            *header = (u64::from(count) << 32 | width as u64).to_le_bytes();
        }
    }
}

impl FromIterator<i64> for IntsetBuf {
    fn from_iter<I: IntoIterator<Item = i64>>(ints: I) -> Self {
        let mut set = Self::new();
        ints.into_iter().for_each(|int| {
            set.insert(int);
        });
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const EXAMPLE: [u8; 14] = [2, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 5, 0, 0xe8, 3];

    #[test]
    fn the_example_in_the_drawing() {
        let set: IntsetBuf = [5, 1000, -1].into_iter().collect();
        assert_eq!(set.bytes(), EXAMPLE);
        assert_eq!(validate(&EXAMPLE), Ok(()));
        assert!(set.as_ref().contains(1000));
        assert!(!set.as_ref().contains(1 << 40));
    }

    #[test]
    fn widths_grow_and_stay() {
        let mut set = IntsetBuf::new();
        for (int, width) in [
            (0x7fff, 2),
            (0x8000, 4),
            (-0x8000_0000, 4),
            (0x8000_0000, 8),
        ] {
            assert!(set.insert(int));
            assert_eq!(set.bytes()[0], width);
        }
        assert!(set.remove(0x8000_0000));
        assert_eq!(set.bytes()[0], 8);
        assert_eq!(
            set.as_ref().iter().collect::<Vec<_>>(),
            [-0x8000_0000, 0x7fff, 0x8000]
        );
    }

    #[test]
    fn says_what_is_wrong() {
        let fault = |bytes: &[u8]| validate(bytes).unwrap_err();
        assert_eq!(
            fault(&[2, 0, 0]),
            Error::new(
                0,
                ErrorKind::Short {
                    expected: 8,
                    found: 3
                }
            )
        );
        assert_eq!(
            fault(&[3, 0, 0, 0, 0, 0, 0, 0]),
            Error::new(0, ErrorKind::ElementSize { found: 3 })
        );
        assert_eq!(
            fault(&[2, 0, 0, 0, 0, 0, 0, 0]),
            Error::new(4, ErrorKind::Empty)
        );
        let mut many = EXAMPLE;
        many[7] = 0x80;
        assert_eq!(
            fault(&many),
            Error::new(
                4,
                ErrorKind::TotalSize {
                    expected: 14,
                    found: 8 + 2 * 0x8000_0003
                }
            )
        );
        let mut repeated = EXAMPLE;
        repeated[8..10].copy_from_slice(&[5, 0]);
        assert_eq!(fault(&repeated), Error::new(10, ErrorKind::NotAscending));
    }

    proptest! {
        #[test]
        fn edits_match_a_btree_set(steps in prop::collection::vec((any::<bool>(), -40i64..40, 0u32..4), 0..80)) {
            let (mut set, mut model) = (IntsetBuf::new(), BTreeSet::new());
            for (insert, seed, scale) in steps {
                let int = seed << (scale * 14);
                if insert {
                    prop_assert_eq!(set.insert(int), model.insert(int));
                } else {
                    prop_assert_eq!(set.remove(int), model.remove(&int));
                }
                prop_assert!(set.is_empty() || validate(set.bytes()).is_ok());
                prop_assert_eq!(set.len(), model.len());
                prop_assert_eq!(set.as_ref().contains(int), model.contains(&int));
                prop_assert!(set.as_ref().iter().eq(model.iter().copied()));
                prop_assert!(set.as_ref().iter().rev().eq(model.iter().rev().copied()));
            }
        }

        #[test]
        fn bad_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), int: i64) {
            let set = Intset::new(&bytes);
            let _ = (validate(&bytes), set.iter().count(), set.contains(int), set.get(usize::MAX));
        }
    }
}

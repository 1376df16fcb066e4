//! One listpack entry: encoding byte, data, back length. The layout is drawn in the parent module.

use crate::wire;
use crate::{Element, ErrorKind};

pub(super) const TERMINATOR: u8 = 0xff;

const INT_13_BIT: u8 = 0xc0;
const TEXT_6_BIT: u8 = 0x80;
const TEXT_12_BIT: u8 = 0xe0;
const TEXT_32_BIT: u8 = 0xf0;
const INT_16_BIT: u8 = 0xf1;
const INT_24_BIT: u8 = 0xf2;
const INT_32_BIT: u8 = 0xf3;
const INT_64_BIT: u8 = 0xf4;

/// Bytes of the longest back length.
const BACK_MAX: usize = 5;
/// Bytes of the longest encoding with its size or integer.
const HEAD_MAX: usize = 9;

/// Width of the back length of an entry whose encoding and data take `size` bytes. Validators on real servers
/// recompute it, so these are their exact bounds, uneven as they are.
#[inline]
pub(super) const fn back_width(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// Reads the back length that ends just before `end`: the entry's size of encoding and data, and its own width.
#[inline]
pub(super) fn read_back(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let mut size = 0u64;
    for (group, &byte) in bytes.get(..end)?.iter().rev().take(BACK_MAX).enumerate() {
        size |= u64::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(size).ok()?, group + 1));
        }
    }
    None
}

/// Decodes the entry at the start of `tail`: the element and the size of encoding and data.
#[inline]
pub(super) fn decode(tail: &[u8]) -> Option<(Element<'_>, usize)> {
    let (&first, rest) = tail.split_first()?;
    if first < TEXT_6_BIT {
        Some((Element::Int(i64::from(first)), 1))
    } else if first < INT_13_BIT {
        let len = usize::from(first & 0x3f);
        Some((Element::Bytes(rest.get(..len)?), 1 + len))
    } else {
        decode_wide(first, tail)
    }
}

#[inline]
fn decode_wide(first: u8, tail: &[u8]) -> Option<(Element<'_>, usize)> {
    let text = |head: usize, len: usize| {
        let end = head.checked_add(len)?;
        Some((Element::Bytes(tail.get(head..end)?), end))
    };
    match first {
        INT_13_BIT..TEXT_12_BIT => {
            let raw = i16::from_be_bytes([first & 0x1f, *tail.get(1)?]);
            Some((Element::Int(i64::from((raw << 3) >> 3)), 2))
        }
        TEXT_12_BIT..TEXT_32_BIT => text(
            2,
            usize::from(u16::from_be_bytes([first & 0x0f, *tail.get(1)?])),
        ),
        TEXT_32_BIT => text(5, wire::u32_le(tail, 1)? as usize),
        INT_16_BIT => Some((Element::Int(wire::i16_le(tail, 1)?), 3)),
        INT_24_BIT => Some((Element::Int(wire::i24_le(tail, 1)?), 4)),
        INT_32_BIT => Some((Element::Int(wire::i32_le(tail, 1)?), 5)),
        INT_64_BIT => Some((Element::Int(wire::i64_le(tail, 1)?), 9)),
        _ => None,
    }
}

/// Bytes of the whole entry at the start of `tail`, back length included, without looking at the data.
#[inline]
pub(super) fn skip(tail: &[u8]) -> Option<usize> {
    let &first = tail.first()?;
    let size = match first {
        0..TEXT_6_BIT => 1,
        TEXT_6_BIT..INT_13_BIT => 1 + usize::from(first & 0x3f),
        INT_13_BIT..TEXT_12_BIT => 2,
        TEXT_12_BIT..TEXT_32_BIT => {
            2 + usize::from(u16::from_be_bytes([first & 0x0f, *tail.get(1)?]))
        }
        TEXT_32_BIT => (wire::u32_le(tail, 1)? as usize).checked_add(5)?,
        INT_16_BIT => 3,
        INT_24_BIT => 4,
        INT_32_BIT => 5,
        INT_64_BIT => 9,
        _ => return None,
    };
    size.checked_add(back_width(size))
}

/// Why `decode` finds no entry at the start of `tail`.
pub(super) fn fault(tail: &[u8]) -> ErrorKind {
    match tail.first() {
        Some(&found @ 0xf5..) => ErrorKind::Encoding { found },
        _ => ErrorKind::Short {
            expected: skip(tail).unwrap_or(BACK_MAX) as u64,
            found: tail.len() as u64,
        },
    }
}

/// Checks the entry at the start of `tail`, back length included: the bytes that it takes.
pub(super) fn validate(tail: &[u8]) -> Result<usize, ErrorKind> {
    let (_, size) = decode(tail).ok_or_else(|| fault(tail))?;
    let back = Back::of(size);
    match tail.get(size..).and_then(|rest| rest.get(..back.width)) {
        Some(found) if found == back.as_bytes() => Ok(size + back.width),
        Some(_) => Err(ErrorKind::BackLength {
            expected: size as u64,
        }),
        None => Err(fault(tail)),
    }
}

/// A back length ready to be written.
struct Back {
    raw: [u8; BACK_MAX],
    width: usize,
}

impl Back {
    #[inline]
    fn of(size: usize) -> Self {
        let width = back_width(size);
        let mut raw = [0; BACK_MAX];
        for (place, byte) in raw.iter_mut().take(width).enumerate() {
            let group = width - 1 - place;
            let continues = if place == 0 { 0 } else { 0x80 };
            *byte = (size >> (7 * group)) as u8 & 0x7f | continues;
        }
        Self { raw, width }
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.raw.get(..self.width).unwrap_or_default()
    }
}

/// An entry ready to be written: its three parts in order.
pub(super) struct Encoded<'a> {
    head: [u8; HEAD_MAX],
    head_len: usize,
    data: &'a [u8],
    back: Back,
}

impl<'a> Encoded<'a> {
    /// The entry of an element in its smallest form. Text that spells an integer stays text: `Element::from_text`
    /// makes the integer.
    #[inline]
    pub(super) fn of(element: Element<'a>) -> Self {
        match element {
            Element::Int(int) => Self::of_int(int),
            Element::Bytes(text) => Self::of_bytes(text),
        }
    }

    #[inline]
    fn of_bytes(data: &'a [u8]) -> Self {
        match data.len() {
            len @ 0..=63 => Self::new(&[TEXT_6_BIT | len as u8], data),
            len @ 64..=4095 => Self::new(&[TEXT_12_BIT | (len >> 8) as u8, len as u8], data),
            len => {
                let [a, b, c, d] = (len as u32).to_le_bytes();
                Self::new(&[TEXT_32_BIT, a, b, c, d], data)
            }
        }
    }

    #[inline]
    fn of_int(int: i64) -> Self {
        let [a, b, c, d, e, f, g, h] = int.to_le_bytes();
        match int {
            0..=127 => Self::new(&[a], &[]),
            -4096..=4095 => Self::new(&[INT_13_BIT | b & 0x1f, a], &[]),
            -0x8000..=0x7fff => Self::new(&[INT_16_BIT, a, b], &[]),
            -0x80_0000..=0x7f_ffff => Self::new(&[INT_24_BIT, a, b, c], &[]),
            -0x8000_0000..=0x7fff_ffff => Self::new(&[INT_32_BIT, a, b, c, d], &[]),
            _ => Self::new(&[INT_64_BIT, a, b, c, d, e, f, g, h], &[]),
        }
    }

    #[inline]
    fn new<const N: usize>(start: &[u8; N], data: &'a [u8]) -> Self {
        const { assert!(N <= HEAD_MAX) };
        let mut head = [0; HEAD_MAX];
        for (place, byte) in head.iter_mut().zip(start) {
            *place = *byte;
        }
        Self {
            head,
            head_len: N,
            data,
            back: Back::of(N + data.len()),
        }
    }

    #[inline]
    fn head(&self) -> &[u8] {
        self.head.get(..self.head_len).unwrap_or_default()
    }

    /// Bytes of the whole entry.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.head_len + self.data.len() + self.back.width
    }

    /// Appends the entry.
    #[inline]
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head());
        out.extend_from_slice(self.data);
        out.extend_from_slice(self.back.as_bytes());
    }

    /// Fills `place`, which is `len()` bytes, with the entry.
    pub(super) fn fill(&self, place: &mut [u8]) {
        debug_assert_eq!(place.len(), self.len());
        let (head, rest) = place.split_at_mut(self.head_len);
        let (data, back) = rest.split_at_mut(self.data.len());
        head.copy_from_slice(self.head());
        data.copy_from_slice(self.data);
        back.copy_from_slice(self.back.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(element: Element<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        Encoded::of(element).append(&mut out);
        out
    }

    #[test]
    fn integers_take_the_smallest_form_and_read_back() {
        let edges: [(i64, usize); 15] = [
            (0, 1),
            (127, 1),
            (128, 2),
            (-1, 2),
            (4095, 2),
            (-4096, 2),
            (4096, 3),
            (-4097, 3),
            (0x7fff, 3),
            (0x8000, 4),
            (-0x80_0000, 4),
            (0x80_0000, 5),
            (-0x8000_0000, 5),
            (0x8000_0000, 9),
            (i64::MIN, 9),
        ];
        for (int, size) in edges {
            let bytes = bytes_of(Element::Int(int));
            assert_eq!(bytes.len(), size + 1, "{int}");
            assert!(
                matches!(decode(&bytes), Some((Element::Int(read), used)) if read == int && used == size),
                "{int}"
            );
            assert_eq!(validate(&bytes), Ok(bytes.len()));
            assert_eq!(skip(&bytes), Some(bytes.len()));
        }
    }

    #[test]
    fn texts_of_every_size_class_read_back_from_both_ends() {
        for len in [
            0, 1, 63, 64, 125, 126, 4095, 4096, 16_377, 16_378, 16_379, 2_097_145, 2_097_146,
            2_097_147,
        ] {
            let text = vec![b'x'; len];
            let bytes = bytes_of(Element::Bytes(&text));
            assert_eq!(validate(&bytes), Ok(bytes.len()), "{len}");
            assert_eq!(
                decode(&bytes).map(|(element, _)| element),
                Some(Element::Bytes(&text))
            );
            let (size, width) = read_back(&bytes, bytes.len()).unwrap();
            assert_eq!(size + width, bytes.len());
        }
    }

    #[test]
    fn back_lengths_have_the_servers_bounds() {
        for (size, width) in [
            (127, 1),
            (128, 2),
            (16_382, 2),
            (16_383, 3),
            (2_097_150, 3),
            (2_097_151, 4),
            (268_435_454, 4),
            (268_435_455, 5),
        ] {
            assert_eq!(back_width(size), width, "{size}");
        }
        assert_eq!(Back::of(300).as_bytes(), [0x02, 0xac]);
    }

    #[test]
    fn wider_forms_than_needed_are_legal() {
        assert_eq!(validate(&[0xf4, 1, 0, 0, 0, 0, 0, 0, 0, 9]), Ok(10));
        assert_eq!(validate(&[0xf0, 1, 0, 0, 0, b'a', 6]), Ok(7));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(
            validate(&[0x81, b'a', 3]),
            Err(ErrorKind::BackLength { expected: 2 })
        );
        assert_eq!(
            validate(&[0xf5, 0]),
            Err(ErrorKind::Encoding { found: 0xf5 })
        );
        assert_eq!(
            validate(&[0x83, b'a']),
            Err(ErrorKind::Short {
                expected: 5,
                found: 2
            })
        );
    }
}

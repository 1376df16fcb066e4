//! The variable-width length that RDB files put before almost everything.
//!
//! Small numbers take one byte; the top two bits of the first byte say the form. One of the four forms is not a length
//! but announces a special string encoding.
//!
//! ```text
//!   first byte   then      meaning
//!   00xxxxxx     -         6-bit length
//!   01xxxxxx     1 byte    14-bit length, big-endian
//!   10000000     4 bytes   u32, big-endian
//!   10000001     8 bytes   u64, big-endian
//!   11tttttt     -         not a length: special encoding t
//!
//!   Example: 0A             10
//!            42 BC          700
//!            80 00 00 40 00 16384
//!            C0             special 0 (an i8 follows)
//! ```
//!
//! Invariants: the writer takes the shortest form; the reader takes every form of every value, since wide forms of
//! small values occur. u64::MAX is a legal value.

use crate::wire;
use crate::{Error, ErrorKind};

const FORM_14_BIT: u8 = 0b0100_0000;
const FORM_U32: u8 = 0x80;
const FORM_U64: u8 = 0x81;
const FORM_SPECIAL: u8 = 0b1100_0000;
const LOW_SIX: u8 = 0b0011_1111;

/// What stands where a length may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// A length or count.
    Plain(u64),
    /// A special string encoding, 0..=63.
    Special(u8),
}

/// Reads a length at the start of `bytes`: it and the bytes that it takes, or `None` if `bytes` ends inside it.
#[inline]
pub fn read(bytes: &[u8]) -> Result<Option<(Length, usize)>, Error> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let low = first & LOW_SIX;
    let plain = |value: u64, size: usize| (Length::Plain(value), size);
    Ok(match first {
        0..FORM_14_BIT => Some(plain(u64::from(low), 1)),
        FORM_14_BIT..FORM_U32 => bytes
            .get(1)
            .map(|&next| plain(u64::from(u16::from_be_bytes([low, next])), 2)),
        FORM_U32 => wire::array(bytes, 1).map(|raw| plain(u64::from(u32::from_be_bytes(raw)), 5)),
        FORM_U64 => wire::array(bytes, 1).map(|raw| plain(u64::from_be_bytes(raw), 9)),
        FORM_SPECIAL.. => Some((Length::Special(low), 1)),
        found => return Err(Error::new(0, ErrorKind::LengthForm { found })),
    })
}

/// Appends `length` in its shortest form.
#[inline]
pub fn write(length: u64, out: &mut Vec<u8>) {
    if length < 1 << 6 {
        out.push(length as u8);
    } else if length < 1 << 14 {
        let [high, low] = (length as u16).to_be_bytes();
        out.extend_from_slice(&[FORM_14_BIT | high, low]);
    } else if let Ok(short) = u32::try_from(length) {
        out.push(FORM_U32);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.push(FORM_U64);
        out.extend_from_slice(&length.to_be_bytes());
    }
}

/// Appends the byte that announces special string encoding `encoding` (its low six bits).
#[inline]
pub fn write_special(encoding: u8, out: &mut Vec<u8>) {
    out.push(FORM_SPECIAL | (encoding & LOW_SIX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_in_the_drawing() {
        for (length, bytes) in [
            (10, &[0x0a][..]),
            (700, &[0x42, 0xbc][..]),
            (16384, &[0x80, 0, 0, 0x40, 0][..]),
            (63, &[0x3f][..]),
        ] {
            let mut out = Vec::new();
            write(length, &mut out);
            assert_eq!(out, bytes);
        }
        assert_eq!(read(&[0xc0]), Ok(Some((Length::Special(0), 1))));
    }

    #[test]
    fn wide_forms_of_small_values_are_read() {
        assert_eq!(read(&[0x40, 1]), Ok(Some((Length::Plain(1), 2))));
        assert_eq!(
            read(&[0x80, 0, 0, 0, 1, 9]),
            Ok(Some((Length::Plain(1), 5)))
        );
        assert_eq!(
            read(&[0x81, 0, 0, 0, 0, 0, 0, 0, 1]),
            Ok(Some((Length::Plain(1), 9)))
        );
    }

    #[test]
    fn every_first_byte_that_is_no_form_is_refused() {
        for first in 0x82..=0xbf {
            assert_eq!(
                read(&[first, 0, 0, 0, 0]),
                Err(Error::new(0, ErrorKind::LengthForm { found: first }))
            );
        }
    }

    #[test]
    fn a_special_announced_is_a_special_read() {
        for encoding in 0..64 {
            let mut out = Vec::new();
            write_special(encoding, &mut out);
            assert_eq!(read(&out), Ok(Some((Length::Special(encoding), 1))));
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote_and_waits_for_every_byte(length: u64, shift in 0u32..64) {
            let length = length >> shift;
            let mut out = Vec::new();
            write(length, &mut out);
            for cut in 0..out.len() {
                prop_assert_eq!(read(&out[..cut]), Ok(None));
            }
            prop_assert_eq!(read(&out), Ok(Some((Length::Plain(length), out.len()))));
        }
    }
}

//! One entry in a page: a key, its deadline, and a value or the slab's number of it.
//!
//! ```text
//!  meta        1       form of the value (4 bits), HAS_DEADLINE, KEY_IN_SLAB, WIDE
//!  key length  1 | 2   two bytes if WIDE, little-endian
//!  value len   1 | 2
//!  [deadline]  8       milliseconds since the epoch, little-endian, if HAS_DEADLINE
//!  key         ..      or its u16 number in the slab, if KEY_IN_SLAB
//!  value       ..      or its u16 number in the slab, if the form is LARGE
//! ```
//!
//! Rounded up to units of 4 bytes, at most 504; beyond that value, then key, go to the slab.

use super::page::{MAX_ENTRY, in_units};
use units::UnixMillis;

/// The form of a value that lies in the slab.
pub(crate) const LARGE: u8 = 15;
const FORM: u8 = 0x0f;
const HAS_DEADLINE: u8 = 0x10;
const KEY_IN_SLAB: u8 = 0x20;
const WIDE: u8 = 0x40;
/// Bytes of a deadline.
const DEADLINE: usize = 8;
/// Bytes of a number in the slab.
const NUMBER: usize = 2;
/// Keys longer than this go to the slab with their value.
const MAX_KEY_OF_LARGE: usize = 128;

/// An entry as it lies in a page.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    meta: u8,
    /// The deadline, or nothing.
    deadline: &'a [u8],
    /// The key as it lies there: itself, or its number in the slab.
    pub(crate) key: &'a [u8],
    /// The value as it lies there: itself, or its number in the slab.
    pub(crate) value: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The entry at the start of `bytes`, which go on to the end of its page.
    #[inline(always)]
    pub(crate) fn parse(bytes: &'a [u8]) -> Entry<'a> {
        let meta = bytes[0];
        let (key_len, value_len, rest) = if meta & WIDE == 0 {
            (usize::from(bytes[1]), usize::from(bytes[2]), &bytes[3..])
        } else {
            let two = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
            (two(1), two(3), &bytes[5..])
        };
        let (deadline, rest) = rest.split_at(if meta & HAS_DEADLINE == 0 {
            0
        } else {
            DEADLINE
        });
        let (key, rest) = rest.split_at(key_len);
        Entry {
            meta,
            deadline,
            key,
            value: &rest[..value_len],
        }
    }

    /// The form of the value; [`LARGE`] if it lies in the slab.
    #[inline]
    pub(crate) fn form(&self) -> u8 {
        self.meta & FORM
    }

    #[inline]
    pub(crate) fn deadline(&self) -> Option<UnixMillis> {
        let bytes = self.deadline.try_into().ok()?;
        Some(UnixMillis(i64::from_le_bytes(bytes)))
    }

    /// The key's number in the slab, if it lies there.
    #[inline]
    pub(crate) fn key_number(&self) -> Option<u16> {
        (self.meta & KEY_IN_SLAB != 0).then(|| number(self.key))
    }

    /// The value's number in the slab, if it lies there.
    #[inline]
    pub(crate) fn value_number(&self) -> Option<u16> {
        (self.form() == LARGE).then(|| number(self.value))
    }

    /// Bytes the entry takes of its page.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.draft().size()
    }

    /// The same entry, to be written elsewhere or with another value.
    #[inline]
    pub(crate) fn draft(&self) -> Draft<'a> {
        Draft {
            form: self.form(),
            key_in_slab: self.meta & KEY_IN_SLAB != 0,
            key: self.key,
            value: self.value,
            deadline: self.deadline(),
        }
    }
}

/// Whether the entry at the start of `bytes` has that key; `None` if it takes a longer look.
#[inline(always)]
pub(crate) fn has_key(bytes: &[u8], key: &[u8]) -> Option<bool> {
    let [meta, len, _, ..] = bytes else {
        return None;
    };
    if meta & (WIDE | KEY_IN_SLAB) != 0 {
        return None;
    }
    let at = header_len(false, meta & HAS_DEADLINE != 0);
    Some(usize::from(*len) == key.len() && bytes.get(at..at + key.len()) == Some(key))
}

fn number(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// An entry to be written.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) form: u8,
    pub(crate) key_in_slab: bool,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) deadline: Option<UnixMillis>,
}

impl Draft<'_> {
    /// Whether a length needs two bytes.
    #[inline]
    fn is_wide(&self) -> bool {
        self.key.len() > 255 || self.value.len() > 255
    }

    /// Bytes the entry will take of a page.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        in_units(
            header_len(self.is_wide(), self.deadline.is_some()) + self.key.len() + self.value.len(),
        )
    }

    /// Writes the entry at the start of `bytes`.
    #[inline]
    pub(crate) fn write(&self, bytes: &mut [u8]) {
        let wide = self.is_wide();
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        bytes[0] = self.form
            | flag(wide, WIDE)
            | flag(self.key_in_slab, KEY_IN_SLAB)
            | flag(self.deadline.is_some(), HAS_DEADLINE);
        if wide {
            bytes[1..3].copy_from_slice(&(self.key.len() as u16).to_le_bytes());
            bytes[3..5].copy_from_slice(&(self.value.len() as u16).to_le_bytes());
        } else {
            bytes[1] = self.key.len() as u8;
            bytes[2] = self.value.len() as u8;
        }
        let mut at = header_len(wide, false);
        if let Some(deadline) = self.deadline {
            bytes[at..at + DEADLINE].copy_from_slice(&deadline.0.to_le_bytes());
            at += DEADLINE;
        }
        let (key, rest) = bytes[at..].split_at_mut(self.key.len());
        key.copy_from_slice(self.key);
        rest[..self.value.len()].copy_from_slice(self.value);
    }
}

/// Overwrites the value of the entry at the start of `bytes` by another of the same length.
#[inline]
pub(crate) fn overwrite_value(bytes: &mut [u8], form: u8, value: &[u8]) {
    let meta = bytes[0];
    let wide = meta & WIDE != 0;
    let key_len = if wide {
        usize::from(u16::from_le_bytes([bytes[1], bytes[2]]))
    } else {
        usize::from(bytes[1])
    };
    bytes[0] = (meta & !FORM) | form;
    let at = header_len(wide, meta & HAS_DEADLINE != 0) + key_len;
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Overwrites the deadline of the entry at the start of `bytes`, which has one.
pub(crate) fn overwrite_deadline(bytes: &mut [u8], deadline: UnixMillis) {
    let at = header_len(bytes[0] & WIDE != 0, false);
    bytes[at..at + DEADLINE].copy_from_slice(&deadline.0.to_le_bytes());
}

#[inline]
const fn header_len(wide: bool, has_deadline: bool) -> usize {
    let lengths = if wide { 4 } else { 2 };
    1 + lengths + if has_deadline { DEADLINE } else { 0 }
}

/// Where the parts of an entry go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) key_in_slab: bool,
    pub(crate) value_in_slab: bool,
}

impl Placement {
    /// Where a key of `key` bytes goes with an inline value of `value` bytes, or with a large one.
    #[inline]
    pub(crate) fn of(key: usize, value: Option<usize>) -> Placement {
        // With room for a deadline always, so that setting one moves nothing to the slab.
        let fits = |key: usize, value: usize| {
            in_units(header_len(key > 255 || value > 255, true) + key + value) <= MAX_ENTRY
        };
        match value {
            Some(value) if fits(key, value) => Placement {
                key_in_slab: false,
                value_in_slab: false,
            },
            // A long key beside a short value: the value stays.
            Some(value)
                if key > MAX_KEY_OF_LARGE && fits(NUMBER, value) && value <= MAX_KEY_OF_LARGE =>
            {
                Placement {
                    key_in_slab: true,
                    value_in_slab: false,
                }
            }
            _ => Placement {
                key_in_slab: key > MAX_KEY_OF_LARGE,
                value_in_slab: true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft<'a>(key: &'a [u8], value: &'a [u8], deadline: Option<i64>) -> Draft<'a> {
        Draft {
            form: 3,
            key_in_slab: false,
            key,
            value,
            deadline: deadline.map(UnixMillis),
        }
    }

    #[test]
    fn an_entry_reads_back_as_drafted() {
        let long = [7; 300];
        for (key, value, deadline) in [
            (&b"k"[..], &b""[..], None),
            (b"", b"value", Some(-1)),
            (b"key", &long, Some(i64::MAX)),
            (&long, b"", None),
        ] {
            let draft = draft(key, value, deadline);
            let mut page = [0xee; 600];
            draft.write(&mut page);
            let entry = Entry::parse(&page);
            assert_eq!((entry.form(), entry.key, entry.value), (3, key, value));
            assert_eq!(entry.deadline(), deadline.map(UnixMillis));
            assert_eq!(entry.size(), draft.size());
            assert_eq!(page[draft.size()], 0xee);
        }
    }

    #[test]
    fn sizes_are_those_of_the_design() {
        assert_eq!(draft(&[0; 16], &[0; 16], None).size(), 36);
        assert_eq!(draft(&[0; 24], &[0; 100], None).size(), 128);
        assert_eq!(draft(&[0; 24], &[0; 100], Some(1)).size(), 136);
        assert_eq!(draft(&[0; 16], &[0; 8], None).size(), 28);
    }

    #[test]
    fn overwriting_touches_only_its_field() {
        let mut page = [0; 64];
        draft(b"key", b"value", Some(5)).write(&mut page);
        overwrite_value(&mut page, 1, b"VALUE");
        overwrite_deadline(&mut page, UnixMillis(6));
        let entry = Entry::parse(&page);
        assert_eq!(
            (entry.form(), entry.key, entry.value),
            (1, &b"key"[..], &b"VALUE"[..])
        );
        assert_eq!(entry.deadline(), Some(UnixMillis(6)));
    }

    #[test]
    fn what_does_not_fit_goes_to_the_slab() {
        let placed = |key, value| {
            let p = Placement::of(key, value);
            (p.key_in_slab, p.value_in_slab)
        };
        assert_eq!(placed(16, Some(400)), (false, false));
        assert_eq!(placed(16, Some(500)), (false, true));
        assert_eq!(placed(200, Some(400)), (true, true));
        assert_eq!(placed(1 << 29, Some(8)), (true, false));
        assert_eq!(placed(1 << 29, None), (true, true));
        assert_eq!(placed(128, None), (false, true));
    }
}

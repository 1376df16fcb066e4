//! CRC-64/Jones, the checksum at the end of RDB files and DUMP payloads.
//!
//! Long inputs go to the folding code of `crc-fast`; its set-up costs more than it wins below [`SHORT_MAX`] bytes, so
//! those go through a table of our own.
//!
//! ```text
//!   width 64, polynomial ad93d23594c935a9, reflected in and out, initial value 0, no final xor
//!
//!   Example: "123456789" -> e9c6d914c4b8d9ca
//! ```
//!
//! Invariant: `update(a); update(b)` equals `update(ab)` at every split.

use crc_fast::{CrcAlgorithm, Digest};

/// The polynomial with its bits reversed.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;
/// Inputs shorter than this take the table.
const SHORT_MAX: usize = 64;

static TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// An incremental checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crc64(u64);

impl Crc64 {
    /// The checksum of no bytes.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Goes on from a checksum that [`value`](Self::value) gave.
    pub const fn resume(value: u64) -> Self {
        Self(value)
    }

    /// Adds `bytes`.
    #[inline]
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = if bytes.len() < SHORT_MAX {
            short(self.0, bytes)
        } else {
            long(self.0, bytes)
        };
    }

    /// The checksum of all bytes so far.
    #[inline]
    pub const fn value(&self) -> u64 {
        self.0
    }
}

/// The checksum of `bytes`.
pub fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = Crc64::new();
    crc.update(bytes);
    crc.value()
}

#[inline]
fn short(mut state: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        state = (state >> 8) ^ TABLE[usize::from(state as u8 ^ byte)];
    }
    state
}

#[inline(never)]
fn long(state: u64, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Redis, state);
    digest.update(bytes);
    digest.get_state()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_value() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
        assert_eq!(long(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    proptest! {
        #[test]
        fn both_ways_and_every_split_agree(
            bytes in prop::collection::vec(any::<u8>(), 0..600), cut in any::<prop::sample::Index>(),
        ) {
            let expected = short(0, &bytes);
            prop_assert_eq!(crc64(&bytes), expected);
            let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut crc = Crc64::new();
            crc.update(left);
            crc = Crc64::resume(crc.value());
            crc.update(right);
            prop_assert_eq!(crc.value(), expected);
        }
    }
}

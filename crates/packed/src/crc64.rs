//! CRC-64/Jones, the checksum at the end of RDB files and DUMP payloads.
//!
//! Long inputs go to the folding code of `crc-fast`; its set-up costs more than it wins below `SHORT_MAX` bytes, so
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
const SHORT_MAX: usize = 128;

/// `TABLES[n][byte]`: what a byte does to the state when `n` more bytes follow it in the same step.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][index] = value;
        index += 1;
    }
    let mut place = 256;
    while place < 8 * 256 {
        let before = tables[place / 256 - 1][place % 256];
        tables[place / 256][place % 256] = (before >> 8) ^ tables[0][before as usize & 0xff];
        place += 1;
    }
    tables
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

fn short(mut state: u64, bytes: &[u8]) -> u64 {
    let (steps, rest) = bytes.as_chunks::<8>();
    for step in steps {
        let mixed = (state ^ u64::from_le_bytes(*step)).to_le_bytes();
        let followers = TABLES.iter().rev();
        state = mixed
            .iter()
            .zip(followers)
            .fold(0, |sum, (byte, table)| sum ^ table[usize::from(*byte)]);
    }
    rest.iter().fold(state, |state, byte| {
        (state >> 8) ^ TABLES[0][usize::from(state as u8 ^ byte)]
    })
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

    /// Bit by bit, as the polynomial says.
    fn plain(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |state, byte| {
            (0..8).fold(state ^ u64::from(*byte), |state, _| {
                (state >> 1) ^ if state & 1 == 1 { POLYNOMIAL } else { 0 }
            })
        })
    }

    proptest! {
        #[test]
        fn both_ways_and_every_split_agree(
            bytes in prop::collection::vec(any::<u8>(), 0..600), cut in any::<prop::sample::Index>(),
        ) {
            let expected = plain(&bytes);
            prop_assert_eq!(short(0, &bytes), expected);
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

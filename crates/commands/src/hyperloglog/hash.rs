//! Where an element goes: MurmurHash64A by Austin Appleby, with the seed that Redis uses.

use super::REGISTERS;

const SEED: u64 = 0xadc8_3b19;
/// Bits of the hash that pick the register.
const INDEX_BITS: u32 = REGISTERS.trailing_zeros();

/// A register and what it must be raised to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) register: usize,
    /// 1 to 51.
    pub(super) count: u8,
}

impl Place {
    pub(super) fn of(element: &[u8]) -> Place {
        let hash = murmur_hash_64a(element, SEED);
        // A bit beyond those left of the hash ends the run of zeros in any case.
        let rest = hash >> INDEX_BITS | 1 << (64 - INDEX_BITS);
        Place {
            register: hash as usize % REGISTERS,
            count: rest.trailing_zeros() as u8 + 1,
        }
    }
}

fn murmur_hash_64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> R;
        hash = (hash ^ word.wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> R).wrapping_mul(M);
    hash ^ hash >> R
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_range() {
        for i in 0..10_000_u32 {
            let place = Place::of(&i.to_le_bytes());
            assert!(place.register < REGISTERS && (1..=51).contains(&place.count));
        }
    }
}

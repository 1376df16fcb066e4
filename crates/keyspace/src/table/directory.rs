//! The directory: which segment has the entries of a hash.
//!
//! Extendible hashing on the high bits of a hash, below those of the shard:
//!
//! ```text
//!  hash   56.. shard | directory: `depth` bits | ... | low bits: line and tag in the index
//! ```
//!
//! A segment of depth `d` has `2^(depth - d)` neighbouring slots, so the order of the directory is
//! the order of hashes.

use crate::account::{free_slice, let_go_slice, own_slice, slice_bytes};
use std::sync::Arc;

/// Hash bits above the shard's, which nothing here uses: hash tables that are given the same hash tag by them.
pub(crate) const TAG_BITS: u8 = 7;
/// A directory this deep would be for more keys than memory can hold.
const MAX_DEPTH: u8 = 40;

/// Segment numbers by hash prefix.
#[derive(Clone)]
pub(crate) struct Directory {
    slots: Arc<[u32]>,
    depth: u8,
    /// Bits above the directory's.
    skip: u8,
}

impl Directory {
    /// A directory of one segment, number 0, for hashes that share their `shard_bits` bits.
    pub(crate) fn new(shard_bits: u8) -> Directory {
        Directory {
            slots: Arc::new([0]),
            depth: 0,
            skip: TAG_BITS + shard_bits,
        }
    }

    /// The slot of a hash.
    #[inline]
    pub(crate) fn slot(&self, hash: u64) -> usize {
        // Two shifts, as one by 64 is none.
        ((hash << self.skip) >> 1 >> (63 - self.depth)) as usize
    }

    /// The number of the segment of a hash.
    #[inline]
    pub(crate) fn segment(&self, hash: u64) -> u32 {
        self.slots[self.slot(hash)]
    }

    /// Bits of the shard, which all hashes here share.
    pub(crate) fn shard_bits(&self) -> u8 {
        self.skip - TAG_BITS
    }

    /// Number of slots.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The segment of a slot.
    pub(crate) fn at(&self, slot: usize) -> u32 {
        self.slots[slot]
    }

    /// The number of slots that a segment of that depth has.
    pub(crate) fn span(&self, depth: u8) -> usize {
        1 << (self.depth - depth)
    }

    /// The lowest hash of a slot, without tag and shard; 2^57 and up past the last one.
    pub(crate) fn first_hash(&self, slot: usize) -> u64 {
        (slot as u64) << (64 - self.skip - self.depth)
    }

    /// The hash bit that tells apart the halves of a segment of that depth.
    pub(crate) fn split_bit(&self, depth: u8) -> u64 {
        1 << (63 - self.skip - depth)
    }

    /// Gives the upper half of the slots of `hash`'s segment, which was `depth` deep, to `upper`.
    pub(crate) fn split(&mut self, hash: u64, depth: u8, upper: u32) {
        if depth == self.depth {
            self.double();
        }
        let span = self.span(depth);
        let first = self.slot(hash) / span * span;
        own_slice(&mut self.slots)[first + span / 2..first + span].fill(upper);
    }

    fn double(&mut self) {
        assert!(self.depth < MAX_DEPTH, "keys collide under a keyed hash");
        // Of a known length, so that it is written once: at 20 million keys in one shard these are
        // 512 KiB, a fraction of a millisecond.
        let slots = (0..2 * self.slots.len()).map(|slot| self.slots[slot / 2]);
        let slots = slots.collect();
        let_go_slice(std::mem::replace(&mut self.slots, slots));
        self.depth += 1;
    }

    /// Bytes of the list of slots.
    pub(crate) fn heap_bytes(&self) -> usize {
        slice_bytes(&self.slots)
    }

    /// Frees the list of slots: its bytes, if nobody else shares it.
    pub(super) fn free(self) -> usize {
        free_slice(self.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_segment_are_told_apart_by_the_next_bit() {
        let mut directory = Directory::new(3);
        let bit = directory.split_bit(0);
        assert_eq!(bit, 1 << 53);
        directory.split(0, 0, 1);
        assert_eq!((directory.segment(0), directory.segment(bit)), (0, 1));
        let bit = directory.split_bit(1);
        directory.split(0, 1, 2);
        assert_eq!(directory.len(), 4);
        assert_eq!((directory.segment(0), directory.segment(bit)), (0, 2));
        assert_eq!(
            (0..4).map(|slot| directory.at(slot)).collect::<Vec<_>>(),
            [0, 2, 1, 1]
        );
        assert_eq!(directory.span(1), 2);
        assert_eq!(directory.first_hash(1), bit);
        // Tag and shard bits are not the directory's.
        assert_eq!(directory.segment(u64::MAX << 54), 0);
    }
}

//! The segments of a keyspace table: in place, stamped with an epoch.
//!
//! Freezing raises the table's epoch and makes a [`Share`]; it copies nothing. Before the first
//! change of any kind to a segment stamped below the epoch, the segment is deposited in every live
//! share that needs it and has not taken it; then it is stamped with the epoch. Segments born of
//! a split carry the current epoch, and no older view asks for their numbers.

use super::segment::Segment;
use super::share::Share;
use super::stamp::Stamp;
use super::tree::{Segments, Tree};
use crate::KeyHasher;
use crate::account::usable_size;
use crate::budget::Budget;
use std::sync::{Arc, Weak};

/// One database's keys in one shard.
pub(crate) type KeyTable = Tree<Stamp, Inline>;

/// Segments in a block: a table grows by these and never moves one.
const BLOCK: usize = 64;

/// Segments in place, in blocks.
pub(crate) struct Inline {
    blocks: Vec<Vec<Segment<Stamp>>>,
    /// Segments stamped below this may be needed by a view.
    epoch: u64,
    /// Which table this is, wherever SWAPDB moves it. Unique in its shard.
    id: u64,
    shares: Vec<Weak<Share>>,
}

impl Segments<Stamp> for Inline {
    fn count(&self) -> u32 {
        let full = self.blocks.len().saturating_sub(1) * BLOCK;
        (full + self.blocks.last().map_or(0, Vec::len)) as u32
    }

    #[inline]
    fn get(&self, number: u32) -> &Segment<Stamp> {
        let number = number as usize;
        &self.blocks[number / BLOCK][number % BLOCK]
    }

    #[inline]
    fn change(&mut self, number: u32) -> &mut Segment<Stamp> {
        let at = number as usize;
        if self.blocks[at / BLOCK][at % BLOCK].epoch != self.epoch {
            self.deposit(number);
        }
        &mut self.blocks[at / BLOCK][at % BLOCK]
    }

    fn push(&mut self, mut segment: Segment<Stamp>) -> u32 {
        segment.epoch = self.epoch;
        let number = self.count();
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => {
                if block.len() == block.capacity() {
                    // Only the first block starts small.
                    block.reserve_exact(block.len().min(BLOCK - block.len()));
                }
                block.push(segment);
            }
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(segment);
                self.blocks.push(block);
            }
        }
        number
    }

    fn heap_bytes(&self) -> usize {
        let block = |block: &Vec<Segment<Stamp>>| {
            usable_size(block.capacity() * size_of::<Segment<Stamp>>())
        };
        usable_size(self.blocks.capacity() * size_of::<Vec<Segment<Stamp>>>())
            + self.blocks.first().map_or(0, block)
            + self.blocks.len().saturating_sub(1) * usable_size(BLOCK * size_of::<Segment<Stamp>>())
    }
}

impl Inline {
    #[cold]
    fn deposit(&mut self, number: u32) {
        let at = number as usize;
        let segment = &mut self.blocks[at / BLOCK][at % BLOCK];
        let mut copy = None;
        self.shares.retain(|share| {
            let Some(share) = share.upgrade() else {
                return false;
            };
            share.deposit(number, segment, &mut copy);
            true
        });
        segment.epoch = self.epoch;
    }
}

impl KeyTable {
    /// An empty table.
    pub(crate) fn empty(id: u64, hasher: KeyHasher, shard_bits: u8) -> KeyTable {
        let segments = Inline {
            blocks: vec![vec![Segment::new(0, 0)]],
            epoch: 0,
            id,
            shares: Vec::new(),
        };
        Tree::new(segments, hasher, shard_bits)
    }

    /// The segments and the large values in them, to be freed one by one: the bytes of each. What
    /// a view still needs is left to it.
    pub(crate) fn into_parts(table: Arc<KeyTable>) -> impl Iterator<Item = usize> + Send {
        let table = Arc::into_inner(table).into_iter();
        table.flat_map(|table| {
            let (own, segments) = table.into_segments();
            let own = own + segments.heap_bytes();
            let segments = segments.blocks.into_iter().flatten();
            std::iter::once(own).chain(segments.flat_map(Segment::into_parts))
        })
    }

    /// Which table this is.
    pub(crate) fn id(&self) -> u64 {
        self.segments.id
    }

    /// A share of the table as it is now.
    pub(crate) fn freeze(&mut self, budget: &Arc<Budget>) -> Arc<Share> {
        self.segments.epoch += 1;
        let share = Arc::new(Share::of(self, self.segments.epoch, budget));
        self.segments
            .shares
            .retain(|share| share.strong_count() > 0);
        self.segments.shares.push(Arc::downgrade(&share));
        share
    }

    /// Leaves an empty table of another id in its place. The old one goes whole into the shares
    /// that still need it, and back to the caller, to be dropped outside the locks.
    pub(crate) fn replace_by_empty(&mut self, id: u64) -> Arc<KeyTable> {
        let shard_bits = self.directory.shard_bits();
        let empty = KeyTable::empty(id, self.hasher(), shard_bits);
        let old = Arc::new(std::mem::replace(self, empty));
        for share in old.segments.shares.iter().filter_map(Weak::upgrade) {
            share.take_table(&old);
        }
        old
    }
}

//! Scans that survive growth: entries in the order of their hashes.
//!
//! A cursor is a position: the 48 bits of a hash below its tag, so shard, then directory, then what
//! follows. A call answers whole positions, equal ones together, so an entry that is there from the
//! first call to the last is seen, whatever splits in between, and seen once unless it was removed
//! and added again.

use super::directory::TAG_BITS;
use super::segment::{Item, Segment};
use super::stamp::Mark;
use super::tree::{Segments, Tree};

/// Bits of a position. Clients are known to pass cursors through doubles, which keep 53.
const POSITION_BITS: u32 = 48;
/// One past the last position.
pub(crate) const END: u64 = 1 << POSITION_BITS;
/// Hash bits below a position.
const BELOW: u32 = 64 - TAG_BITS as u32 - POSITION_BITS;

/// The position of a hash.
#[inline]
pub(crate) fn position(hash: u64) -> u64 {
    (hash << TAG_BITS) >> (64 - POSITION_BITS)
}

/// The lowest hash at a position, without its tag.
fn lowest_hash(position: u64) -> u64 {
    position << BELOW
}

impl<M: Mark, S: Segments<M>> Tree<M, S> {
    /// Visits entries from position `from` on, in order of position, at least `count` if there are
    /// so many and it does not take too many empty segments; returns the position to go on from,
    /// or `None` after the last. `from` lies in this table's shard, whose bits are `shard`.
    pub(crate) fn scan(
        &self,
        from: u64,
        shard: u64,
        count: &mut usize,
        f: &mut dyn FnMut(Item<'_, M>),
    ) -> Option<u64> {
        let mut from = from;
        let mut slot = self.directory.slot(lowest_hash(from));
        let mut steps = (*count).saturating_add(16);
        while slot < self.directory.len() {
            let segment = self.segments.get(self.directory.at(slot));
            if let Some(last) = self.scan_segment(segment, from, count, f) {
                return Some(last + 1);
            }
            let span = self.directory.span(segment.depth);
            slot = slot / span * span + span;
            from = position(
                shard
                    | self
                        .directory
                        .first_hash(slot.min(self.directory.len() - 1)),
            );
            steps -= 1;
            if slot < self.directory.len() && (*count == 0 || steps == 0) {
                return Some(from);
            }
        }
        None
    }

    /// Visits entries of one segment; the last position visited if that was not all of them.
    fn scan_segment(
        &self,
        segment: &Segment<M>,
        from: u64,
        count: &mut usize,
        f: &mut dyn FnMut(Item<'_, M>),
    ) -> Option<u64> {
        let hasher = self.hasher();
        let mut ahead: Vec<(u64, usize)> = segment
            .positions(|key| position(hasher.hash(key)))
            .filter(|&(position, _)| position >= from)
            .collect();
        ahead.sort_unstable_by_key(|&(position, _)| position);
        let mut last = None;
        for (position, slot) in ahead {
            if *count == 0 && last != Some(position) {
                return last;
            }
            last = Some(position);
            *count = count.saturating_sub(1);
            if let Some(item) = segment.at_slot(slot) {
                f(item);
            }
        }
        None
    }
}

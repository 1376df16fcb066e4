//! What an entry takes of its segment.

use super::page::At;
use super::segment::Segment;
use super::stamp::Mark;

impl<M: Mark> Segment<M> {
    /// Bytes of the entry in a slot: its own, and its share of index, slab and free room.
    pub(crate) fn usage(&self, slot: usize) -> Option<usize> {
        let (at, _) = self.index.get(slot)?;
        let own: usize = self.index.iter().map(|(at, _)| self.own_bytes(at)).sum();
        let common = (size_of::<Self>() + self.heap_bytes()).saturating_sub(own);
        Some(self.own_bytes(at) + common / self.len())
    }

    /// Bytes that serve the entry at a place and no other.
    fn own_bytes(&self, at: At) -> usize {
        let entry = self.entry(at);
        let numbers = [entry.key_number(), entry.value_number()];
        let in_slab = numbers.into_iter().flatten();
        entry.size()
            + in_slab
                .map(|number| self.slab.owned_by(number))
                .sum::<usize>()
    }
}

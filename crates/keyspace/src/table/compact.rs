//! Getting rid of garbage: the entries of a segment copied into fresh pages, the index into one of
//! another size.

use super::due::due_time;
use super::entry::Entry;
use super::index::Index;
use super::segment::Segment;
use super::stamp::Mark;
use crate::KeyHasher;

impl<M: Mark> Segment<M> {
    /// Copies every entry into fresh pages, so that only what is used is kept.
    ///
    /// Slots of the index stay: an entry moves, its hash does not.
    pub(crate) fn compact(&mut self) {
        let old = std::mem::take(&mut self.pages);
        let old_bounds = std::mem::take(&mut self.bounds);
        let (pages, bounds, slab) = (&mut self.pages, &mut self.bounds, &self.slab);
        self.index.move_all(|at| {
            let bytes = old.bytes(at);
            let entry = Entry::parse(bytes);
            let size = entry.size();
            let to = pages.allocate(size).expect("no more entries than before");
            pages.bytes_mut(to)[..size].copy_from_slice(&bytes[..size]);
            // Earlier than its page's bound is only what is about to be removed.
            bounds.note(to, due_time(&entry, slab).max(old_bounds.of(at)));
            to
        });
        old.let_go();
        self.garbage = 0;
    }

    /// Gives the index room for `len` entries.
    pub(crate) fn resize_index(&mut self, len: usize, hasher: &KeyHasher) {
        let index = std::mem::replace(&mut self.index, Index::with_room(0));
        self.index = index.resized(len, |at| hasher.hash(self.key(at)));
    }

    /// Shrinks an index of which removals have left little.
    pub(crate) fn shrink_index(&mut self, hasher: &KeyHasher) {
        if self.index.may_shrink() {
            self.resize_index(self.len() * 2, hasher);
        }
    }
}

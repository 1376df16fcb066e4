//! The invariants of a segment, walked. For tests and fuzzers.

use super::entry::Entry;
use super::index::Index;
use super::page::in_units;
use super::segment::Segment;
use super::stamp::Mark;
use crate::KeyHasher;

impl<M: Mark> Segment<M> {
    /// Panics where an invariant does not hold.
    pub(crate) fn check(&self, hasher: &KeyHasher) {
        assert!(
            self.len() <= Index::<M::Line>::FULL,
            "a segment splits when it is full"
        );
        assert_eq!(self.index.iter().count(), self.len(), "slots taken");
        let (mut live, mut deadlines, mut in_slab) = (0, 0, 0);
        for (at, _) in self.index.iter() {
            let entry: Entry<'_> = self.entry(at);
            live += in_units(entry.size());
            deadlines += usize::from(entry.deadline().is_some());
            in_slab += usize::from(entry.key_number().is_some())
                + usize::from(entry.value_number().is_some());
            assert!(
                self.bounds.of(at) <= self.due_time(&entry),
                "nothing is due before the bound of its page"
            );
            let key = self.key(at);
            let slot = self
                .find(hasher.hash(key), key)
                .expect("each key is found by its hash");
            let (found, _) = self.index.get(slot).expect("a found slot is taken");
            assert_eq!(found, at, "each key is there once");
        }
        let garbage = self.garbage as usize;
        assert!(
            live + garbage <= self.pages.used(),
            "entries and garbage lie in the pages"
        );
        assert_eq!(
            deadlines,
            usize::from(self.deadlines),
            "entries with a deadline"
        );
        assert_eq!(
            in_slab,
            self.slab.len(),
            "each place of the slab has one entry"
        );
        let (owned, recounted) = self.slab.owned();
        assert_eq!(owned, recounted, "bytes of large values");
    }
}

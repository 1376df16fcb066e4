//! Many new keys at once: room made beforehand, so that nothing is split or hashed again on the way.

use super::index::Index;
use super::segment::Payload;
use super::stamp::Mark;
use super::tree::{Segments, Tree};
use crate::access::Touch;
use std::hint::black_box;
use units::UnixMillis;

impl<M: Mark, S: Segments<M>> Tree<M, S> {
    /// Gives an empty table the segments that `keys` keys would make of it. About a byte is
    /// taken for each key. A table that has keys, or had, is left as it is.
    pub(crate) fn presize(&mut self, keys: usize) {
        if self.len() > 0 || self.segments.count() > 1 {
            return;
        }
        // Keys do not spread evenly: with an eighth to spare, few segments still split.
        let fill = Index::<M::Line>::FULL / 8 * 7;
        while self.segments.count() as usize * fill < keys {
            let slots = 0..self.directory.len();
            let hashes: Vec<u64> = slots.map(|slot| self.directory.first_hash(slot)).collect();
            hashes.into_iter().for_each(|hash| self.split(hash));
        }
        self.expected = keys / self.segments.count() as usize;
    }

    /// Reads what adding a key of that hash will look at first, so that it is on its way from memory.
    #[inline]
    pub(crate) fn fetch_room(&self, hash: u64) {
        let segment = self.segment_of(hash);
        segment.pages.touch_tail();
        black_box(segment.index.guess(hash));
    }

    /// Adds a key, unless it is there; whether it was added.
    pub(crate) fn add(
        &mut self,
        hash: u64,
        key: &[u8],
        payload: Payload<'_>,
        deadline: Option<UnixMillis>,
        touch: &Touch,
    ) -> bool {
        if self.segment_of(hash).find(hash, key).is_some() {
            return false;
        }
        self.add_new(hash, key, payload, deadline, touch);
        true
    }

    /// Adds a key that is not there.
    pub(super) fn add_new(
        &mut self,
        hash: u64,
        key: &[u8],
        payload: Payload<'_>,
        deadline: Option<UnixMillis>,
        touch: &Touch,
    ) {
        while self.segment_of(hash).is_full() {
            self.split(hash);
        }
        let expected = self.expected;
        self.change(hash, |segment, hasher| {
            if segment.len() == 0 && expected > 1 {
                segment.resize_index(expected, hasher);
            }
            segment.add(hash, key, payload, deadline, touch, hasher);
        });
    }
}

//! A table: a directory over segments, and the sums it keeps of them.

use super::directory::Directory;
use super::due::Due;
use super::segment::{Item, Payload, Segment, Sums};
use super::stamp::Mark;
use super::wheel::{NEVER, Wheel};
use crate::access::Touch;
use crate::account::{Block, free, own};
use crate::{Form, KeyHasher, Ttl, Value};
use std::marker::PhantomData;
use std::sync::Arc;
use units::UnixMillis;

/// Where the segments of a table are kept, and what must happen before one changes.
pub(crate) trait Segments<M: Mark> {
    /// How many there are.
    fn count(&self) -> u32;
    /// A segment for reading.
    fn get(&self, number: u32) -> &Segment<M>;
    /// A segment for writing. The only way to one: whoever froze the table has had its share of
    /// the segment when this returns.
    fn change(&mut self, number: u32) -> &mut Segment<M>;
    /// Adds a segment, which takes the next number.
    fn push(&mut self, segment: Segment<M>) -> u32;
    /// Bytes of the container itself.
    fn heap_bytes(&self) -> usize;
}

/// A table over segments that are kept in an `S`.
#[derive(Clone)]
pub(crate) struct Tree<M, S> {
    pub(super) directory: Directory,
    pub(crate) segments: S,
    hasher: KeyHasher,
    len: usize,
    deadlines: usize,
    /// Bytes of all segments.
    bytes: usize,
    /// Segments by when they are due, from the second segment on. Shared with clones until it
    /// changes.
    wheel: Option<Arc<Wheel>>,
    /// Entries that a segment will get, for a table that was given its segments beforehand.
    pub(super) expected: usize,
    mark: PhantomData<M>,
}

/// What storing a value did.
pub(crate) struct Stored {
    /// Whether the key is new.
    pub(crate) added: bool,
    /// The value it had, if that was a large one.
    pub(crate) old: Option<Value>,
}

impl<M: Mark, S: Segments<M>> Tree<M, S> {
    /// A table of the one segment that `segments` holds, for hashes of one shard.
    pub(crate) fn new(segments: S, hasher: KeyHasher, shard_bits: u8) -> Tree<M, S> {
        debug_assert_eq!(segments.count(), 1);
        Tree {
            directory: Directory::new(shard_bits),
            segments,
            hasher,
            len: 0,
            deadlines: 0,
            bytes: 0,
            wheel: None,
            expected: 0,
            mark: PhantomData,
        }
    }

    /// Number of entries, expired ones that are still there included.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Number of entries with a deadline.
    pub(crate) fn deadlines(&self) -> usize {
        self.deadlines
    }

    /// Nothing is due before this; `None` if nothing has a deadline.
    pub(crate) fn earliest(&self) -> Option<UnixMillis> {
        let earliest = match &self.wheel {
            Some(wheel) => wheel.earliest(),
            None if self.segments.count() == 1 => self.segments.get(0).earliest(),
            None => NEVER,
        };
        (earliest != NEVER).then_some(UnixMillis(earliest))
    }

    /// Bytes the table and all it holds take of an allocator.
    pub(crate) fn heap_bytes(&self) -> usize {
        let wheel = self.wheel.as_ref().map_or(0, |wheel| wheel.block_bytes());
        self.bytes + self.directory.heap_bytes() + self.segments.heap_bytes() + wheel
    }

    /// Frees what it is besides the segments: the bytes that nobody else shared, and the segments.
    pub(crate) fn into_segments(self) -> (usize, S) {
        let wheel = self.wheel.and_then(free).map_or(0, |(bytes, _)| bytes);
        (self.directory.free() + wheel, self.segments)
    }

    pub(crate) fn hasher(&self) -> KeyHasher {
        self.hasher
    }

    /// The entry of `key`.
    #[inline]
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<Item<'_, M>> {
        self.segment_of(hash).get(hash, key)
    }

    #[inline]
    pub(crate) fn segment_of(&self, hash: u64) -> &Segment<M> {
        self.segments.get(self.directory.segment(hash))
    }

    /// The bytes of an inline value as they lie in their page.
    pub(crate) fn raw(&self, hash: u64, key: &[u8]) -> Option<&[u8]> {
        self.segment_of(hash).raw(hash, key)
    }

    /// Stores a value that may live in a page: in place if one of the same length is there.
    #[inline]
    pub(crate) fn store_inline(
        &mut self,
        hash: u64,
        key: &[u8],
        form: Form,
        value: &[u8],
        ttl: Ttl,
        touch: &Touch,
    ) -> Stored {
        let number = self.directory.segment(hash);
        let segment = self.segments.change(number);
        let found = segment.find_to_change(hash, key);
        if let Some(slot) = found {
            let earliest = segment.earliest();
            if segment.overwrite(slot, form, value, ttl, touch).is_some() {
                let is = segment.earliest();
                if is != earliest {
                    self.reschedule(number, is);
                }
                return Stored {
                    added: false,
                    old: None,
                };
            }
        }
        self.store_at(hash, key, found, Payload::Inline(form, value), ttl, touch)
    }

    /// Stores any value.
    pub(crate) fn store(
        &mut self,
        hash: u64,
        key: &[u8],
        payload: Payload<'_>,
        ttl: Ttl,
        touch: &Touch,
    ) -> Stored {
        let found = self.segment_of(hash).find(hash, key);
        self.store_at(hash, key, found, payload, ttl, touch)
    }

    fn store_at(
        &mut self,
        hash: u64,
        key: &[u8],
        found: Option<usize>,
        payload: Payload<'_>,
        ttl: Ttl,
        touch: &Touch,
    ) -> Stored {
        if let Some(slot) = found {
            let old = self.change(hash, |segment, _| {
                segment.replace(slot, key, payload, ttl, touch)
            });
            return Stored { added: false, old };
        }
        let deadline = match ttl {
            Ttl::At(deadline) => Some(deadline),
            Ttl::Keep | Ttl::Clear => None,
        };
        self.add_new(hash, key, payload, deadline, touch);
        Stored {
            added: true,
            old: None,
        }
    }

    /// Removes a key: its value and deadline.
    pub(crate) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<(Value, Option<UnixMillis>)> {
        let slot = self.segment_of(hash).find(hash, key)?;
        self.change(hash, |segment, hasher| {
            let removed = segment.remove(slot, hash);
            segment.shrink_index(hasher);
            removed
        })
    }

    /// Removes a key. `None` if it is not there; else its value if that was a large one.
    pub(crate) fn discard(&mut self, hash: u64, key: &[u8]) -> Option<Option<Value>> {
        let slot = self.segment_of(hash).find(hash, key)?;
        Some(self.change(hash, |segment, hasher| {
            let large = segment.discard(slot, hash);
            segment.shrink_index(hasher);
            large
        }))
    }

    /// Compacts the segment of `hash` sooner than usual, for the bytes that this gives back.
    pub(crate) fn squeeze(&mut self, hash: u64) {
        if self.segment_of(hash).is_loose() {
            self.change(hash, |segment, _| segment.compact());
        }
    }

    /// Sets or removes the deadline of a key. `None` if the key is not there, else its old one.
    pub(crate) fn set_deadline(
        &mut self,
        hash: u64,
        key: &[u8],
        deadline: Option<UnixMillis>,
    ) -> Option<Option<UnixMillis>> {
        let slot = self.segment_of(hash).find(hash, key)?;
        Some(self.change(hash, |segment, _| segment.set_deadline(slot, deadline)))
    }

    /// Takes the value of a key out, to be stored again by [`Tree::store`] after an edit.
    pub(crate) fn take_value(&mut self, hash: u64, key: &[u8]) -> Option<Value> {
        let slot = self.segment_of(hash).find(hash, key)?;
        self.change(hash, |segment, _| segment.take_value(slot))
    }

    /// Changes the segment of `hash`, and the sums by what that changed.
    pub(super) fn change<R>(
        &mut self,
        hash: u64,
        f: impl FnOnce(&mut Segment<M>, &KeyHasher) -> R,
    ) -> R {
        let number = self.directory.segment(hash);
        let hasher = self.hasher;
        let segment = self.segments.change(number);
        let was = segment.sums();
        let result = f(segment, &hasher);
        let is = segment.sums();
        self.account(number, was, is);
        result
    }

    fn account(&mut self, number: u32, was: Sums, is: Sums) {
        self.len = self.len + is.len - was.len;
        self.deadlines = self.deadlines + is.deadlines - was.deadlines;
        self.bytes = self.bytes + is.bytes - was.bytes;
        if was.earliest != is.earliest {
            self.reschedule(number, is.earliest);
        }
    }

    fn reschedule(&mut self, number: u32, is: i64) {
        let only = self.segments.count() == 1;
        if !only && (is != NEVER || self.wheel.is_some()) {
            own(self.wheel.get_or_insert_default()).set(number, is);
        }
    }

    /// Splits the segment of `hash` in two.
    #[cold]
    pub(super) fn split(&mut self, hash: u64) {
        let number = self.directory.segment(hash);
        let hasher = self.hasher;
        let segment = self.segments.change(number);
        let depth = segment.depth;
        let was = segment.sums();
        let upper = segment.split(self.directory.split_bit(depth), &hasher);
        let is = segment.sums();
        self.account(number, was, is);
        let lower = (number, is.earliest);
        let is = upper.sums();
        let number = self.segments.push(upper);
        // The only segment of a table is in no wheel.
        self.reschedule(lower.0, lower.1);
        let was = Sums {
            len: 0,
            deadlines: 0,
            bytes: 0,
            earliest: NEVER,
        };
        self.account(number, was, is);
        self.directory.split(hash, depth, number);
    }

    /// What is due at `now`, for the caller to remove. Each of it costs one of `steps`, and so does
    /// each segment that is looked at or moved in the wheel; with none left there may be more.
    pub(crate) fn fire(&mut self, now: UnixMillis, steps: &mut usize) -> Due {
        let mut due = Due::default();
        while *steps > 0
            && let Some(number) = self.next_due(now.0, steps)
        {
            *steps = steps.saturating_sub(1);
            let segment = self.segments.change(number);
            let found = segment.fire(now.0, (*steps).max(1));
            let is = segment.earliest();
            self.reschedule(number, is);
            *steps = steps.saturating_sub(found.keys.len() + found.hashes.len());
            due.append(found);
        }
        due
    }

    /// A segment that is due at `now`, out of the wheel.
    fn next_due(&mut self, now: i64, steps: &mut usize) -> Option<u32> {
        match &mut self.wheel {
            Some(wheel) if wheel.earliest() <= now => own(wheel).pop(now, steps),
            Some(_) => None,
            None => (self.earliest()?.0 <= now).then_some(0),
        }
    }

    /// Every entry, in the order in which segments came to be.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Item<'_, M>> {
        (0..self.segments.count()).flat_map(|number| self.segments.get(number).iter())
    }

    /// Walks every invariant; panics where one does not hold. For tests and fuzzers.
    pub(crate) fn check(&self) {
        let mut sums = (0, 0, 0);
        for number in 0..self.segments.count() {
            let segment = self.segments.get(number);
            segment.check(&self.hasher);
            let is = segment.sums();
            sums = (sums.0 + is.len, sums.1 + is.deadlines, sums.2 + is.bytes);
            if let Some(wheel) = &self.wheel {
                assert_eq!(wheel.time(number), is.earliest, "a segment in the wheel");
            }
            for item in segment.iter() {
                let at = self.directory.segment(self.hasher.hash(item.key));
                assert_eq!(at, number, "an entry lies in the segment of its hash");
            }
        }
        assert_eq!(
            sums,
            (self.len, self.deadlines, self.bytes),
            "sums of all segments"
        );
        self.check_directory();
    }

    fn check_directory(&self) {
        let mut slot = 0;
        while slot < self.directory.len() {
            let number = self.directory.at(slot);
            let span = self.directory.span(self.segments.get(number).depth);
            assert_eq!(slot % span, 0, "a segment's slots are aligned");
            assert!(
                (slot..slot + span).all(|slot| self.directory.at(slot) == number),
                "a segment of depth d has 2^(depth - d) slots"
            );
            slot += span;
        }
    }
}

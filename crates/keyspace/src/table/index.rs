//! The index of a segment: where the entry of a hash lies, in one cache line.
//!
//! ```text
//!  line   64 bytes: tags | passed | places | marks      10 slots with a stamp, 21 without
//!  tag    the low 8 bits of a hash, 0 for a free slot
//! ```
//!
//! An entry belongs to the line its hash says, and goes to the next with a free slot if that one is
//! full; `passed` counts the entries that went past a line, so a search ends at the first line that
//! none passed, and removing leaves no tombstone. Lines come in numbers that fill an allocator's
//! classes, nine tenths full at most.

use super::page::At;
use super::stamp::{Mark, Stamp, Unmarked};
use crate::account::usable_size;

/// One cache line of an index.
pub(crate) trait Line: Clone + Default + Send + Sync {
    /// What slots carry besides the place.
    type Mark: Mark;
    /// Slots of a line.
    const SLOTS: usize;
    /// Numbers of lines, ascending. The last is what a full segment has.
    const SIZES: &'static [u8];

    fn tags(&self) -> &[u8];
    fn tags_mut(&mut self) -> &mut [u8];
    /// One bit for each slot with that tag.
    fn matches(&self, tag: u8) -> u32;
    fn at(&self, slot: usize) -> At;
    fn at_mut(&mut self, slot: usize) -> &mut At;
    fn mark(&self, slot: usize) -> &Self::Mark;
    fn mark_mut(&mut self, slot: usize) -> &mut Self::Mark;
    fn passed(&self) -> u8;
    fn passed_mut(&mut self) -> &mut u8;
}

macro_rules! line {
    ($name:ident: $mark:ident, $slots:literal slots, $spare:literal spare, sizes $sizes:expr) => {
        /// A line whose slots carry a mark of that kind.
        #[derive(Clone, Default)]
        pub(crate) struct $name {
            tags: [u8; $slots],
            passed: u8,
            places: [At; $slots],
            marks: [$mark; $slots],
            /// Up to the size of a cache line. Not aligned to one: that costs some allocators the
            /// next class, and their blocks of these sizes are aligned anyway.
            _spare: [u8; $spare],
        }

        const _: () = assert!(size_of::<$name>() == LINE);

        impl Line for $name {
            type Mark = $mark;
            const SLOTS: usize = $slots;
            const SIZES: &'static [u8] = &$sizes;

            fn tags(&self) -> &[u8] {
                &self.tags
            }
            fn tags_mut(&mut self) -> &mut [u8] {
                &mut self.tags
            }
            #[inline]
            fn matches(&self, tag: u8) -> u32 {
                let mut bits = 0;
                for slot in 0..$slots {
                    bits |= u32::from(self.tags[slot] == tag) << slot;
                }
                bits
            }
            #[inline]
            fn at(&self, slot: usize) -> At {
                self.places[slot]
            }
            fn at_mut(&mut self, slot: usize) -> &mut At {
                &mut self.places[slot]
            }
            #[inline]
            fn mark(&self, slot: usize) -> &$mark {
                &self.marks[slot]
            }
            fn mark_mut(&mut self, slot: usize) -> &mut $mark {
                &mut self.marks[slot]
            }
            #[inline]
            fn passed(&self) -> u8 {
                self.passed
            }
            fn passed_mut(&mut self) -> &mut u8 {
                &mut self.passed
            }
        }
    };
}

/// Bytes of a line.
const LINE: usize = 64;
/// A count of passed entries that is no longer kept: it stays.
const MANY: u8 = u8::MAX;

line!(StampLine: Stamp, 10 slots, 3 spare, sizes [1, 2, 3, 4, 6, 8, 12, 16, 20, 28, 40, 48]);
line!(FieldLine: Unmarked, 21 slots, 0 spare, sizes [1, 2, 3, 4, 6, 8, 10, 14, 20, 24]);

/// Places by hash.
#[derive(Clone)]
pub(crate) struct Index<L> {
    lines: Box<[L]>,
    len: u16,
}

/// Slots that may be taken of that many lines.
const fn room<L: Line>(lines: usize) -> usize {
    lines * L::SLOTS * 9 / 10
}

#[inline]
fn tag(hash: u64) -> u8 {
    (hash as u8).max(1)
}

impl<L: Line> Index<L> {
    /// Entries at which an index, and so a segment, is full.
    pub(crate) const FULL: usize = room::<L>(L::SIZES[L::SIZES.len() - 1] as usize);

    /// An index for `len` entries; no more than [`Index::FULL`].
    pub(crate) fn with_room(len: usize) -> Index<L> {
        let sizes = L::SIZES.iter().map(|&lines| usize::from(lines));
        let lines = sizes.into_iter().find(|&lines| len <= room::<L>(lines));
        let lines = match len {
            0 => 0,
            _ => lines.unwrap_or_else(|| unreachable!("a segment is split before it overflows")),
        };
        Index {
            lines: vec![L::default(); lines].into(),
            len: 0,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Slots, taken or free; slots are numbered from 0.
    pub(crate) fn slots(&self) -> usize {
        self.lines.len() * L::SLOTS
    }

    /// Whether one more entry needs more lines.
    #[inline]
    pub(crate) fn must_grow(&self) -> bool {
        self.len() >= room::<L>(self.lines.len())
    }

    /// Whether a quarter of the lines would do.
    pub(crate) fn may_shrink(&self) -> bool {
        self.lines.len() > 2 && self.len() * 4 < room::<L>(self.lines.len())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        usable_size(self.lines.len() * LINE)
    }

    /// The line of a hash. By the bits below the directory's, of which the tag takes the last.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        ((u64::from(hash as u32) * self.lines.len() as u64) >> 32) as usize
    }

    /// The line after `line`; the first after the last.
    #[inline]
    fn after(&self, line: usize) -> usize {
        if line + 1 == self.lines.len() {
            0
        } else {
            line + 1
        }
    }

    /// The slot of the entry of `hash` whose place `is` the one.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(At) -> bool) -> Option<usize> {
        let tag = tag(hash);
        let mut number = self.home(hash);
        for _ in 0..self.lines.len() {
            let line = self.lines.get(number)?;
            let mut matches = line.matches(tag);
            while matches != 0 {
                let slot = matches.trailing_zeros() as usize;
                if is(line.at(slot)) {
                    return Some(number * L::SLOTS + slot);
                }
                matches &= matches - 1;
            }
            if line.passed() == 0 {
                return None;
            }
            number = self.after(number);
        }
        None
    }

    /// Where the entry of `hash` lies, probably: by tag alone, in its own line. For fetching ahead.
    #[inline]
    pub(crate) fn guess(&self, hash: u64) -> Option<At> {
        let line = self.lines.get(self.home(hash))?;
        let slot = line.matches(tag(hash)).trailing_zeros() as usize;
        (slot < L::SLOTS).then(|| line.at(slot))
    }

    /// The entry in a slot; `None` if the slot is free.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<(At, &L::Mark)> {
        let (line, slot) = (self.lines.get(slot / L::SLOTS)?, slot % L::SLOTS);
        (line.tags()[slot] != 0).then(|| (line.at(slot), line.mark(slot)))
    }

    /// The place of the entry in a slot that is taken.
    pub(crate) fn at_mut(&mut self, slot: usize) -> &mut At {
        self.lines[slot / L::SLOTS].at_mut(slot % L::SLOTS)
    }

    /// Adds an entry. There is room for it.
    pub(crate) fn insert(&mut self, hash: u64, at: At, mark: L::Mark) {
        debug_assert!(!self.must_grow());
        let mut number = self.home(hash);
        loop {
            let line = &mut self.lines[number];
            if let Some(slot) = line.tags().iter().position(|&tag| tag == 0) {
                line.tags_mut()[slot] = tag(hash);
                *line.at_mut(slot) = at;
                *line.mark_mut(slot) = mark;
                self.len += 1;
                return;
            }
            let passed = line.passed_mut();
            *passed = passed.saturating_add(1);
            number = self.after(number);
        }
    }

    /// Removes the entry of `hash` in a slot.
    pub(crate) fn remove(&mut self, slot: usize, hash: u64) {
        let mut number = self.home(hash);
        while number != slot / L::SLOTS {
            let passed = self.lines[number].passed_mut();
            if *passed != MANY {
                *passed -= 1;
            }
            number = self.after(number);
        }
        self.lines[number].tags_mut()[slot % L::SLOTS] = 0;
        self.len -= 1;
    }

    /// The same entries in an index with room for `len`, by their hashes.
    pub(crate) fn resized(self, len: usize, hash: impl Fn(At) -> u64) -> Index<L> {
        let mut index = Index::with_room(len);
        for (at, mark) in self.into_entries() {
            index.insert(hash(at), at, mark);
        }
        index
    }

    /// Every slot that is taken.
    pub(crate) fn taken(&self) -> impl Iterator<Item = usize> {
        let lines = (0..).step_by(L::SLOTS).zip(&self.lines);
        lines.flat_map(|(first, line)| {
            let slots = (first..).zip(line.tags());
            slots.filter(|(_, tag)| **tag != 0).map(|(slot, _)| slot)
        })
    }

    /// Every entry.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (At, &L::Mark)> {
        self.taken().filter_map(|slot| self.get(slot))
    }

    /// Moves every entry.
    pub(crate) fn move_all(&mut self, mut to: impl FnMut(At) -> At) {
        for line in &mut self.lines {
            for slot in 0..L::SLOTS {
                if line.tags()[slot] != 0 {
                    *line.at_mut(slot) = to(line.at(slot));
                }
            }
        }
    }

    fn into_entries(self) -> impl Iterator<Item = (At, L::Mark)> {
        let lines = self.lines.into_vec().into_iter();
        lines.flat_map(|mut line| {
            let entry = move |slot: usize| {
                let taken = line.tags()[slot] != 0;
                taken.then(|| (line.at(slot), std::mem::take(line.mark_mut(slot))))
            };
            (0..L::SLOTS).filter_map(entry)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::page::Pages;

    /// Places that differ.
    fn places() -> impl Iterator<Item = At> {
        let mut pages = Pages::default();
        std::iter::from_fn(move || pages.allocate(4))
    }

    fn churn<L: Line>() {
        let mut rng = fastrand::Rng::with_seed(1);
        let entries: Vec<(u64, At)> = places().take(2000).map(|at| (rng.u64(..), at)).collect();
        let hash = |at: At| {
            entries
                .iter()
                .find(|(_, known)| *known == at)
                .map_or(0, |(hash, _)| *hash)
        };
        let mut index = Index::<L>::with_room(0);
        let mut inside = Vec::new();
        for (n, &(hash_of, at)) in entries.iter().enumerate() {
            if index.must_grow() {
                index = index.resized(inside.len() + 1, hash);
            }
            index.insert(hash_of, at, L::Mark::default());
            inside.push((hash_of, at));
            while inside.len() >= Index::<L>::FULL || (n % 3 == 0 && !inside.is_empty()) {
                let (hash, at) = inside.swap_remove(rng.usize(..inside.len()));
                let slot = index.find(hash, |found| found == at).unwrap();
                index.remove(slot, hash);
                assert_eq!(index.find(hash, |found| found == at), None);
                if inside.len() % 2 == 0 {
                    break;
                }
            }
            assert_eq!(index.len(), inside.len());
        }
        for (hash, at) in &inside {
            let slot = index.find(*hash, |found| found == *at).unwrap();
            assert_eq!(index.get(slot).map(|(at, _)| at), Some(*at));
        }
        assert_eq!(index.iter().count(), inside.len());
    }

    #[test]
    fn what_is_inside_is_found_through_growth_and_removal() {
        churn::<StampLine>();
        churn::<FieldLine>();
    }

    #[test]
    fn a_full_segment_fills_the_classes_of_allocators() {
        assert_eq!(
            (Index::<StampLine>::FULL, Index::<FieldLine>::FULL),
            (432, 453)
        );
        for &lines in StampLine::SIZES.iter().chain(FieldLine::SIZES) {
            let bytes = usize::from(lines) * LINE;
            assert_eq!(usable_size(bytes), bytes);
        }
    }
}

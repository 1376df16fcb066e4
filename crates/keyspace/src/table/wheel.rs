//! A hierarchical timing wheel: which segments are due, without sorting them.
//!
//! ```text
//!  level 0    64 slots of 1 ms     the 64 ms that `now` lies in
//!  level 1    64 slots of 64 ms    the 4 s that `now` lies in
//!  level n    64 slots of 64^n ms  11 levels hold every time there is
//! ```
//!
//! A segment is on the level of the highest digit (of six bits) in which its time differs from
//! `now`, in the slot of that digit. When `now` reaches a slot, what is in it moves to lower levels,
//! one segment a step, so that no step is long. A level takes memory from its first use on.

use crate::account::{Block, usable_size};
use crate::value::arc_bytes;

/// Bits of a digit.
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
const LEVELS: usize = 64usize.div_ceil(DIGIT as usize);
/// No segment.
const NONE: u32 = u32::MAX;
/// In `Link::prev`: no segment, but the slot of which this is the first. Segments are fewer.
const SLOT: u32 = 1 << 31;
/// The time of what has none.
pub(super) const NEVER: i64 = i64::MAX;

/// Segments by the time at which they are due.
#[derive(Clone)]
pub(super) struct Wheel {
    now: u64,
    /// Nothing is due before this.
    earliest: i64,
    /// By segment number.
    links: Vec<Link>,
    levels: [Option<Box<Level>>; LEVELS],
}

/// A segment in the list of a slot.
#[derive(Clone, Copy)]
struct Link {
    at: i64,
    next: u32,
    prev: u32,
}

#[derive(Clone)]
struct Level {
    /// A bit for each slot with anything in it.
    occupied: u64,
    /// The first segment of each slot.
    heads: [u32; SLOTS],
}

/// A slot that is not empty.
struct First {
    start: u64,
    level: usize,
    slot: usize,
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel {
            now: 0,
            earliest: NEVER,
            links: Vec::new(),
            levels: [const { None }; LEVELS],
        }
    }
}

impl Wheel {
    /// Nothing is due before this; [`NEVER`] if nothing will be. It may be early, by no more than a
    /// slot's length once [`Wheel::pop`] has answered `None`.
    pub(super) fn earliest(&self) -> i64 {
        self.earliest
    }

    /// When a segment is due; [`NEVER`] for never.
    pub(super) fn time(&self, number: u32) -> i64 {
        self.links
            .get(number as usize)
            .map_or(NEVER, |link| link.at)
    }

    /// Sets when a segment is due; [`NEVER`] for never.
    pub(super) fn set(&mut self, number: u32, at: i64) {
        if self.time(number) == at {
            return;
        }
        self.unlink(number);
        if at != NEVER {
            self.link(number, at);
            self.earliest = self.earliest.min(at);
        }
    }

    /// Takes out a segment that is due at `now`, which `earliest` allows. Every segment moved to a lower level costs one of
    /// `steps`; with none left the answer is `None`, and `earliest` still says that there is more.
    pub(super) fn pop(&mut self, now: i64, steps: &mut usize) -> Option<u32> {
        let now = now.max(0) as u64;
        if now < self.now {
            self.turn_back(now);
        }
        loop {
            let Some(first) = self.first() else {
                (self.now, self.earliest) = (self.now.max(now), NEVER);
                return None;
            };
            if first.start > now {
                self.now = self.now.max(now);
                self.earliest = first.start as i64;
                return None;
            }
            if first.level > 0 && *steps == 0 {
                return None;
            }
            self.now = self.now.max(first.start);
            let number = self.head(&first);
            let at = self.time(number);
            self.unlink(number);
            if first.level == 0 {
                return Some(number);
            }
            self.link(number, at);
            *steps -= 1;
        }
    }

    /// The slot that comes first; of several that begin together the longest, which is emptied
    /// into the others.
    fn first(&self) -> Option<First> {
        let levels = self.levels.iter().enumerate().rev();
        let firsts = levels.filter_map(|(level, slots)| {
            let occupied = slots.as_ref()?.occupied;
            (occupied != 0).then(|| {
                let slot = occupied.trailing_zeros() as usize;
                let start = self.start(level, slot);
                First { start, level, slot }
            })
        });
        firsts.reduce(|first, next| {
            if next.start < first.start {
                next
            } else {
                first
            }
        })
    }

    /// When a slot begins: the digits above are those of `now`, for otherwise what is in it would
    /// be on a higher level.
    fn start(&self, level: usize, slot: usize) -> u64 {
        let shift = DIGIT * level as u32;
        let above = u64::MAX.checked_shl(shift + DIGIT).unwrap_or(0);
        self.now & above | (slot as u64) << shift
    }

    fn head(&self, first: &First) -> u32 {
        let level = self.levels[first.level].as_ref();
        level.map_or(NONE, |level| level.heads[first.slot])
    }

    fn link(&mut self, number: u32, at: i64) {
        let time = (at.max(0) as u64).max(self.now);
        let level = (63 - (time ^ self.now | 1).leading_zeros()) / DIGIT;
        let slot = (time >> (DIGIT * level)) as usize % SLOTS;
        let level = level as usize;
        let slots = self.levels[level].get_or_insert_default();
        let next = std::mem::replace(&mut slots.heads[slot], number);
        slots.occupied |= 1 << slot;
        if self.links.len() <= number as usize {
            self.links.resize(number as usize + 1, Link::UNLINKED);
        }
        if let Some(next) = self.links.get_mut(next as usize) {
            next.prev = number;
        }
        let prev = SLOT | (level * SLOTS + slot) as u32;
        self.links[number as usize] = Link { at, next, prev };
    }

    fn unlink(&mut self, number: u32) {
        let Some(link) = self.links.get_mut(number as usize) else {
            return;
        };
        let Link { at, next, prev } = std::mem::replace(link, Link::UNLINKED);
        if at == NEVER {
            return;
        }
        if let Some(next) = self.links.get_mut(next as usize) {
            next.prev = prev;
        }
        match self.links.get_mut(prev as usize) {
            Some(prev) => prev.next = next,
            None => self.begin_with((prev & !SLOT) as usize, next),
        }
    }

    /// Makes `number` the first of a slot, or leaves the slot empty.
    fn begin_with(&mut self, place: usize, number: u32) {
        let (level, slot) = (place / SLOTS, place % SLOTS);
        if let Some(level) = &mut self.levels[level] {
            level.heads[slot] = number;
            if number == NONE {
                level.occupied &= !(1 << slot);
            }
        }
    }

    /// Puts everything in its place for an earlier `now`. That is rare: the clock was set back, or
    /// its reader waited for a lock, and something is due at that time still.
    #[cold]
    fn turn_back(&mut self, now: u64) {
        let links = std::mem::take(&mut self.links);
        *self = Wheel {
            now,
            ..Wheel::default()
        };
        for (number, link) in (0..).zip(links) {
            self.set(number, link.at);
        }
    }

    /// Bytes taken of an allocator, the wheel itself apart.
    pub(super) fn heap_bytes(&self) -> usize {
        let levels = self.levels.iter().flatten().count();
        usable_size(self.links.len() * size_of::<Link>()) + levels * usable_size(size_of::<Level>())
    }
}

impl Block for Wheel {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Wheel>() + self.heap_bytes()
    }
}

impl Link {
    const UNLINKED: Link = Link {
        at: NEVER,
        next: NONE,
        prev: NONE,
    };
}

impl Default for Level {
    fn default() -> Level {
        Level {
            occupied: 0,
            heads: [NONE; SLOTS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// What is due at `now`, as the model and the wheel tell, taken out of both.
    fn fire(wheel: &mut Wheel, model: &mut BTreeMap<u32, i64>, now: i64) {
        let mut popped = Vec::new();
        loop {
            let mut steps = 3;
            match wheel.pop(now, &mut steps) {
                Some(number) => popped.push(number),
                None if wheel.earliest() > now => break,
                None => assert_eq!(steps, 0, "only a lack of steps ends early"),
            }
        }
        popped.sort_unstable();
        let due: Vec<u32> = model
            .extract_if(.., |_, at| *at <= now)
            .map(|(n, _)| n)
            .collect();
        assert_eq!(popped, due, "due at {now}");
    }

    fn check(wheel: &Wheel, model: &BTreeMap<u32, i64>) {
        let first = model.values().min().copied();
        assert!(
            wheel.earliest() <= first.unwrap_or(NEVER),
            "nothing before the earliest"
        );
        for (&number, &at) in model {
            assert_eq!(wheel.time(number), at);
        }
    }

    #[derive(Debug, Clone)]
    enum Op {
        Set(u32, i64),
        Never(u32),
        Advance(i64),
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        // Distances of every magnitude, and times long past.
        let ahead = (0u32..42).prop_flat_map(|bits| -3i64..1 << bits);
        let op = prop_oneof![
            4 => (0u32..40, ahead.clone()).prop_map(|(n, ahead)| Op::Set(n, ahead)),
            1 => (0u32..40).prop_map(Op::Never),
            2 => ahead.prop_map(|by| Op::Advance(by.max(0))),
        ];
        proptest::collection::vec(op, 1..120)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fires_what_a_map_would(start in 0i64..2_000_000_000_000, ops in ops()) {
            let (mut wheel, mut model, mut now) = (Wheel::default(), BTreeMap::new(), start);
            for op in ops {
                match op {
                    Op::Set(number, ahead) => {
                        wheel.set(number, now + ahead);
                        model.insert(number, now + ahead);
                    }
                    Op::Never(number) => {
                        wheel.set(number, NEVER);
                        model.remove(&number);
                    }
                    Op::Advance(by) => {
                        now += by;
                        fire(&mut wheel, &mut model, now);
                    }
                }
                check(&wheel, &model);
            }
        }

        #[test]
        fn woken_at_its_earliest_it_is_late_for_nothing(
            ahead in proptest::collection::vec(0i64..1 << 24, 1..40),
        ) {
            let (mut wheel, mut model) = (Wheel::default(), BTreeMap::new());
            for (number, &at) in (0..).zip(&ahead) {
                wheel.set(number, at);
                model.insert(number, at);
            }
            let mut wakes = 0;
            while wheel.earliest() != NEVER {
                let now = wheel.earliest();
                prop_assert!(model.values().all(|&at| at >= now));
                fire(&mut wheel, &mut model, now);
                wakes += 1;
            }
            prop_assert!(model.is_empty());
            prop_assert!(wakes <= 5 * ahead.len(), "a wake for each level at most");
        }
    }

    #[test]
    fn the_last_time_there_is_has_a_place() {
        let mut wheel = Wheel::default();
        wheel.set(0, NEVER - 1);
        wheel.set(1, i64::MIN);
        let mut steps = 100;
        assert_eq!(wheel.pop(5, &mut steps), Some(1));
        assert_eq!(wheel.pop(5, &mut steps), None);
        assert_eq!(wheel.pop(NEVER - 1, &mut steps), Some(0));
        assert_eq!(wheel.pop(NEVER - 1, &mut steps), None);
        assert_eq!(wheel.earliest(), NEVER);
    }

    #[test]
    fn a_clock_set_back_is_followed() {
        let mut wheel = Wheel::default();
        wheel.set(0, 1_000_000);
        wheel.set(1, 500_000);
        let mut steps = 100;
        assert_eq!(wheel.pop(900_000, &mut steps), Some(1));
        assert_eq!(wheel.pop(900_000, &mut steps), None);
        wheel.set(2, 100_000);
        assert_eq!(wheel.pop(50_000, &mut steps), None);
        assert!(wheel.earliest() > 50_000 && wheel.earliest() <= 100_000);
        assert_eq!(wheel.pop(100_000, &mut steps), Some(2));
        assert_eq!(wheel.pop(100_000, &mut steps), None);
    }
}

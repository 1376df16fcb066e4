//! What was removed and is dear to free: freed in steps, by whoever has time for it.
//!
//! A removed collection of millions, or a whole flushed table, falls into *parts*: a segment, a
//! node, a chunk, each some microseconds to free. They wait in a queue until a host asks for some to
//! be freed. A host that never asks does not fill memory: past [`PENDING_MAX`] whoever removes
//! something frees as much as that was before it goes on.

use crate::Value;
use crate::account::{Block, free};
use crate::budget::Budget;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use crate::sync::{Condvar, Mutex};
use crate::table::{Frozen, KeyTable};
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// The parts of something that was removed: each step frees one, and tells its bytes.
pub(crate) type Parts = Box<dyn Iterator<Item = usize> + Send>;

/// One part.
pub(crate) fn whole<T: Block + Send + Sync + 'static>(block: Arc<T>) -> Parts {
    let freed = |block| free(block).map_or(0, |(bytes, _)| bytes);
    Box::new(std::iter::once(block).map(freed))
}

/// Pages or nodes from which on something is left to the reclaimer.
const BIG: usize = 64;
/// Bytes that may wait before those who remove have to help, if no host frees any.
const PENDING_MAX: usize = 64 << 20;
/// The same if one does, but not fast enough.
const PENDING_MAX_SERVED: usize = 1 << 30;

/// Which removals leave big values to the reclaimer: `lazyfree-lazy-*` of `redis.conf`.
///
/// What is not left to it is freed by the caller, after the locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LazyFree {
    /// Eviction.
    pub eviction: bool,
    /// Keys whose deadline has passed.
    pub expire: bool,
    /// Values that are overwritten, and keys that go away as a side effect.
    pub server_del: bool,
    /// `DEL`.
    pub user_del: bool,
    /// `FLUSHALL` and `FLUSHDB` that say neither `SYNC` nor `ASYNC`.
    pub user_flush: bool,
}

impl LazyFree {
    fn bits(self) -> u8 {
        let flags = [
            self.eviction,
            self.expire,
            self.server_del,
            self.user_del,
            self.user_flush,
        ];
        flags
            .iter()
            .rev()
            .fold(0, |bits, &flag| bits << 1 | u8::from(flag))
    }

    fn from_bits(bits: u8) -> LazyFree {
        let flag = |at: u8| bits >> at & 1 == 1;
        LazyFree {
            eviction: flag(0),
            expire: flag(1),
            server_del: flag(2),
            user_del: flag(3),
            user_flush: flag(4),
        }
    }
}

/// Something removed.
pub(crate) enum Removed {
    Value(Value),
    Table(Arc<KeyTable>),
    /// Of a view that was cancelled.
    Frozen(Frozen),
}

impl Removed {
    fn heap_bytes(&self) -> usize {
        match self {
            Removed::Value(value) => value.heap_bytes(),
            Removed::Table(table) => table.heap_bytes(),
            Removed::Frozen(_) => 0,
        }
    }

    /// What Redis counts: a value is one, a table as many as it had keys.
    fn objects(&self) -> usize {
        match self {
            Removed::Value(_) => 1,
            Removed::Table(table) => table.len(),
            Removed::Frozen(_) => 0,
        }
    }

    fn is_big(&self) -> bool {
        let effort = match self {
            Removed::Value(value) => value.free_effort(),
            Removed::Table(table) => table.heap_bytes() / crate::value::EFFORT_BYTES,
            Removed::Frozen(_) => return true,
        };
        effort > BIG
    }

    fn into_parts(self) -> Parts {
        match self {
            Removed::Value(value) => value.into_parts(),
            Removed::Table(table) => Box::new(KeyTable::into_parts(table)),
            Removed::Frozen(frozen) => Box::new(frozen.into_parts()),
        }
    }
}

/// What was removed under one set of locks. Dropped after them; what is to be freed later goes to
/// the reclaimer then.
pub(crate) struct Garbage<'a> {
    reclaimer: &'a Reclaimer,
    now: Vec<Removed>,
    later: Vec<Removed>,
}

impl<'a> Garbage<'a> {
    pub(crate) fn new(reclaimer: &'a Reclaimer) -> Garbage<'a> {
        Garbage {
            reclaimer,
            now: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Takes something that is to be freed after the locks; if `lazy` and big, some time after.
    pub(crate) fn add(&mut self, removed: Removed, lazy: bool) {
        if lazy && removed.is_big() {
            self.later.push(removed);
        } else {
            self.now.push(removed);
        }
    }

    /// Leaves everything big so far to the reclaimer.
    pub(crate) fn leave(&mut self) {
        let (big, small) = mem::take(&mut self.now)
            .into_iter()
            .partition(Removed::is_big);
        self.now = small;
        self.later.extend::<Vec<_>>(big);
    }
}

impl Drop for Garbage<'_> {
    fn drop(&mut self) {
        if !self.now.is_empty() && self.reclaimer.budget.is_in_use() {
            let now = mem::take(&mut self.now);
            now.into_iter()
                .for_each(|removed| self.reclaimer.free_now(removed));
        }
        if !self.later.is_empty() {
            self.reclaimer.take_over(mem::take(&mut self.later));
        }
    }
}

/// Something removed that waits, or what is left of it.
struct Pile {
    parts: Parts,
    objects: usize,
    is_frozen: bool,
    /// Of the parts that are left, as was counted when they were removed.
    bytes: usize,
}

impl Pile {
    fn new(removed: Removed) -> Pile {
        Pile {
            bytes: removed.heap_bytes(),
            objects: removed.objects(),
            is_frozen: matches!(removed, Removed::Frozen(_)),
            parts: removed.into_parts(),
        }
    }
}

/// The queue of what waits to be freed.
#[derive(Default)]
pub(crate) struct Reclaimer {
    lazy: AtomicU8,
    served: AtomicBool,
    queue: Mutex<VecDeque<Pile>>,
    arrived: Condvar,
    pending_objects: AtomicUsize,
    pending_bytes: AtomicUsize,
    freed_objects: AtomicU64,
    /// Cancelled views among what waits.
    frozen: AtomicUsize,
    budget: Arc<Budget>,
}

/// How freeing in the background stands: `lazyfree_*` of `INFO`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclaim {
    /// Values, and keys of flushed databases, that wait to be freed.
    pub pending_objects: usize,
    /// Bytes that they take of an allocator.
    pub pending_bytes: usize,
    /// Values and keys freed so far.
    pub freed_objects: u64,
}

impl Reclaimer {
    pub(crate) fn new(budget: Arc<Budget>) -> Reclaimer {
        Reclaimer {
            budget,
            ..Reclaimer::default()
        }
    }

    /// Frees something at once, and charges the budget for what is left of it: views keep that.
    fn free_now(&self, removed: Removed) {
        let mut pile = Pile::new(removed);
        let freed: usize = pile.parts.by_ref().sum();
        self.budget.charge(pile.bytes.saturating_sub(freed));
    }

    /// Whether any of it is a cancelled view's.
    pub(crate) fn has_frozen(&self) -> bool {
        self.frozen.load(Relaxed) > 0
    }

    /// Frees at most `parts` for somebody who needs the memory.
    pub(crate) fn help(&self, parts: usize) {
        self.run(parts, usize::MAX);
    }

    pub(crate) fn lazy_free(&self) -> LazyFree {
        LazyFree::from_bits(self.lazy.load(Relaxed))
    }

    pub(crate) fn set_lazy_free(&self, lazy: LazyFree) {
        self.lazy.store(lazy.bits(), Relaxed);
    }

    /// Takes something over. No shard is held.
    pub(crate) fn take_over(&self, removed: Vec<Removed>) {
        let piles: Vec<Pile> = removed.into_iter().map(Pile::new).collect();
        let bytes = piles.iter().map(|pile| pile.bytes).sum();
        let objects = piles.iter().map(|pile| pile.objects).sum();
        let frozen = piles.iter().filter(|pile| pile.is_frozen).count();
        self.frozen.fetch_add(frozen, Relaxed);
        self.pending_objects.fetch_add(objects, Relaxed);
        let before = self.pending_bytes.fetch_add(bytes, Relaxed);
        self.queue.lock().extend(piles);
        self.arrived.notify_one();
        if before > PENDING_MAX && !(before < PENDING_MAX_SERVED && self.is_served()) {
            self.run(usize::MAX, bytes);
        }
    }

    /// Whether a host has freed something since this was last asked.
    fn is_served(&self) -> bool {
        self.served.swap(false, Relaxed)
    }

    /// Frees at most `parts`; whether anything is left to free.
    pub(crate) fn free(&self, parts: usize) -> bool {
        self.served.store(true, Relaxed);
        self.run(parts, usize::MAX)
    }

    /// Frees from the front until so many parts or so many bytes are freed.
    fn run(&self, mut parts: usize, mut bytes: usize) -> bool {
        while parts > 0 && bytes > 0 {
            // A statement of its own: nothing is freed under the queue's lock.
            let first = self.queue.lock().pop_front();
            let Some(mut pile) = first else { return false };
            let done = self.wear_down(&mut pile, &mut parts, &mut bytes);
            if !done {
                self.queue.lock().push_front(pile);
            }
        }
        !self.queue.lock().is_empty()
    }

    /// Frees parts of a pile; whether none is left.
    fn wear_down(&self, pile: &mut Pile, parts: &mut usize, bytes: &mut usize) -> bool {
        while *parts > 0 && *bytes > 0 {
            let Some(freed) = pile.parts.next() else {
                // What is left, views keep.
                self.budget.charge(pile.bytes);
                self.pending_bytes.fetch_sub(pile.bytes, Relaxed);
                self.pending_objects.fetch_sub(pile.objects, Relaxed);
                self.frozen.fetch_sub(usize::from(pile.is_frozen), Relaxed);
                self.freed_objects.fetch_add(pile.objects as u64, Relaxed);
                return true;
            };
            *parts -= 1;
            *bytes = bytes.saturating_sub(freed);
            // Estimates, of groups of streams, need not add up.
            let freed = freed.min(pile.bytes);
            pile.bytes -= freed;
            self.pending_bytes.fetch_sub(freed, Relaxed);
        }
        false
    }

    /// Waits until there is something to free, at most for `timeout`; whether there is.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let mut queue = self.queue.lock();
        if queue.is_empty() {
            self.arrived.wait_for(&mut queue, timeout);
        }
        !queue.is_empty()
    }

    pub(crate) fn stand(&self) -> Reclaim {
        Reclaim {
            pending_objects: self.pending_objects.load(Relaxed),
            pending_bytes: self.pending_bytes.load(Relaxed),
            freed_objects: self.freed_objects.load(Relaxed),
        }
    }

    pub(crate) fn reset_freed(&self) {
        self.freed_objects.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edit, List, Settings, StringValue};

    fn list(nodes: usize) -> Removed {
        let settings = Settings::for_tests();
        let mut list = List::empty(&settings);
        for _ in 0..nodes {
            list.push_back(&settings, &[b'x'; 8000]);
        }
        Removed::Value(list.into_value())
    }

    fn leave(reclaimer: &Reclaimer, removed: Removed) {
        Garbage::new(reclaimer).add(removed, true);
    }

    #[test]
    fn settings_survive_their_bits() {
        for bits in 0..32 {
            assert_eq!(LazyFree::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn what_is_big_is_freed_part_by_part() {
        let reclaimer = Reclaimer::default();
        leave(&reclaimer, list(100));
        assert_eq!(reclaimer.stand().pending_objects, 1);
        assert!(reclaimer.stand().pending_bytes >= 100 * 8000);
        assert!(reclaimer.free(60), "more than sixty parts");
        let half = reclaimer.stand().pending_bytes;
        assert!((20 * 8000..60 * 8000).contains(&half), "{half}");
        assert!(!reclaimer.free(60));
        let expected = Reclaim {
            pending_objects: 0,
            pending_bytes: 0,
            freed_objects: 1,
        };
        assert_eq!(reclaimer.stand(), expected);
    }

    #[test]
    fn small_things_and_hasty_callers_do_not_use_the_queue() {
        let reclaimer = Reclaimer::default();
        leave(&reclaimer, list(3));
        Garbage::new(&reclaimer).add(list(100), false);
        assert_eq!(reclaimer.stand(), Reclaim::default());
        let mut garbage = Garbage::new(&reclaimer);
        garbage.add(list(100), false);
        garbage.leave();
        drop(garbage);
        assert_eq!(reclaimer.stand().pending_objects, 1);
    }

    #[test]
    fn garbage_does_not_grow_without_end() {
        let reclaimer = Reclaimer::default();
        let string = || StringValue::from_bytes(&vec![7; 10 << 20]).into_value();
        for _ in 0..20 {
            leave(&reclaimer, Removed::Value(string()));
        }
        let pending = reclaimer.stand().pending_bytes;
        assert!(pending <= PENDING_MAX + (12 << 20), "{pending}");
        assert!(pending >= PENDING_MAX / 2, "{pending}");
        reclaimer.free(1);
        leave(&reclaimer, Removed::Value(string()));
        let served = reclaimer.stand().pending_bytes;
        assert!(served >= pending + (9 << 20), "a host is at work: {served}");
    }

    #[test]
    fn waiting_ends_when_something_arrives() {
        let reclaimer = Reclaimer::default();
        assert!(!reclaimer.wait(Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| while !reclaimer.wait(Duration::from_secs(1)) {});
            leave(&reclaimer, list(100));
            assert!(waiting.join().is_ok());
        });
    }
}

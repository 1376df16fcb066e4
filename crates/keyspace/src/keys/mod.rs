//! What a command does with keys, under the locks its plan took.

mod edit;
mod entry;
mod evict;
mod expire;
mod held;
mod read;
mod scan;
mod usage;
mod write;

pub use entry::{Access, EntryRef, Expiry, IfMissing, Ttl, WrongType};
pub use expire::{Lapsed, LapsedFields};

use crate::account::taken_leave_of;
use crate::keyspace::Inner;
use crate::observe::Changed;
use crate::plan::{Hashes, Mode, Plan};
use crate::reclaim::{Garbage, Removed};
use crate::shard::Shard;
use crate::{LazyFree, Settings, Value};
use held::Held;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use units::{DbIndex, ReplOffset, UnixMillis};

/// The locked shards of one command.
///
/// Keys are found in the shards of the plan only: using one that the plan did not take panics, as
/// does writing under a plan that reads. Dropping this unlocks.
pub struct Keys<'a> {
    inner: &'a Inner,
    held: Held<'a>,
    /// The planned keys and their hashes.
    hashes: Hashes<'a>,
    /// Where in `hashes` the next key is looked for: commands use their keys in order.
    hint: Cell<usize>,
    now: UnixMillis,
    expiry: Expiry,
    counts_uses: bool,
    lookups: Cell<Lookups>,
    changes: u64,
    /// Keys met as expired and not yet told of, with their hashes.
    expired: RefCell<Vec<(DbIndex, u64, Vec<u8>)>>,
    dirty: Dirty,
    /// What was removed and is dear to drop. Declared after `held`: dropped once it is unlocked.
    garbage: Garbage<'a>,
}

/// How often keys were looked for to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lookups {
    /// And were there.
    pub hits: u32,
    /// And were not.
    pub misses: u32,
}

/// Which databases changed under these locks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dirty {
    None,
    One(DbIndex),
    All,
}

/// Values that own no more than this are dropped where they are removed.
const SMALL_VALUE: usize = 4096;

impl<'a> Keys<'a> {
    pub(crate) fn lock(inner: &'a Inner, plan: Plan<'a>, now: UnixMillis) -> Keys<'a> {
        let held = Keys::admitted(inner, &plan, || Held::lock(inner, &plan));
        Keys::holding(inner, held, plan, now)
    }

    pub(crate) fn lock_unless(
        inner: &'a Inner,
        plan: Plan<'a>,
        now: UnixMillis,
        give_up: &dyn Fn() -> bool,
    ) -> Option<Keys<'a>> {
        let held = Keys::admitted(inner, &plan, || Held::lock_unless(inner, &plan, give_up));
        Some(Keys::holding(inner, held?, plan, now))
    }

    /// Has a writer wait for the budget of views, before it holds anything.
    fn admitted<T>(inner: &Inner, plan: &Plan<'_>, lock: impl FnOnce() -> T) -> T {
        if plan.mode == Mode::Write {
            inner.budget.admit_writer(&inner.reclaimer);
        }
        lock()
    }

    fn holding(inner: &'a Inner, held: Held<'a>, plan: Plan<'a>, now: UnixMillis) -> Keys<'a> {
        Keys {
            inner,
            held,
            hashes: plan.hashes,
            hint: Cell::new(0),
            now,
            expiry: Expiry::Delete,
            counts_uses: true,
            lookups: Cell::default(),
            changes: 0,
            expired: RefCell::default(),
            dirty: Dirty::None,
            garbage: Garbage::new(&inner.reclaimer),
        }
    }

    /// The time that deadlines are compared with.
    pub fn now(&self) -> UnixMillis {
        self.now
    }

    /// How the shards are held.
    pub fn mode(&self) -> Mode {
        self.held.mode()
    }

    /// When values change their encodings, and the hasher of tables inside values.
    pub fn settings(&self) -> Settings {
        match self.held.first() {
            Some(shard) => shard.settings,
            None => self.inner.settings(),
        }
    }

    /// Number of databases.
    pub fn databases(&self) -> u32 {
        self.inner.databases
    }

    /// Sets how passed deadlines are treated; [`Expiry::Delete`] at first.
    pub fn set_expiry(&mut self, expiry: Expiry) {
        self.expiry = expiry;
    }

    /// Says whether reading a key counts as a use of it, as it does at first.
    pub fn set_counts_uses(&mut self, counts: bool) {
        self.counts_uses = counts;
    }

    /// How often keys were looked for to be read under these locks: by [`Keys::get`] and what it
    /// serves, and under a plan that only reads by any means.
    #[inline]
    pub fn lookups(&self) -> Lookups {
        self.lookups.get()
    }

    #[inline]
    fn note_lookup(&self, found: bool) {
        let mut lookups = self.lookups.get();
        lookups.hits += u32::from(found);
        lookups.misses += u32::from(!found);
        self.lookups.set(lookups);
    }

    /// Whether every shard of `plan` is held, in its mode: the next command of a pipeline may then
    /// go on with [`Keys::retarget`] instead of unlocking.
    pub fn covers(&self, plan: &Plan<'_>) -> bool {
        self.held.covers(plan, self.inner.shards.len())
    }

    /// Goes on to another command under the same locks.
    ///
    /// # Panics
    ///
    /// If `plan` is not covered.
    pub fn retarget(&mut self, plan: Plan<'a>, now: UnixMillis) {
        assert!(
            self.covers(&plan),
            "a pipeline keeps its locks for a subset only"
        );
        self.hashes = plan.hashes;
        self.hint.set(0);
        self.now = now;
        self.changes = 0;
    }

    /// Changes made so far: what Redis adds to `dirty`.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Where the journal stood after the last effect on any shard that is held.
    pub fn last_append(&self) -> ReplOffset {
        let shards = self.held.iter();
        shards
            .map(|(_, shard)| shard.last_append)
            .max()
            .unwrap_or_default()
    }

    /// Notes in every shard held for writing that an effect on it ends at `offset`.
    pub fn note_append(&mut self, offset: ReplOffset) {
        for (_, shard) in self.held.iter_mut() {
            shard.last_append = offset;
        }
    }

    /// Sets `flag` when `key` changes: as it is written, removed or expires.
    ///
    /// Registered in the shard itself, under this lock, so that no change is missed after it. The
    /// registration ends when the flag is set or when the caller's reference is dropped.
    pub fn watch(&self, db: DbIndex, key: &[u8], flag: &Arc<AtomicBool>) {
        let shard = self.shard(self.hash_of(key));
        shard.watches.lock().add(db, key, flag);
    }

    /// What changed in the shards held for writing since this was last asked there, if changes are
    /// gathered ([`crate::Keyspace::observe`]), in the order in which it did.
    pub fn take_changed(&mut self) -> Vec<Changed> {
        let mut all = Vec::new();
        if self.inner.observed.get() {
            for (_, shard) in self.held.iter_mut() {
                shard.observed.take_into(&mut all);
            }
        }
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, changed)| changed).collect()
    }

    /// Leaves what was removed so far and is big to be freed in the background, as UNLINK does;
    /// else it is freed when this is dropped, after the locks.
    pub fn leave_garbage(&mut self) {
        self.garbage.leave();
    }

    /// Which removals leave what is big to be freed in the background.
    pub fn lazy_free(&self) -> LazyFree {
        self.inner.reclaimer.lazy_free()
    }

    /// The hash of a key: planned, if it is one of the plan's very slices.
    #[inline]
    fn hash_of(&self, key: &[u8]) -> u64 {
        let hint = self.hint.get();
        for at in [hint, hint + 1, 0] {
            if let Some(&(planned, hash)) = self.hashes.as_slice().get(at)
                && std::ptr::eq(planned, key)
            {
                self.hint.set(at);
                return hash;
            }
        }
        self.inner.hasher.hash(key)
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard {
        self.held.get(self.inner.shard_of(hash))
    }

    #[inline]
    fn shard_mut(&mut self, hash: u64) -> &mut Shard {
        self.held.get_mut(self.inner.shard_of(hash))
    }

    /// Notes that a key changed.
    #[inline]
    fn changed(&mut self, db: DbIndex, hash: u64, key: &[u8], changes: u64) {
        self.changes += changes;
        self.mark_dirty(db);
        self.shard_mut(hash).changed(db, key);
    }

    #[inline]
    fn mark_dirty(&mut self, db: DbIndex) {
        self.dirty = match self.dirty {
            Dirty::None => Dirty::One(db),
            Dirty::One(one) if one == db => self.dirty,
            _ => Dirty::All,
        };
    }

    /// Keeps a removed value until the locks are given up, or for longer if `lazy` says so of that
    /// removal, if it is dear to drop.
    #[inline]
    fn discard(&mut self, value: Option<Value>, lazy: fn(LazyFree) -> bool) {
        if let Some(value) = value
            && (value.heap_bytes() > SMALL_VALUE || self.inner.budget.is_in_use())
        {
            let lazy = lazy(self.lazy_free());
            self.garbage.add(Removed::Value(value), lazy);
        }
    }
}

impl Drop for Keys<'_> {
    fn drop(&mut self) {
        if self.mode() == Mode::Write {
            self.inner.budget.charge(taken_leave_of());
        }
        // Expired keys that nobody asked about are still there: they only answer as missing.
        if self.dirty == Dirty::None {
            return;
        }
        for (number, shard) in self.held.iter_mut() {
            let published = &self.inner.shards[number].published;
            match self.dirty {
                Dirty::One(db) => published.update(shard, db),
                _ => published.update_all(shard),
            }
            self.inner.alarm.note(published.earliest());
        }
    }
}

/// The number a text stands for, if it is the canonical text of an `i64`.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    // Almost no value is one: look at the first byte before anything else.
    match text.first() {
        Some(b'0'..=b'9' | b'-') if text.len() <= 20 => packed::number::parse_i64(text),
        _ => None,
    }
}

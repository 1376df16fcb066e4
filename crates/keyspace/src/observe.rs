//! Changed keys, gathered for whoever wants to know of every change.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use units::DbIndex;

/// What changed under a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// A key: written, removed or expired.
    Key(DbIndex, Box<[u8]>),
    /// A whole database.
    Database(DbIndex),
}

/// Whether anybody wants to know, shared by all shards.
#[derive(Default)]
pub(crate) struct Wanted {
    is_wanted: AtomicBool,
    /// Numbers changes, so that those of several shards can be put in order.
    next: AtomicU64,
}

impl Wanted {
    pub(crate) fn set(&self, wanted: bool) {
        self.is_wanted.store(wanted, Release);
    }

    #[inline]
    pub(crate) fn get(&self) -> bool {
        self.is_wanted.load(Acquire)
    }
}

/// What changed in one shard, if anybody wants to know.
pub(crate) struct Observed {
    wanted: Arc<Wanted>,
    changed: Vec<(u64, Changed)>,
}

impl Observed {
    pub(crate) fn new(wanted: Arc<Wanted>) -> Observed {
        Observed {
            wanted,
            changed: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn note_key(&mut self, db: DbIndex, key: &[u8]) {
        if self.wanted.get() {
            self.push_key(db, key);
        }
    }

    /// Commands change the same key several times.
    #[cold]
    fn push_key(&mut self, db: DbIndex, key: &[u8]) {
        let known = |(_, last): &(u64, Changed)| matches!(last, Changed::Key(in_db, last) if *in_db == db && **last == *key);
        if !self.changed.last().is_some_and(known) {
            self.push(Changed::Key(db, key.into()));
        }
    }

    fn push(&mut self, changed: Changed) {
        let number = self.wanted.next.fetch_add(1, Relaxed);
        self.changed.push((number, changed));
    }

    pub(crate) fn note_database(&mut self, db: DbIndex) {
        if self.wanted.get() {
            self.push(Changed::Database(db));
        }
    }

    /// Moves what was gathered to `all`, with numbers that say in which order it happened.
    pub(crate) fn take_into(&mut self, all: &mut Vec<(u64, Changed)>) {
        all.append(&mut self.changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_gathered_that_nobody_wants() {
        let wanted = Arc::<Wanted>::default();
        let mut observed = Observed::new(wanted.clone());
        observed.note_key(DbIndex(0), b"a");
        wanted.set(true);
        for key in [b"b", b"b", b"c"] {
            observed.note_key(DbIndex(0), key);
        }
        observed.note_database(DbIndex(1));
        let mut all = Vec::new();
        observed.take_into(&mut all);
        let all: Vec<Changed> = all.into_iter().map(|(_, changed)| changed).collect();
        let key = |name: &[u8]| Changed::Key(DbIndex(0), name.into());
        assert_eq!(all, [key(b"b"), key(b"c"), Changed::Database(DbIndex(1))]);
    }
}

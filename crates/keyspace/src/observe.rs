//! Changed keys, gathered for whoever wants to know of every change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire};
use units::DbIndex;

/// What changed under a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// A key: written, removed or expired.
    Key(DbIndex, Box<[u8]>),
    /// A whole database.
    Database(DbIndex),
}

/// What changed in one shard, if anybody wants to know.
pub(crate) struct Observed {
    /// Shared by all shards.
    wanted: Arc<AtomicBool>,
    changed: Vec<Changed>,
}

impl Observed {
    pub(crate) fn new(wanted: Arc<AtomicBool>) -> Observed {
        Observed {
            wanted,
            changed: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn note_key(&mut self, db: DbIndex, key: &[u8]) {
        if self.wanted.load(Acquire) {
            self.push_key(db, key);
        }
    }

    /// Commands change the same key several times.
    #[cold]
    fn push_key(&mut self, db: DbIndex, key: &[u8]) {
        let known = |last: &Changed| matches!(last, Changed::Key(in_db, last) if *in_db == db && **last == *key);
        if !self.changed.last().is_some_and(known) {
            self.changed.push(Changed::Key(db, key.into()));
        }
    }

    pub(crate) fn note_database(&mut self, db: DbIndex) {
        if self.wanted.load(Acquire) {
            self.changed.push(Changed::Database(db));
        }
    }

    /// Moves what was gathered to `all`.
    pub(crate) fn take_into(&mut self, all: &mut Vec<Changed>) {
        all.append(&mut self.changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Release;

    #[test]
    fn nothing_is_gathered_that_nobody_wants() {
        let wanted = Arc::<AtomicBool>::default();
        let mut observed = Observed::new(wanted.clone());
        observed.note_key(DbIndex(0), b"a");
        wanted.store(true, Release);
        for key in [b"b", b"b", b"c"] {
            observed.note_key(DbIndex(0), key);
        }
        observed.note_database(DbIndex(1));
        let mut all = Vec::new();
        observed.take_into(&mut all);
        let key = |name: &[u8]| Changed::Key(DbIndex(0), name.into());
        assert_eq!(all, [key(b"b"), key(b"c"), Changed::Database(DbIndex(1))]);
    }
}

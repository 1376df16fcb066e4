//! One shard: every database's table for its part of the hash.

use crate::access::{AccessPolicy, Age, Touch};
use crate::budget::Budget;
use crate::observe::Observed;
use crate::sync::Mutex;
use crate::table::{Item, KeyTable, Share, Stamp};
use crate::watch::Watches;
use crate::{KeyHasher, Settings, Value};
use std::sync::Arc;
use units::{DbIndex, ReplOffset, UnixMillis};

/// What the lock of a shard guards.
pub(crate) struct Shard {
    /// By database.
    pub(crate) tables: Vec<KeyTable>,
    next_table: u64,
    /// Behind a lock of their own, as WATCH registers under the read lock.
    pub(crate) watches: Mutex<Watches>,
    pub(crate) observed: Observed,
    pub(crate) settings: Settings,
    pub(crate) policy: AccessPolicy,
    /// Of the keyspace, as other shards have it.
    pub(crate) age: Arc<Age>,
    /// Where the journal stood after the last effect on this shard.
    pub(crate) last_append: ReplOffset,
}

impl Shard {
    /// An empty shard.
    pub(crate) fn new(
        databases: u32,
        shard_bits: u8,
        settings: Settings,
        age: Arc<Age>,
        observed: Observed,
    ) -> Shard {
        let hasher: KeyHasher = settings.hasher;
        let tables = (0..u64::from(databases)).map(|id| KeyTable::empty(id, hasher, shard_bits));
        Shard {
            tables: tables.collect(),
            next_table: u64::from(databases),
            watches: Mutex::default(),
            observed,
            settings,
            policy: AccessPolicy::Lru,
            age,
            last_append: ReplOffset::default(),
        }
    }

    #[inline]
    pub(crate) fn table(&self, db: DbIndex) -> Option<&KeyTable> {
        self.tables.get(db.index())
    }

    #[inline]
    pub(crate) fn get(&self, db: DbIndex, hash: u64, key: &[u8]) -> Option<Item<'_, Stamp>> {
        self.table(db)?.get(hash, key)
    }

    #[inline]
    pub(crate) fn touch(&self, now: UnixMillis, hash: u64) -> Touch {
        Touch::new(self.policy, now, &self.age, hash ^ (now.0 as u64))
    }

    /// What LRFU weights are read by; 0 under other policies, so that they do not touch what all
    /// shards share.
    #[inline]
    pub(crate) fn clock(&self) -> u32 {
        match self.policy {
            AccessPolicy::Lrfu { .. } => self.age.clock(),
            _ => 0,
        }
    }

    /// Tells those who want to know that a key changed.
    #[inline]
    pub(crate) fn changed(&mut self, db: DbIndex, key: &[u8]) {
        let watches = self.watches.get_mut();
        if !watches.is_empty() {
            watches.fire(db, key);
        }
        self.observed.note_key(db, key);
    }

    /// Removes a key. `None` if it is not there; else its value if it was a large one.
    pub(crate) fn discard(&mut self, db: DbIndex, hash: u64, key: &[u8]) -> Option<Option<Value>> {
        let old = self.tables.get_mut(db.index())?.discard(hash, key)?;
        self.changed(db, key);
        Some(old)
    }

    /// Empties a database; the old table, to be dropped outside the lock, unless it was empty.
    pub(crate) fn clear(&mut self, db: DbIndex) -> Option<Arc<KeyTable>> {
        let table = self.tables.get_mut(db.index())?;
        // Who remembers keys that are missing forgets them as well.
        self.observed.note_database(db);
        if table.len() == 0 {
            return None;
        }
        let hasher = table.hasher();
        let exists = |key: &[u8]| table.get(hasher.hash(key), key).is_some();
        self.watches.get_mut().fire_all(db, exists);
        self.next_table += 1;
        Some(table.replace_by_empty(self.next_table - 1))
    }

    /// Exchanges two databases. Keys whose time has come by `now` are missing in both.
    pub(crate) fn swap(&mut self, a: DbIndex, b: DbIndex, now: UnixMillis) {
        let (Some(one), Some(other)) = (self.table(a), self.table(b)) else {
            return;
        };
        let hasher = one.hasher();
        let exists = |key: &[u8]| {
            let hash = hasher.hash(key);
            let mut items = [one, other]
                .into_iter()
                .filter_map(|table| table.get(hash, key));
            items.any(|item| item.deadline.is_none_or(|deadline| deadline >= now))
        };
        let mut watches = self.watches.lock();
        watches.fire_all(a, exists);
        watches.fire_all(b, exists);
        drop(watches);
        self.observed.note_database(a);
        self.observed.note_database(b);
        self.tables.swap(a.index(), b.index());
    }

    /// Bytes of all tables.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.tables.iter().map(KeyTable::heap_bytes).sum()
    }

    /// A share of every database that is not empty.
    pub(crate) fn freeze(&mut self, budget: &Arc<Budget>) -> Vec<(DbIndex, Arc<Share>)> {
        let tables = (0..).map(DbIndex).zip(&mut self.tables);
        tables
            .filter(|(_, table)| table.len() > 0)
            .map(|(db, table)| (db, table.freeze(budget)))
            .collect()
    }
}

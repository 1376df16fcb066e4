use super::Keys;
use crate::evict::{EvictionOrder, EvictionRule, Pool};
use crate::table::{Item, KeyTable, Mark, Stamp};
use units::DbIndex;

impl Keys<'_> {
    /// Draws `count` keys of a database at random from the one shard held, some perhaps more than
    /// once, and offers them to the pool.
    pub(crate) fn offer_candidates(
        &self,
        db: DbIndex,
        rule: EvictionRule,
        count: usize,
        rng: &mut fastrand::Rng,
        pool: &mut Pool,
    ) {
        let Some(shard) = self.held.first() else {
            return;
        };
        let touch = shard.touch(self.now, 0);
        let staleness = |item: &Item<'_, Stamp>| match rule.order {
            EvictionOrder::Access => touch.staleness(item.mark.load()),
            EvictionOrder::Deadline => {
                let deadline = item.deadline.map_or(i64::MAX, |deadline| deadline.0);
                u64::MAX - deadline.max(0) as u64
            }
            EvictionOrder::Random => 0,
        };
        for _ in 0..count {
            let drawn = shard.table(db).and_then(|table| match rule.volatile {
                true => table.random_with_deadline(rng),
                false => table.random(rng),
            });
            if let Some(item) = drawn {
                pool.offer(staleness(&item), db, item.key);
            }
        }
    }

    /// Evicts a key, unless it is not there, or has no deadline and only keys with one may go;
    /// whether it went.
    ///
    /// Not a change that the command that needs the memory makes: it is not counted as one.
    pub(crate) fn evict(&mut self, db: DbIndex, key: &[u8], volatile: bool) -> bool {
        let hash = self.hash_of(key);
        let found = self.shard(hash).get(db, hash, key);
        if !found.is_some_and(|item| !volatile || item.deadline.is_some()) {
            return false;
        }
        let shards = self.inner.shards.len();
        let shard = self.shard_mut(hash);
        // Those of the other shards are about as many each.
        let keys: usize = shard.tables.iter().map(KeyTable::len).sum();
        shard.age.advance(shard.policy, keys * shards);
        let old = shard.discard(db, hash, key).flatten();
        shard.tables[db.index()].squeeze(hash);
        self.discard(old, |lazy| lazy.eviction);
        self.mark_dirty(db);
        true
    }
}

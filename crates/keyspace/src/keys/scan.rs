use super::{EntryRef, Keys};
use crate::table::{SCAN_END, position};
use units::DbIndex;

impl Keys<'_> {
    /// Visits about `count` keys of a database from `cursor` on, 0 to begin; the cursor to go on
    /// from, 0 at the end. Expired keys are noted, and not shown.
    ///
    /// Keys come in the order of their hashes, keys of equal cursors together, so one that is there
    /// from the first call to the last is seen, and once, whatever is added, removed or split in
    /// between. Every shard is held, or at least the one of the cursor: see
    /// [`crate::Keyspace::plan_scan`].
    pub fn scan(
        &self,
        db: DbIndex,
        cursor: u64,
        count: usize,
        f: &mut dyn FnMut(&[u8], EntryRef<'_>),
    ) -> u64 {
        if cursor >= SCAN_END {
            return 0;
        }
        let (mut from, mut count) = (cursor, count.max(1));
        loop {
            let shard = self.inner.shard_at(from);
            if count == 0 || !self.held.has(shard) {
                return from;
            }
            let prefix = self.inner.shard_prefix(shard);
            let table = self.held.get(shard).table(db);
            let next = table.and_then(|table| {
                table.scan(from, prefix, &mut count, &mut |item| match item
                    .deadline
                    .is_some_and(|deadline| self.is_over(deadline))
                {
                    true => self.note_expired_anew(db, item.key),
                    false => f(item.key, self.entry_in(shard, &item)),
                })
            });
            match next {
                Some(next) if next < SCAN_END => return next,
                Some(_) => return 0,
                None if shard + 1 == self.inner.shards.len() => return 0,
                None => from = position(self.inner.shard_prefix(shard + 1)),
            }
        }
    }

    /// Visits every key of a database in the shards held, in no order. Expired keys are not shown.
    pub fn for_each_key(&self, db: DbIndex, f: &mut dyn FnMut(&[u8], EntryRef<'_>)) {
        for (number, shard) in self.held.iter() {
            for item in shard.table(db).into_iter().flat_map(|table| table.iter()) {
                if !item.deadline.is_some_and(|deadline| self.is_over(deadline)) {
                    f(item.key, self.entry_in(number, &item));
                }
            }
        }
    }

    /// A key of a database drawn at random from the shards held; `None` if it has none, or if a
    /// hundred draws in a row met expired ones only.
    pub fn random_key(&self, db: DbIndex, rng: &mut fastrand::Rng) -> Option<Vec<u8>> {
        const DRAWS: usize = 100;
        (0..DRAWS).find_map(|_| {
            let mut at = rng.usize(..self.len(db).max(1));
            let table = self.held.iter().find_map(|(_, shard)| {
                let table = shard.table(db)?;
                let here = at < table.len();
                at = at.saturating_sub(table.len());
                here.then_some(table)
            })?;
            let item = table.random(rng)?;
            let item = self.alive(db, self.inner.hasher.hash(item.key), item.key, item)?;
            Some(item.key.to_vec())
        })
    }
}

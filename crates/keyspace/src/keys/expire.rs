//! Active expiry: what is due goes away without anybody having asked for it.

use super::{Keys, Ttl};
use crate::table::{Due, Mark};
use crate::{Edit, Value};
use units::{DbIndex, UnixMillis};

/// What active expiry removed under one lock, for the caller to log before it unlocks: first
/// `fields`, then `keys`.
#[derive(Debug, Default)]
pub struct Lapsed {
    /// Fields of hashes.
    pub fields: Vec<LapsedFields>,
    /// Keys, by their own deadlines.
    pub keys: Vec<(DbIndex, Vec<u8>)>,
    /// The deadline of each key and field that was removed, in no order.
    pub deadlines: Vec<UnixMillis>,
}

/// Fields that one hash lost.
#[derive(Debug)]
pub struct LapsedFields {
    /// The database of the hash.
    pub db: DbIndex,
    /// Its key.
    pub key: Vec<u8>,
    /// The fields' names.
    pub names: Vec<Vec<u8>>,
    /// Whether they were all it had: the key is gone with them.
    pub emptied: bool,
}

impl Lapsed {
    /// Whether nothing was removed.
    pub fn is_empty(&self) -> bool {
        self.deadlines.is_empty()
    }

    /// How many keys and fields were removed.
    pub fn len(&self) -> usize {
        self.deadlines.len()
    }
}

impl Keys<'_> {
    /// Deletes keys of the shards held whose deadline has passed, and fields of hashes whose time
    /// has come, in at most `max` steps: each of them takes one, and so does each place that is
    /// looked into. With fewer removed than there are steps, more may be due still;
    /// [`crate::Keyspace::due_shard`] knows.
    pub fn expire_due(&mut self, max: usize) -> Lapsed {
        let mut lapsed = Lapsed::default();
        let mut steps = max;
        // A key is over when its deadline lies before `now`.
        let last = UnixMillis(self.now.0.saturating_sub(1));
        let shards: Vec<usize> = self.held.iter().map(|(number, _)| number).collect();
        for number in shards {
            for db in (0..self.databases()).map(DbIndex) {
                let table = &mut self.held.get_mut(number).tables[db.index()];
                if table.earliest().is_some_and(|earliest| earliest <= last) {
                    let due = table.fire(last, &mut steps);
                    self.remove_due(db, due, max, &mut lapsed);
                    self.mark_dirty(db);
                }
            }
            let slot = &self.inner.shards[number];
            slot.published.settle(self.held.get(number));
        }
        lapsed
    }

    fn remove_due(&mut self, db: DbIndex, due: Due, max: usize, lapsed: &mut Lapsed) {
        for key in due.hashes {
            self.expire_fields(db, key, max, lapsed);
        }
        for (key, deadline) in due.keys {
            let hash = self.inner.hasher.hash(&key);
            if self.delete_if_over(db, hash, &key) {
                lapsed.keys.push((db, key));
                lapsed.deadlines.push(deadline);
            }
        }
    }

    /// Removes due fields of a hash, at most `max`. That is no use of the hash, so its access stamp
    /// stays.
    fn expire_fields(&mut self, db: DbIndex, key: Vec<u8>, max: usize, lapsed: &mut Lapsed) {
        let now = self.now;
        let hash = self.inner.hasher.hash(&key);
        let shard = self.shard_mut(hash);
        let stamp = shard.get(db, hash, &key).map(|item| item.mark.load());
        let Some(Value::Hash(mut value)) = shard.tables[db.index()].take_value(hash, &key) else {
            unreachable!("only hashes have fields that are due")
        };
        let gone = value.expire_some_fields(now, max);
        let emptied = value.is_empty();
        if emptied {
            let old = shard.discard(db, hash, &key).flatten();
            self.discard(old, |lazy| lazy.expire);
        } else {
            self.store(db, hash, &key, Value::Hash(value), Ttl::Keep);
            let item = self.shard(hash).get(db, hash, &key);
            item.zip(stamp)
                .inspect(|(item, stamp)| item.mark.store(*stamp));
        }
        if gone.is_empty() {
            return;
        }
        self.shard_mut(hash).changed(db, &key);
        let (names, deadlines): (Vec<_>, Vec<_>) = gone.into_iter().unzip();
        lapsed.deadlines.extend(deadlines);
        lapsed.fields.push(LapsedFields {
            db,
            key,
            names,
            emptied,
        });
    }
}

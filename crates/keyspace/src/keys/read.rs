use super::{EntryRef, Expiry, Keys, WrongType};
use crate::plan::Mode;
use crate::table::{Item, Mark, Stamp};
use crate::{HashRef, ListRef, SetRef, Stream, StringRef, ValueRef, ZsetRef};
use units::{DbIndex, UnixMillis};

impl Keys<'_> {
    /// The entry of a key, which counts as a use of it unless [`Keys::set_counts_uses`] says
    /// otherwise. An expired key is missing.
    #[inline]
    pub fn get(&self, db: DbIndex, key: &[u8]) -> Option<EntryRef<'_>> {
        let hash = self.hash_of(key);
        let shard = self.shard(hash);
        let item = shard.get(db, hash, key);
        let item = item.and_then(|item| self.alive(db, hash, key, item));
        self.note_lookup(item.is_some());
        let item = item?;
        if self.counts_uses {
            item.mark.touch(&shard.touch(self.now, hash).reading());
        }
        Some(self.entry_in(self.inner.shard_of(hash), &item))
    }

    /// Brings the entries of all planned keys on their way from memory at once, instead of one
    /// after the other as each is used. Worth it from a few keys on.
    pub fn warm(&self, db: DbIndex) {
        const AHEAD: usize = 16;
        for some in self.hashes.as_slice().chunks(AHEAD) {
            // In steps, each over all keys: nothing in a step waits for another key's memory.
            let mut found = [None; AHEAD];
            for (found, &(_, hash)) in found.iter_mut().zip(some) {
                let Some(table) = self.shard(hash).table(db) else {
                    return;
                };
                let segment = table.segment_of(hash);
                *found = segment.guess(hash).map(|at| (segment, at));
            }
            for (segment, at) in found.into_iter().flatten() {
                segment.fetch(at);
            }
        }
    }

    /// The entry of a key, without counting as a use. An expired key is missing.
    pub fn peek(&self, db: DbIndex, key: &[u8]) -> Option<EntryRef<'_>> {
        let hash = self.hash_of(key);
        let item = self.shard(hash).get(db, hash, key);
        let item = item.and_then(|item| self.alive(db, hash, key, item));
        if self.mode() == Mode::Read {
            self.note_lookup(item.is_some());
        }
        Some(self.entry_in(self.inner.shard_of(hash), &item?))
    }

    /// Whether a key is there, without counting as a use.
    pub fn exists(&self, db: DbIndex, key: &[u8]) -> bool {
        self.peek(db, key).is_some()
    }

    /// The string at a key.
    #[inline]
    pub fn string(&self, db: DbIndex, key: &[u8]) -> Result<Option<StringRef<'_>>, WrongType> {
        match self.value(db, key) {
            None => Ok(None),
            Some(ValueRef::String(value)) => Ok(Some(value)),
            Some(_) => Err(WrongType),
        }
    }

    /// The list at a key.
    pub fn list(&self, db: DbIndex, key: &[u8]) -> Result<Option<ListRef<'_>>, WrongType> {
        match self.value(db, key) {
            None => Ok(None),
            Some(ValueRef::List(value)) => Ok(Some(value)),
            Some(_) => Err(WrongType),
        }
    }

    /// The set at a key.
    pub fn set(&self, db: DbIndex, key: &[u8]) -> Result<Option<SetRef<'_>>, WrongType> {
        match self.value(db, key) {
            None => Ok(None),
            Some(ValueRef::Set(value)) => Ok(Some(value)),
            Some(_) => Err(WrongType),
        }
    }

    /// The hash at a key.
    pub fn hash(&self, db: DbIndex, key: &[u8]) -> Result<Option<HashRef<'_>>, WrongType> {
        match self.value(db, key) {
            None => Ok(None),
            Some(ValueRef::Hash(value)) => Ok(Some(value)),
            Some(_) => Err(WrongType),
        }
    }

    /// The sorted set at a key.
    pub fn zset(&self, db: DbIndex, key: &[u8]) -> Result<Option<ZsetRef<'_>>, WrongType> {
        match self.value(db, key) {
            None => Ok(None),
            Some(ValueRef::Zset(value)) => Ok(Some(value)),
            Some(_) => Err(WrongType),
        }
    }

    /// The stream at a key.
    pub fn stream(&self, db: DbIndex, key: &[u8]) -> Result<Option<&Stream>, WrongType> {
        match self.value(db, key) {
            None => Ok(None),
            Some(ValueRef::Stream(value)) => Ok(Some(value)),
            Some(_) => Err(WrongType),
        }
    }

    #[inline]
    fn value(&self, db: DbIndex, key: &[u8]) -> Option<ValueRef<'_>> {
        self.get(db, key).map(|entry| entry.value())
    }

    /// Number of keys of a database in the shards held, expired ones that are still there included.
    pub fn len(&self, db: DbIndex) -> usize {
        let tables = self.held.iter().filter_map(|(_, shard)| shard.table(db));
        tables.map(|table| table.len()).sum()
    }

    /// Whether the shards held have no key of a database.
    pub fn is_empty(&self, db: DbIndex) -> bool {
        self.len(db) == 0
    }

    #[inline]
    pub(super) fn entry_in<'a>(&self, shard: usize, item: &Item<'a, Stamp>) -> EntryRef<'a> {
        let shard = self.held.get(shard);
        EntryRef {
            value: item.value,
            deadline: item.deadline,
            stamp: item.mark.load(),
            policy: shard.policy,
            clock: shard.clock(),
        }
    }

    /// The item, unless its deadline has passed; then it is noted.
    #[inline]
    pub(super) fn alive<'a>(
        &self,
        db: DbIndex,
        hash: u64,
        key: &[u8],
        item: Item<'a, Stamp>,
    ) -> Option<Item<'a, Stamp>> {
        match item.deadline {
            Some(deadline) if self.is_over(deadline) => {
                self.note_expired(db, hash, key);
                None
            }
            _ => Some(item),
        }
    }

    /// Whether a key with this deadline is missing.
    #[inline]
    pub(super) fn is_over(&self, deadline: UnixMillis) -> bool {
        deadline < self.now && self.expiry != Expiry::Ignore
    }

    /// The same for a key that was not met before.
    #[cold]
    pub(super) fn note_expired_anew(&self, db: DbIndex, key: &[u8]) {
        if self.expiry == Expiry::Delete {
            let hash = self.inner.hasher.hash(key);
            let mut expired = self.expired.borrow_mut();
            expired.push((db, hash, key.to_vec()));
        }
    }

    #[cold]
    fn note_expired(&self, db: DbIndex, hash: u64, key: &[u8]) {
        if self.expiry == Expiry::Delete {
            let mut expired = self.expired.borrow_mut();
            if !expired
                .iter()
                .any(|(in_db, _, known)| *in_db == db && known == key)
            {
                expired.push((db, hash, key.to_vec()));
            }
        }
    }
}

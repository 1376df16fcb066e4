use super::{Access, Dirty, Expiry, Keys, Ttl};
use crate::reclaim::Removed;
use crate::table::{Mark, Payload};
use crate::{Form, IntBytes, Mode, Value};
use std::sync::atomic::Ordering::Relaxed;
use units::{DbIndex, UnixMillis};

impl Keys<'_> {
    /// Stores a string, whatever was there. One that is the canonical text of an integer is kept
    /// as one; one that fits a page, in place of one of the same length, takes no allocation.
    pub fn set_string(&mut self, db: DbIndex, key: &[u8], value: &[u8], ttl: Ttl) {
        match super::integer(value) {
            Some(number) => self.set_int(db, key, number, ttl),
            None => self.set_inline(db, key, Form::StringRaw, value, ttl),
        }
    }

    /// Stores an integer as a string, whatever was there.
    pub fn set_int(&mut self, db: DbIndex, key: &[u8], value: i64, ttl: Ttl) {
        self.set_inline(db, key, Form::StringInt, IntBytes::new(value).as_ref(), ttl);
    }

    fn set_inline(&mut self, db: DbIndex, key: &[u8], form: Form, value: &[u8], ttl: Ttl) {
        let hash = self.hash_of(key);
        self.reap_hashed(db, hash, key);
        let now = self.now;
        let shard = self.shard_mut(hash);
        let touch = shard.touch(now, hash);
        let table = &mut shard.tables[db.index()];
        let old = table.store_inline(hash, key, form, value, ttl, &touch).old;
        self.discard(old, |lazy| lazy.server_del);
        self.changed(db, hash, key, 1);
    }

    /// Stores a value of any type, whatever was there.
    pub fn insert(&mut self, db: DbIndex, key: &[u8], value: Value, ttl: Ttl) {
        let hash = self.hash_of(key);
        self.reap_hashed(db, hash, key);
        self.store(db, hash, key, value, ttl);
        self.changed(db, hash, key, 1);
    }

    pub(super) fn store(&mut self, db: DbIndex, hash: u64, key: &[u8], value: Value, ttl: Ttl) {
        let now = self.now;
        let shard = self.shard_mut(hash);
        let touch = shard.touch(now, hash);
        let payload = Payload::Value(value);
        let old = shard.tables[db.index()]
            .store(hash, key, payload, ttl, &touch)
            .old;
        self.discard(old, |lazy| lazy.server_del);
    }

    /// Removes a key; whether it was there. A large value is dropped after the locks, or later:
    /// see [`Keys::leave_garbage`].
    pub fn remove(&mut self, db: DbIndex, key: &[u8]) -> bool {
        let hash = self.hash_of(key);
        if self.reap_hashed(db, hash, key) {
            return false;
        }
        let Some(old) = self.shard_mut(hash).discard(db, hash, key) else {
            return false;
        };
        self.discard(old, |lazy| lazy.server_del);
        self.changes += 1;
        self.mark_dirty(db);
        true
    }

    /// Removes a key and returns its value and deadline.
    pub fn take(&mut self, db: DbIndex, key: &[u8]) -> Option<(Value, Option<UnixMillis>)> {
        let hash = self.hash_of(key);
        if self.reap_hashed(db, hash, key) {
            return None;
        }
        let table = self.shard_mut(hash).tables.get_mut(db.index())?;
        let taken = table.remove(hash, key)?;
        self.changed(db, hash, key, 1);
        Some(taken)
    }

    /// Sets or removes the deadline of a key; whether the key is there and its deadline is another
    /// now.
    pub fn set_deadline(&mut self, db: DbIndex, key: &[u8], deadline: Option<UnixMillis>) -> bool {
        let hash = self.hash_of(key);
        if self.reap_hashed(db, hash, key) {
            return false;
        }
        let Some(table) = self.shard_mut(hash).tables.get_mut(db.index()) else {
            return false;
        };
        match table.set_deadline(hash, key, deadline) {
            None => return false,
            Some(was) if was == deadline => return false,
            Some(_) => {}
        }
        self.changed(db, hash, key, 1);
        true
    }

    /// Sets how recently or often a key was used; whether the key is there. What the policy in
    /// force does not keep is ignored.
    pub fn set_access(&mut self, db: DbIndex, key: &[u8], access: Access) -> bool {
        let hash = self.hash_of(key);
        let shard = self.shard(hash);
        let Some(item) = shard.get(db, hash, key) else {
            return false;
        };
        if let Some(stamp) = access.stamp(shard.policy, self.now) {
            item.mark.store(stamp);
        }
        true
    }

    /// Empties a database; how many keys it had. Every shard is held for writing. What they held
    /// is dropped as [`Keys::remove`] says.
    pub fn clear(&mut self, db: DbIndex) -> usize {
        let len = self.len(db);
        for (_, shard) in self.held.iter_mut() {
            if let Some(table) = shard.clear(db) {
                self.garbage.add(Removed::Table(table), false);
            }
        }
        self.changes += len as u64;
        self.mark_dirty(db);
        len
    }

    /// Empties every database; how many keys they had. Every shard is held for writing.
    pub fn clear_all(&mut self) -> usize {
        (0..self.databases())
            .map(|db| self.clear(DbIndex(db)))
            .sum()
    }

    /// Exchanges two databases. Every shard is held for writing.
    pub fn swap(&mut self, a: DbIndex, b: DbIndex) {
        if a == b {
            return;
        }
        let now = self.now;
        for (_, shard) in self.held.iter_mut() {
            shard.swap(a, b, now);
        }
        self.changes += 1;
        self.dirty = Dirty::All;
    }

    /// The keys met as expired since this was last asked. Held for writing, they are deleted by
    /// the time this returns, and the caller logs a DEL of each *before* the effect of the command
    /// itself. Held for reading, they are still there: the caller locks again for writing and asks
    /// [`Keys::reap`].
    pub fn expired(&mut self) -> Vec<(DbIndex, Vec<u8>)> {
        let noted = std::mem::take(self.expired.get_mut());
        if self.mode() == Mode::Write {
            for (db, hash, key) in &noted {
                self.delete_if_over(*db, *hash, key);
            }
        }
        noted.into_iter().map(|(db, _, key)| (db, key)).collect()
    }

    /// Deletes a key if its deadline has passed; whether it did.
    pub fn reap(&mut self, db: DbIndex, key: &[u8]) -> bool {
        let hash = self.hash_of(key);
        self.delete_if_over(db, hash, key)
    }

    /// Deletes a key if its deadline has passed, and notes that.
    #[inline]
    pub(super) fn reap_hashed(&mut self, db: DbIndex, hash: u64, key: &[u8]) -> bool {
        if self.expiry == Expiry::Ignore {
            return false;
        }
        match self.shard(hash).table(db) {
            Some(table) if table.deadlines() > 0 => self.reap_and_note(db, hash, key),
            _ => false,
        }
    }

    fn reap_and_note(&mut self, db: DbIndex, hash: u64, key: &[u8]) -> bool {
        let gone = self.delete_if_over(db, hash, key);
        if gone {
            self.expired
                .get_mut()
                .retain(|(in_db, _, known)| *in_db != db || known != key);
            self.expired.get_mut().push((db, hash, key.to_vec()));
        }
        gone
    }

    pub(super) fn delete_if_over(&mut self, db: DbIndex, hash: u64, key: &[u8]) -> bool {
        let deadline = self
            .shard(hash)
            .get(db, hash, key)
            .and_then(|item| item.deadline);
        if !deadline.is_some_and(|deadline| self.is_over(deadline)) {
            return false;
        }
        let old = self.shard_mut(hash).discard(db, hash, key).flatten();
        self.discard(old, |lazy| lazy.expire);
        self.mark_dirty(db);
        self.inner.expired_keys.fetch_add(1, Relaxed);
        true
    }
}

//! Keys that clients of a replica wrote there: nobody else deletes them when they are over.

use crate::Engine;
use keyspace::{Keys, Mode};
use std::collections::BTreeSet;
use units::{DbIndex, UnixMillis};

/// So many are remembered; what comes then is hidden when it is over, and stays.
const KEPT_MAX: usize = 100_000;

/// How often these are looked at, in milliseconds.
const EVERY: i64 = 100;

pub(crate) type LocalKeys = BTreeSet<(DbIndex, Vec<u8>)>;

impl Engine {
    /// Notes keys of which a client of a replica changed some, if they have deadlines.
    #[cold]
    pub(crate) fn note_local_keys(&self, keys: &Keys<'_>, db: DbIndex, names: &[&[u8]]) {
        let mut local = self.following().local.lock();
        for name in names {
            let entry = keys.peek(db, name);
            let ends = entry.is_some_and(|entry| entry.deadline().is_some());
            if ends && local.len() < KEPT_MAX {
                local.insert((db, name.to_vec()));
            }
        }
    }

    /// Deletes those that are over; when to look again.
    pub(crate) fn expire_local_keys(&self) -> Option<UnixMillis> {
        let local: Vec<_> = self.following().local.lock().iter().cloned().collect();
        for (db, name) in &local {
            if self.expire_local_key(*db, name) {
                self.following().local.lock().remove(&(*db, name.clone()));
            }
        }
        let now = self.now();
        (!local.is_empty()).then(|| UnixMillis(now.0 + EVERY))
    }

    /// Deletes a key if it is over; whether there is nothing to wait for any more.
    fn expire_local_key(&self, db: DbIndex, name: &[u8]) -> bool {
        let plan = self.keyspace().plan(Mode::Write, &[name]);
        let mut keys = self.keyspace().lock(plan, self.now());
        if keys.reap(db, name) {
            self.log_expired(&[(db, name.to_vec())]);
            self.invalidate(&mut keys);
            return true;
        }
        let entry = keys.peek(db, name);
        entry.is_none_or(|entry| entry.deadline().is_none())
    }
}

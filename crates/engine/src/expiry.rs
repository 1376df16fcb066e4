//! Deleting what has expired: when its time comes, and when a reader meets it.

use crate::Engine;
use crate::log::Batch;
use commands::EventClass;
use keyspace::{Changed, Keys, Lapsed, LapsedFields, Mode, Plan};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use units::{DbIndex, UnixMillis};

/// Steps of active expiry under one lock: each deletes a key or a field, or looks into one place.
const STEPS_A_LOCK: usize = 64;
/// Locks taken in one tick.
const LOCKS_A_TICK: usize = 16;

impl Engine {
    /// Deletes keys and fields of hashes whose time has come, and returns when to call again:
    /// before that nothing will be due, unless a deadline is set meanwhile. `None` if nothing has a
    /// deadline.
    ///
    /// The engine starts no thread, so a program that wants memory back when keys expire, and not
    /// when they are next asked for, calls this from one of its own. A call takes about a
    /// millisecond at most, in slices that hold up others for some tens of microseconds each; if
    /// there is more to do, the time returned has come already. Of several calls at once each does
    /// a part.
    pub fn tick(&self) -> Option<UnixMillis> {
        if !self.inner().active_expiry.load(Relaxed) || self.loading().is_on() {
            return None;
        }
        if self.following().is_replica() {
            // What the primary deletes is deleted here.
            return self.expire_local_keys();
        }
        if let Some((_, until)) = self.paused() {
            return Some(until);
        }
        self.inner()
            .spikes
            .watch("expire-cycle", || self.expire_due())
    }

    fn expire_due(&self) -> Option<UnixMillis> {
        let mut now = self.now();
        for _ in 0..LOCKS_A_TICK {
            match self.keyspace().due_shard(now) {
                Some(shard) => self.expire_some(shard, now),
                None => return self.keyspace().next_due(),
            }
            now = self.now();
        }
        let next = self.keyspace().next_due();
        if next.is_some_and(|next| next <= now) {
            self.stats().ticks_cut_short.add(1);
        }
        next
    }

    /// Waits until [`Engine::tick`] will have something to do, no longer than `longest`. A deadline
    /// that is set meanwhile and comes sooner is waited for instead.
    pub fn wait_for_deadline(&self, longest: Duration) {
        let waits = self.paused().is_some() || self.following().is_replica();
        if !self.inner().active_expiry.load(Relaxed) || waits {
            return std::thread::sleep(longest);
        }
        let next = self.keyspace().next_due();
        let left = next.map(|next| next.since(self.now()).max(0) as u64);
        let left = left.map_or(longest, Duration::from_millis);
        if !left.is_zero() {
            self.keyspace().wait_for_sooner(next, left.min(longest));
        }
    }

    /// Whether [`Engine::tick`] deletes anything.
    pub(crate) fn set_active_expiry(&self, on: bool) {
        self.inner().active_expiry.store(on, Relaxed);
    }

    fn expire_some(&self, shard: usize, now: UnixMillis) {
        let plan = Plan::shard(Mode::Write, shard);
        let mut keys = self.keyspace().lock(plan, now);
        let lapsed = keys.expire_due(STEPS_A_LOCK);
        self.log_lapsed(&lapsed);
        self.invalidate(&mut keys);
        drop(keys);
        self.hub().deliver();
        self.note_lags(&lapsed);
    }

    /// Logs what active expiry deleted; called under the lock under which it was.
    fn log_lapsed(&self, lapsed: &Lapsed) {
        for fields in &lapsed.fields {
            self.log_expired_fields(fields);
        }
        self.log_expired(&lapsed.keys);
    }

    fn note_lags(&self, lapsed: &Lapsed) {
        let now = self.now();
        for deadline in &lapsed.deadlines {
            let late = now.since(*deadline);
            self.stats().expiry_lag.note(late.max(0) as u64);
        }
    }

    /// Deletes keys that a reader found expired, if they still are, and logs that.
    pub(crate) fn reap(&self, expired: Vec<(DbIndex, Vec<u8>)>) {
        if expired.is_empty() || self.paused().is_some() {
            return;
        }
        for gone in &expired {
            let (db, key) = gone;
            let plan = self.keyspace().plan(Mode::Write, &[key]);
            // Somebody else will find what is left for the sake of a script that does not end.
            let busy = || self.refuse_if_busy().is_err();
            let Some(mut keys) = self.keyspace().lock_unless(plan, self.now(), busy) else {
                break;
            };
            if keys.reap(*db, key) {
                self.log_expired(std::slice::from_ref(gone));
                self.invalidate(&mut keys);
            }
        }
        self.hub().deliver();
    }

    /// Has clients told that track what changed, under the locks under which it did and by nobody in
    /// particular.
    pub(crate) fn invalidate(&self, keys: &mut Keys<'_>) {
        if self.keyspace().is_observed() {
            let changed = keys.take_changed();
            self.invalidate_changed(&changed);
        }
    }

    pub(crate) fn invalidate_changed(&self, changed: &[Changed]) {
        self.tracking().invalidate(changed, None, self.hub());
        self.tracking().broadcast(changed, None, self.hub());
    }

    /// Logs the deletion of expired keys, and tells of it; called under the locks under which they
    /// were deleted.
    pub(crate) fn log_expired(&self, keys: &[(DbIndex, Vec<u8>)]) {
        for (db, key) in keys {
            let mut batch = Batch::default();
            batch.push(*db, [b"DEL".as_slice(), key].into_iter());
            self.log_telling(&mut batch, &[(EventClass::EXPIRED, "expired", *db, key)]);
        }
        self.stats().expired_keys.add(keys.len() as u64);
        self.note_changes(keys.len() as u64);
    }

    /// Logs the removal of fields of a hash, which removes the key if it was all of them.
    fn log_expired_fields(&self, fields: &LapsedFields) {
        let names = fields.names.iter().map(Vec::as_slice);
        let argv = [b"HDEL".as_slice(), &fields.key].into_iter().chain(names);
        let mut batch = Batch::default();
        batch.push(fields.db, argv);
        let (db, key) = (fields.db, &fields.key[..]);
        let events = [
            (EventClass::HASH, "hexpired", db, key),
            (EventClass::GENERIC, "del", db, key),
        ];
        let told = 1 + usize::from(fields.emptied);
        self.log_telling(&mut batch, &events[..told]);
        let count = fields.names.len() as u64;
        self.stats().expired_fields.add(count);
        self.note_changes(count);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Engine, ManualClock, Reply, Session, UnixMillis};

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn engine() -> (Engine, ManualClock, Session) {
        let clock = ManualClock::new(NOW);
        let engine = Builder::in_memory().clock(clock.clone()).open().unwrap();
        let session = engine.session();
        (engine, clock, session)
    }

    /// Ticks until nothing is due; how often.
    fn tick_out(engine: &Engine) -> usize {
        let mut ticks = 1;
        while engine.tick().is_some_and(|next| next <= engine.now()) {
            ticks += 1;
        }
        ticks
    }

    #[test]
    fn ticks_delete_a_burst_in_slices_and_tell_when_to_come_again() {
        let (engine, clock, mut session) = engine();
        assert_eq!(engine.tick(), None);
        for n in 0..5000 {
            session.execute(&["SET", &n.to_string(), "v", "PX", "100"]);
        }
        session.execute(&["SET", "later", "v", "PX", "1000"]);
        assert_eq!(engine.tick(), Some(UnixMillis(NOW.0 + 101)));
        clock.advance(101);
        assert!(tick_out(&engine) > 3);
        assert_eq!(session.execute(&["DBSIZE"]), Reply::Integer(1));
        assert!(engine.tick().is_some_and(|next| next.0 <= NOW.0 + 1001));
        let stats = engine.stats();
        assert_eq!(stats.expired_keys.value(), 5000);
        assert!(stats.ticks_cut_short.value() > 0);
        assert_eq!((stats.expiry_lag.last(), stats.expiry_lag.max()), (1, 1));
    }

    #[test]
    fn fields_go_on_their_own_and_their_removal_is_logged() {
        let (engine, clock, mut session) = engine();
        session.execute(&["HSET", "h", "a", "1", "b", "2"]);
        session.execute(&["HPEXPIRE", "h", "50", "FIELDS", "1", "a"]);
        let from = engine.log().journal().offset();
        clock.advance(50);
        tick_out(&engine);
        assert_eq!(session.execute(&["HLEN", "h"]), Reply::Integer(1));
        session.execute(&["HPEXPIRE", "h", "50", "FIELDS", "1", "b"]);
        clock.advance(50);
        tick_out(&engine);
        assert_eq!(session.execute(&["DBSIZE"]), Reply::Integer(0));
        assert_eq!(engine.stats().expired_fields.value(), 2);
        assert!(engine.log().journal().offset() > from);
    }

    #[test]
    fn active_expiry_can_be_turned_off() {
        let (engine, clock, mut session) = engine();
        session.execute(&["SET", "k", "v", "PX", "10"]);
        session.execute(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        clock.advance(100);
        assert_eq!(engine.tick(), None);
        assert_eq!(session.execute(&["DBSIZE"]), Reply::Integer(1));
        session.execute(&["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
        tick_out(&engine);
        assert_eq!(session.execute(&["DBSIZE"]), Reply::Integer(0));
    }
}

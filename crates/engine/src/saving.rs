//! When snapshots are written, by whom, and what became of the last.
//!
//! The engine starts no thread. A program that has one for snapshots holds a [`Saver`] there, and
//! `BGSAVE` and save points are left to it; without one, `BGSAVE` is done before it returns.

use crate::datadir::{SaveError, SaveReport};
use crate::engine::Inner;
use crate::{Config, Engine};
use commands::Error;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use units::UnixMillis;

/// After a save in the background that failed, save points wait for so many milliseconds.
const RETRY_AFTER: i64 = 5000;

/// What is known of snapshots, done and to be done.
#[derive(Debug)]
pub(crate) struct Saving {
    /// Held while a snapshot is written.
    writing: Mutex<()>,
    record: Mutex<Record>,
    /// Told when somebody wants a snapshot.
    wanted: Condvar,
    savers: AtomicUsize,
    /// Whether the last snapshot in the background failed, and none was written since.
    has_failed: AtomicBool,
}

/// What became of snapshots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// When the data was last known to be on disk.
    pub(crate) at: UnixMillis,
    /// The most that frozen views kept meanwhile, in bytes.
    pub(crate) kept: usize,
    /// How long the last one took, in milliseconds.
    pub(crate) took: Option<i64>,
    /// Since when one is asked for or written in the background.
    pub(crate) began: Option<UnixMillis>,
    tried: UnixMillis,
}

impl Saving {
    pub(crate) fn new(now: UnixMillis) -> Saving {
        let record = Record {
            at: now,
            kept: 0,
            took: None,
            began: None,
            tried: now,
        };
        Saving {
            writing: Mutex::default(),
            record: Mutex::new(record),
            wanted: Condvar::new(),
            savers: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
        }
    }

    pub(crate) fn record(&self) -> Record {
        *self.record.lock()
    }

    /// Tells who holds a [`Saver`] that there is something to write; whether anybody does.
    pub(crate) fn wake_saver(&self) -> bool {
        let _record = self.record.lock();
        self.wanted.notify_one();
        self.savers.load(Relaxed) > 0
    }

    /// Whether somebody holds a [`Saver`].
    pub(crate) fn has_saver(&self) -> bool {
        self.savers.load(Relaxed) > 0
    }

    /// Whether the last snapshot in the background failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Relaxed)
    }
}

impl Record {
    /// Whether a save point is reached after so many changes.
    fn is_reached(&self, config: &Config, changes: u64, now: UnixMillis) -> bool {
        let seconds = now.since(self.at) / 1000;
        let is_reached = |point: &crate::SavePoint| {
            changes >= u64::from(point.changes) && seconds > i64::from(point.seconds)
        };
        config.save.iter().any(is_reached)
    }
}

impl Engine {
    /// Writes everything to the data directory and returns once it is on disk. Waits for a snapshot
    /// that is being written.
    pub fn save(&self) -> Result<SaveReport, SaveError> {
        let saving = &self.inner().saving;
        let _only_one = saving.writing.lock();
        let began = self.now();
        let outcome = self.inner().write_snapshot();
        let mut record = saving.record.lock();
        record.tried = self.now();
        record.kept = self.views().kept_peak;
        record.took = Some(self.now().since(began));
        if outcome.is_ok() {
            record.at = self.now();
            saving.has_failed.store(false, Relaxed);
            self.stats().saves.add(1);
        }
        outcome
    }

    /// Asks for a snapshot (`BGSAVE`): of the thread that holds a [`Saver`], or writes it now if
    /// none does. Refused while one is asked for or written.
    pub fn save_in_background(&self) -> Result<(), SaveError> {
        let saving = &self.inner().saving;
        let mut record = saving.record.lock();
        if record.began.is_some() {
            return Err(SaveError::InProgress);
        }
        self.inner().may_save()?;
        record.began = Some(self.now());
        saving.wanted.notify_one();
        drop(record);
        if saving.savers.load(Relaxed) == 0 {
            self.save_wanted().map(|_| ())
        } else {
            Ok(())
        }
    }

    /// Takes over what `BGSAVE` and save points ask for, until it is dropped.
    pub fn saver(&self) -> Saver {
        self.inner().saving.savers.fetch_add(1, Relaxed);
        Saver {
            engine: self.clone(),
        }
    }

    fn save_wanted(&self) -> Result<SaveReport, SaveError> {
        let outcome = self.save();
        let saving = &self.inner().saving;
        saving.has_failed.store(outcome.is_err(), Relaxed);
        saving.record.lock().began = None;
        outcome
    }

    /// Refuses writes while the log takes none, and after a snapshot in the background failed, if
    /// the configuration has save points and says so (`stop-writes-on-bgsave-error`).
    pub(crate) fn check_saving(&self) -> Result<(), Error> {
        self.check_log()?;
        match self.inner().saving.has_failed() {
            false => Ok(()),
            true => self.refuse_after_failure(),
        }
    }

    #[cold]
    fn refuse_after_failure(&self) -> Result<(), Error> {
        let config = self.inner().config.read();
        if !config.stop_writes_on_bgsave_error || config.save.is_empty() || self.is_read_only() {
            return Ok(());
        }
        let line = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable \
                    to persist to disk. Commands that may modify the data set are disabled, \
                    because this instance is configured to report errors during writes if RDB \
                    snapshotting fails (stop-writes-on-bgsave-error option). Please check the \
                    Redis logs for details about the RDB error.";
        Err(Error::Text(line.into()))
    }
}

impl Inner {
    /// Whether there is anywhere to save to.
    pub(crate) fn may_save(&self) -> Result<(), SaveError> {
        if self.directory().is_none() {
            return Err(SaveError::NoDirectory);
        }
        match self.read_only {
            true => Err(SaveError::ReadOnly),
            false => Ok(()),
        }
    }

    /// How many threads encode a snapshot: as many as load one if somebody waits for it, and one if
    /// it is written beside other work.
    pub(crate) fn save_threads(&self) -> usize {
        match self.saving.record.lock().began {
            Some(_) => 1,
            None => self.load_threads,
        }
    }

    fn write_snapshot(&self) -> Result<SaveReport, SaveError> {
        self.may_save()?;
        let directory = self.directory().ok_or(SaveError::NoDirectory)?;
        let dirty = self.dirty.load(Relaxed);
        let report = directory.save(self)?;
        self.dirty.fetch_sub(dirty, Relaxed);
        Ok(report)
    }
}

/// A program's promise to write what `BGSAVE` and save points ask for.
#[derive(Debug)]
pub struct Saver {
    engine: Engine,
}

impl Saver {
    /// Waits for somebody to ask for a snapshot or a rewrite of the append-only file, at most for
    /// `longest`; whether there is one to be written, asked for or because it is time to.
    pub fn wait(&self, longest: Duration) -> bool {
        let inner = self.engine.inner();
        let mut record = inner.saving.record.lock();
        let is_wanted = || inner.wants_rewrite() || inner.replicas.snapshots.is_wanted();
        if record.began.is_none() && !is_wanted() {
            inner.saving.wanted.wait_for(&mut record, longest);
        }
        if record.began.is_none() && self.is_due(&record) {
            record.began = Some(self.engine.now());
        }
        record.began.is_some() || is_wanted()
    }

    fn is_due(&self, record: &Record) -> bool {
        let (inner, now) = (self.engine.inner(), self.engine.now());
        let changes = inner.dirty.load(Relaxed);
        let may_try = !inner.saving.has_failed() || now.since(record.tried) > RETRY_AFTER;
        may_try && inner.may_save().is_ok() && record.is_reached(&inner.config.read(), changes, now)
    }

    /// Writes what [`Saver::wait`] told of: what replicas wait for first, then the append-only file if
    /// that is to be rewritten, else the snapshot.
    pub fn save(&self) -> Result<SaveReport, SaveError> {
        let inner = self.engine.inner();
        if inner.replicas.snapshots.is_wanted() {
            return self.engine.write_sync_file();
        }
        match inner.wants_rewrite() {
            true => inner.rewrite_wanted(),
            false => self.engine.save_wanted(),
        }
    }
}

impl Drop for Saver {
    /// What was asked for and not begun is forgotten.
    fn drop(&mut self) {
        let saving = &self.engine.inner().saving;
        if saving.savers.fetch_sub(1, Relaxed) == 1 {
            saving.record.lock().began = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, Reply};
    use storage::Memory;

    fn open(clock: &ManualClock) -> Engine {
        let builder = Engine::builder("/data").storage(Memory::new());
        let builder = builder.config("save", "10 2").unwrap();
        builder.clock(clock.clone()).open().unwrap()
    }

    fn info(engine: &Engine, name: &str) -> String {
        let info = engine.session().execute(&["INFO", "persistence"]);
        let info = String::from_utf8_lossy(info.as_bytes().unwrap_or_default()).into_owned();
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim_start_matches(':').to_owned()
    }

    fn said(engine: &Engine, words: &[&str]) -> String {
        match engine.session().execute(words) {
            Reply::Error(error) => error.to_string(),
            reply => format!("{reply:?}"),
        }
    }

    #[test]
    fn a_saver_writes_what_is_asked_for() {
        let clock = ManualClock::new(UnixMillis(1_000_000));
        let engine = open(&clock);
        let saver = engine.saver();
        assert!(!saver.wait(Duration::ZERO));
        said(&engine, &["SET", "k", "v"]);
        assert!(said(&engine, &["BGSAVE"]).contains("Background saving started"));
        assert_eq!(info(&engine, "rdb_bgsave_in_progress"), "1");
        for words in [&["BGSAVE"][..], &["BGSAVE", "SCHEDULE"], &["SAVE"]] {
            assert_eq!(
                said(&engine, words),
                "ERR Background save already in progress"
            );
        }
        clock.advance(3000);
        assert_eq!(info(&engine, "rdb_current_bgsave_time_sec"), "3");
        assert!(saver.wait(Duration::ZERO));
        assert!(saver.save().is_ok_and(|report| report.keys == 1));
        assert_eq!(info(&engine, "rdb_bgsave_in_progress"), "0");
        assert_eq!(info(&engine, "rdb_last_save_time"), "1003");
        assert_eq!(info(&engine, "rdb_changes_since_last_save"), "0");
        assert!(!saver.wait(Duration::ZERO));
    }

    #[test]
    fn without_a_saver_it_is_done_at_once() {
        let engine = open(&ManualClock::new(UnixMillis(1_000_000)));
        drop(engine.saver());
        said(&engine, &["SET", "k", "v"]);
        assert!(said(&engine, &["BGSAVE"]).contains("Background saving started"));
        assert_eq!(info(&engine, "rdb_bgsave_in_progress"), "0");
        assert_eq!(info(&engine, "rdb_changes_since_last_save"), "0");
    }

    #[test]
    fn a_save_point_is_reached_by_changes_and_time() {
        let clock = ManualClock::new(UnixMillis(1_000_000));
        let engine = open(&clock);
        let saver = engine.saver();
        said(&engine, &["SET", "k", "v"]);
        clock.advance(60_000);
        assert!(!saver.wait(Duration::ZERO), "one change of two");
        assert!(engine.save().is_ok());
        said(&engine, &["MSET", "a", "1", "b", "2"]);
        clock.advance(10_999);
        assert!(!saver.wait(Duration::ZERO), "ten seconds and no more");
        clock.advance(1);
        assert!(saver.wait(Duration::ZERO));
        assert!(saver.save().is_ok());
        assert!(!saver.wait(Duration::ZERO));
    }

    #[test]
    fn whoever_waits_is_told() {
        let engine = open(&ManualClock::new(UnixMillis(1_000_000)));
        let saver = engine.saver();
        std::thread::scope(|scope| {
            let saved = scope.spawn(|| {
                while !saver.wait(Duration::from_secs(3600)) {}
                saver.save().is_ok()
            });
            assert!(said(&engine, &["BGSAVE"]).contains("started"));
            assert!(saved.join().is_ok_and(|saved| saved));
        });
    }

    #[test]
    fn nowhere_to_save_to_is_said_at_once() {
        let engine = Engine::open_in_memory();
        let _saver = engine.saver();
        assert_eq!(
            said(&engine, &["BGSAVE"]),
            "ERR this engine has no data directory"
        );
    }
}

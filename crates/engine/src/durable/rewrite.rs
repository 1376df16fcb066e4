//! Rewriting the log: a new base from a frozen view, while commands go on into the next file.

use super::{Durable, FileEnd, Switch};
use crate::datadir::{BackupError, BackupReport, SaveError, SaveReport};
use crate::engine::Inner;
use crate::{Config, Engine};
use journal::Holder;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use units::UnixMillis;

/// What became of rewrites, and who asks for one.
#[derive(Debug, Default)]
pub(crate) struct Rewrites {
    /// Held while one goes on.
    running: Mutex<()>,
    record: Mutex<RewriteRecord>,
}

/// What `INFO` tells of rewrites.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct RewriteRecord {
    /// Asked for, and not begun.
    pub(crate) is_wanted: bool,
    /// Since when one goes on.
    pub(crate) began: Option<UnixMillis>,
    /// How long the last one took, in milliseconds.
    pub(crate) took: Option<i64>,
    /// The most that frozen views kept meanwhile, in bytes.
    pub(crate) kept: usize,
    pub(crate) count: u64,
    /// Failures since the last success.
    pub(crate) failures: u32,
    tried: Option<UnixMillis>,
}

impl RewriteRecord {
    /// A log that was turned on and could not be begun is tried again.
    fn failed_a_while_ago(&self, now: UnixMillis) -> bool {
        let waited = self.tried.map_or(0, |tried| now.since(tried));
        self.failures > 0 && self.began.is_none() && waited >= super::failure::RETRY_AFTER
    }

    /// After three failures in a row, minutes pass between tries: 1, 2, 4, up to 60.
    fn must_wait(&self, now: UnixMillis) -> bool {
        let Some(steps) = self.failures.checked_sub(3) else {
            return false;
        };
        let minutes = 1i64.checked_shl(steps).unwrap_or(60).clamp(1, 60);
        let waited = self.tried.map_or(i64::MAX, |tried| now.since(tried));
        waited < minutes * 60_000
    }
}

impl Durable {
    pub(crate) fn rewrite_record(&self) -> RewriteRecord {
        *self.rewrites.record.lock()
    }

    /// Bytes of the log's files, and what they were after the last rewrite.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let counters = &self.counters;
        let [size, base] = [&counters.size, &counters.base_size];
        (size.load(Ordering::Relaxed), base.load(Ordering::Relaxed))
    }

    pub(crate) fn set_sizes(&self, size: u64, base: u64) {
        self.counters.size.store(size, Ordering::Relaxed);
        self.counters.base_size.store(base, Ordering::Relaxed);
    }

    /// Whether the log has grown as much as `auto-aof-rewrite-percentage` and `-min-size` say.
    fn has_outgrown(&self, config: &Config) -> bool {
        let (size, base) = self.sizes();
        let percentage = u64::from(config.auto_aof_rewrite_percentage.0);
        let grown = size.saturating_sub(base).saturating_mul(100) / base.max(1);
        percentage > 0 && size > config.auto_aof_rewrite_min_size && grown >= percentage
    }
}

impl Engine {
    /// Writes the append-only file anew: a base that holds everything, and a file behind it for
    /// what is to come. Commands go on meanwhile. Waits for a rewrite that is going on.
    pub fn rewrite_log(&self) -> Result<SaveReport, SaveError> {
        self.inner().rewrite_log()
    }

    /// Asks for a rewrite (`BGREWRITEAOF`): of the thread that holds a [`crate::Saver`], or does it
    /// now if none does. Refused while one goes on.
    pub fn rewrite_log_in_background(&self) -> Result<(), SaveError> {
        let inner = self.inner();
        inner.may_save()?;
        {
            let mut record = inner.durable.rewrites.record.lock();
            if record.began.is_some() || record.is_wanted {
                return Err(SaveError::RewriteInProgress);
            }
            record.is_wanted = true;
        }
        match inner.saving.wake_saver() {
            true => Ok(()),
            false => inner.rewrite_wanted().map(|_| ()),
        }
    }
}

impl Engine {
    /// Makes `target` a copy of the data directory as it is now, on its own storage; commands go on
    /// meanwhile, and a rewrite waits. The copy is a data directory that real servers open. What an
    /// earlier backup in the same place has, by its checksums, is not copied again: not after a
    /// failure, and not a week later. Only the log, or else a snapshot, is copied: no superseded logs,
    /// no files of users or settings.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use duramen::Engine;
    /// # let dir = tempfile::tempdir()?;
    /// let engine = Engine::builder(dir.path().join("data")).config("appendonly", "yes")?.open()?;
    /// engine.session().set("k", "v")?;
    /// let target = dir.path().join("backup");
    /// assert_eq!(engine.backup(&target)?.copied.len(), 2);
    /// assert_eq!(engine.backup(&target)?.kept.len(), 2);
    ///
    /// let copy = Engine::open(&target)?;
    /// assert_eq!(copy.session().get("k")?, Some(b"v".to_vec()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn backup(&self, target: impl AsRef<Path>) -> Result<BackupReport, BackupError> {
        let inner = self.inner();
        let directory = inner.directory().ok_or(SaveError::NoDirectory)?;
        let _no_rewrite = inner.durable.rewrites.running.lock();
        inner.write_out();
        directory.backup(inner, target.as_ref())
    }

    /// Begins a log, or ends it, as `CONFIG SET appendonly` says. It counts once its base is
    /// written, which the thread that holds a [`crate::Saver`] does, if there is one.
    pub(crate) fn turn_log(&self, on: bool) {
        let inner = self.inner();
        if inner.may_save().is_err() {
            return;
        }
        if !on {
            inner.stop_log();
        } else if self.rewrite_log_in_background().is_err() {
            // It is tried again, or goes on already.
            inner.saving.wake_saver();
        }
    }
}

impl Inner {
    /// Whether a rewrite was asked for, or the log has grown so much that it is time for one.
    pub(crate) fn wants_rewrite(&self) -> bool {
        let record = self.durable.rewrite_record();
        if record.is_wanted {
            return true;
        }
        let (config, now) = (self.config.read(), self.clock.now());
        match self.durable.is_on() {
            true => !record.must_wait(now) && self.durable.has_outgrown(&config),
            false => config.appendonly == Some(true) && record.failed_a_while_ago(now),
        }
    }

    /// Does what [`Inner::wants_rewrite`] tells of. A log that was turned on counts from then on.
    pub(crate) fn rewrite_wanted(&self) -> Result<SaveReport, SaveError> {
        self.durable.rewrites.record.lock().is_wanted = false;
        self.rewrite_log()
    }

    pub(crate) fn rewrite_log(&self) -> Result<SaveReport, SaveError> {
        let rewrites = &self.durable.rewrites;
        let _only_one = rewrites.running.lock();
        let began = self.clock.now();
        rewrites.record.lock().began = Some(began);
        let outcome = self.write_base();
        if !self.durable.is_on() {
            // Nobody will write what was held for a new file.
            self.log.journal().hold(Holder::File, None);
        }
        let mut record = rewrites.record.lock();
        record.began = None;
        record.tried = Some(began);
        record.kept = self.keyspace.view_stats().kept_peak;
        record.took = Some(self.clock.now().since(began));
        match &outcome {
            Ok(_) => {
                record.count += 1;
                record.failures = 0;
            }
            Err(_) => record.failures += 1,
        }
        outcome
    }

    fn write_base(&self) -> Result<SaveReport, SaveError> {
        self.may_save()?;
        let directory = self.directory().ok_or(SaveError::NoDirectory)?;
        let is_alive = self.check_end()?;
        // A file that is replaced takes nothing meanwhile.
        let paused =
            (is_alive && directory.rewrites_in_place(self)).then(|| self.durable.end.lock());
        let rewritten = directory.rewrite_log(self, is_alive)?;
        if let Some(next) = rewritten.next {
            let end = paused.unwrap_or_else(|| self.durable.end.lock());
            self.begin_file(end, next)?;
        }
        self.durable.set_sizes(rewritten.size, rewritten.size);
        Ok(rewritten.report)
    }

    /// Whether the file that is appended to is as it should be; an error if somebody else wrote to
    /// it, false if there is none, or none that can be trusted.
    fn check_end(&self) -> Result<bool, SaveError> {
        self.write_out();
        if !self.durable.is_on() || self.durable.has_failed() {
            return Ok(false);
        }
        let mut end = self.durable.end.lock();
        let file = self.file_at_end(&mut end, self.clock.now());
        let Ok(file) = file else {
            return Ok(false);
        };
        match file.len()? == end.len {
            true => Ok(true),
            false => Err(SaveError::ChangedBehindOurBack(file.path().to_owned())),
        }
    }

    /// From here on the log goes to a file in which nothing is yet, behind a base that holds
    /// everything up to there.
    fn begin_file(
        &self,
        mut end: parking_lot::MutexGuard<'_, FileEnd>,
        next: Switch,
    ) -> Result<(), SaveError> {
        let durable = &self.durable;
        if self.config.read().appendonly != Some(true) {
            // It was turned off meanwhile, or never on: the base is all that was asked for.
            return Ok(());
        }
        let at = next.place.at;
        *end = FileEnd::open_at(next)?;
        end.synced = end.len;
        durable.switch.lock().take();
        durable.written.store(at.0, Ordering::Release);
        durable.synced.store(at.0, Ordering::Release);
        durable.unsynced_since.store(i64::MAX, Ordering::Release);
        self.log.journal().hold(Holder::File, Some(at));
        durable.has_failed.store(false, Ordering::Release);
        durable.is_on.store(true, Ordering::Release);
        drop(end);
        durable.waiters.wake();
        Ok(())
    }

    /// Puts a log from memory in place of one whose file can't be trusted any more.
    pub(super) fn replace_log(&self) {
        if let Err(error) = self.rewrite_log() {
            let failure = super::Failure::of_the_file(&error, self.clock.now());
            self.durable.fail(failure);
        }
    }

    /// The log of the directory counts and goes on: what is logged from now on goes there. Nothing
    /// is written before there is something.
    pub(crate) fn resume_log(&self) {
        let at = self.log.journal().offset();
        self.log.journal().hold(Holder::File, Some(at));
        let durable = &self.durable;
        durable.written.store(at.0, Ordering::Release);
        durable.synced.store(at.0, Ordering::Release);
        durable.is_on.store(true, Ordering::Release);
    }

    /// Makes the log's last file ready for more.
    pub(crate) fn open_log(&self) -> Result<(), SaveError> {
        let directory = self.directory().ok_or(SaveError::NoDirectory)?;
        let mut end = self.durable.end.lock();
        *end = FileEnd::open(directory.open_log(self)?)?;
        Ok(())
    }

    /// Bytes that were logged, and that the file does not have yet.
    pub(crate) fn unwritten_bytes(&self) -> u64 {
        match self.durable.is_on() {
            true => (self.log.end().0).saturating_sub(self.durable.written().0),
            false => 0,
        }
    }

    /// Has everything that was logged on disk, as far as that succeeds.
    pub(crate) fn finish_log(&self) {
        if self.durable.is_on() && !self.durable.has_failed() {
            self.write_and_sync(self.log.end());
        }
    }

    /// Goes on without a log: what it holds so far is synced, and counts no more.
    pub(crate) fn stop_log(&self) {
        self.finish_log();
        let durable = &self.durable;
        durable.is_on.store(false, Ordering::Release);
        *durable.end.lock() = FileEnd::default();
        durable.has_failed.store(false, Ordering::Release);
        self.log.journal().hold(Holder::File, None);
        durable.waiters.wake();
    }

    /// A view of everything, and the offset from which on `to` takes what is logged: at once if
    /// there is a file before it.
    pub(crate) fn freeze_for_rewrite(
        &self,
        to: &Arc<dyn storage::File>,
        is_alive: bool,
    ) -> (crate::datadir::Frozen, Switch) {
        let to = Arc::clone(to);
        let mut switch = None;
        let frozen = self.freeze_at(keyspace::OverBudget::Wait, || {
            let place = self.log.cut();
            let at = place.at;
            let next = Switch { place, to };
            if is_alive {
                self.durable.switch_at(next.clone());
            } else {
                self.log.journal().hold(Holder::File, Some(at));
            }
            switch = Some(next);
            at
        });
        (frozen, switch.expect("a freeze calls it once"))
    }
}

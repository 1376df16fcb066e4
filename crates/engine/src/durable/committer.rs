//! Who writes and syncs the log so that nobody else has to wait for the disk.

use super::Fsync;
use super::failure::RETRY_AFTER;
use crate::Engine;
use crate::engine::Inner;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use units::ReplOffset;

impl Engine {
    /// Takes over writing and syncing the append-only file, until it is dropped.
    ///
    /// A program holds it in a thread of its own. Front-ends whose connections share threads need
    /// one ([`crate::Session::poll_committed`]), and so does `appendfsync everysec`: without it
    /// what was written is synced only as further commands run.
    pub fn committer(&self) -> Committer {
        self.inner()
            .durable
            .committers
            .fetch_add(1, Ordering::AcqRel);
        Committer {
            engine: self.clone(),
        }
    }
}

/// A program's promise to write and sync the append-only file.
#[derive(Debug)]
pub struct Committer {
    engine: Engine,
}

impl Committer {
    /// Waits until somebody needs the file to be written or synced, at most for `longest`, and then
    /// for others that are about to need it too, for a fraction of what the last sync took.
    pub fn wait(&self, longest: Duration) {
        self.engine.inner().durable.wanted.wait(longest);
    }

    /// Writes what was logged, syncs it if it is time to, and goes on after a failure if that is
    /// possible by now.
    pub fn commit(&self) {
        let inner = self.engine.inner();
        let durable = &inner.durable;
        if durable.has_failed() {
            inner.retry_log();
        }
        if !durable.is_on() {
            return;
        }
        let end = inner.log.end();
        let fsync = durable.settings.lock().fsync;
        match fsync {
            Fsync::Always => inner.sync_for_all(end),
            Fsync::Everysec if durable.is_sync_due(inner.clock.now()) => inner.write_and_sync(end),
            Fsync::Everysec | Fsync::No => inner.write_out(),
        }
    }
}

impl Inner {
    fn sync_for_all(&self, end: ReplOffset) {
        let began = (self.durable.synced() < end).then(Instant::now);
        self.write_and_sync(end);
        let took = began.map(|began| began.elapsed());
        self.durable.wanted.note_done(took);
    }

    /// Tries to go on after a failure, if it is a while since the last try.
    pub(super) fn retry_log(&self) {
        let now = self.clock.now();
        let is_final = {
            let mut end = self.durable.end.lock();
            let Some(failure) = &mut end.failure else {
                return;
            };
            if now.since(failure.tried) < RETRY_AFTER {
                return;
            }
            failure.tried = now;
            failure.is_final
        };
        if is_final {
            self.replace_log();
        } else {
            self.durable.heal();
            self.write_out();
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        let durable = &self.engine.inner().durable;
        durable.committers.fetch_sub(1, Ordering::AcqRel);
        // Who waits for it does the work himself now.
        durable.waiters.wake();
    }
}

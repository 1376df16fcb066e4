//! What happens when the file takes no more: writes are refused, reads are served.

use super::Durable;
use crate::Engine;
use crate::datadir::SaveError;
use commands::Error;
use std::sync::atomic::Ordering;
use units::UnixMillis;

/// Why the log is not written.
#[derive(Debug)]
pub(crate) struct Failure {
    why: String,
    /// The file may lack what was written: only another one can be trusted.
    pub(super) is_final: bool,
    /// When it was last tried to go on.
    pub(super) tried: UnixMillis,
}

impl Failure {
    /// A write that failed, after which the file is as long as before.
    pub(super) fn passing(error: &SaveError, now: UnixMillis) -> Failure {
        Failure {
            why: error.to_string(),
            is_final: false,
            tried: now,
        }
    }

    /// A failure that says nothing certain of what is in the file. After a failed sync the system
    /// may have dropped the pages, and calls the next one a success.
    pub(super) fn of_the_file(error: &SaveError, now: UnixMillis) -> Failure {
        Failure {
            is_final: true,
            ..Failure::passing(error, now)
        }
    }

    fn refusal(&self) -> Error {
        Error::Text(format!("MISCONF Errors writing to the AOF file: {}", self.why).into())
    }
}

impl Durable {
    /// `ok` or `err`, for `INFO`.
    pub(crate) fn write_status(&self) -> &'static str {
        match self.has_failed() {
            false => "ok",
            true => "err",
        }
    }

    pub(super) fn refusal(&self) -> Error {
        let end = self.end.lock();
        match &end.failure {
            Some(failure) => failure.refusal(),
            None => Error::Text("MISCONF Errors writing to the AOF file".into()),
        }
    }

    /// Notes a failure, and tells everybody who waits.
    pub(super) fn fail(&self, failure: Failure) {
        self.end.lock().failure = Some(failure);
        self.has_failed.store(true, Ordering::Release);
        self.waiters.wake();
    }

    pub(super) fn heal(&self) {
        self.end.lock().failure = None;
        self.has_failed.store(false, Ordering::Release);
        self.waiters.wake();
    }
}

impl Engine {
    /// Refuses writes that would not be logged. Tries to go on first, if that was not tried lately
    /// and nobody else will.
    pub(crate) fn check_log(&self) -> Result<(), Error> {
        match self.inner().durable.has_failed() {
            false => Ok(()),
            true => self.refuse_unlogged(),
        }
    }

    #[cold]
    fn refuse_unlogged(&self) -> Result<(), Error> {
        let durable = &self.inner().durable;
        if durable.committers.load(Ordering::Relaxed) == 0 {
            self.inner().retry_log();
        }
        match durable.has_failed() {
            false => Ok(()),
            true => Err(durable.refusal()),
        }
    }
}

/// How long to wait before a file that failed is tried again, in milliseconds.
pub(super) const RETRY_AFTER: i64 = 1000;

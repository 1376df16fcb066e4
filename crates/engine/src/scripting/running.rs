//! The script that runs, as other sessions see it.

use super::machines::Killswitch;
use commands::Error;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use units::UnixMillis;

/// Whether a script or a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Script,
    Function,
}

/// What runs.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) kind: Kind,
    /// The function's name.
    pub(crate) name: String,
    /// The request, of a function.
    pub(crate) argv: Vec<Vec<u8>>,
}

/// A script that runs for too long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Busy(Kind);

impl Busy {
    pub(super) fn with(kind: Kind) -> Busy {
        Busy(kind)
    }

    /// What others are told.
    pub(crate) fn refusal(self) -> Error {
        let what = match self.0 {
            Kind::Script => "SCRIPT",
            Kind::Function => "FUNCTION",
        };
        let line = format!(
            "BUSY Redis is busy running a script. You can only call {what} KILL or SHUTDOWN NOSAVE."
        );
        Error::Text(line.into())
    }
}

/// Nobody runs.
const NEVER: i64 = 0;

#[derive(Debug)]
pub(crate) struct Running {
    /// When the script began that runs.
    since: AtomicI64,
    /// In milliseconds; 0 for never.
    busy_after: AtomicI64,
    wrote: AtomicBool,
    current: Mutex<Option<Current>>,
}

/// A script that runs as long as this lives.
#[cfg(feature = "scripts")]
pub(crate) struct Run<'r>(&'r Running);

#[cfg(feature = "scripts")]
impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.since.store(NEVER, Relaxed);
        *self.0.current.lock() = None;
    }
}

impl Running {
    pub(super) fn new(busy_after: u32) -> Running {
        Running {
            since: AtomicI64::new(NEVER),
            busy_after: AtomicI64::new(i64::from(busy_after)),
            wrote: AtomicBool::new(false),
            current: Mutex::default(),
        }
    }

    pub(super) fn set_busy_after(&self, millis: u32) {
        self.busy_after.store(i64::from(millis), Relaxed);
    }

    #[cfg(feature = "scripts")]
    pub(super) fn begin(&self, current: Current, now: UnixMillis) -> Run<'_> {
        *self.current.lock() = Some(current);
        self.wrote.store(false, Relaxed);
        self.since.store(now.0.max(1), Relaxed);
        Run(self)
    }

    pub(super) fn busy(&self, now: impl FnOnce() -> UnixMillis) -> Option<Busy> {
        let since = self.since.load(Relaxed);
        let after = self.busy_after.load(Relaxed);
        if since == NEVER || after == 0 || now().0 - since < after {
            return None;
        }
        let current = self.current.lock();
        current.as_ref().map(|current| Busy(current.kind))
    }

    /// Whether a script runs.
    pub(crate) fn is_any(&self) -> bool {
        self.since.load(Relaxed) != NEVER
    }

    /// What runs, and for how many milliseconds.
    pub(crate) fn current(&self, now: UnixMillis) -> Option<(Current, i64)> {
        let since = self.since.load(Relaxed);
        let current = self.current.lock().clone();
        current.map(|current| (current, now.0 - since))
    }

    /// Notes that the script that runs may have changed something.
    #[cfg(feature = "scripts")]
    pub(crate) fn note_write(&self) {
        self.wrote.store(true, Relaxed);
    }

    /// Under the lock that the end of the script waits for: it hits no other.
    pub(super) fn kill(&self, kind: Kind, killswitch: &Killswitch) -> Result<(), Error> {
        let current = self.current.lock();
        let running = current.as_ref().ok_or(Error::Text(
            "NOTBUSY No scripts in execution right now.".into(),
        ))?;
        if self.wrote.load(Relaxed) {
            return Err(Error::Text(
                "UNKILLABLE Sorry the script already executed write commands against the dataset. \
                 You can either wait the script termination or kill the server in a hard way using \
                 the SHUTDOWN NOSAVE command."
                    .into(),
            ));
        }
        if running.kind != kind {
            return Err(Busy(running.kind).refusal());
        }
        killswitch.kill();
        Ok(())
    }
}

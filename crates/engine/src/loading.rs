//! Reading files into an engine whose sessions answer already.
//!
//! Until everything is read they refuse, with `LOADING`, whatever looks at keys. Nothing is saved,
//! evicted or deleted meanwhile: what is there is a part of something.

use crate::datadir::{self, OpenError, RecoveryReport};
use crate::past::Plan;
use crate::{Engine, Error};
use commands::{Flags, Outcome, Spec};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use units::UnixMillis;

/// How far the reading of files is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadProgress {
    /// When it began.
    pub began: UnixMillis,
    /// Bytes of all files that count.
    pub total: u64,
    /// Bytes of these that were read.
    pub read: u64,
    /// Bytes of memory that a snapshot says its server took; 0 if it does not.
    pub used_memory: u64,
}

impl LoadProgress {
    /// What was read, of 100.
    pub fn percent(&self) -> f64 {
        match self.total {
            0 => 0.0,
            total => self.read as f64 / total as f64 * 100.0,
        }
    }

    /// Seconds until all is read if it goes on as it went until `now`; `None` before anything was.
    pub fn seconds_left(&self, now: UnixMillis) -> Option<u64> {
        let took = u64::try_from(now.since(self.began)).unwrap_or(0) / 1000;
        let left = self.total.saturating_sub(self.read);
        (took * left).checked_div(self.read)
    }
}

/// An engine whose directory is locked, and not read yet.
///
/// Its sessions answer what needs no keys, so that a server may be asked how far it is:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let opening = duramen::Engine::builder(dir.path()).begin()?;
/// let mut session = opening.engine().session();
/// let refused = session.get("k").unwrap_err();
/// assert!(refused.to_string().starts_with("LOADING"));
/// opening.load()?;
/// assert_eq!(session.get("k")?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Opening {
    engine: Engine,
    plan: Option<Plan>,
}

impl Opening {
    pub(crate) fn new(engine: Engine, plan: Option<Plan>) -> Opening {
        Opening { engine, plan }
    }

    /// The engine that will have what is read.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Has `told` called now and then, from the thread that loads, with how far it is.
    pub fn on_progress(&self, told: impl Fn(LoadProgress) + Send + Sync + 'static) {
        let _ = self.engine.loading().told.set(Box::new(told));
    }

    /// Reads what is there. If that fails, or is given up since the program ends, nobody gets to see
    /// what was read, and nothing of it is saved.
    pub fn load(self) -> Result<Engine, OpenError> {
        datadir::load(&self.engine, self.plan.as_ref())?;
        self.engine.loading().end();
        Ok(self.engine)
    }
}

/// Between two calls of who wants to be told, in bytes.
const TOLD_EVERY: u64 = 4 << 20;

/// Whether files are being read, and how far that is.
#[derive(Default)]
pub(crate) struct Loading {
    is_on: AtomicBool,
    is_given_up: AtomicBool,
    began: AtomicI64,
    total: AtomicU64,
    read: AtomicU64,
    used_memory: AtomicU64,
    /// Microseconds to wait at each key, or, negative, the keys to wait a microsecond after
    /// (`key-load-delay`, for tests).
    key_delay: AtomicI64,
    keys: AtomicU64,
    told: OnceLock<Box<dyn Fn(LoadProgress) + Send + Sync>>,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.progress().fmt(f)
    }
}

impl Loading {
    pub(crate) fn begin(&self, now: UnixMillis) {
        self.began.store(now.0, Relaxed);
        for count in [&self.total, &self.read, &self.used_memory] {
            count.store(0, Relaxed);
        }
        self.is_on.store(true, Relaxed);
    }

    pub(crate) fn end(&self) {
        self.is_on.store(false, Relaxed);
    }

    /// Whether what is there is a part of something.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Has whoever reads stop.
    pub(crate) fn give_up(&self) {
        self.is_given_up.store(true, Relaxed);
    }

    /// Adds a file to what is to be read.
    pub(crate) fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Relaxed);
    }

    /// Notes that bytes were read. Fails if nobody wants the rest.
    pub(crate) fn advance(&self, bytes: u64) -> Result<(), OpenError> {
        let before = self.read.fetch_add(bytes, Relaxed);
        if before / TOLD_EVERY != (before + bytes) / TOLD_EVERY
            && let (Some(told), Some(progress)) = (self.told.get(), self.progress())
        {
            told(progress);
        }
        match self.is_given_up.load(Relaxed) {
            true => Err(OpenError::GivenUp),
            false => Ok(()),
        }
    }

    /// As `key-load-delay` says.
    pub(crate) fn set_key_delay(&self, delay: i64) {
        self.key_delay.store(delay, Relaxed);
    }

    /// Waits at a key if a test wants to see a load that takes its time.
    #[inline]
    pub(crate) fn delay_key(&self) {
        let delay = self.key_delay.load(Relaxed);
        if delay != 0 {
            self.delay_by(delay);
        }
    }

    #[cold]
    fn delay_by(&self, delay: i64) {
        let keys = self.keys.fetch_add(1, Relaxed) + 1;
        let micros = match u64::try_from(delay) {
            Ok(micros) => micros,
            Err(_) => u64::from(keys.is_multiple_of(delay.unsigned_abs())),
        };
        std::thread::sleep(Duration::from_micros(micros));
    }

    /// Notes what a snapshot says of the memory that it came from.
    pub(crate) fn note_used_memory(&self, value: &[u8]) {
        let text = std::str::from_utf8(value).ok();
        let bytes = text.and_then(|text| text.parse().ok());
        self.used_memory.store(bytes.unwrap_or(0), Relaxed);
    }

    fn progress(&self) -> Option<LoadProgress> {
        self.is_on().then(|| LoadProgress {
            began: UnixMillis(self.began.load(Relaxed)),
            total: self.total.load(Relaxed),
            read: self.read.load(Relaxed),
            used_memory: self.used_memory.load(Relaxed),
        })
    }
}

impl Engine {
    /// How far the reading of files is: of the directory, or of a snapshot that a primary sent.
    pub fn load_progress(&self) -> Option<LoadProgress> {
        self.loading().progress()
    }

    pub(crate) fn loading(&self) -> &Loading {
        &self.inner().loading
    }

    /// Whether commands may be refused for what the engine is: a replica, or not all there yet.
    #[inline]
    pub(crate) fn is_restrained(&self) -> bool {
        self.following().is_replica() || self.loading().is_on()
    }

    /// Refuses what such an engine does not do for its clients.
    #[cold]
    pub(crate) fn admit_restrained(&self, spec: &Spec) -> Outcome {
        if !spec.flags.contains(Flags::LOADING) {
            self.refuse_if_loading()?;
        }
        match self.following().is_replica() {
            true => self.admit_on_replica(spec),
            false => Ok(()),
        }
    }

    /// Refuses what looks at keys before they are all there.
    #[inline]
    pub(crate) fn refuse_if_loading(&self) -> Outcome {
        match self.loading().is_on() {
            true => Err(is_loading()),
            false => Ok(()),
        }
    }

    /// Notes what was found in the directory.
    pub(crate) fn recovered(&self, report: RecoveryReport) {
        let already = self.inner().recovery.set(report).is_err();
        debug_assert!(!already, "a directory is read once");
    }
}

#[cold]
fn is_loading() -> Error {
    Error::Text("LOADING Redis is loading the dataset in memory".into())
}

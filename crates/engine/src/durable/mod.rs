//! What of the journal is in the log's file, what of that is on disk, and who waits for it.
//!
//! ```text
//! journal   ......... synced ......... written ......... end
//!                     |                |                 |
//!   always:  answered |                |                 |
//!   everysec, no:     |       answered |                 |
//! ```
//!
//! Nobody is answered before what was logged up to then is as safe as `appendfsync` says: so a reader
//! is not told of a write that a crash could take back. Whoever needs that does it for all who wait
//! (one append, one sync); a front-end that must not wait leaves it to a [`Committer`].
//!
//! Lock order: shards, journal, nothing. Apart from those: `rewriting`, `syncing`, `end`, and what the
//! directory has. A file is touched with no shard locked.

mod committer;
mod copies;
mod failure;
mod group;
mod rewrite;
mod wanted;

pub use committer::Committer;
pub(crate) use copies::Copies;
pub(crate) use failure::Failure;
pub(crate) use rewrite::Rewrites;

use crate::config::Config;
use crate::place::Place;
use crate::stats::Apart;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use storage::File;
use units::{DbIndex, ReplOffset, UnixMillis};
use wanted::Wanted;

/// When what is written is synced (`appendfsync`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fsync {
    /// Before anybody is answered.
    Always,
    /// Once a second.
    Everysec,
    /// When the system sees fit.
    No,
}

impl Fsync {
    /// Every policy with its name.
    pub(crate) const NAMES: [(&'static str, Fsync); 3] = [
        ("everysec", Fsync::Everysec),
        ("always", Fsync::Always),
        ("no", Fsync::No),
    ];
}

/// The log's file as the engine's threads share it.
#[derive(Debug)]
pub(crate) struct Durable {
    /// Whether the journal goes to a file.
    is_on: AtomicBool,
    has_failed: AtomicBool,
    settings: Mutex<Settings>,
    syncs_always: AtomicBool,
    written: Apart<AtomicU64>,
    synced: Apart<AtomicU64>,
    /// When the oldest of what is written and not synced was written; `i64::MAX` for nothing.
    unsynced_since: AtomicI64,
    end: Mutex<FileEnd>,
    /// Held while somebody syncs.
    syncing: Mutex<()>,
    /// Where the file ends and another begins; locked for a moment only, also under all shards.
    switch: Mutex<Option<Switch>>,
    waiters: Waiters,
    committers: AtomicUsize,
    wanted: Wanted,
    pub(crate) rewrites: Rewrites,
    counters: Counters,
}

/// What of the configuration matters here.
#[derive(Debug, Clone, Copy)]
struct Settings {
    fsync: Fsync,
    timestamps: bool,
    /// Whether offsets of replication are noted.
    offsets: bool,
    batches: bool,
}

/// The file that is appended to.
#[derive(Debug, Default)]
struct FileEnd {
    /// `None` until there is something to append.
    file: Option<Arc<dyn File>>,
    /// Its length in bytes, as far as it is of whole commands.
    len: u64,
    /// Up to here it is known to be synced.
    synced: u64,
    /// Whether what is appended gets checksums.
    has_batches: bool,
    buffer: Vec<u8>,
    /// The second that the last annotation names.
    stamped: i64,
    /// The offset that the last annotation and what was appended since come to.
    marked: Option<ReplOffset>,
    /// What is appended next is for this database and does not say so.
    unnamed: Option<DbIndex>,
    failure: Option<Failure>,
}

/// From this offset of the journal on, another file takes what is logged.
#[derive(Debug, Clone)]
pub(crate) struct Switch {
    pub(crate) place: Place,
    pub(crate) to: Arc<dyn File>,
}

/// Threads and tasks that wait for [`Durable::synced`] or [`Durable::written`] to move.
#[derive(Debug, Default)]
struct Waiters {
    wakers: Mutex<Vec<Waker>>,
}

/// What `INFO` tells.
#[derive(Debug, Default)]
struct Counters {
    /// Length of all files of the log, and right after the last rewrite.
    size: AtomicU64,
    base_size: AtomicU64,
}

impl Waiters {
    fn add(&self, waker: &Waker) {
        let mut wakers = self.wakers.lock();
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    fn wake(&self) {
        let woken = std::mem::take(&mut *self.wakers.lock());
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Durable {
    pub(crate) fn new(config: &Config) -> Durable {
        let durable = Durable {
            is_on: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            settings: Mutex::new(Settings::of(config)),
            syncs_always: AtomicBool::new(false),
            written: Apart::default(),
            synced: Apart::default(),
            unsynced_since: AtomicI64::new(i64::MAX),
            end: Mutex::default(),
            syncing: Mutex::default(),
            switch: Mutex::default(),
            waiters: Waiters::default(),
            committers: AtomicUsize::new(0),
            wanted: Wanted::default(),
            rewrites: Rewrites::default(),
            counters: Counters::default(),
        };
        durable.configure(config);
        durable
    }

    /// Takes over what may change while the engine is open.
    pub(crate) fn configure(&self, config: &Config) {
        let settings = Settings::of(config);
        *self.settings.lock() = settings;
        let always = settings.fsync == Fsync::Always;
        self.syncs_always.store(always, Ordering::Release);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Whether new files are to have checksums.
    pub(crate) fn has_batches(&self) -> bool {
        self.settings.lock().batches
    }

    fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    fn written(&self) -> ReplOffset {
        ReplOffset(self.written.load(Ordering::Acquire))
    }

    pub(super) fn synced(&self) -> ReplOffset {
        ReplOffset(self.synced.load(Ordering::Acquire))
    }

    /// What is on disk, if there is a file.
    pub(crate) fn synced_if_on(&self) -> Option<ReplOffset> {
        self.is_on().then(|| self.synced())
    }

    /// Whether who saw the journal end at `end` may be answered.
    fn is_committed(&self, end: ReplOffset, now: impl FnOnce() -> UnixMillis) -> bool {
        match self.syncs_always.load(Ordering::Acquire) {
            true => self.synced() >= end,
            false => self.written() >= end && !self.is_stalled(now),
        }
    }

    /// Whether so much time passed since a write that was not synced, under `everysec`, that more
    /// of them would be lost than anybody expects.
    fn is_stalled(&self, now: impl FnOnce() -> UnixMillis) -> bool {
        let since = self.unsynced_since.load(Ordering::Acquire);
        since != i64::MAX
            && now().0.saturating_sub(since) > STALLED_AFTER
            && self.settings.lock().fsync == Fsync::Everysec
    }

    /// Whether it is time to sync, under `everysec`.
    fn is_sync_due(&self, now: UnixMillis) -> bool {
        let since = self.unsynced_since.load(Ordering::Acquire);
        since != i64::MAX
            && now.0.saturating_sub(since) >= SYNC_AFTER
            && self.settings.lock().fsync == Fsync::Everysec
    }

    /// Has the file that is appended to end at `at`, in favour of another.
    pub(crate) fn switch_at(&self, switch: Switch) {
        *self.switch.lock() = Some(switch);
    }
}

impl Settings {
    fn of(config: &Config) -> Settings {
        Settings {
            fsync: config.appendfsync,
            timestamps: config.aof_timestamp_enabled || config.aof_history_retention > 0,
            offsets: config.aof_history_retention > 0,
            batches: config.aof_batch_checksums,
        }
    }
}

/// Under `everysec`, milliseconds until what was written is synced: with the time that the sync and
/// whoever does it take, a second.
const SYNC_AFTER: i64 = 900;

/// Under `everysec`, milliseconds after which nobody is answered any more until a sync is done.
const STALLED_AFTER: i64 = 2000;

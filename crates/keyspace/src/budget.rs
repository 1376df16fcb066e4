//! How much memory frozen views may keep, and what happens beyond it.
//!
//! A view costs nothing until what it holds changes; then it keeps what was. A *budget* bounds the
//! sum of that over all views. Past it, whoever is about to lock for writing first cancels the oldest
//! view whose reader may be told to begin anew, and frees some of what a cancelled view kept; if only
//! views that are worth waiting for are left, writers wait for their readers to go on, for a while,
//! and then the oldest is cancelled too. Nobody waits who holds a lock.

use crate::reclaim::{Reclaimer, Removed};
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::table::Share;
use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What becomes of a view when views keep more than the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverBudget {
    /// Writers wait a little for its reader before it is cancelled: for the engine's own views.
    Wait,
    /// It is cancelled at once.
    Cancel,
}

/// A view was cancelled: what it kept was more than the budget, and is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewCancelled {
    /// Bytes that all views kept when it was.
    pub kept: usize,
    /// The budget, in bytes.
    pub budget: usize,
}

impl fmt::Display for ViewCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ViewCancelled { kept, budget } = self;
        write!(
            f,
            "the frozen view was cancelled: views kept {kept} bytes that had changed since, and the \
             budget is {budget} bytes"
        )
    }
}

impl std::error::Error for ViewCancelled {}

/// How the budget of frozen views stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Views {
    /// Views that are alive and not cancelled.
    pub alive: usize,
    /// Bytes that only views keep: what has changed since, and what a reader has in its hands.
    pub kept_bytes: usize,
    /// The most they kept since there last was no view.
    pub kept_peak: usize,
    /// How often a writer had to wait.
    pub waits: u64,
    /// Views cancelled.
    pub cancelled: u64,
}

/// No bound.
const UNBOUNDED: usize = usize::MAX;
/// Parts of cancelled views that a writer frees before it goes on, while views are over the budget:
/// more than it can add.
const HELP_PARTS: usize = 4;

/// The count of what views keep, and its bound.
pub(crate) struct Budget {
    limit: AtomicUsize,
    /// How long a writer waits at most, in microseconds.
    patience: AtomicU64,
    /// Signed, as blocks may be given back a moment before they are charged.
    kept: AtomicI64,
    peak: AtomicI64,
    waits: AtomicU64,
    cancelled: AtomicU64,
    /// Whether there is a view, or was one whose memory is not freed yet.
    in_use: AtomicBool,
    /// Views that are not cancelled.
    alive: AtomicUsize,
    /// Every view whose memory is not freed yet, oldest first.
    lives: Mutex<Vec<Weak<Life>>>,
    freed: Condvar,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            limit: AtomicUsize::new(UNBOUNDED),
            patience: AtomicU64::new(0),
            kept: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            waits: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            in_use: AtomicBool::new(false),
            alive: AtomicUsize::new(0),
            lives: Mutex::default(),
            freed: Condvar::new(),
        }
    }
}

/// What the budget knows of a view. Whoever holds memory of the view holds this.
pub(crate) struct Life {
    budget: Arc<Budget>,
    over: OverBudget,
    shares: Vec<Arc<Share>>,
    cancelled: Mutex<Option<ViewCancelled>>,
}

impl Life {
    /// Why the view was cancelled, if it was.
    pub(crate) fn cancelled(&self) -> Option<ViewCancelled> {
        *self.cancelled.lock()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Frees first: with the last view the count begins anew.
        drop(mem::take(&mut self.shares));
        if self.cancelled.get_mut().is_none() {
            self.budget.alive.fetch_sub(1, Relaxed);
        }
        let mut lives = self.budget.lives();
        self.budget.settle(&mut lives);
        self.budget.freed.notify_all();
    }
}

impl Budget {
    /// Sets the bound in bytes, 0 for none, and how long a writer waits at most.
    pub(crate) fn set(&self, bytes: usize, patience: Duration) {
        let limit = if bytes == 0 { UNBOUNDED } else { bytes };
        self.limit.store(limit, Relaxed);
        let micros = u64::try_from(patience.as_micros()).unwrap_or(u64::MAX);
        self.patience.store(micros, Relaxed);
        self.wake();
    }

    /// Before anything may be kept by a new view; [`Budget::admit`] follows.
    pub(crate) fn begin(&self) {
        let mut lives = self.lives();
        self.settle(&mut lives);
        if !self.in_use.swap(true, Relaxed) {
            self.kept.store(0, Relaxed);
            self.peak.store(0, Relaxed);
        }
        self.alive.fetch_add(1, Relaxed);
    }

    /// Takes a view in.
    pub(crate) fn admit(
        self: &Arc<Budget>,
        over: OverBudget,
        shares: Vec<Arc<Share>>,
    ) -> Arc<Life> {
        let life = Arc::new(Life {
            budget: Arc::clone(self),
            over,
            shares,
            cancelled: Mutex::new(None),
        });
        self.lives().push(Arc::downgrade(&life));
        life
    }

    /// A [`Life`] must not be dropped under this lock, which it takes.
    fn lives(&self) -> MutexGuard<'_, Vec<Weak<Life>>> {
        self.lives.lock()
    }

    /// Forgets views that are gone.
    fn settle(&self, lives: &mut Vec<Weak<Life>>) {
        lives.retain(|life| life.strong_count() > 0);
        if lives.is_empty() && self.alive.load(Relaxed) == 0 {
            self.in_use.store(false, Relaxed);
        }
    }

    /// Whether any view may keep what is let go.
    #[inline]
    pub(crate) fn is_in_use(&self) -> bool {
        self.in_use.load(Relaxed)
    }

    /// Views alone keep so many bytes more.
    #[inline]
    pub(crate) fn charge(&self, bytes: usize) {
        if bytes > 0 && self.is_in_use() {
            let kept = self.kept.fetch_add(bytes as i64, Relaxed) + bytes as i64;
            self.peak.fetch_max(kept, Relaxed);
        }
    }

    /// So many bytes that views alone kept are free.
    pub(crate) fn release(&self, bytes: usize) {
        let before = self.kept.fetch_sub(bytes as i64, Relaxed);
        let limit = self.limit();
        if before > limit && before - bytes as i64 <= limit {
            self.wake();
        }
    }

    fn limit(&self) -> i64 {
        i64::try_from(self.limit.load(Relaxed)).unwrap_or(i64::MAX)
    }

    #[inline]
    fn is_over(&self) -> bool {
        self.is_in_use() && self.kept.load(Relaxed) > self.limit()
    }

    /// Called before locks are taken for writing: makes room, or waits for it.
    #[inline]
    pub(crate) fn admit_writer(&self, reclaimer: &Reclaimer) {
        if self.is_over() {
            self.make_room(reclaimer);
        }
    }

    #[cold]
    fn make_room(&self, reclaimer: &Reclaimer) {
        // What was cancelled before and is not freed yet may be enough.
        let has_room = reclaimer.has_frozen()
            || self.cancel_oldest(OverBudget::Cancel, reclaimer)
            || self.wait();
        if !has_room {
            self.cancel_oldest(OverBudget::Wait, reclaimer);
        }
        reclaimer.help(HELP_PARTS);
    }

    /// Waits until views keep less than the budget; whether they do, or none is left to wait for.
    fn wait(&self) -> bool {
        let mut lives = self.lives();
        let patience = Duration::from_micros(self.patience.load(Relaxed));
        let must_wait = |_: &mut Vec<_>| self.is_over() && self.alive.load(Relaxed) > 0;
        if !must_wait(&mut lives) {
            return true;
        }
        self.waits.fetch_add(1, Relaxed);
        let waited = self.freed.wait_while_for(&mut lives, must_wait, patience);
        !waited.timed_out()
    }

    /// Cancels the oldest view of a kind; whether there was one.
    fn cancel_oldest(&self, over: OverBudget, reclaimer: &Reclaimer) -> bool {
        let lives: Vec<_> = self.lives().iter().filter_map(Weak::upgrade).collect();
        let reason = ViewCancelled {
            kept: self.kept_bytes(),
            budget: self.limit.load(Relaxed),
        };
        let cancel = |life: &&Arc<Life>| {
            let mut cancelled = life.cancelled.lock();
            let is_oldest = life.over == over && cancelled.is_none();
            is_oldest && cancelled.replace(reason).is_none()
        };
        let Some(life) = lives.iter().find(cancel) else {
            return false;
        };
        self.alive.fetch_sub(1, Relaxed);
        self.cancelled.fetch_add(1, Relaxed);
        let left = life.shares.iter().map(|share| share.cancel(life));
        reclaimer.take_over(left.map(Removed::Frozen).collect());
        self.wake();
        true
    }

    /// Lets writers that wait look again. Under the lock: nobody looks before and sleeps after.
    fn wake(&self) {
        let _lives = self.lives();
        self.freed.notify_all();
    }

    fn kept_bytes(&self) -> usize {
        usize::try_from(self.kept.load(Relaxed)).unwrap_or(0)
    }

    pub(crate) fn stand(&self) -> Views {
        Views {
            alive: self.alive.load(Relaxed),
            kept_bytes: if self.is_in_use() {
                self.kept_bytes()
            } else {
                0
            },
            kept_peak: usize::try_from(self.peak.load(Relaxed)).unwrap_or(0),
            waits: self.waits.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
        }
    }
}

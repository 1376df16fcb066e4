use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Instant;

/// Ends a running script from another thread: it fails at its next call or turn of a loop, and at
/// every one that follows, whatever it catches.
#[derive(Debug, Default)]
pub struct Killswitch {
    killed: AtomicBool,
    /// For good.
    off: AtomicBool,
    looks: AtomicU32,
    deadline: parking_lot::Mutex<Option<Instant>>,
    timed: AtomicBool,
}

/// The clock is looked at once in so many calls and turns.
const LOOKS_PER_GLANCE: u32 = 256;

impl Killswitch {
    /// Ends the script that runs, or the next one if none does and nobody [resets](Self::reset).
    pub fn kill(&self) {
        self.killed.store(true, Relaxed);
    }

    /// Ends the script that runs, and every one that is to come.
    pub fn turn_off(&self) {
        self.off.store(true, Relaxed);
    }

    /// Whether the running script was told to end.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Relaxed) || self.off.load(Relaxed)
    }

    /// Lets scripts run again after one was killed.
    pub fn reset(&self) {
        self.killed.store(false, Relaxed);
    }

    /// Why what runs must end now, if it must.
    pub(crate) fn verdict(&self) -> Option<&'static str> {
        if self.is_killed() {
            return Some(KILLED);
        }
        if self.timed.load(Relaxed)
            && self
                .looks
                .fetch_add(1, Relaxed)
                .is_multiple_of(LOOKS_PER_GLANCE)
        {
            let deadline = *self.deadline.lock();
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return Some(LOAD_TIMEOUT);
            }
        }
        None
    }

    /// Bounds what runs next, until `None` lifts the bound.
    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        self.timed.store(deadline.is_some(), Relaxed);
        *self.deadline.lock() = deadline;
    }
}

/// What a killed script fails with.
pub(crate) const KILLED: &str = "Script killed by user with SCRIPT KILL.";

/// What a library fails with that takes too long to load.
pub(crate) const LOAD_TIMEOUT: &str = "FUNCTION LOAD timeout";

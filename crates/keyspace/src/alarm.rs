use crate::sync::atomic::{AtomicI64, Ordering::SeqCst};
use crate::sync::{Condvar, Mutex};
use std::time::Duration;

/// Wakes who sleeps until something is due, when something else will be due sooner.
///
/// Who sets a deadline stores it and then looks for a sleeper; who sleeps says so and then looks
/// for deadlines. In one order for all, so one of them sees the other.
pub(crate) struct Alarm {
    /// Until when somebody sleeps; [`NOBODY`] otherwise.
    until: AtomicI64,
    asleep: Mutex<()>,
    rung: Condvar,
}

/// Nothing is sooner.
const NOBODY: i64 = i64::MIN;

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm {
            until: AtomicI64::new(NOBODY),
            asleep: Mutex::default(),
            rung: Condvar::new(),
        }
    }
}

impl Alarm {
    /// Something will be due then.
    #[inline]
    pub(crate) fn note(&self, due: i64) {
        if due < self.until.load(SeqCst) {
            self.ring();
        }
    }

    #[cold]
    fn ring(&self) {
        let asleep = self.asleep.lock();
        self.until.store(NOBODY, SeqCst);
        self.rung.notify_all();
        drop(asleep);
    }

    /// Sleeps for `longest`, or until something is noted that is due before `until`; `earliest`
    /// says what was noted so far.
    pub(crate) fn sleep(&self, until: i64, longest: Duration, earliest: impl Fn() -> i64) {
        let mut asleep = self.asleep.lock();
        self.until.store(until, SeqCst);
        if earliest() >= until {
            self.rung.wait_for(&mut asleep, longest);
        }
        self.until.store(NOBODY, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Long enough to make the test fail by its length if nobody wakes the sleeper.
    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn what_is_due_sooner_wakes() {
        let (alarm, earliest) = (Arc::new(Alarm::default()), Arc::new(AtomicI64::new(100)));
        let (alarms, noted) = (alarm.clone(), earliest.clone());
        let sleeper = std::thread::spawn(move || alarms.sleep(100, LONG, || noted.load(SeqCst)));
        // Before it sleeps, or while it does: it must not matter.
        earliest.store(50, SeqCst);
        alarm.note(50);
        sleeper.join().unwrap();
    }

    #[test]
    fn nobody_is_woken_for_what_is_due_later() {
        let alarm = Alarm::default();
        alarm.note(5);
        alarm.sleep(100, Duration::from_millis(1), || 100);
        assert_eq!(alarm.until.load(SeqCst), NOBODY);
    }
}

//! Who asks for a sync, and how long it is worth waiting for others to ask as well.
//!
//! Clients that one sync answered come back together, a moment after it. A sync that begins for the
//! first of them would make all others wait for the one behind it, and half of all syncs would be for
//! nearly nobody. So a sync waits for as many as there were lately, but never long beside what it
//! takes itself; who is alone does not wait at all.

use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// What the thread that syncs is asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    crowd: Mutex<Crowd>,
    asked: Condvar,
}

#[derive(Debug, Default)]
struct Crowd {
    /// Who asked since the last sync began.
    waiting: usize,
    /// Whom that sync was for.
    served: usize,
    /// As many as are known to be there.
    expected: usize,
    /// How long that sync took.
    took: Duration,
}

impl Wanted {
    /// Asks for a sync.
    pub(super) fn ask(&self) {
        let mut crowd = self.crowd.lock();
        crowd.waiting += 1;
        if crowd.waiting == 1 || crowd.waiting == crowd.expected {
            self.asked.notify_one();
        }
    }

    /// Returns once it is time to sync, or after `longest`.
    pub(super) fn wait(&self, longest: Duration) {
        let mut crowd = self.crowd.lock();
        if crowd.waiting == 0 {
            self.asked.wait_for(&mut crowd, longest);
        }
        let last = Instant::now() + (crowd.took / PATIENCE).min(longest);
        while crowd.is_gathering() && !self.asked.wait_until(&mut crowd, last).timed_out() {}
        crowd.begin();
    }

    /// Notes that a sync is done, and how long it took; `None` if there was nothing left to sync.
    pub(super) fn note_done(&self, took: Option<Duration>) {
        let mut crowd = self.crowd.lock();
        crowd.took = took.unwrap_or(crowd.took);
        crowd.expected = crowd.served + crowd.waiting;
    }
}

impl Crowd {
    fn is_gathering(&self) -> bool {
        (1..self.expected).contains(&self.waiting)
    }

    fn begin(&mut self) {
        self.served = std::mem::take(&mut self.waiting);
        self.expected = 0;
    }
}

/// Others are waited for at most the time of a sync divided by this.
const PATIENCE: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn served(wanted: &Wanted, asks: usize) -> usize {
        (0..asks).for_each(|_| wanted.ask());
        wanted.wait(LONG);
        wanted.crowd.lock().served
    }

    #[test]
    fn who_is_alone_does_not_wait() {
        let wanted = Wanted::default();
        for _ in 0..3 {
            assert_eq!(served(&wanted, 1), 1);
            wanted.note_done(Some(LONG));
        }
    }

    #[test]
    fn all_who_were_there_lately_are_waited_for() {
        let wanted = Wanted::default();
        assert_eq!(served(&wanted, 1), 1);
        wanted.ask();
        wanted.note_done(Some(LONG));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wanted.wait(LONG));
            wanted.ask();
            waiting.join().unwrap();
        });
        assert_eq!(wanted.crowd.lock().served, 2);
    }

    #[test]
    fn who_does_not_come_back_is_not_waited_for_long() {
        let wanted = Wanted::default();
        assert_eq!(served(&wanted, 5), 5);
        wanted.note_done(Some(Duration::from_millis(4)));
        assert_eq!(served(&wanted, 2), 2);
        wanted.note_done(Some(LONG));
        assert_eq!(served(&wanted, 2), 2);
    }
}

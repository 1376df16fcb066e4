use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use units::UnixMillis;

/// Which commands are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PauseMode {
    /// Those that may change something.
    Write,
    /// All.
    All,
}

/// What `CLIENT PAUSE` holds back, and until when.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// Something may be held back: for those who only look.
    is_any: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    pause: Option<(PauseMode, UnixMillis)>,
    /// Of those who wait for the end.
    wakers: Vec<(u64, Waker)>,
    /// How many sessions have a command that is held back.
    sessions: usize,
}

impl Pause {
    /// Holds back until then. Of what was held back already nothing goes on sooner.
    pub(crate) fn begin(&self, mode: PauseMode, until: UnixMillis, now: UnixMillis) {
        let mut held = self.held.lock();
        let before = held.pause.filter(|(_, end)| *end > now);
        let (mode, until) = match before {
            Some((old, end)) => (mode.max(old), until.max(end)),
            None => (mode, until),
        };
        held.pause = Some((mode, until));
        self.is_any.store(true, Ordering::Release);
    }

    /// Lets everything go on.
    pub(crate) fn end(&self) {
        let mut held = self.held.lock();
        held.pause = None;
        self.is_any.store(false, Ordering::Release);
        let wakers = std::mem::take(&mut held.wakers);
        drop(held);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Whether something may be held back.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// What is held back now, and until when.
    #[inline]
    pub(crate) fn now(&self, now: impl FnOnce() -> UnixMillis) -> Option<(PauseMode, UnixMillis)> {
        match self.is_any() {
            true => self.look(now()),
            false => None,
        }
    }

    #[cold]
    fn look(&self, now: UnixMillis) -> Option<(PauseMode, UnixMillis)> {
        let mut held = self.held.lock();
        held.pause = held.pause.filter(|(_, end)| *end > now);
        self.is_any.store(held.pause.is_some(), Ordering::Release);
        held.pause
    }

    /// Has `waker` called when the pause is ended before its time.
    pub(crate) fn wake_at_end(&self, session: u64, waker: &Waker) {
        let mut held = self.held.lock();
        held.wakers.retain(|(other, _)| *other != session);
        held.wakers.push((session, waker.clone()));
    }

    /// Counts a session whose command is held back.
    pub(crate) fn hold(&self) {
        self.held.lock().sessions += 1;
    }

    /// It is no longer.
    pub(crate) fn let_go(&self, session: u64) {
        let mut held = self.held.lock();
        held.sessions -= 1;
        held.wakers.retain(|(other, _)| *other != session);
    }

    /// How many sessions have a command that is held back.
    pub(crate) fn sessions(&self) -> usize {
        self.held.lock().sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_and_the_stricter_pause_counts() {
        let pause = Pause::default();
        let at = |millis| move || UnixMillis(millis);
        assert_eq!(pause.now(at(0)), None);
        pause.begin(PauseMode::All, UnixMillis(200), UnixMillis(1));
        pause.begin(PauseMode::Write, UnixMillis(50), UnixMillis(2));
        assert_eq!(pause.now(at(100)), Some((PauseMode::All, UnixMillis(200))));
        assert_eq!(pause.now(at(200)), None);
        pause.begin(PauseMode::Write, UnixMillis(400), UnixMillis(300));
        assert_eq!(
            pause.now(at(301)),
            Some((PauseMode::Write, UnixMillis(400)))
        );
        pause.end();
        assert_eq!(pause.now(at(301)), None);
    }
}

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

/// Why commands are held back. Each reason ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PauseBy {
    /// `CLIENT PAUSE`.
    Command,
    /// The program is about to end.
    Ending,
    /// A replica is to take over.
    Failover,
}

/// What is held back, and until when.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// Something may be held back: for those who only look.
    is_any: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// By reason.
    pauses: [Option<(PauseMode, UnixMillis)>; 3],
    /// Of those who wait for the end.
    wakers: Vec<(u64, Waker)>,
}

impl Pause {
    /// Holds back until then. Of what was held back already nothing goes on sooner.
    pub(crate) fn begin(&self, by: PauseBy, mode: PauseMode, until: UnixMillis, now: UnixMillis) {
        let mut held = self.held.lock();
        let pause = &mut held.pauses[by as usize];
        let before = pause.filter(|(_, end)| *end > now);
        let (mode, until) = match before {
            Some((old, end)) => (mode.max(old), until.max(end)),
            None => (mode, until),
        };
        *pause = Some((mode, until));
        self.is_any.store(true, Ordering::Release);
    }

    /// Lets everything go on that nothing else holds back.
    pub(crate) fn end(&self, by: PauseBy) {
        let mut held = self.held.lock();
        held.pauses[by as usize] = None;
        let is_any = held.pauses.iter().any(Option::is_some);
        self.is_any.store(is_any, Ordering::Release);
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
        for pause in &mut held.pauses {
            *pause = pause.filter(|(_, end)| *end > now);
        }
        let strictest = held.pauses.iter().flatten().max().copied();
        self.is_any.store(strictest.is_some(), Ordering::Release);
        strictest
    }

    /// Has `waker` called when the pause is ended before its time.
    pub(crate) fn wake_at_end(&self, session: u64, waker: &Waker) {
        let mut held = self.held.lock();
        held.wakers.retain(|(other, _)| *other != session);
        held.wakers.push((session, waker.clone()));
    }

    /// A session's command is held back no longer.
    pub(crate) fn let_go(&self, session: u64) {
        let mut held = self.held.lock();
        held.wakers.retain(|(other, _)| *other != session);
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
        pause.begin(
            PauseBy::Command,
            PauseMode::All,
            UnixMillis(200),
            UnixMillis(1),
        );
        pause.begin(
            PauseBy::Command,
            PauseMode::Write,
            UnixMillis(50),
            UnixMillis(2),
        );
        assert_eq!(pause.now(at(100)), Some((PauseMode::All, UnixMillis(200))));
        assert_eq!(pause.now(at(200)), None);
        pause.begin(
            PauseBy::Command,
            PauseMode::Write,
            UnixMillis(400),
            UnixMillis(300),
        );
        assert_eq!(
            pause.now(at(301)),
            Some((PauseMode::Write, UnixMillis(400)))
        );
        pause.end(PauseBy::Command);
        assert_eq!(pause.now(at(301)), None);
    }
}

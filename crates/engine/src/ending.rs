//! Ending the program that serves the engine, as `SHUTDOWN` or a signal asks for it.
//!
//! Once asked, the program lets replicas catch up for a while, in which nothing is written, and then
//! has what is to be saved saved. If that fails, nothing has ended: the program goes on, and who
//! asked is told.

use crate::clients::{PauseBy, PauseMode};
use crate::replicas::About;
use crate::{Engine, LogLevel, SaveError};
use commands::Error;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use units::{ReplOffset, UnixMillis};

/// How a program is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// What is saved before.
    pub save: ShutdownSave,
    /// Replicas get no time to catch up.
    pub now: bool,
    /// It ends even if saving fails.
    pub force: bool,
}

/// What is saved before the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShutdownSave {
    /// A snapshot, if there are save points and something changed.
    #[default]
    AsConfigured,
    /// A snapshot.
    Always,
    /// Nothing.
    Never,
}

impl Shutdown {
    /// What the words of `SHUTDOWN`, or of `shutdown-on-sigterm`, say. `None` if they contradict each
    /// other, or one is none of them.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Option<Shutdown> {
        let mut shutdown = Shutdown::default();
        for word in words {
            match word.to_ascii_lowercase().as_slice() {
                b"save" if shutdown.save != ShutdownSave::Never => {
                    shutdown.save = ShutdownSave::Always;
                }
                b"nosave" if shutdown.save != ShutdownSave::Always => {
                    shutdown.save = ShutdownSave::Never;
                }
                b"now" => shutdown.now = true,
                b"force" => shutdown.force = true,
                b"default" => {}
                _ => return None,
            }
        }
        Some(shutdown)
    }
}

/// What was asked of the program.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    state: Mutex<State>,
    /// Nothing is to be saved any more.
    unsaved: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Somebody listens.
    is_served: bool,
    asked: Option<Asked>,
    /// How often the end was asked for and did not come.
    failures: u64,
    /// Of the program.
    waker: Option<Waker>,
    /// Of those who asked.
    askers: Vec<Waker>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    how: Shutdown,
    /// Until when replicas may catch up.
    until: UnixMillis,
    /// What they have to have.
    offset: ReplOffset,
}

impl Ending {
    /// Whether nothing is to be saved any more.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.unsaved.load(Ordering::Relaxed)
    }

    /// How often the end was asked for and did not come.
    pub(crate) fn failures(&self) -> u64 {
        self.state.lock().failures
    }

    /// Ready if the end did not come since there were so many failures; else `cx` is woken then.
    pub(crate) fn poll_failure(&self, failures: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.failures != failures {
            return Poll::Ready(());
        }
        state.askers.retain(|waker| !waker.will_wake(cx.waker()));
        state.askers.push(cx.waker().clone());
        Poll::Pending
    }

    fn ask(&self, mut asked: Asked) {
        let mut state = self.state.lock();
        if let Some(before) = state.asked {
            asked.until = asked.until.min(before.until);
        }
        state.asked = Some(asked);
        state.waker.take().into_iter().for_each(Waker::wake);
    }

    fn asked(&self) -> Option<Asked> {
        self.state.lock().asked
    }

    /// Takes back what was asked; whether something was.
    fn take_back(&self) -> bool {
        let mut state = self.state.lock();
        let was_asked = state.asked.take().is_some();
        state.failures += u64::from(was_asked);
        let askers = std::mem::take(&mut state.askers);
        drop(state);
        askers.into_iter().for_each(Waker::wake);
        was_asked
    }
}

impl Engine {
    /// Ready once the program was asked to end; else the task of `cx` is woken then. What follows is
    /// [`Engine::awaits_replicas`] until that is over, and [`Engine::end`]. Where nobody ever calls
    /// this, `SHUTDOWN` is refused.
    pub fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.inner().ending.state.lock();
        state.is_served = true;
        if state.asked.is_some() {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Asks the program to end, as `SHUTDOWN` does; to be asked again does not make it wait longer.
    /// Replicas that have not got everything are given `shutdown-timeout`.
    pub fn shut_down(&self, how: Shutdown) {
        let secs = self
            .config("shutdown-timeout")
            .and_then(|text| text.parse().ok());
        let now = self.now();
        let patience = match how.now {
            true => 0,
            false => secs.unwrap_or(0_i64).saturating_mul(1000),
        };
        let until = UnixMillis(now.0.saturating_add(patience));
        // Nothing is written from here on, so that there is an end that replicas can reach.
        let pause = self.clients().pause();
        pause.begin(PauseBy::Ending, PauseMode::Write, until, now);
        let offset = self.log().end();
        self.inner().ending.ask(Asked { how, until, offset });
        if patience > 0 && self.replicas().are_behind(offset) {
            self.ask_replicas();
        }
    }

    /// Whether the end, which was asked for, is put off because replicas may still catch up.
    pub fn awaits_replicas(&self) -> bool {
        let asked = self.inner().ending.asked();
        asked.is_some_and(|asked| {
            asked.until > self.now() && self.replicas().are_behind(asked.offset)
        })
    }

    /// Whether the program was asked to end.
    pub fn is_ending(&self) -> bool {
        self.inner().ending.asked().is_some()
    }

    /// Until when replicas may catch up, if the end was asked for.
    pub(crate) fn ends_by(&self) -> Option<UnixMillis> {
        self.inner().ending.asked().map(|asked| asked.until)
    }

    /// Ends what was asked to end: saves what is to be saved, after which the program may close.
    /// `Ok(false)` if it was taken back.
    ///
    /// # Errors
    /// Saving failed, and `FORCE` was not said: the program must go on.
    pub fn end(&self) -> Result<bool, SaveError> {
        let ending = &self.inner().ending;
        let Some(Asked { how, offset, .. }) = ending.asked() else {
            return Ok(false);
        };
        self.tell_who_lags(offset);
        if self.loading().is_on() {
            self.loading().give_up();
        }
        let must_save = match how.save {
            ShutdownSave::Always => !self.loading().is_on(),
            ShutdownSave::Never => false,
            ShutdownSave::AsConfigured => self.inner().must_save(),
        };
        let saved = match must_save {
            true => self.save().map(|_| ()),
            false => Ok(()),
        };
        if saved.is_err() && !how.force {
            self.take_back_shutdown();
            return saved.map(|()| false);
        }
        if how.save == ShutdownSave::Never || how.force {
            ending.unsaved.store(true, Ordering::Relaxed);
        }
        Ok(true)
    }

    /// Notes which replicas will miss something.
    fn tell_who_lags(&self, offset: ReplOffset) {
        let (replicas, now) = (self.replicas().list(), self.now());
        let lagging = replicas.iter().filter(|replica| replica.acked() < offset);
        for replica in lagging.clone() {
            let About { address, port, .. } = replica.about();
            let behind = offset.0 - replica.acked().0;
            let (lag, state) = (replica.lag(now), replica.stage_name());
            let line = format!(
                "Lagging replica {address}:{port} reported offset {behind} behind master, lag={lag}, state={state}."
            );
            self.note(LogLevel::Notice, &line);
        }
        let (all, there) = (replicas.len(), replicas.len() - lagging.count());
        if all > 0 {
            let line = format!("{there} of {all} replicas are in sync when shutting down.");
            self.note(LogLevel::Notice, &line);
        }
    }

    /// `SHUTDOWN ABORT`; whether there was something to take back.
    pub(crate) fn take_back_shutdown(&self) -> bool {
        let taken = self.inner().ending.take_back();
        self.clients().pause().end(PauseBy::Ending);
        taken
    }

    /// Refuses `SHUTDOWN` where no program would end.
    pub(crate) fn check_served(&self) -> Result<(), Error> {
        match self.inner().ending.state.lock().is_served {
            true => Ok(()),
            false => Err(Error::err(
                "SHUTDOWN is for servers: this engine ends with the program that opened it",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> Option<Shutdown> {
        Shutdown::of_words(words.split_whitespace().map(str::as_bytes))
    }

    #[test]
    fn words_say_how_to_end_unless_they_contradict() {
        assert_eq!(of(""), Some(Shutdown::default()));
        let all = Shutdown {
            save: ShutdownSave::Never,
            now: true,
            force: true,
        };
        assert_eq!(of("NOSAVE now FORCE"), Some(all));
        assert_eq!(of("save nosave"), None);
        assert_eq!(of("nosave save"), None);
        assert_eq!(of("later"), None);
    }
}

//! `SHUTDOWN`: asking the program that serves the engine to end.

use crate::Engine;
use commands::Error;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

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
    is_asked: bool,
    waker: Option<Waker>,
}

impl Ending {
    /// Whether nothing is to be saved any more, as `SHUTDOWN NOSAVE` says.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.unsaved.load(Ordering::Relaxed)
    }
}

/// What `SHUTDOWN` says of saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Save {
    /// If there are save points, as at any end.
    AsConfigured,
    Always,
    Never,
}

impl Engine {
    /// Ready once a client asked the program to end by `SHUTDOWN`; else the task of `cx` is woken
    /// then. What was to be saved has been. Where nobody ever calls this, `SHUTDOWN` is refused.
    pub fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.inner().ending.state.lock();
        state.is_served = true;
        if state.is_asked {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Saves as configured, and then has the program end, as `SHUTDOWN` does; refused if saving
    /// fails. For programs that are told to end by a signal.
    pub fn request_shutdown(&self) -> Result<(), Error> {
        self.shut_down(Save::AsConfigured, false)
    }

    /// Saves as asked, and then has the program end. With `force` it does so even if saving failed.
    pub(crate) fn shut_down(&self, save: Save, force: bool) -> Result<(), Error> {
        let ending = &self.inner().ending;
        if !ending.state.lock().is_served {
            return Err(Error::err(
                "SHUTDOWN is for servers: this engine ends with the program that opened it",
            ));
        }
        let must_save = match save {
            Save::Always => true,
            Save::Never => false,
            Save::AsConfigured => self.inner().must_save(),
        };
        if must_save && self.save().is_err() && !force {
            return Err(Error::err("Errors trying to SHUTDOWN. Check logs."));
        }
        if save == Save::Never || force {
            ending.unsaved.store(true, Ordering::Relaxed);
        }
        let mut state = ending.state.lock();
        state.is_asked = true;
        state.waker.take().into_iter().for_each(Waker::wake);
        Ok(())
    }
}

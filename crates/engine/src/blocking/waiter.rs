use crate::Reply;
use commands::wait::Wait;
use commands::{Command, Error, Protocol, ReplySink};
use keyspace::Type;
use parking_lot::{Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use units::{DbIndex, UnixMillis};

/// A command that waits, and what became of it.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) client: u64,
    pub(crate) db: DbIndex,
    pub(crate) protocol: Protocol,
    /// What is tried again.
    pub(crate) command: &'static Command,
    pub(crate) argv: Vec<Vec<u8>>,
    wait: Wait,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    end: Option<Unblocked>,
    over: bool,
    waker: Option<Waker>,
}

/// How waiting ended.
#[derive(Debug)]
pub(crate) enum Unblocked {
    /// With a reply.
    Served(Reply),
    /// With a refusal.
    Refused(Error),
    /// With nothing, since the time is over.
    TooLate,
    /// The session is gone.
    Abandoned,
}

impl Waiter {
    pub(crate) fn new(
        client: u64,
        (db, protocol): (DbIndex, Protocol),
        (command, argv): (&'static Command, &[&[u8]]),
        mut wait: Wait,
    ) -> Waiter {
        let sent = || argv.iter().map(|arg| arg.to_vec()).collect();
        Waiter {
            client,
            db,
            protocol,
            command,
            argv: wait.again.take().unwrap_or_else(sent),
            wait,
            state: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    /// The names of the keys that it waits for.
    pub(crate) fn keys(&self) -> &[Vec<u8>] {
        &self.wait.keys
    }

    /// Of which type a key must be.
    pub(crate) fn ty(&self) -> Type {
        self.wait.ty
    }

    /// Whether the waiting ends when a key goes or becomes something else.
    pub(crate) fn needs_key(&self) -> bool {
        self.wait.needs_key
    }

    /// Until when it waits.
    pub(crate) fn until(&self) -> Option<UnixMillis> {
        self.wait.until
    }

    /// Ends the waiting with what `end` says, unless that is `None` or it ended before.
    pub(super) fn end(&self, end: impl FnOnce() -> Option<Unblocked>) -> bool {
        let mut state = self.state.lock();
        if state.over {
            return false;
        }
        state.end = end();
        state.over = state.end.is_some();
        if !state.over {
            return false;
        }
        let waker = state.waker.take();
        drop(state);
        self.ended.notify_all();
        waker.into_iter().for_each(Waker::wake);
        true
    }

    /// Whether the waiting ended.
    pub(crate) fn is_over(&self) -> bool {
        self.state.lock().over
    }

    /// How it ended, once.
    pub(crate) fn take_end(&self) -> Option<Unblocked> {
        self.state.lock().end.take()
    }

    /// Waits on this thread for the end, at most for `longest`.
    pub(crate) fn sleep(&self, longest: Duration) {
        let mut state = self.state.lock();
        if !state.over {
            self.ended.wait_for(&mut state, longest);
        }
    }

    /// Ready at the end.
    pub(crate) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.over {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Unblocked {
    /// The error that it replies, if it is one.
    pub(crate) fn failure(&self) -> Option<Error> {
        match self {
            Unblocked::Refused(error) => Some(error.clone()),
            _ => None,
        }
    }

    /// Writes the reply.
    pub(crate) fn reply(self, reply: &mut dyn ReplySink) {
        match self {
            Unblocked::Served(value) => value.write_into(reply),
            Unblocked::Refused(error) => reply.error(&error),
            Unblocked::TooLate => reply.null_array(),
            Unblocked::Abandoned => {}
        }
    }
}

//! Commands that wait, from the side of those who wait and of those who bring what is waited for.

use super::dispatch::lock_plan;
use super::{Replies, Session};
use crate::blocking::{Unblocked, Waiter};
use crate::reply::ReplyBuilder;
use commands::wait::Wait;
use commands::{Command, Compat, Error, ReplySink};
use keyspace::Keys;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a thread sleeps before it looks at the clock again, which may be a program's own and
/// need not keep step with the machine's.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A command of this session that waits.
#[derive(Debug)]
pub(super) struct Blocked {
    waiter: Arc<Waiter>,
    /// The client wants no reply to it.
    silent: bool,
}

impl Session {
    /// Whether a command waits for something, `BLPOP` for an element. Its reply comes later, by
    /// [`Session::wait_unblocked`] or, after [`Session::poll_unblocked`], by
    /// [`Session::try_unblocked`]; no other command may run before.
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// For how long the command that waits still will; `None` if for ever, or if none does.
    pub fn blocked_for(&self) -> Option<Duration> {
        let until = self.blocked.as_ref()?.waiter.until()?;
        let left = until.since(self.engine.now()).max(0);
        Some(Duration::from_millis(left as u64))
    }

    /// Ready when the command was served, or nothing waits. Time passes unseen: see
    /// [`Session::blocked_for`].
    pub fn poll_unblocked(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.blocked {
            Some(blocked) => blocked.waiter.poll_end(cx),
            None => Poll::Ready(()),
        }
    }

    /// Writes the reply of the command that waits, if it was served or its time is over; whether
    /// nothing waits any more.
    pub fn try_unblocked(&mut self, reply: &mut dyn ReplySink) -> bool {
        let Some(Blocked { waiter, silent }) = &self.blocked else {
            return true;
        };
        if !waiter.is_over() && waiter.until().is_some_and(|at| at <= self.engine.now()) {
            self.engine.blocking().end(waiter, Unblocked::TooLate);
        }
        let Some(end) = waiter.take_end() else {
            return false;
        };
        if !silent {
            end.reply(reply);
        }
        self.blocked = None;
        true
    }

    /// Waits on this thread until the command was served or its time is over, and writes its reply.
    pub fn wait_unblocked(&mut self, reply: &mut dyn ReplySink) {
        while !self.try_unblocked(reply) {
            if let Some(blocked) = &self.blocked {
                let left = self.blocked_for().unwrap_or(LOOK_EVERY);
                blocked.waiter.sleep(left.min(LOOK_EVERY));
            }
        }
    }

    /// Ends the waiting, if a command waits.
    pub(super) fn abandon(&mut self) {
        if let Some(blocked) = self.blocked.take() {
            let blocking = self.engine.blocking();
            blocking.end(&blocked.waiter, Unblocked::Abandoned);
        }
    }

    /// What a command that found nothing does: waits, or replies at once where nobody may wait. Its
    /// shards are locked.
    pub(super) fn wait_or_reply(
        &mut self,
        (command, argv): (&'static Command, &[&[u8]]),
        wait: Wait,
        reply: &mut dyn ReplySink,
    ) {
        if self.in_exec || self.settings.replaying {
            return wait.at_once.reply(reply);
        }
        let heard_as = (self.client.db, self.client.protocol);
        let waiter = Waiter::new(self.client.id, heard_as, (command, argv), wait);
        let waiter = Arc::new(waiter);
        self.engine.blocking().add(&waiter);
        let silent = self.client.replies != Replies::All;
        self.blocked = Some(Blocked { waiter, silent });
    }

    /// Notes the keys of a command that changed something, of those that somebody waits for. Their
    /// shards are locked.
    #[cold]
    pub(super) fn note_ready(&mut self, command: &Command, argv: &[&[u8]]) {
        let positions = command.spec.keys.positions(argv).unwrap_or_default();
        if positions.is_empty() || command.spec.undeclared_keys {
            return self.note_all_ready();
        }
        let awaited = |&at: &usize| self.engine.blocking().awaits(argv[at]);
        let names = positions.into_iter().filter(awaited);
        let names: Vec<Vec<u8>> = names.map(|at| argv[at].to_vec()).collect();
        self.scratch.ready.extend(names);
    }

    /// Notes every key that somebody waits for: all may have changed.
    pub(super) fn note_all_ready(&mut self) {
        self.scratch.ready.extend(self.engine.blocking().keys());
    }

    /// Serves those who wait for keys that changed. No lock is held.
    #[cold]
    pub(super) fn serve_waiting(&mut self) {
        let engine = self.engine.clone();
        let _turn = engine.blocking().turn();
        self.serving = true;
        while let Some(key) = self.scratch.ready.pop_front() {
            self.serve_queue(&key);
        }
        self.serving = false;
    }

    /// Goes through the queue for a key from its head until there is nothing left in it.
    fn serve_queue(&mut self, key: &[u8]) {
        let engine = self.engine.clone();
        // Who waits for a key of that name in another database may be served all the same.
        let (mut at, mut gone_in) = (0, None);
        while let Some(waiter) = engine.blocking().in_queue(key, at) {
            if gone_in == Some(waiter.db) && !waiter.needs_key() {
                at += 1;
                continue;
            }
            let mut is_gone = false;
            let attempt = || self.attempt(&waiter, key, &mut is_gone);
            let ended = engine.blocking().try_end(&waiter, attempt);
            at += usize::from(!ended);
            gone_in = is_gone.then_some(waiter.db).or(gone_in);
        }
    }

    /// Tries the command of a waiter again, in its place. Notes in `is_gone` if the key holds
    /// nothing.
    fn attempt(&mut self, waiter: &Waiter, key: &[u8], is_gone: &mut bool) -> Option<Unblocked> {
        let engine = self.engine.clone();
        let argv: Vec<&[u8]> = waiter.argv.iter().map(Vec::as_slice).collect();
        let plan = match lock_plan(&engine, &waiter.command.spec, &argv) {
            Ok(plan) => plan,
            Err(error) => return Some(Unblocked::Refused(error)),
        };
        self.refresh_settings();
        // A script that runs is waited for: what was brought must not be forgotten.
        let mut keys = engine.keyspace().lock(plan, engine.now());
        let ty = keys.peek(waiter.db, key).map(|entry| entry.value().ty());
        *is_gone = ty.is_none();
        if ty != Some(waiter.ty()) {
            match self.settings.compat {
                _ if !waiter.needs_key() => return None,
                Compat::Redis70 => return Some(no_stream()),
                // The command itself says what is wrong.
                Compat::Redis72 => {}
            }
        }
        let end = self.retry(waiter, &argv, &mut keys);
        self.commit(keys);
        end
    }

    fn retry(&mut self, waiter: &Waiter, argv: &[&[u8]], keys: &mut Keys<'_>) -> Option<Unblocked> {
        let mut builder = ReplyBuilder::new(waiter.protocol);
        let own_db = std::mem::replace(&mut self.client.db, waiter.db);
        let outcome = self.attempt_with_keys(keys, waiter.command, argv, &mut builder);
        self.client.db = own_db;
        match outcome {
            Ok(Some(_)) => None,
            Ok(None) => builder.finish().map(Unblocked::Served),
            Err(_) if waiter.needs_key() && self.settings.compat == Compat::Redis70 => {
                Some(no_group())
            }
            Err(error) => Some(Unblocked::Refused(error)),
        }
    }
}

fn no_stream() -> Unblocked {
    Unblocked::Refused(Error::Text(
        "UNBLOCKED the stream key no longer exists".into(),
    ))
}

fn no_group() -> Unblocked {
    let text = "NOGROUP the consumer group this client was blocked on no longer exists";
    Unblocked::Refused(Error::Text(text.into()))
}

//! Commands that wait, from the side of those who wait and of those who bring what is waited for.

use super::dispatch::{lock_plan, may_write};
use super::{Replies, Session};
use crate::Shutdown;
use crate::blocking::{Unblocked, Waiter};
use crate::clients::PauseMode;
use crate::durable::Copies;
use crate::registry::Entry;
use crate::reply::{OnlyPushes, ReplyBuilder};
use commands::wait::Wait;
use commands::{Command, Compat, Error, ReplySink};
use keyspace::Keys;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long a thread sleeps before it looks at the clock again, which may be a program's own and
/// need not keep step with the machine's.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A command of this session that waits.
#[derive(Debug)]
pub(super) struct Blocked {
    by: By,
    /// The client wants no reply to it.
    silent: bool,
    since: Instant,
}

/// What a command waits for.
#[derive(Debug)]
enum By {
    /// Something in a key.
    Keys(Arc<Waiter>),
    /// The end of a pause, before it runs.
    Pause(Vec<Vec<u8>>),
    /// That what was written is safe.
    Copies(Copies),
    /// The end of the program, or another failure to come to it than so many.
    Ending(u64),
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
        let (until, longest) = match &self.blocked.as_ref()?.by {
            By::Keys(waiter) => (waiter.until(), None),
            By::Pause(_) => (self.engine.paused().map(|(_, until)| until), None),
            // Nobody calls when something was synced.
            By::Copies(copies) => (copies.until, copies.longest_sleep(&self.engine)),
            By::Ending(_) => (None, None),
        };
        let left = until.map(|until| until.since(self.engine.now()).max(0));
        let left = left.map(|millis| Duration::from_millis(millis as u64));
        left.into_iter().chain(longest).min()
    }

    /// Ready when the command was served, or nothing waits. Time passes unseen: see
    /// [`Session::blocked_for`].
    pub fn poll_unblocked(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.blocked.as_ref().map(|blocked| &blocked.by) {
            Some(By::Keys(waiter)) => waiter.poll_end(cx),
            Some(By::Pause(_)) => self.poll_unpaused(cx),
            Some(By::Copies(_)) => Poll::Pending,
            Some(By::Ending(failures)) => self.engine.ending().poll_failure(*failures, cx),
            None => Poll::Ready(()),
        }
    }

    /// Writes the reply of the command that waits, if it was served or its time is over; whether
    /// nothing waits any more.
    pub fn try_unblocked(&mut self, reply: &mut dyn ReplySink) -> bool {
        let Some(Blocked { by, silent, since }) = &self.blocked else {
            return true;
        };
        let waiter = match by {
            By::Keys(waiter) => waiter,
            By::Pause(_) => return self.try_unpaused(reply),
            By::Copies(copies) => {
                let over = copies.try_reply(&self.engine, *silent, reply);
                self.blocked = self.blocked.take().filter(|_| !over);
                return over;
            }
            By::Ending(failures) => return self.try_outlive(*failures, *silent, reply),
        };
        if !waiter.is_over() && waiter.until().is_some_and(|at| at <= self.engine.now()) {
            self.engine.blocking().end(waiter, Unblocked::TooLate);
        }
        let Some(end) = waiter.take_end() else {
            return false;
        };
        let (waiter, since, failure) = (waiter.clone(), *since, end.failure());
        if !silent {
            end.reply(reply);
        }
        self.blocked = None;
        let request = (&waiter.command.spec, &waiter.argv[..]);
        self.count_waited(request, since, failure.as_ref());
        true
    }

    /// Waits on this thread until the command was served or its time is over, and writes its reply.
    pub fn wait_unblocked(&mut self, reply: &mut dyn ReplySink) {
        while !self.try_unblocked(reply) {
            if self.card().is_killed() {
                self.abandon();
                return reply.error(&super::killed());
            }
            let left = self.blocked_for().unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
            match self.blocked.as_ref().map(|blocked| &blocked.by) {
                Some(By::Keys(waiter)) => waiter.sleep(left),
                _ => std::thread::sleep(left),
            }
        }
    }

    /// Ends the waiting, if a command waits.
    pub(super) fn abandon(&mut self) {
        match self.blocked.take().map(|blocked| blocked.by) {
            Some(By::Keys(waiter)) => {
                self.engine.blocking().end(&waiter, Unblocked::Abandoned);
            }
            Some(By::Pause(_)) => self.engine.clients().pause().let_go(self.id()),
            Some(By::Copies(_) | By::Ending(_)) | None => {}
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
        self.block(By::Keys(waiter));
    }

    fn block(&mut self, by: By) {
        let silent = self.client.replies != Replies::All;
        let since = Instant::now();
        self.blocked = Some(Blocked { by, silent, since });
        self.report();
    }

    /// Whether a pause holds a command back, which then waits. It was found to be allowed.
    #[cold]
    pub(super) fn hold_back(&mut self, entry: &Entry, argv: &[&[u8]]) -> bool {
        if !self.is_held_back(entry, argv) {
            return false;
        }
        self.block(By::Pause(argv.iter().map(|arg| arg.to_vec()).collect()));
        true
    }

    fn is_held_back(&self, entry: &Entry, argv: &[&[u8]]) -> bool {
        match self.engine.paused() {
            None => false,
            Some((PauseMode::All, _)) => true,
            Some((PauseMode::Write, _)) if entry.spec().name == "exec" => self
                .transaction
                .requests()
                .any(|(entry, argv)| self.may_write(entry, &argv)),
            Some((PauseMode::Write, _)) => self.may_write(entry, argv),
        }
    }

    /// Whether a request may change anything. Scripts that say so do not.
    fn may_write(&self, entry: &Entry, argv: &[&[u8]]) -> bool {
        let only_reads = || matches!(entry, Entry::Script(_)) && self.says_it_only_reads(argv);
        may_write(entry.spec()) && !only_reads()
    }

    fn poll_unpaused(&self, cx: &mut Context<'_>) -> Poll<()> {
        let pause = self.engine.clients().pause();
        pause.wake_at_end(self.id(), cx.waker());
        match self.engine.paused() {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }

    /// Runs the command that was held back, if nothing holds it any more; whether nothing waits.
    fn try_unpaused(&mut self, reply: &mut dyn ReplySink) -> bool {
        if self.engine.paused().is_some() {
            return false;
        }
        self.engine.clients().pause().let_go(self.id());
        let Some(Blocked {
            by: By::Pause(argv),
            silent,
            ..
        }) = self.blocked.take()
        else {
            return true;
        };
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        match silent {
            true => self.answer(&argv, &mut OnlyPushes::new(reply)),
            false => self.answer(&argv, reply),
        }
        if let Some(blocked) = &mut self.blocked {
            blocked.silent |= silent;
        }
        !self.is_blocked()
    }

    /// What WAIT and WAITAOF do: wait, or reply at once where nobody may wait.
    pub(crate) fn wait_for_copies(&mut self, copies: Copies, reply: &mut dyn ReplySink) {
        if self.in_exec || self.settings.replaying {
            return copies.reply(&self.engine, reply);
        }
        if !copies.try_reply(&self.engine, false, reply) {
            self.engine.ask_replicas();
            self.block(By::Copies(copies));
        }
    }

    /// What SHUTDOWN does: asks the program to end, and waits for that.
    pub(crate) fn wait_for_end(&mut self, how: Shutdown) {
        let failures = self.engine.ending().failures();
        self.block(By::Ending(failures));
        self.engine.shut_down(how);
    }

    /// Tells that the program did not end, if that is so.
    fn try_outlive(&mut self, failures: u64, silent: bool, reply: &mut dyn ReplySink) -> bool {
        if self.engine.ending().failures() == failures {
            return false;
        }
        self.blocked = None;
        if !silent {
            reply.error(&Error::err("Errors trying to SHUTDOWN. Check logs."));
        }
        true
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
        self.scratch.effects.clear();
        let changes = keys.changes();
        self.gather(&mut keys, waiter.db, &[], changes);
        let end = match self.settings.compat {
            _ if ty == Some(waiter.ty()) => self.retry(waiter, &argv, &mut keys),
            _ if !waiter.needs_key() => None,
            Compat::Redis70 => Some(no_stream()),
            // The command itself says what is wrong.
            Compat::Redis72 => self.retry(waiter, &argv, &mut keys),
        };
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

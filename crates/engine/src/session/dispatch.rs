//! From arguments to a handler under the right locks, and from its effects into the journal.

use super::Session;
use crate::Engine;
use crate::LogLevel;
use crate::clients::Marks;
use crate::evict::out_of_memory;
use crate::registry::{self, Entry, SessionCommand};
use commands::wait::Wait;
use commands::{Args, Command, Context, Error, Flags, Outcome, ReplySink, Spec};
use keyspace::{Expiry, Keys, Mode, Plan};
use smallvec::SmallVec;
use std::cell::RefCell;
use units::DbIndex;

impl Session {
    /// Finds the command, checks what can be checked before it runs, and runs or queues it.
    pub(super) fn dispatch(&mut self, argv: &[&[u8]], reply: &mut dyn ReplySink) -> Outcome {
        let checked = registry::resolve(argv).and_then(|entry| {
            self.authorize(&entry, argv)?;
            self.admit(&entry).map(|()| entry)
        });
        let entry = match checked {
            Ok(entry) => entry,
            Err(error) => return Err(self.refusal(argv, error)),
        };
        self.client.command = entry.spec().name;
        if self.engine.is_paused() && self.hold_back(&entry, argv) {
            return Ok(());
        }
        if self.in_transaction() && !entry.is_immediate() {
            self.transaction.queue(entry, argv);
            reply.simple("QUEUED");
            return Ok(());
        }
        let run = |session: &mut Session| session.run(entry, argv, reply);
        let outcome = self.timed(entry.spec(), argv, run);
        self.end_caching(entry.spec());
        outcome
    }

    fn admit(&mut self, entry: &Entry) -> Outcome {
        let flags = entry.spec().flags;
        if !flags.contains(Flags::ALLOW_BUSY) {
            self.engine.refuse_if_busy()?;
        }
        if self.engine.is_restrained() && !self.settings.replaying {
            self.engine.admit_restrained(entry.spec())?;
        }
        if flags.contains(Flags::PROTECTED) {
            self.admit_protected(entry.spec())?;
        }
        if self.in_transaction() && flags.contains(Flags::NO_MULTI) {
            return Err(Error::err("Command not allowed inside a transaction"));
        }
        let may_write = !self.engine.is_read_only() || self.settings.replaying;
        if flags.contains(Flags::WRITE) && !may_write {
            return Err(read_only());
        }
        let is_write = flags.contains(Flags::WRITE) || entry.spec().name == "ping";
        if is_write && !self.settings.replaying {
            self.engine.check_saving()?;
        }
        if flags.contains(Flags::WRITE) && !self.settings.replaying {
            self.engine.check_replicas()?;
        }
        // Queueing takes memory as well.
        let queued = self.in_transaction() && !entry.is_immediate();
        self.short_of_memory = !self.make_room();
        if self.short_of_memory && (queued || flags.contains(Flags::DENYOOM)) {
            return Err(out_of_memory());
        }
        self.admit_follower(entry.spec())?;
        self.admit_subscribed(entry.spec())
    }

    /// Evicts if it is time to; whether commands that use memory may run.
    pub(super) fn make_room(&self) -> bool {
        let is_led = self.engine.is_read_only() || self.engine.is_restrained();
        self.settings.replaying || is_led || self.engine.make_room()
    }

    fn run(&mut self, entry: Entry, argv: &[&[u8]], reply: &mut dyn ReplySink) -> Outcome {
        match entry {
            Entry::Session(command) => {
                let outcome = command.run(self, argv, reply);
                self.note_changed_by(command);
                outcome
            }
            Entry::Keys(command) => self.run_locked(command, argv, reply),
            Entry::Script(command) => self.run_script(command, argv, reply),
        }
    }

    /// Locks what the command needs, runs it, and logs its effects before the locks go.
    fn run_locked(
        &mut self,
        command: &'static Command,
        argv: &[&[u8]],
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        self.refresh_settings();
        let engine = self.engine.clone();
        let plan = lock_plan(&engine, &command.spec, argv)?;
        let mut keys = self.lock(&engine, plan)?;
        let outcome = self.run_with_keys(&mut keys, command, argv, reply);
        if keys.changes() > 0 && engine.following().is_replica() && !self.settings.replaying {
            let names = command.spec.keys.positions(argv).unwrap_or_default();
            let names: Vec<&[u8]> = names.iter().map(|&at| argv[at]).collect();
            engine.note_local_keys(&keys, self.client.db, &names);
        }
        self.commit(keys);
        outcome
    }

    /// Locks what a plan takes, unless a script holds it for too long.
    pub(super) fn lock<'e>(&self, engine: &'e Engine, plan: Plan<'e>) -> Result<Keys<'e>, Error> {
        let refusal = RefCell::new(Ok(()));
        let busy = || {
            *refusal.borrow_mut() = engine.refuse_if_busy();
            refusal.borrow().is_err()
        };
        let keys = engine.keyspace().lock_unless(plan, engine.now(), busy);
        refusal.into_inner()?;
        let mut keys = keys.expect("only who is refused gives up");
        match self.settings.replaying {
            true => keys.set_expiry(Expiry::Ignore),
            false if engine.following().is_replica() => keys.set_expiry(Expiry::Hide),
            false => {}
        }
        let is_quiet = self.client.marks.contains(Marks::NO_TOUCH);
        if is_quiet && self.client.command != "touch" {
            keys.set_counts_uses(false);
        }
        Ok(keys)
    }

    /// Runs a command on keys that are locked already, gathering its effects. If it finds nothing
    /// and may wait, it does.
    pub(super) fn run_with_keys(
        &mut self,
        keys: &mut Keys<'_>,
        command: &'static Command,
        argv: &[&[u8]],
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        if let Some(wait) = self.attempt_with_keys(keys, command, argv, reply)? {
            self.wait_or_reply((command, argv), wait, reply);
        }
        Ok(())
    }

    /// The same, but a command that would wait says for what, and nothing is replied.
    pub(super) fn attempt_with_keys(
        &mut self,
        keys: &mut Keys<'_>,
        command: &Command,
        argv: &[&[u8]],
        reply: &mut dyn ReplySink,
    ) -> Result<Option<Wait>, Error> {
        let db = self.client.db;
        let changes = keys.changes();
        self.scratch.effects.clear();
        self.remember_reads(&command.spec, argv);
        if command.spec.undeclared_keys {
            self.settings.may_read_every_key = self.may_read_every_key(&command.spec, argv);
        }
        let mut context = Context {
            keys,
            db,
            args: Args::new(argv),
            reply,
            effects: &mut self.scratch.effects,
            rng: &mut self.rng,
            settings: &self.settings,
            peers: self.engine.inner().migrating.peers(),
            wait: None,
            note: None,
        };
        let outcome = command.run(&mut context);
        let (wait, note) = (context.wait.take(), context.note.take());
        if let Some(line) = note {
            self.engine.note(LogLevel::Warning, &line);
        }
        self.gather(keys, db, argv, changes);
        self.invalidate(keys);
        if keys.changes() != changes && self.engine.blocking().waiting() > 0 {
            self.note_ready(command, argv);
        }
        outcome.map(|()| wait)
    }

    /// Adds what one command did to the batch: first the keys that it found expired, then its own
    /// effects, or itself if it changed anything; and what is told of it to the messages.
    pub(super) fn gather(
        &mut self,
        keys: &mut Keys<'_>,
        db: DbIndex,
        argv: &[&[u8]],
        changes: u64,
    ) {
        if self.settings.replaying {
            return;
        }
        if keys.mode() == Mode::Read {
            // What a reader found expired is still there: its deletion is told of as it happens.
            return self.tell(&[]);
        }
        let batch = &mut self.scratch.batch;
        let expired = keys.expired();
        for (db, key) in &expired {
            batch.push(*db, [b"DEL".as_slice(), key].into_iter());
        }
        self.engine.stats().expired_keys.add(expired.len() as u64);
        let effects = &self.scratch.effects;
        if !effects.as_sent() {
            effects.iter().for_each(|argv| batch.push(db, argv));
        } else if keys.changes() != changes {
            // Deleting expired keys does not count.
            batch.push(db, argv.iter().copied());
        }
        self.tell(&expired);
    }

    /// Logs the batch, deletes what reads found expired, each deletion logged as well, and publishes
    /// what is told of all that.
    pub(super) fn commit(&mut self, mut keys: Keys<'_>) {
        if self.settings.replaying {
            if let Some(bytes) = self.relayed.take() {
                self.engine.note_changes(keys.changes());
                self.engine.log().relay(&bytes, false, self.client.db);
                let tells = self.end_invalidation(&mut keys);
                drop(keys);
                if tells {
                    self.engine.hub().deliver();
                }
            }
            return;
        }
        self.engine.note_changes(keys.changes());
        self.count_lookups(&keys);
        let tells = self.end_invalidation(&mut keys) || !self.scratch.messages.is_empty();
        if keys.mode() == Mode::Read {
            let expired = keys.expired();
            drop(keys);
            if !self.engine.following().is_replica() {
                self.engine.reap(expired);
            }
            self.record();
        } else {
            self.record();
            drop(keys);
        }
        if tells {
            self.engine.hub().deliver();
        }
        if !self.scratch.ready.is_empty() && !self.serving {
            self.serve_waiting();
        }
    }

    /// Serves who waits for keys that a command changed which is no command on keys (`SWAPDB`).
    pub(super) fn note_changed_by(&mut self, command: &SessionCommand) {
        let may_change = command.spec.flags.contains(Flags::WRITE);
        if may_change && self.engine.blocking().waiting() > 0 {
            self.note_all_ready();
            if !self.in_exec && !self.serving {
                self.serve_waiting();
            }
        }
    }

    /// Logs the batch, and puts the messages into the outbox in the same step.
    fn record(&mut self) {
        let (engine, scratch) = (&self.engine, &mut self.scratch);
        let also = || engine.hub().queue(&mut scratch.messages);
        let end = engine.log().append(&mut scratch.batch, also);
        self.wrote = end.or(self.wrote);
        self.last_write = end.unwrap_or(self.last_write);
    }

    /// Logs a command that changed something other than keys.
    pub(crate) fn log_as_sent(&mut self, argv: &[&[u8]]) {
        let db = self.client.db;
        if self.settings.replaying {
            return;
        }
        self.scratch.batch.push(db, argv.iter().copied());
        if !self.in_exec {
            self.record();
        }
        self.engine.note_changes(1);
    }

    pub(super) fn refresh_settings(&mut self) {
        if self.settings_epoch != self.engine.settings_epoch() {
            let replaying = self.settings.replaying;
            (self.settings_epoch, self.settings) = self.engine.settings();
            self.settings.replaying = replaying;
        }
    }
}

/// The refusal of a write to a directory that was opened for reading.
pub(super) fn read_only() -> Error {
    Error::Text("READONLY The data directory was opened for reading only.".into())
}

/// Whether a command may change keys: as what it is for, or, like PFCOUNT, by keeping what it
/// computed.
pub(super) fn may_write(spec: &Spec) -> bool {
    spec.flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE)
}

/// Which shards a command needs, and how.
pub(super) fn lock_plan<'a>(
    engine: &Engine,
    spec: &Spec,
    argv: &[&'a [u8]],
) -> Result<Plan<'a>, Error> {
    let mode = if may_write(spec) {
        Mode::Write
    } else {
        Mode::Read
    };
    let Some(positions) = spec.keys.positions(argv) else {
        // The handler finds the same fault, and knows its words.
        return Ok(Plan::none());
    };
    if positions.is_empty() || spec.undeclared_keys {
        return Ok(Plan::all(mode));
    }
    let keys: SmallVec<[&'a [u8]; 4]> = positions.iter().map(|&at| argv[at]).collect();
    Ok(engine.keyspace().plan(mode, &keys))
}

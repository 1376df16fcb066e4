//! MULTI, EXEC, DISCARD and WATCH.

use super::Session;
use super::aside::takes_long;
use super::dispatch::may_write;
use crate::evict::out_of_memory;
use crate::registry::Entry;
use commands::{Error, Flags, Outcome, ReplySink};
use keyspace::{Keys, Mode, Plan};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use units::DbIndex;

/// What a session has queued and watched.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    queue: Option<Vec<Queued>>,
    /// Of the arguments of what was queued.
    queued_bytes: usize,
    /// A command was refused while queueing, so that `EXEC` must refuse as well.
    failed: bool,
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Queued {
    entry: Entry,
    argv: Vec<Vec<u8>>,
}

impl Queued {
    fn grows(&self) -> bool {
        self.entry.spec().flags.contains(Flags::DENYOOM)
    }

    fn writes(&self) -> bool {
        self.entry.spec().flags.contains(Flags::WRITE)
    }

    fn configures(&self) -> bool {
        self.entry.spec().name == "config|set"
    }
}

/// What a watched key takes besides its name, here and in the keyspace, about.
const WATCHED_BYTES: usize = 150;

/// A key that must not change before `EXEC`.
#[derive(Debug)]
struct Watched {
    db: DbIndex,
    key: Vec<u8>,
    changed: Arc<AtomicBool>,
    /// It existed when it was watched, so that its expiry is a change too.
    existed: bool,
}

impl Transaction {
    pub(super) fn is_open(&self) -> bool {
        self.queue.is_some()
    }

    /// Makes the open transaction, if there is one, refuse to be carried out.
    pub(super) fn fail(&mut self) {
        self.failed |= self.is_open();
    }

    fn watches(&self, db: DbIndex, key: &[u8]) -> bool {
        self.watched.iter().any(|watched| watched.is(db, key))
    }

    /// Whether a script is among what was queued, or what waits for another server.
    pub(super) fn takes_long(&self) -> bool {
        let mut queue = self.queue.iter().flatten();
        queue.any(|queued| takes_long(&queued.entry))
    }

    /// How many commands are queued, if it is open, and their bytes.
    pub(super) fn queued(&self) -> Option<(usize, usize)> {
        let queue = self.queue.as_ref()?;
        Some((queue.len(), self.queued_bytes))
    }

    /// Bytes of what is queued and of what is watched.
    pub(super) fn held_bytes(&self) -> usize {
        let watched = self.watched.iter();
        let watched = watched.map(|watched| WATCHED_BYTES + watched.key.len());
        self.queued_bytes + watched.sum::<usize>()
    }

    /// What is queued.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&Entry, Vec<&[u8]>)> {
        let queue = self.queue.iter().flatten();
        queue.map(|queued| {
            (
                &queued.entry,
                queued.argv.iter().map(Vec::as_slice).collect(),
            )
        })
    }

    /// Whether a watched key changed.
    pub(super) fn is_dirty(&self) -> bool {
        let mut watched = self.watched.iter();
        watched.any(|watched| watched.changed.load(Ordering::Relaxed))
    }

    pub(super) fn queue(&mut self, entry: Entry, argv: &[&[u8]]) {
        self.queued_bytes += argv.iter().map(|arg| arg.len()).sum::<usize>();
        let argv = argv.iter().map(|arg| arg.to_vec()).collect();
        self.queue
            .get_or_insert_default()
            .push(Queued { entry, argv });
    }
}

/// The refusal of an EXEC that something kept from running; its transaction is over.
fn aborted(error: Error) -> Error {
    let reason = error.to_string();
    let reason = reason.strip_prefix("ERR ").unwrap_or(&reason);
    Error::Text(format!("EXECABORT Transaction discarded because of: {reason}").into())
}

impl Session {
    /// What a request is told that may not run: a transaction that it belonged to can't be carried
    /// out any more, and is over if it was EXEC.
    pub(super) fn refusal(&mut self, argv: &[&[u8]], error: Error) -> Error {
        let is_exec = argv
            .first()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"exec"));
        let error = match is_exec {
            true => {
                self.transaction = Transaction::default();
                aborted(error)
            }
            false => {
                self.transaction.fail();
                error
            }
        };
        self.count_refused(argv, &error);
        error
    }

    pub(crate) fn multi(&mut self) -> Outcome {
        if self.in_transaction() {
            return Err(Error::err("MULTI calls can not be nested"));
        }
        self.transaction.queue = Some(Vec::new());
        Ok(())
    }

    pub(crate) fn discard(&mut self) -> Outcome {
        if !self.in_transaction() {
            return Err(Error::err("DISCARD without MULTI"));
        }
        self.transaction = Transaction::default();
        Ok(())
    }

    pub(crate) fn unwatch(&mut self) {
        self.transaction.watched.clear();
    }

    pub(crate) fn watch(&mut self, names: &[&[u8]]) -> Outcome {
        if self.in_transaction() {
            return Err(Error::err("WATCH inside MULTI is not allowed"));
        }
        let (db, engine) = (self.client.db, self.engine.clone());
        let plan = engine.keyspace().plan(Mode::Write, names);
        let mut keys = self.lock(&engine, plan)?;
        for key in names {
            // Deleted now, so that nobody's finding it expired later counts as a change.
            if keys.reap(db, key) {
                engine.log_expired(&[(db, key.to_vec())]);
                engine.invalidate(&mut keys);
            }
            if !self.transaction.watches(db, key) {
                let watched = Watched::new(&keys, db, key);
                self.transaction.watched.push(watched);
            }
        }
        drop(keys);
        engine.hub().deliver();
        Ok(())
    }

    /// Carries out what was queued under the locks of all of it, unless a watched key changed.
    pub(crate) fn exec(&mut self, reply: &mut dyn ReplySink) -> Outcome {
        let transaction = std::mem::take(&mut self.transaction);
        let Some(queue) = transaction.queue else {
            self.transaction = transaction;
            return Err(Error::err("EXEC without MULTI"));
        };
        if transaction.failed {
            let line = "EXECABORT Transaction discarded because of previous errors.";
            return Err(Error::Text(line.into()));
        }
        if queue.iter().any(Queued::grows) && !self.make_room() {
            return Err(aborted(out_of_memory()));
        }
        if queue.iter().any(Queued::writes) {
            self.engine.check_replicas().map_err(aborted)?;
        }
        if self.engine.is_restrained() && !self.settings.replaying {
            let mut specs = queue.iter().map(|queued| queued.entry.spec());
            let admitted = specs.try_for_each(|spec| self.engine.admit_restrained(spec));
            admitted.map_err(aborted)?;
        }
        self.refresh_settings();
        let engine = self.engine.clone();
        let configures = queue.iter().any(Queued::configures);
        let configuring = configures.then(|| engine.begin_configuring());
        let plan = self.union_plan(&queue, &transaction.watched);
        let mut keys = self.lock(&engine, plan).map_err(aborted)?;
        if transaction
            .watched
            .iter()
            .any(|watched| watched.has_changed(&keys))
        {
            reply.null_array();
        } else {
            reply.array(queue.len());
            self.in_exec = true;
            queue
                .iter()
                .for_each(|queued| self.run_queued(&mut keys, queued, reply));
            self.in_exec = false;
            if !self.is_subscribed() {
                // What came before the last subscription was ended.
                self.write_messages(reply, usize::MAX);
            }
        }
        self.commit(keys);
        if let Some(turn) = configuring {
            turn.end();
        }
        Ok(())
    }

    fn run_queued(&mut self, keys: &mut Keys<'_>, queued: &Queued, reply: &mut dyn ReplySink) {
        let argv: Vec<&[u8]> = queued.argv.iter().map(Vec::as_slice).collect();
        let allowed = self.authorize_queued(&queued.entry, &argv);
        let run = |session: &mut Session| match queued.entry {
            Entry::Keys(command) => session.run_with_keys(keys, command, &argv, reply),
            Entry::Session(command) => {
                let outcome = command.run(session, &argv, reply);
                session.note_changed_by(command);
                outcome
            }
            Entry::Script(command) => command.run(session, keys, &argv, reply),
        };
        let outcome = match allowed {
            Ok(()) => self.timed(queued.entry.spec(), &argv, run),
            Err(error) => {
                self.count_refused(&argv, &error);
                Err(error)
            }
        };
        if let Err(error) = outcome {
            reply.error(&error);
        }
    }

    /// The shards of every queued command and watched key; all of them if one command's keys
    /// can't be told, and for writing if one command writes.
    fn union_plan<'q>(&self, queue: &'q [Queued], watched: &'q [Watched]) -> Plan<'q> {
        let writes = |queued: &Queued| may_write(queued.entry.spec());
        let mode = if queue.iter().any(writes) {
            Mode::Write
        } else {
            Mode::Read
        };
        let mut names: Vec<&'q [u8]> = watched.iter().map(|watched| &watched.key[..]).collect();
        for queued in queue {
            let Entry::Keys(command) = queued.entry else {
                if matches!(queued.entry, Entry::Script(_)) || writes(queued) {
                    // What is no key changes, and is logged with the rest: no freeze in between.
                    return Plan::all(mode);
                }
                continue;
            };
            let argv: Vec<&[u8]> = queued.argv.iter().map(Vec::as_slice).collect();
            match command.spec.keys.positions(&argv) {
                Some(at) if !at.is_empty() && !command.spec.undeclared_keys => {
                    names.extend(at.iter().map(|&at| &queued.argv[at][..]));
                }
                _ => return Plan::all(mode),
            }
        }
        self.engine.keyspace().plan(mode, &names)
    }
}

impl Watched {
    fn new(keys: &Keys<'_>, db: DbIndex, key: &[u8]) -> Watched {
        let changed = Arc::new(AtomicBool::new(false));
        keys.watch(db, key, &changed);
        Watched {
            db,
            key: key.to_vec(),
            changed,
            existed: keys.exists(db, key),
        }
    }

    fn is(&self, db: DbIndex, key: &[u8]) -> bool {
        self.db == db && self.key == key
    }

    fn has_changed(&self, keys: &Keys<'_>) -> bool {
        let gone = || self.existed && !keys.exists(self.db, &self.key);
        self.changed.load(Ordering::Relaxed) || gone()
    }
}

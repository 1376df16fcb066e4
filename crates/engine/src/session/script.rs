//! Scripts of a session: run under every shard's lock, their commands by the session's own means.

use super::Session;
use super::dispatch::read_only as read_only_directory;
use crate::evict::out_of_memory;
use crate::following::read_only_replica;
use crate::registry::{self, Entry};
use crate::reply::{Reply, ReplyBuilder};
use crate::scripting::{Current, Kind, Machines, error_line};
use commands::{Args, Error, Flags, Outcome, Protocol, ReplySink};
use keyspace::Keys;
use packed::number;
use parking_lot::MutexGuard;
use script::{Failure, Host, LogLevel, Repl, ScriptFlags, Value};
use std::sync::atomic::Ordering::Relaxed;

/// How a script is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Code,
    Sha,
}

impl Session {
    /// The machines that scripts run in.
    pub(crate) fn machines(&self) -> Result<MutexGuard<'_, Machines>, Error> {
        let inner = self.engine.inner();
        inner.scripting.machines(|| self.engine.now())
    }

    /// Compiles a script, keeps it, and tells its name.
    pub(crate) fn load_script(&self, code: &[u8]) -> Result<String, Error> {
        let mut machines = self.machines()?;
        let inner = self.engine.inner();
        let scripts = machines.scripts(inner.compat())?;
        let script = scripts
            .load(code)
            .map_err(|failure| error_line(&failure.line))?;
        Ok(script.sha)
    }

    /// Which scripts are kept, of those with these names.
    pub(crate) fn scripts_exist(&self, names: &[&[u8]]) -> Result<Vec<bool>, Error> {
        let mut machines = self.machines()?;
        let inner = self.engine.inner();
        let scripts = machines.scripts(inner.compat())?;
        Ok(names
            .iter()
            .map(|name| scripts.find(name).is_some())
            .collect())
    }

    /// Whether a request runs a script or function that says that it does not write.
    pub(super) fn says_it_only_reads(&self, argv: &[&[u8]]) -> bool {
        let flags = self.flags_of(argv);
        flags.is_some_and(|flags| flags.no_writes && !flags.undeclared)
    }

    fn flags_of(&self, argv: &[&[u8]]) -> Option<ScriptFlags> {
        let [name, what, ..] = argv else {
            return None;
        };
        if name.eq_ignore_ascii_case(b"eval") {
            return ScriptFlags::of_script(what).ok().map(|(flags, _)| flags);
        }
        let inner = self.engine.inner();
        let (compat, mut machines) = (inner.compat(), self.machines().ok()?);
        if name.eq_ignore_ascii_case(b"evalsha") {
            return machines
                .scripts(compat)
                .ok()?
                .find(what)
                .map(|script| script.flags);
        }
        let kept = inner.functions.read();
        let libraries = machines.libraries(compat, &kept).ok()?;
        libraries.function(what).map(|function| function.flags)
    }

    /// EVAL and its kin, behind their names.
    pub(crate) fn eval_on(
        &mut self,
        keys: &mut Keys<'_>,
        args: &mut Args<'_>,
        source: Source,
        read_only: bool,
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        let named = args.bytes()?;
        if matches!(source, Source::Sha) && named.len() != SHA_LEN {
            // What cannot be a name is refused before anything else is looked at.
            return Err(no_script());
        }
        let count = args.int()?;
        let inputs = split(args, count)?;
        let engine = self.engine.clone();
        let inner = engine.inner();
        let mut machines = inner.scripting.machines(|| engine.now())?;
        let scripts = machines.scripts(self.settings.compat)?;
        let script = match source {
            Source::Code => scripts
                .load(named)
                .map_err(|failure| error_line(&failure.line))?,
            Source::Sha => scripts.find(named).cloned().ok_or_else(no_script)?,
        };
        let what = Current {
            kind: Kind::Script,
            name: String::new(),
            argv: Vec::new(),
        };
        let run = |host: &mut dyn Host| scripts.run(&script, inputs.keys, inputs.args, host);
        self.run_host(keys, what, script.flags, read_only, &script.sha, run, reply)
    }

    /// FCALL and its kin, behind their names.
    pub(crate) fn fcall_on(
        &mut self,
        keys: &mut Keys<'_>,
        args: &mut Args<'_>,
        read_only: bool,
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        let name = args.bytes()?;
        let engine = self.engine.clone();
        let inner = engine.inner();
        let mut machines = inner.scripting.machines(|| engine.now())?;
        let kept = inner.functions.read();
        let libraries = machines.libraries(self.settings.compat, &kept)?;
        drop(kept);
        let function = libraries
            .function(name)
            .ok_or_else(|| Error::err("Function not found"))?;
        let count = number::parse_i64(args.bytes()?);
        let count = count.ok_or_else(|| Error::err("Bad number of keys provided"))?;
        let inputs = split(args, count)?;
        let what = Current {
            kind: Kind::Function,
            name: function.name.clone(),
            argv: args.argv().iter().map(|arg| arg.to_vec()).collect(),
        };
        let run = |host: &mut dyn Host| {
            libraries
                .interpreter
                .call(function, inputs.keys, inputs.args, host)
        };
        self.run_host(
            keys,
            what,
            function.flags,
            read_only,
            &function.name,
            run,
            reply,
        )
    }

    /// Runs a script as this session, and replies.
    #[allow(clippy::too_many_arguments, reason = "what a run is made of")]
    fn run_host(
        &mut self,
        keys: &mut Keys<'_>,
        what: Current,
        flags: ScriptFlags,
        read_only: bool,
        name: &str,
        run: impl FnOnce(&mut dyn Host) -> Result<Value, Failure>,
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        self.admit_script(flags, read_only)?;
        let engine = self.engine.clone();
        let scripting = &engine.inner().scripting;
        let running = scripting.begin(what, engine.now());
        let (db, protocol) = (self.client.db, self.client.protocol);
        let in_exec = std::mem::replace(&mut self.in_exec, true);
        self.client.protocol = Protocol::Resp2;
        self.settings.in_script = true;
        let mut caller = Caller {
            session: self,
            keys,
            may_write: !read_only && (flags.undeclared || !flags.no_writes),
            may_grow: !flags.undeclared && flags.allow_oom,
            wrote: false,
            repl: Repl::ALL,
            failed: None,
        };
        let ended = run(&mut caller);
        let failed = caller.failed.take();
        let resp3 = self.client.protocol == Protocol::Resp3;
        (self.client.db, self.client.protocol) = (db, protocol);
        self.in_exec = in_exec;
        self.settings.in_script = false;
        drop(running);
        let outcome = match ended {
            Ok(Value::Error(line)) => Err(error_line(&line)),
            Ok(value) => {
                write(&value, resp3, reply);
                Ok(())
            }
            Err(failure) => Err(error_line(&failure.reply(name))),
        };
        let failure = outcome.as_ref().err().map(Error::to_string);
        let is_its = |failed: String| failure.is_some_and(|line| line.starts_with(&failed));
        self.passes_on = failed.is_some_and(is_its);
        outcome
    }

    /// Refuses a script for what it says of itself. One that says nothing is judged by its commands.
    fn admit_script(&self, flags: ScriptFlags, read_only: bool) -> Outcome {
        if flags.undeclared || self.settings.replaying {
            return Ok(());
        }
        self.engine.admit_stale_script(flags.allow_stale)?;
        if !flags.no_writes {
            if self.engine.is_read_only() {
                return Err(read_only_directory());
            }
            if self.engine.is_read_only_replica() {
                return Err(read_only_replica());
            }
            let unsaved = "MISCONF Redis is configured to save RDB snapshots, but it's currently \
                unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for \
                read only scripts.";
            self.engine
                .check_saving()
                .map_err(|_| Error::Text(unsaved.into()))?;
            self.engine.check_replicas()?;
            if read_only {
                return Err(Error::err(
                    "Can not execute a script with write flag using *_ro command.",
                ));
            }
        }
        if self.short_of_memory && !flags.allow_oom && !flags.no_writes {
            return Err(Error::Text(
                "OOM allow-oom flag is not set on the script, can not run it when used memory > \
                 'maxmemory'"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// What a script is given.
struct Inputs<'a> {
    keys: &'a [&'a [u8]],
    args: &'a [&'a [u8]],
}

/// The keys, and the arguments behind them.
fn split<'a>(args: &mut Args<'a>, count: i64) -> Result<Inputs<'a>, Error> {
    let count =
        usize::try_from(count).map_err(|_| Error::err("Number of keys can't be negative"))?;
    if count > args.left() {
        return Err(Error::err(
            "Number of keys can't be greater than number of args",
        ));
    }
    Ok(Inputs {
        keys: args.take(count)?,
        args: args.rest(),
    })
}

/// Digits of a script's name.
const SHA_LEN: usize = 40;

fn no_script() -> Error {
    Error::Text("NOSCRIPT No matching script. Please use EVAL.".into())
}

/// A running script's way to commands.
struct Caller<'c, 'k> {
    session: &'c mut Session,
    keys: &'c mut Keys<'k>,
    may_write: bool,
    /// It may use more memory even when there is none.
    may_grow: bool,
    wrote: bool,
    repl: Repl,
    /// The latest error that a command replied.
    failed: Option<String>,
}

impl Host for Caller<'_, '_> {
    fn call(&mut self, argv: &[Vec<u8>]) -> Value {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let protocol = self.session.client.protocol;
        let mut builder = ReplyBuilder::new(protocol);
        let outcome = match self.admit(&argv) {
            Ok(entry) => self.run(entry, &argv, &mut builder),
            Err(error) => {
                self.session.count_refused(&argv, &error);
                Err(error)
            }
        };
        match outcome {
            Ok(()) => value(builder.finish().unwrap_or(Reply::Nil), protocol),
            Err(error) => {
                let line = error.to_string();
                self.failed = Some(line.clone());
                Value::Error(line.into_bytes())
            }
        }
    }

    fn set_resp(&mut self, resp3: bool) {
        self.session.client.protocol = match resp3 {
            true => Protocol::Resp3,
            false => Protocol::Resp2,
        };
    }

    fn set_repl(&mut self, to: Repl) {
        self.repl = to;
    }

    fn may_call(&mut self, argv: &[Vec<u8>]) -> Option<bool> {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        self.session.may_run(&argv).ok()
    }

    fn log(&mut self, level: LogLevel, line: &[u8]) {
        let level = match level {
            LogLevel::Debug => crate::LogLevel::Debug,
            LogLevel::Verbose => crate::LogLevel::Verbose,
            LogLevel::Notice => crate::LogLevel::Notice,
            LogLevel::Warning => crate::LogLevel::Warning,
        };
        let line = String::from_utf8_lossy(line);
        self.session.engine.note(level, &line);
    }
}

impl Caller<'_, '_> {
    /// Finds the command, and refuses what may not run in this script.
    fn admit(&mut self, argv: &[&[u8]]) -> Result<Entry, Error> {
        let entry = registry::resolve(argv).map_err(|error| match error {
            Error::WrongArity(_) => {
                Error::err("Wrong number of args calling Redis command from script")
            }
            _ => Error::err("Unknown Redis command called from script"),
        })?;
        let flags = entry.spec().flags;
        // What takes shards can't run while the script has them, whatever is allowed to it.
        let may_all = &self.session.engine.inner().scripts_may_all;
        let denied = flags.contains(Flags::NOSCRIPT) && !may_all.load(Relaxed);
        if denied || flags.contains(Flags::NO_MULTI) {
            return Err(Error::err("This Redis command is not allowed from script"));
        }
        self.session.authorize_in_script(argv)?;
        if !self.session.settings.replaying {
            self.session.engine.admit_in_stale_script(entry.spec())?;
        }
        if !self.may_write && flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE) {
            return Err(Error::err(
                "Write commands are not allowed from read-only scripts.",
            ));
        }
        if flags.contains(Flags::WRITE) && !self.wrote && !self.session.settings.replaying {
            if self.session.engine.is_read_only() {
                return Err(read_only_directory());
            }
            if self.session.engine.is_read_only_replica() {
                return Err(read_only_replica());
            }
            self.session.engine.check_saving()?;
            self.session.engine.check_replicas()?;
        }
        let grows = flags.contains(Flags::DENYOOM) && !self.may_grow && !self.wrote;
        if grows && self.session.short_of_memory {
            return Err(out_of_memory());
        }
        if flags.contains(Flags::WRITE) {
            self.wrote = true;
            self.session.engine.inner().scripting.running().note_write();
        }
        Ok(entry)
    }

    fn run(&mut self, entry: Entry, argv: &[&[u8]], reply: &mut dyn ReplySink) -> Outcome {
        let unlogged = self.repl == NOWHERE;
        let batch = unlogged.then(|| std::mem::take(&mut self.session.scratch.batch));
        let keys = &mut *self.keys;
        let outcome = self
            .session
            .counted(entry.spec(), argv, |session| match entry {
                Entry::Keys(command) => session.run_with_keys(keys, command, argv, reply),
                Entry::Session(command) => {
                    let outcome = command.run(session, argv, reply);
                    session.note_changed_by(command);
                    outcome
                }
                Entry::Script(_) => {
                    Err(Error::err("This Redis command is not allowed from script"))
                }
            });
        if let Some(batch) = batch {
            self.session.scratch.batch = batch;
        }
        outcome
    }
}

/// `redis.REPL_NONE`.
const NOWHERE: Repl = Repl {
    aof: false,
    replicas: false,
};

/// The reply of a command as scripts get it.
fn value(reply: Reply, protocol: Protocol) -> Value {
    let all = |items: Vec<Reply>| {
        items
            .into_iter()
            .map(|item| value(item, protocol))
            .collect()
    };
    match reply {
        // What is no value is false to scripts that speak RESP2.
        Reply::Nil if protocol == Protocol::Resp2 => Value::Boolean(false),
        Reply::Nil => Value::Null,
        Reply::Status(line) => Value::Status(line.into_bytes()),
        Reply::Error(error) => Value::Error(error.to_string().into_bytes()),
        Reply::Integer(number) => Value::Integer(number),
        Reply::Double(number) => Value::Double(number),
        Reply::Boolean(truth) => Value::Boolean(truth),
        Reply::BigNumber(digits) => Value::BigNumber(digits.into_bytes()),
        Reply::Bulk(bytes) => Value::Bulk(bytes),
        Reply::Verbatim(format, text) => Value::Verbatim(format.into_bytes(), text.into_bytes()),
        Reply::Array(items) | Reply::Push(items) => Value::Array(all(items)),
        Reply::Set(items) => Value::Set(all(items)),
        Reply::Map(pairs) => {
            let pair = |(key, item)| (value(key, protocol), value(item, protocol));
            Value::Map(pairs.into_iter().map(pair).collect())
        }
    }
}

/// Writes what a script returned. Truth is 1 to one that speaks RESP2, and what is false is no value.
fn write(value: &Value, resp3: bool, reply: &mut dyn ReplySink) {
    match value {
        Value::Null => reply.null(),
        Value::Boolean(truth) if resp3 => reply.boolean(*truth),
        Value::Boolean(true) => reply.integer(1),
        Value::Boolean(false) => reply.null(),
        Value::Status(line) => reply.simple(&String::from_utf8_lossy(line)),
        Value::Error(line) => reply.error(&error_line(line)),
        Value::Integer(number) => reply.integer(*number),
        Value::Double(number) => reply.double(*number),
        Value::BigNumber(digits) => reply.big_number(&String::from_utf8_lossy(digits)),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Verbatim(format, text) => {
            let text = String::from_utf8_lossy(text);
            reply.verbatim(&String::from_utf8_lossy(format), &text);
        }
        Value::Array(items) => {
            reply.array(items.len());
            items.iter().for_each(|item| write(item, resp3, reply));
        }
        Value::Set(items) => {
            reply.set(items.len());
            items.iter().for_each(|item| write(item, resp3, reply));
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            for (key, item) in pairs {
                write(key, resp3, reply);
                write(item, resp3, reply);
            }
        }
    }
}

//! The harness of this crate's tests: one keyspace, a clock that a test sets, and replies in the
//! look of `redis-cli --no-raw`.
//!
//! Transcripts are files of lines that begin with `> ` (a command), `! ` (an order to the harness:
//! `clock +ms`, `resp 2|3`, `effects`, `replaying`, `compat 7.0`) or `# ` (a remark); what follows a
//! line is what it printed. `UPDATE_TRANSCRIPTS=1` rewrites them.

mod cli_look;
mod events;
mod generate;
mod line;
mod sink;
mod transcript;
mod twin;

use crate::{
    Args, Command, Compat, Context, Effects, Error, Event, EventClass, Flags, KeySpec, Protocol,
    Settings,
};
use keyspace::{Expiry, Keyspace, Limits, Mode, Options, Plan};
use sink::Recorder;
use units::{DbIndex, UnixMillis};

pub(crate) use line::{bulks, quoted, split};
pub(crate) use transcript::check_transcript;
pub(crate) use twin::check_effects;

/// A keyspace with one client, whose time stands still unless told.
pub(crate) struct Fixture {
    pub(crate) keyspace: Keyspace,
    pub(crate) now: UnixMillis,
    pub(crate) db: DbIndex,
    pub(crate) protocol: Protocol,
    pub(crate) settings: Settings,
    rng: fastrand::Rng,
    effects: Vec<String>,
    events: Vec<Event>,
}

impl Fixture {
    /// Sixteen empty databases in the year 2023.
    pub(crate) fn new() -> Fixture {
        Fixture {
            keyspace: Keyspace::new(Options {
                shards: 4,
                databases: 16,
                hash_key: (1, 2),
                limits: Limits::default(),
            }),
            now: UnixMillis(1_700_000_000_000),
            db: DbIndex::ZERO,
            protocol: Protocol::Resp2,
            settings: Settings {
                dump_target: rdb::Target::Redis10,
                string_bytes_max: 512 << 20,
                hll_sparse_max_bytes: 3000,
                replaying: false,
                may_read_every_key: true,
                in_script: false,
                compat: Compat::default(),
                skip_checksums: false,
                shares_integers: true,
                notify: EventClass::empty(),
            },
            rng: fastrand::Rng::with_seed(7),
            effects: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The reply to a line as one would type it in `redis-cli`, without the last line end.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let argv = split(line).unwrap_or_else(|| panic!("unbalanced quotes: {line}"));
        self.run_argv(&argv)
    }

    /// The reply to a command given as its arguments.
    pub(crate) fn run_argv<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
        let mut reply = Recorder::new(self.protocol);
        self.effects.clear();
        match lookup(&argv) {
            Err(error) => reply.refuse(&error),
            Ok(command) => self.handle(command, &argv, &mut reply),
        }
        cli_look::print(&reply.into_items())
    }

    /// Runs line by line; the reply to the last.
    pub(crate) fn run_all(&mut self, lines: &[&str]) -> String {
        lines
            .iter()
            .map(|line| self.run(line))
            .last()
            .unwrap_or_default()
    }

    /// Moves the clock.
    pub(crate) fn pass(&mut self, ms: i64) {
        self.now.0 += ms;
    }

    /// What the last command has other copies of the data repeat, one command a line.
    pub(crate) fn effects(&self) -> String {
        self.effects.join("\n")
    }

    /// What the last command tells of keys, but for those it found expired: event and key.
    pub(crate) fn events(&self) -> String {
        let word = |event: &Event| format!("{} {}", event.name, line::word(&event.key));
        self.events.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    fn handle(&mut self, command: &Command, argv: &[&[u8]], reply: &mut Recorder) {
        let Some(plan) = self.plan(command, argv) else {
            return reply.refuse(&Error::err("Invalid arguments specified for command"));
        };
        let mut effects = Effects::default();
        let mut keys = self.keyspace.lock(plan, self.now);
        if self.settings.replaying {
            keys.set_expiry(Expiry::Ignore);
        }
        let before = keys.changes();
        let mut ctx = Context {
            keys: &mut keys,
            db: self.db,
            args: Args::new(argv),
            reply,
            effects: &mut effects,
            rng: &mut self.rng,
            settings: &self.settings,
            peers: None,
            wait: None,
            note: None,
        };
        let outcome = command.run(&mut ctx);
        if let Some(wait) = ctx.wait {
            wait.at_once.reply(ctx.reply);
        }
        let expired = keys.expired();
        // Deleting expired keys does not count.
        let changed = keys.changes() != before;
        drop(keys);
        if let Err(error) = outcome {
            assert!(reply.is_empty(), "{argv:?} wrote a reply and was refused");
            reply.refuse(&error);
        }
        self.events = effects.events().to_vec();
        self.note_effects(argv, changed, &effects, &expired);
        self.reap(&expired);
    }

    fn plan<'k>(&self, command: &Command, argv: &[&'k [u8]]) -> Option<Plan<'k>> {
        let spec = &command.spec;
        let may_write = spec.flags.intersects(Flags::WRITE | Flags::MAY_REPLICATE);
        let mode = if may_write { Mode::Write } else { Mode::Read };
        if spec.undeclared_keys || matches!(spec.keys, KeySpec::None) {
            return Some(Plan::all(mode));
        }
        // Where keys can't be told, no shard is locked and the handler refuses the request.
        let positions = spec.keys.positions(argv).unwrap_or_default();
        let keys: Vec<&'k [u8]> = positions.iter().map(|&at| argv[at]).collect();
        Some(self.keyspace.plan(mode, &keys))
    }

    fn note_effects(
        &mut self,
        argv: &[&[u8]],
        changed: bool,
        effects: &Effects,
        expired: &[(DbIndex, Vec<u8>)],
    ) {
        let gone = expired.iter().filter(|(db, _)| *db == self.db);
        self.effects = gone
            .map(|(_, key)| format!("DEL {}", line::word(key)))
            .collect();
        if !effects.as_sent() {
            self.effects.extend(effects.iter().map(quoted_line));
        } else if changed {
            self.effects.push(quoted_line(argv.iter().copied()));
        }
    }

    /// What the engine does about keys that a read met as expired.
    fn reap(&self, expired: &[(DbIndex, Vec<u8>)]) {
        for (db, key) in expired {
            let plan = self.keyspace.plan(Mode::Write, &[key]);
            self.keyspace.lock(plan, self.now).reap(*db, key);
        }
    }
}

fn quoted_line<'a>(argv: impl Iterator<Item = &'a [u8]>) -> String {
    let words: Vec<String> = argv.map(line::word).collect();
    words.join(" ")
}

/// The row for a request, subcommands included, if the number of arguments can be right.
fn lookup(argv: &[&[u8]]) -> Result<&'static Command, Error> {
    let name = String::from_utf8_lossy(argv[0]).to_ascii_lowercase();
    let child = argv.get(1).map(|sub| {
        format!(
            "{name}|{}",
            String::from_utf8_lossy(sub).to_ascii_lowercase()
        )
    });
    let find = |wanted: &str| crate::all().find(|command| command.spec.name == wanted);
    let found = child.as_deref().and_then(find).or_else(|| find(&name));
    let Some(command) = found else {
        return Err(Error::err(format!("unknown command '{name}'")));
    };
    if command.spec.accepts(argv.len()) {
        Ok(command)
    } else {
        Err(Error::WrongArity(command.spec.name.to_owned()))
    }
}

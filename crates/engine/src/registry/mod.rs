//! Every command by name: those of the keyspace and those of sessions, in one index.
//!
//! A row named `config|get` is a subcommand: two words of a request name it. What stands before
//! the bar is a container, which is nothing by itself.

mod numbers;

pub(crate) use numbers::{CommandId, count, id_of, name_of, numbered};

use crate::families;
use crate::session::Session;
use commands::{Args, Command, Error, Flags, Outcome, ReplySink, Spec};
use hashbrown::HashTable;
use keyspace::Keys;
use std::sync::LazyLock;

/// Does the work of a command that concerns the session or the engine as a whole. The arguments
/// stand behind the name, both words of it.
pub(crate) type SessionHandler = fn(&mut Session, &mut Args<'_>, &mut dyn ReplySink) -> Outcome;

/// A row of a family that works on the session or the engine rather than on keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionCommand {
    pub(crate) spec: Spec,
    pub(crate) handler: SessionHandler,
    /// Whether it acts at once inside `MULTI`, instead of being queued.
    pub(crate) immediate: bool,
}

impl SessionCommand {
    pub(crate) const fn new(spec: Spec, handler: SessionHandler) -> SessionCommand {
        SessionCommand {
            spec,
            handler,
            immediate: false,
        }
    }

    /// Acts at once inside `MULTI`.
    pub(crate) const fn immediate(mut self) -> SessionCommand {
        self.immediate = true;
        self
    }

    /// Does its work for a request.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        argv: &[&[u8]],
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        let mut args = Args::new(argv);
        if self.spec.name.contains('|') {
            args.bytes()?;
        }
        (self.handler)(session, &mut args, reply)
    }
}

/// Does the work of a command that runs other commands, with every shard locked.
pub(crate) type ScriptHandler =
    fn(&mut Session, &mut Keys<'_>, &mut Args<'_>, &mut dyn ReplySink) -> Outcome;

/// A row for a command that runs a script.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScriptCommand {
    pub(crate) spec: Spec,
    handler: ScriptHandler,
}

impl ScriptCommand {
    #[cfg(feature = "scripts")]
    pub(crate) const fn new(spec: Spec, handler: ScriptHandler) -> ScriptCommand {
        ScriptCommand { spec, handler }
    }

    /// Does its work for a request.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        keys: &mut Keys<'_>,
        argv: &[&[u8]],
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        session.declare_keys(&self.spec, argv);
        let outcome = (self.handler)(session, keys, &mut Args::new(argv), reply);
        session.undeclare_keys();
        outcome
    }
}

/// A command, whichever kind it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// Works on locked keys.
    Keys(&'static Command),
    /// Works on the session or the engine.
    Session(&'static SessionCommand),
    /// Runs other commands, under the locks of every shard.
    Script(&'static ScriptCommand),
}

impl Entry {
    pub(crate) fn spec(&self) -> &'static Spec {
        match self {
            Entry::Keys(command) => &command.spec,
            Entry::Session(command) => &command.spec,
            Entry::Script(command) => &command.spec,
        }
    }

    pub(crate) fn is_immediate(&self) -> bool {
        matches!(self, Entry::Session(command) if command.immediate)
    }
}

/// To Redis this is one command with arguments: rules on it are the same for all of them, or name
/// first arguments.
pub(crate) const WITHOUT_SUBCOMMANDS: &str = "debug";

/// What one word can name: a command, or a container of subcommands.
#[derive(Debug)]
pub(crate) enum Named {
    /// A command.
    Command(Entry),
    /// A container: what is known of it, and what it contains. `COMMAND` alone does something
    /// without a second word.
    Container {
        spec: Box<Spec>,
        bare: Option<Entry>,
        entries: Vec<Entry>,
    },
}

impl Named {
    pub(crate) fn spec(&self) -> &Spec {
        match self {
            Named::Command(entry) => entry.spec(),
            Named::Container { spec, .. } => spec,
        }
    }

    fn new_container(name: &'static str, first: Entry) -> Named {
        let Spec { group, since, .. } = *first.spec();
        let flags = match name {
            WITHOUT_SUBCOMMANDS => first.spec().flags,
            _ => Flags::empty(),
        };
        let spec = Spec::new(name, -2, group, flags)
            .not_in_category_of_group()
            .doc(
                since,
                "Depends on subcommand.",
                "subcommand [argument ...]",
                "Contains subcommands, which say what they do.",
            );
        Named::Container {
            spec: Box::new(spec),
            bare: None,
            entries: vec![first],
        }
    }

    /// The same as what is known of it.
    pub(crate) fn runnable(&self) -> Vec<&'static Spec> {
        self.entries().into_iter().map(Entry::spec).collect()
    }

    /// What of it can run.
    fn entries(&self) -> Vec<&Entry> {
        match self {
            Named::Command(entry) => vec![entry],
            Named::Container { bare, entries, .. } => bare.iter().chain(entries).collect(),
        }
    }

    /// A command that does something by itself, and contains `first` as well.
    fn containing(&self, first: Entry) -> Named {
        let spec = Spec {
            arity: -1,
            ..*self.spec()
        };
        let bare = match self {
            Named::Command(entry) => Some(*entry),
            Named::Container { bare, .. } => *bare,
        };
        Named::Container {
            spec: Box::new(spec),
            bare,
            entries: vec![first],
        }
    }

    /// The subcommand of that name, in any case.
    fn subcommand(&self, name: &[u8]) -> Option<Entry> {
        let Named::Container { entries, .. } = self else {
            return None;
        };
        let is_it = |entry: &&Entry| {
            last_word(entry.spec())
                .as_bytes()
                .eq_ignore_ascii_case(name)
        };
        entries.iter().find(is_it).copied()
    }
}

fn last_word(spec: &Spec) -> &'static str {
    spec.name.rsplit('|').next().unwrap_or(spec.name)
}

static REGISTRY: LazyLock<HashTable<Named>> = LazyLock::new(build);

fn build() -> HashTable<Named> {
    let mut table: HashTable<Named> = HashTable::new();
    let of_sessions = families::ALL.iter().copied().flatten().map(Entry::Session);
    let scripts = families::SCRIPTS.iter().map(Entry::Script);
    for entry in commands::all()
        .map(Entry::Keys)
        .chain(of_sessions)
        .chain(scripts)
    {
        let Some((container, _)) = entry.spec().name.split_once('|') else {
            insert(&mut table, Named::Command(entry));
            continue;
        };
        let hash = hash_name(container.as_bytes());
        match table.find_mut(hash, |named| named.spec().name == container) {
            Some(Named::Container { entries, .. }) => entries.push(entry),
            Some(named @ Named::Command(_)) => *named = named.containing(entry),
            None => insert(&mut table, Named::new_container(container, entry)),
        }
    }
    table
}

fn insert(table: &mut HashTable<Named>, named: Named) {
    let hash = |named: &Named| hash_name(named.spec().name.as_bytes());
    table.insert_unique(hash(&named), named, hash);
}

/// Everything that one word can name, in no order that means anything.
pub(crate) fn all() -> impl Iterator<Item = &'static Named> {
    REGISTRY.iter()
}

/// What is known of everything that has a name: commands, containers, and what these contain.
pub(crate) fn specs() -> impl Iterator<Item = &'static Spec> {
    all().flat_map(|named| {
        let contained = match named {
            Named::Command(_) => &[][..],
            Named::Container { entries, .. } => entries,
        };
        std::iter::once(named.spec()).chain(contained.iter().map(Entry::spec))
    })
}

/// What a word names, in any case.
pub(crate) fn find(name: &[u8]) -> Option<&'static Named> {
    let is_it = |named: &Named| named.spec().name.as_bytes().eq_ignore_ascii_case(name);
    REGISTRY.find(hash_name(name), is_it)
}

/// The command that `argv` asks for, if it has as many arguments as that takes.
pub(crate) fn resolve(argv: &[&[u8]]) -> Result<Entry, Error> {
    let entry = identify(argv)?;
    let spec = entry.spec();
    if spec.accepts(argv.len()) {
        Ok(entry)
    } else {
        Err(Error::WrongArity(spec.name.to_owned()))
    }
}

/// The command that `argv` asks for, whatever its arguments.
pub(crate) fn identify(argv: &[&[u8]]) -> Result<Entry, Error> {
    let (name, args) = argv.split_first().ok_or(Error::Syntax)?;
    let named = find(name).ok_or_else(|| unknown(name, args))?;
    match (named, args.first()) {
        (Named::Command(entry), _) => Ok(*entry),
        (Named::Container { spec, bare, .. }, None) => {
            bare.ok_or_else(|| Error::WrongArity(spec.name.to_owned()))
        }
        (Named::Container { spec, .. }, Some(word)) => named
            .subcommand(word)
            .ok_or_else(|| unknown_subcommand(spec.name, word)),
    }
}

/// FNV-1a over the name in lower case: names are few and not chosen by strangers.
fn hash_name(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The refusal of an unknown command, quoting the first 128 bytes of what came.
fn unknown(name: &[u8], args: &[&[u8]]) -> Error {
    let mut quoted = String::new();
    for arg in args {
        if quoted.len() >= 128 {
            break;
        }
        let room = 128 - quoted.len();
        let shown = String::from_utf8_lossy(&arg[..arg.len().min(room)]);
        quoted.push_str(&format!("'{shown}' "));
    }
    let name = String::from_utf8_lossy(&name[..name.len().min(128)]);
    Error::err(format_args!(
        "unknown command '{name}', with args beginning with: {quoted}"
    ))
}

fn unknown_subcommand(container: &str, word: &[u8]) -> Error {
    let word = String::from_utf8_lossy(&word[..word.len().min(128)]);
    let container = container.to_ascii_uppercase();
    Error::err(format_args!(
        "unknown subcommand '{word}'. Try {container} HELP."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_in_any_case() {
        for named in all() {
            let name = named.spec().name;
            let found = find(name.to_ascii_uppercase().as_bytes()).unwrap();
            assert_eq!(found.spec().name, name);
        }
        assert!(find(b"nosuch").is_none());
        let entry = identify(&[b"Config", b"gEt"]).unwrap();
        assert_eq!(entry.spec().name, "config|get");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refusal = |argv: &[&[u8]]| resolve(argv).unwrap_err().to_string();
        assert_eq!(
            refusal(&[b"get"]),
            "ERR wrong number of arguments for 'get' command"
        );
        assert_eq!(
            refusal(&[b"foo", b"a b"]),
            "ERR unknown command 'foo', with args beginning with: 'a b' "
        );
        assert_eq!(
            refusal(&[b"object"]),
            "ERR wrong number of arguments for 'object' command"
        );
        assert_eq!(
            refusal(&[b"object", b"x"]),
            "ERR unknown subcommand 'x'. Try OBJECT HELP."
        );
        assert_eq!(
            refusal(&[b"object", b"encoding"]),
            "ERR wrong number of arguments for 'object|encoding' command"
        );
    }
}

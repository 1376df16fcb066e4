//! Every command by name: those of the keyspace and those of sessions, in one index.

use crate::families;
use crate::session::Session;
use commands::{Args, Command, Error, Outcome, ReplySink, Spec};
use hashbrown::HashTable;
use std::sync::LazyLock;

/// Does the work of a command that concerns the session or the engine as a whole.
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
}

/// A command, whichever kind it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// Works on locked keys.
    Keys(&'static Command),
    /// Works on the session or the engine.
    Session(&'static SessionCommand),
}

impl Entry {
    pub(crate) fn spec(&self) -> &'static Spec {
        match self {
            Entry::Keys(command) => &command.spec,
            Entry::Session(command) => &command.spec,
        }
    }

    pub(crate) fn is_immediate(&self) -> bool {
        matches!(self, Entry::Session(command) if command.immediate)
    }
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

struct Registry {
    index: HashTable<Entry>,
}

impl Registry {
    fn new() -> Registry {
        let mut index = HashTable::new();
        for entry in all() {
            let hash = hash_name(entry.spec().name.as_bytes());
            index.insert_unique(hash, entry, |entry| hash_name(entry.spec().name.as_bytes()));
        }
        Registry { index }
    }
}

/// Every command, family by family.
pub(crate) fn all() -> impl Iterator<Item = Entry> {
    let of_sessions = families::ALL.iter().copied().flatten().map(Entry::Session);
    commands::all().map(Entry::Keys).chain(of_sessions)
}

/// The command of that name, in any case.
pub(crate) fn find(name: &[u8]) -> Option<Entry> {
    let is_it = |entry: &Entry| entry.spec().name.as_bytes().eq_ignore_ascii_case(name);
    REGISTRY.index.find(hash_name(name), is_it).copied()
}

/// The command that `argv` asks for, with as many arguments as it takes.
pub(crate) fn resolve(argv: &[&[u8]]) -> Result<Entry, Error> {
    let (name, args) = argv.split_first().ok_or(Error::Syntax)?;
    let entry = find(name).ok_or_else(|| unknown(name, args))?;
    let spec = entry.spec();
    if spec.accepts(argv.len()) {
        Ok(entry)
    } else {
        Err(Error::WrongArity(spec.name.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_in_any_case() {
        for entry in all() {
            let name = entry.spec().name;
            let found = find(name.to_ascii_uppercase().as_bytes()).unwrap();
            assert_eq!(found.spec().name, name);
        }
        assert!(find(b"nosuch").is_none());
    }

    #[test]
    fn a_wrong_number_of_arguments_is_refused() {
        assert_eq!(
            resolve(&[b"get"]).unwrap_err(),
            Error::WrongArity("get".into())
        );
        let unknown = resolve(&[b"foo", b"a b"]).unwrap_err().to_string();
        assert_eq!(
            unknown,
            "ERR unknown command 'foo', with args beginning with: 'a b' "
        );
    }
}

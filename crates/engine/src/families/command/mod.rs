//! COMMAND: the table about itself.

mod docs;
mod info;
mod keys;
mod list;
mod syntax;

use crate::registry::{self, Entry, Named, SessionCommand};
use crate::session::Session;
use commands::{Args, Flags, Group, Outcome, ReplySink, Spec, tips};

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(
        name,
        arity,
        Group::Server,
        Flags::LOADING.union(Flags::STALE),
    )
    .also_in(&["connection"])
}

const PER_COMMAND: &str = "O(N) where N is the number of commands";
const PER_ARGUMENT: &str = "O(N) where N is the number of arguments";

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("command", 1).tips(tips::UNORDERED).doc(
            "2.8.13",
            PER_COMMAND,
            "",
            "Tells of every command what clients need.",
        ),
        info::info,
    ),
    SessionCommand::new(
        spec("command|count", 2).doc("2.8.13", "O(1)", "", "Counts the commands."),
        count,
    ),
    SessionCommand::new(
        spec("command|list", -2).tips(tips::UNORDERED).doc(
            "7.0.0",
            PER_COMMAND,
            "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
            "Lists the commands by name, all or some.",
        ),
        list::list,
    ),
    SessionCommand::new(
        spec("command|info", -2).tips(tips::UNORDERED).doc(
            "2.8.13",
            PER_COMMAND,
            "[command-name ...]",
            "Tells of commands what clients need to know.",
        ),
        info::info,
    ),
    SessionCommand::new(
        spec("command|docs", -2).tips(tips::UNORDERED).doc(
            "7.0.0",
            PER_COMMAND,
            "[command-name ...]",
            "Tells of commands what people need to know.",
        ),
        docs::docs,
    ),
    SessionCommand::new(
        spec("command|getkeys", -3).doc(
            "2.8.13",
            PER_ARGUMENT,
            "command [arg ...]",
            "Tells which arguments of a command are keys.",
        ),
        keys::get_keys,
    ),
    SessionCommand::new(
        spec("command|getkeysandflags", -3).doc(
            "7.0.0",
            PER_ARGUMENT,
            "command [arg ...]",
            "Tells which arguments of a command are keys, and what it does with them.",
        ),
        keys::get_keys_and_flags,
    ),
    SessionCommand::new(
        spec("command|help", 2).doc("5.0.0", "O(1)", "", "Lists these subcommands."),
        help,
    ),
];

fn count(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(registry::all().count() as i64);
    Ok(())
}

/// A command to be described: with what it contains, or one that is contained.
#[derive(Clone, Copy)]
enum Described {
    Named(&'static Named),
    Subcommand(Entry),
}

/// The commands of those names (`object|encoding` for one that is contained), or all of them.
fn described(names: &[&[u8]]) -> Vec<Option<Described>> {
    if names.is_empty() {
        return registry::all()
            .map(|named| Some(Described::Named(named)))
            .collect();
    }
    let find = |name: &[u8]| {
        let words: Vec<&[u8]> = name.splitn(2, |&byte| byte == b'|').collect();
        match words.len() {
            1 => registry::find(name).map(Described::Named),
            _ => {
                let contained = |entry: &Entry| entry.spec().name.contains('|');
                let entry = registry::identify(&words).ok().filter(contained);
                entry.map(Described::Subcommand)
            }
        }
    };
    names.iter().map(|name| find(name)).collect()
}

fn help(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    super::help(
        reply,
        &[
            "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "(no subcommand)",
            "    What clients need to know of every command.",
            "COUNT",
            "    How many commands there are.",
            "LIST [FILTERBY (MODULE <module>|ACLCAT <category>|PATTERN <pattern>)]",
            "    The names of all commands, or of some.",
            "INFO [<command-name> ...]",
            "    What clients need to know of these commands, or of all.",
            "DOCS [<command-name> ...]",
            "    What people need to know of these commands, or of all.",
            "GETKEYS <full-command>",
            "    The keys among the arguments of a command.",
            "GETKEYSANDFLAGS <full-command>",
            "    The same, and what the command does with each.",
            "HELP",
            "    Prints this help.",
        ],
    )
}

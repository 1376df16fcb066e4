//! MODULE: none can be loaded, so the list of them is empty.

use super::help;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, tips};

const ASKS: Flags = Flags::ADMIN.union(Flags::NOSCRIPT);
const LOADS: Flags = ASKS.union(Flags::NO_ASYNC_LOADING);
const HELPS: Flags = Flags::LOADING.union(Flags::STALE);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Server, flags)
}

const fn load(name: &'static str, since: &'static str, syntax: &'static str) -> SessionCommand {
    let spec = spec(name, -3, LOADS);
    let about = "Is refused: there are no modules here.";
    SessionCommand::new(spec.doc(since, "O(1)", syntax, about), refuse)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("module|list", 2, ASKS).tips(tips::UNORDERED).doc(
            "4.0.0",
            "O(1)",
            "",
            "Lists the modules, of which there are none.",
        ),
        |_, _, reply| {
            reply.array(0);
            Ok(())
        },
    ),
    load("module|load", "4.0.0", "path [arg [arg ...]]"),
    load(
        "module|loadex",
        "7.0.0",
        "path [CONFIG name value] [ARGS arg [arg ...]]",
    ),
    SessionCommand::new(
        spec("module|unload", 3, LOADS).doc(
            "4.0.0",
            "O(1)",
            "name",
            "Is refused: there are no modules here.",
        ),
        refuse,
    ),
    SessionCommand::new(
        spec("module|help", 2, HELPS).doc("5.0.0", "O(1)", "", "Lists these subcommands."),
        |_, _, reply| {
            help(
                reply,
                &[
                    "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                    "LIST",
                    "    The modules, of which there are none.",
                    "LOAD, LOADEX, UNLOAD",
                    "    Are refused.",
                    "HELP",
                    "    Prints this help.",
                ],
            )
        },
    ),
];

fn refuse(_: &mut Session, _: &mut Args<'_>, _: &mut dyn ReplySink) -> Outcome {
    Err(Error::err("Modules can not be loaded here"))
}

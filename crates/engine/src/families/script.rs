//! EVAL and EVALSHA, which run under the locks of every shard, and SCRIPT, about what they leave.

use super::help;
use crate::registry::{ScriptCommand, SessionCommand};
use crate::scripting::Kind;
use crate::session::{Session, Source};
use commands::{Args, Error, Flags, Group, KeyAccess, KeySpec, Outcome, ReplySink, Spec, tips};
use keyspace::Keys;

const RUN: Flags = Flags::NOSCRIPT
    .union(Flags::SKIP_MONITOR)
    .union(Flags::STALE)
    .union(Flags::NO_MANDATORY_KEYS)
    .union(Flags::MOVABLEKEYS);
const RUN_RW: Flags = RUN.union(Flags::MAY_REPLICATE);
const RUN_RO: Flags = RUN.union(Flags::READONLY);

const COUNTED_KEYS: KeySpec = KeySpec::Numkeys {
    dest: None,
    count_at: 2,
};

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Scripting, flags)
}

const fn run(name: &'static str, flags: Flags) -> Spec {
    spec(name, -3, flags).keys(COUNTED_KEYS).undeclared_keys()
}

const fn run_rw(name: &'static str) -> Spec {
    run(name, RUN_RW).access(&[KeyAccess::READ_AND_CHANGE])
}

const DEPENDS: &str = "Depends on the script";

pub(super) const SCRIPTS: &[ScriptCommand] = &[
    ScriptCommand::new(
        run_rw("eval").doc(
            "2.6.0",
            DEPENDS,
            "script numkeys [key [key ...]] [arg [arg ...]]",
            "Runs a script.",
        ),
        |session, keys, args, reply| session.eval(keys, args, Source::Code, false, reply),
    ),
    ScriptCommand::new(
        run_rw("evalsha").doc(
            "2.6.0",
            DEPENDS,
            "sha1 numkeys [key [key ...]] [arg [arg ...]]",
            "Runs a script that was loaded before, by its name.",
        ),
        |session, keys, args, reply| session.eval(keys, args, Source::Sha, false, reply),
    ),
    ScriptCommand::new(
        run("eval_ro", RUN_RO).doc(
            "7.0.0",
            DEPENDS,
            "script numkeys [key [key ...]] [arg [arg ...]]",
            "Runs a script that only reads.",
        ),
        |session, keys, args, reply| session.eval(keys, args, Source::Code, true, reply),
    ),
    ScriptCommand::new(
        run("evalsha_ro", RUN_RO).doc(
            "7.0.0",
            DEPENDS,
            "sha1 numkeys [key [key ...]] [arg [arg ...]]",
            "Runs a script that was loaded before and only reads.",
        ),
        |session, keys, args, reply| session.eval(keys, args, Source::Sha, true, reply),
    ),
    ScriptCommand::new(
        run_rw("fcall").doc(
            "7.0.0",
            "Depends on the function",
            "function numkeys [key [key ...]] [arg [arg ...]]",
            "Calls a function of a library.",
        ),
        |session, keys, args, reply| fcall(session, keys, args, false, reply),
    ),
    ScriptCommand::new(
        run("fcall_ro", RUN_RO).doc(
            "7.0.0",
            "Depends on the function",
            "function numkeys [key [key ...]] [arg [arg ...]]",
            "Calls a function of a library that only reads.",
        ),
        |session, keys, args, reply| fcall(session, keys, args, true, reply),
    ),
];

fn fcall(
    session: &mut Session,
    keys: &mut Keys<'_>,
    args: &mut Args<'_>,
    read_only: bool,
    reply: &mut dyn ReplySink,
) -> Outcome {
    session.fcall(keys, args, read_only, reply)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("script|load", 3, Flags::NOSCRIPT.union(Flags::STALE))
            .tips(tips::EVERY_NODE)
            .doc(
                "2.6.0",
                "O(N) where N is the length of the script",
                "script",
                "Keeps a script for EVALSHA, and tells its name.",
            ),
        load,
    ),
    SessionCommand::new(
        spec("script|exists", -3, Flags::NOSCRIPT)
            .tips(tips::EVERY_SHARD_AND)
            .doc(
                "2.6.0",
                "O(N) where N is the number of names",
                "sha1 [sha1 ...]",
                "Tells which scripts are kept.",
            ),
        exists,
    ),
    SessionCommand::new(
        spec("script|flush", -2, Flags::NOSCRIPT)
            .tips(tips::EVERY_NODE)
            .doc(
                "2.6.0",
                "O(N) where N is the number of scripts",
                "[ASYNC | SYNC]",
                "Forgets every script.",
            ),
        flush,
    ),
    SessionCommand::new(
        spec("script|kill", 2, Flags::NOSCRIPT.union(Flags::ALLOW_BUSY))
            .tips(tips::ONE_SHARD)
            .doc(
                "2.6.0",
                "O(1)",
                "",
                "Ends the script that runs, unless it has written.",
            ),
        kill,
    )
    .immediate(),
    SessionCommand::new(
        spec("script|debug", 3, Flags::NOSCRIPT).doc(
            "3.2.0",
            "O(1)",
            "YES | SYNC | NO",
            "Refused: there is no debugger.",
        ),
        debug,
    ),
    SessionCommand::new(
        spec("script|help", 2, Flags::LOADING.union(Flags::STALE)).doc(
            "5.0.0",
            "O(1)",
            "",
            "Says what the subcommands do.",
        ),
        |_, _, reply| help(reply, HELP),
    ),
];

const HELP: &[&str] = &[
    "SCRIPT <subcommand> [<arg> ...]. Subcommands are:",
    "EXISTS <sha1> [<sha1> ...]",
    "    Tells of each script whether it is kept.",
    "FLUSH [ASYNC|SYNC]",
    "    Forgets every script.",
    "KILL",
    "    Ends the script that runs.",
    "LOAD <script>",
    "    Keeps a script without running it.",
    "HELP",
    "    Prints this help.",
];

fn load(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let sha = session.load_script(args.bytes()?)?;
    reply.bulk(sha.as_bytes());
    Ok(())
}

fn exists(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let names = args.rest();
    let found = session.scripts_exist(names)?;
    reply.array(found.len());
    found.iter().for_each(|&found| reply.integer(found.into()));
    Ok(())
}

fn flush(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let known = args.is_done() || args.keyword("SYNC") || args.keyword("ASYNC");
    if !known || !args.is_done() {
        return Err(Error::err("SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    session.machines()?.forget_scripts();
    reply.ok();
    Ok(())
}

fn kill(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.inner().scripting.kill(Kind::Script)?;
    reply.ok();
    Ok(())
}

fn debug(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if args.keyword("NO") {
        reply.ok();
        return Ok(());
    }
    Err(Error::err("scripts can't be debugged here"))
}

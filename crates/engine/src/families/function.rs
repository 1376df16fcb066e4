//! FUNCTION: libraries are loaded into their machine, and kept as text to be saved.

use super::help;
use crate::functions::{Functions, LoadError};
use crate::registry::SessionCommand;
use crate::scripting::{Function, Kind, Libraries, RestorePolicy};
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, glob, tips};

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Scripting, flags.union(Flags::NOSCRIPT))
}

const WRITES: Flags = Flags::WRITE.union(Flags::DENYOOM);

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("function|load", -3, Flags::WRITE.union(Flags::DENYOOM))
            .tips(tips::EVERY_SHARD)
            .doc(
                "7.0.0",
                "O(1)",
                "[REPLACE] function-code",
                "Loads a library.",
            ),
        load,
    ),
    SessionCommand::new(
        spec("function|delete", 3, Flags::WRITE)
            .tips(tips::EVERY_SHARD)
            .doc("7.0.0", "O(1)", "library-name", "Forgets a library."),
        delete,
    ),
    SessionCommand::new(
        spec("function|flush", -2, Flags::WRITE)
            .tips(tips::EVERY_SHARD)
            .doc(
                "7.0.0",
                "O(N) where N is the number of libraries",
                "[ASYNC | SYNC]",
                "Forgets every library.",
            ),
        flush,
    ),
    SessionCommand::new(
        spec("function|list", -2, Flags::empty())
            .tips(tips::UNORDERED)
            .doc(
                "7.0.0",
                "O(N) where N is the number of libraries",
                "[LIBRARYNAME library-name-pattern] [WITHCODE]",
                "Lists libraries.",
            ),
        list,
    ),
    SessionCommand::new(
        spec("function|dump", 2, Flags::empty()).doc(
            "7.0.0",
            "O(N) where N is the number of libraries",
            "",
            "Gives every library in one string.",
        ),
        dump,
    ),
    SessionCommand::new(
        spec("function|restore", -3, WRITES)
            .tips(tips::EVERY_SHARD)
            .doc(
                "7.0.0",
                "O(N) where N is the number of libraries",
                "serialized-value [FLUSH | APPEND | REPLACE]",
                "Loads the libraries of such a string.",
            ),
        restore,
    ),
    SessionCommand::new(
        spec("function|stats", 2, Flags::ALLOW_BUSY)
            .tips(tips::EVERY_SHARD_SPECIAL)
            .doc(
                "7.0.0",
                "O(1)",
                "",
                "Tells which function runs, and how many there are.",
            ),
        stats,
    )
    .immediate(),
    SessionCommand::new(
        spec("function|kill", 2, Flags::ALLOW_BUSY)
            .tips(tips::ONE_SHARD)
            .doc(
                "7.0.0",
                "O(1)",
                "",
                "Ends the function that runs, unless it has written.",
            ),
        kill,
    )
    .immediate(),
    SessionCommand::new(
        Spec::new(
            "function|help",
            2,
            Group::Scripting,
            Flags::LOADING.union(Flags::STALE),
        )
        .doc("7.0.0", "O(1)", "", "Says what the subcommands do."),
        |_, _, reply| help(reply, HELP),
    ),
];

const HELP: &[&str] = &[
    "FUNCTION <subcommand> [<arg> ...]. Subcommands are:",
    "DELETE <library-name>",
    "    Forgets a library.",
    "DUMP",
    "    Gives every library in one string, for RESTORE.",
    "FLUSH [ASYNC|SYNC]",
    "    Forgets every library.",
    "KILL",
    "    Ends the function that runs.",
    "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
    "    Lists libraries and their functions.",
    "LOAD [REPLACE] <library-code>",
    "    Loads a library.",
    "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
    "    Loads the libraries of a DUMP.",
    "STATS",
    "    Tells which function runs, and how many there are.",
    "HELP",
    "    Prints this help.",
];

fn refused(error: &LoadError) -> Error {
    Error::err(error.text())
}

/// Does something with the machine of functions and the text of libraries, each locked.
fn with_libraries<T>(
    session: &mut Session,
    work: impl FnOnce(&mut Session, &mut Libraries, &mut Functions) -> Result<T, Error>,
) -> Result<T, Error> {
    let engine = session.engine.clone();
    let inner = engine.inner();
    let mut machines = inner.scripting.machines(|| engine.now())?;
    let mut functions = inner.functions.write();
    let compat = inner.compat();
    let libraries = machines.libraries(compat, &functions)?;
    work(session, libraries, &mut functions)
}

/// Refuses more arguments than that, in the words of a container.
fn at_most(args: &Args<'_>, count: usize, name: &str) -> Outcome {
    if args.left() <= count {
        return Ok(());
    }
    Err(Error::err(format_args!(
        "unknown subcommand or wrong number of arguments for '{name}'. Try FUNCTION HELP."
    )))
}

fn load(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let mut replace = false;
    while args.left() > 1 {
        if args.keyword("REPLACE") {
            replace = true;
        } else {
            let option = String::from_utf8_lossy(args.bytes()?).into_owned();
            return Err(Error::err(format_args!("Unknown option given: {option}")));
        }
    }
    let code = args
        .bytes()
        .map_err(|_| Error::err("Function code is missing"))?;
    let name = with_libraries(session, |session, libraries, functions| {
        let name = libraries
            .load(code, replace, functions)
            .map_err(|error| refused(&error))?;
        functions.put(&name, code);
        // Logged before anybody else sees it; so are the others.
        session.log_as_sent(args.argv());
        Ok(name)
    })?;
    reply.bulk(&name);
    Ok(())
}

fn delete(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let name = args.bytes()?;
    let argv = args.argv();
    change(
        session,
        |functions| {
            let deleted = functions.delete(name);
            let missing = || Error::err("Library not found");
            deleted.then_some(()).ok_or_else(missing)
        },
        argv,
    )?;
    reply.ok();
    Ok(())
}

fn flush(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    at_most(args, 1, "flush")?;
    let known = args.is_done() || args.keyword("SYNC") || args.keyword("ASYNC");
    if !known || !args.is_done() {
        return Err(Error::err("FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    let clear = |functions: &mut Functions| {
        functions.clear();
        Ok(())
    };
    change(session, clear, args.argv())?;
    reply.ok();
    Ok(())
}

/// Changes the text of libraries and logs it; the machine is made anew from what is left.
fn change(
    session: &mut Session,
    change: impl FnOnce(&mut Functions) -> Outcome,
    argv: &[&[u8]],
) -> Outcome {
    let engine = session.engine.clone();
    let inner = engine.inner();
    let mut machines = inner.scripting.machines(|| engine.now())?;
    let mut functions = inner.functions.write();
    change(&mut functions)?;
    machines.forget_libraries();
    session.log_as_sent(argv);
    Ok(())
}

fn list(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let (mut pattern, mut with_code) = (None, false);
    while !args.is_done() {
        if !with_code && args.keyword("WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.keyword("LIBRARYNAME") {
            let missing = |_| Error::err("library name argument was not given");
            pattern = Some(args.bytes().map_err(missing)?);
        } else {
            let option = String::from_utf8_lossy(args.bytes()?).into_owned();
            return Err(Error::err(format_args!("Unknown argument {option}")));
        }
    }
    let pattern = pattern.map(<[u8]>::to_ascii_lowercase);
    let wanted = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        pattern
            .as_ref()
            .is_none_or(|pattern| glob::matches(pattern, &name))
    };
    with_libraries(session, |_, libraries, functions| {
        let found: Vec<_> = functions
            .iter()
            .filter(|(_, name, _)| wanted(name))
            .collect();
        reply.array(found.len());
        for (engine, name, code) in found {
            reply.map(if with_code { 4 } else { 3 });
            for (field, value) in [(&b"library_name"[..], name), (b"engine", engine.as_bytes())] {
                reply.bulk(field);
                reply.bulk(value);
            }
            reply.bulk(b"functions");
            let functions = libraries
                .library(name)
                .map(|library| &library.functions[..]);
            write_functions(functions.unwrap_or_default(), reply);
            if with_code {
                reply.bulk(b"library_code");
                reply.bulk(code);
            }
        }
        Ok(())
    })
}

fn write_functions(functions: &[Function], reply: &mut dyn ReplySink) {
    reply.array(functions.len());
    for function in functions {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(function.name.as_bytes());
        reply.bulk(b"description");
        match &function.description {
            Some(text) => reply.bulk(text),
            None => reply.null(),
        }
        reply.bulk(b"flags");
        let flags: Vec<_> = function.flags.names().collect();
        reply.set(flags.len());
        flags.iter().for_each(|flag| reply.simple(flag));
    }
}

fn dump(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let engine = session.engine.clone();
    let functions = engine.inner().functions.read();
    let target = session.settings().dump_target;
    reply.bulk(&rdb::dump_functions::encode(functions.sources(), target));
    Ok(())
}

fn restore(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    at_most(args, 2, "restore")?;
    let payload = args.bytes()?;
    let policy = match () {
        () if args.is_done() || args.keyword("APPEND") => RestorePolicy::Append,
        () if args.keyword("REPLACE") => RestorePolicy::Replace,
        () if args.keyword("FLUSH") => RestorePolicy::Flush,
        () => {
            return Err(Error::err(
                "Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    };
    let sources = rdb::dump_functions::decode(payload).map_err(|error| match error.kind() {
        rdb::ErrorKind::Unsupported { .. } => Error::err("given type is not a function"),
        _ => Error::err("DUMP payload version or checksum are wrong"),
    })?;
    let argv = args.argv();
    let restored = with_libraries(session, |_, libraries, functions| {
        libraries
            .restore(&sources, policy, functions)
            .map_err(|error| refused(&error))
    })?;
    let put = |functions: &mut Functions| {
        *functions = restored;
        Ok(())
    };
    change(session, put, argv)?;
    reply.ok();
    Ok(())
}

fn stats(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let engine = session.engine.clone();
    let scripting = &engine.inner().scripting;
    let running = scripting.running().current(engine.now());
    if let Some((current, _)) = &running
        && current.kind == Kind::Script
    {
        return Err(scripting.refusal(Kind::Script));
    }
    if running.is_none() {
        with_libraries(session, |_, _, _| Ok(()))?;
    }
    let census = scripting.census();
    reply.map(2);
    reply.bulk(b"running_script");
    match running {
        None => reply.null(),
        Some((current, millis)) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(current.name.as_bytes());
            reply.bulk(b"command");
            reply.array(current.argv.len());
            current.argv.iter().for_each(|arg| reply.bulk(arg));
            reply.bulk(b"duration_ms");
            reply.integer(millis);
        }
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.integer(census.libraries as i64);
    reply.bulk(b"functions_count");
    reply.integer(census.functions as i64);
    Ok(())
}

fn kill(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.inner().scripting.kill(Kind::Function)?;
    reply.ok();
    Ok(())
}

//! FUNCTION LOAD, DELETE, FLUSH, LIST: libraries are kept and listed; calling them comes with
//! scripts.

use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, glob, tips};

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Scripting, flags.union(Flags::NOSCRIPT))
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("function|load", -3, Flags::WRITE.union(Flags::DENYOOM))
            .tips(tips::EVERY_SHARD)
            .doc(
                "7.0.0",
                "O(1)",
                "[REPLACE] function-code",
                "Keeps a library.",
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
];

fn load(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let replace = args.left() > 1 && args.keyword("REPLACE");
    let code = args.bytes()?;
    args.done()?;
    let engine = session.engine.clone();
    let mut functions = engine.inner().functions.write();
    let name = functions
        .load(code, replace)
        .map_err(|error| Error::err(error.text()))?
        .to_vec();
    // Logged before anybody else sees it; so are the others.
    session.log_as_sent(args.argv());
    drop(functions);
    reply.bulk(&name);
    Ok(())
}

fn delete(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let engine = session.engine.clone();
    let mut functions = engine.inner().functions.write();
    if !functions.delete(args.bytes()?) {
        return Err(Error::err("Library not found"));
    }
    session.log_as_sent(args.argv());
    reply.ok();
    Ok(())
}

fn flush(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if !args.is_done() && !args.keyword("SYNC") && !args.keyword("ASYNC") {
        return Err(Error::err("FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    let engine = session.engine.clone();
    let mut functions = engine.inner().functions.write();
    functions.clear();
    session.log_as_sent(args.argv());
    reply.ok();
    Ok(())
}

fn list(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let (mut pattern, mut with_code) = (None, false);
    while !args.is_done() {
        if args.keyword("WITHCODE") {
            with_code = true;
        } else if args.keyword("LIBRARYNAME") {
            pattern = Some(args.bytes()?);
        } else {
            let option = String::from_utf8_lossy(args.bytes()?).into_owned();
            return Err(Error::err(format_args!("Unknown argument {option}")));
        }
    }
    let functions = session.engine.inner().functions.read();
    let wanted = |name: &[u8]| pattern.is_none_or(|pattern| glob::matches(pattern, name));
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
        reply.array(0);
        if with_code {
            reply.bulk(b"library_code");
            reply.bulk(code);
        }
    }
    Ok(())
}

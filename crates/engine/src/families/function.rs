//! FUNCTION LOAD, DELETE, FLUSH, LIST: libraries are kept and listed; calling them comes with
//! scripts.

use super::connection::unknown_subcommand;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, glob};

pub(super) const COMMANDS: &[SessionCommand] = &[SessionCommand::new(
    Spec::new("function", -2, Group::Scripting, Flags::NOSCRIPT).doc(
        "7.0.0",
        "O(1)",
        "subcommand [argument ...]",
        "Keeps libraries of functions.",
    ),
    function,
)];

fn function(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let subcommand = args.bytes()?.to_ascii_uppercase();
    match (&subcommand[..], args.left()) {
        (b"LOAD", 1..) => load(session, args, reply),
        (b"DELETE", 1) => delete(session, args, reply),
        (b"FLUSH", 0 | 1) => flush(session, args, reply),
        (b"LIST", _) => list(session, args, reply),
        _ => Err(unknown_subcommand("FUNCTION", &subcommand)),
    }
}

fn load(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let replace = args.left() > 1 && args.keyword("REPLACE");
    let code = args.bytes()?;
    args.done()?;
    let mut functions = session.engine.inner().functions.write();
    let name = functions
        .load(code, replace)
        .map_err(|error| Error::err(error.text()))?
        .to_vec();
    drop(functions);
    session.log_as_sent(args.argv());
    reply.bulk(&name);
    Ok(())
}

fn delete(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if !session
        .engine
        .inner()
        .functions
        .write()
        .delete(args.bytes()?)
    {
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
    session.engine.inner().functions.write().clear();
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

//! SHUTDOWN.

use crate::registry::SessionCommand;
use crate::session::Session;
use crate::{LogLevel, Shutdown, ShutdownSave};
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::NO_MULTI)
    .union(Flags::ALLOW_BUSY);

pub(super) const COMMANDS: &[SessionCommand] = &[SessionCommand::new(
    Spec::new("shutdown", -1, Group::Server, FLAGS).doc(
        "1.0.0",
        "O(N) when saving, where N is the number of keys, otherwise O(1)",
        "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
        "Saves if that is configured, and ends the server.",
    ),
    shutdown,
)];

/// No reply if all is well: the connection ends with the server.
fn shutdown(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if args.left() == 1 && args.keyword("ABORT") {
        return abort(session, reply);
    }
    let mut words = Vec::new();
    while !args.is_done() {
        words.push(args.bytes()?);
    }
    let is_default = |word: &&[u8]| word.eq_ignore_ascii_case(b"DEFAULT");
    let how = Shutdown::of_words(words.iter().copied())
        .filter(|_| !words.iter().any(is_default))
        .ok_or(Error::Syntax)?;
    session.engine.check_served()?;
    if how.save != ShutdownSave::Never {
        session.engine.refuse_if_busy()?;
    }
    session.wait_for_end(how);
    Ok(())
}

fn abort(session: &Session, reply: &mut dyn ReplySink) -> Outcome {
    if !session.engine.take_back_shutdown() {
        return Err(Error::err("No shutdown in progress."));
    }
    session
        .engine
        .note(LogLevel::Notice, "Shutdown manually aborted.");
    reply.ok();
    Ok(())
}

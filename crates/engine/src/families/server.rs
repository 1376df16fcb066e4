//! SAVE, LASTSAVE, INFO, TIME: the server as a whole.

use super::info;
use crate::datadir::SaveError;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, tips};

const SAVE_FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::NO_MULTI)
    .union(Flags::NO_ASYNC_LOADING);
const ANY_TIME: Flags = Flags::LOADING.union(Flags::STALE);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Server, flags)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("save", 1, SAVE_FLAGS).doc(
            "1.0.0",
            "O(N) where N is the number of keys",
            "",
            "Writes everything to the data directory and waits until it is on disk.",
        ),
        save,
    ),
    SessionCommand::new(
        spec("bgsave", -1, SAVE_FLAGS).doc(
            "1.0.0",
            "O(1)",
            "[SCHEDULE]",
            "Writes everything to the data directory while commands go on.",
        ),
        bgsave,
    ),
    SessionCommand::new(
        spec("lastsave", 1, ANY_TIME.union(Flags::FAST))
            .also_in(&["admin", "dangerous"])
            .tips(tips::VARIES)
            .doc(
                "1.0.0",
                "O(1)",
                "",
                "Tells when the data was last saved, in seconds since the epoch.",
            ),
        lastsave,
    ),
    SessionCommand::new(
        spec("info", -1, ANY_TIME)
            .also_in(&["dangerous"])
            .tips(tips::EVERY_SHARD_SPECIAL)
            .doc(
                "1.0.0",
                "O(1)",
                "[section [section ...]]",
                "Describes the server in lines of name and value.",
            ),
        info,
    ),
    SessionCommand::new(
        spec("time", 1, ANY_TIME.union(Flags::FAST))
            .tips(tips::VARIES)
            .doc(
                "2.6.0",
                "O(1)",
                "",
                "Tells the time: seconds since the epoch, and microseconds within the second.",
            ),
        time,
    ),
];

fn save(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if session.engine.inner().saving.record().began.is_some() {
        return Err(Error::err(SaveError::InProgress));
    }
    session.engine.save().map_err(Error::err)?;
    reply.ok();
    Ok(())
}

fn bgsave(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    // Nothing else is done in the background that a snapshot would have to wait for.
    if !args.is_done() && !args.keyword("SCHEDULE") {
        return Err(Error::Syntax);
    }
    args.done()?;
    session.engine.save_in_background().map_err(Error::err)?;
    reply.simple("Background saving started");
    Ok(())
}

fn lastsave(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(session.engine.inner().saving.record().at.secs());
    Ok(())
}

fn info(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.verbatim("txt", &info::render(session, args.rest()));
    Ok(())
}

fn time(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let now = session.engine.now();
    reply.array(2);
    reply.bulk_int(now.secs());
    reply.bulk_int(now.0.rem_euclid(1000) * 1000);
    Ok(())
}

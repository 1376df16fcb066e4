//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Flags, Group, KeySpec, Outcome, ReplySink, Spec};

const FLAGS: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST)
    .union(Flags::ALLOW_BUSY);
const EXEC_FLAGS: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::SKIP_SLOWLOG);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Transactions, flags)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("multi", 1, FLAGS).doc("1.2.0", "O(1)", "", "Starts queueing commands."),
        multi,
    )
    .immediate(),
    SessionCommand::new(
        spec("exec", 1, EXEC_FLAGS).doc(
            "1.2.0",
            "Depends on the commands",
            "",
            "Carries out what was queued, unless a watched key changed.",
        ),
        exec,
    )
    .immediate(),
    SessionCommand::new(
        spec("discard", 1, FLAGS).doc("2.0.0", "O(N)", "", "Forgets what was queued."),
        discard,
    )
    .immediate(),
    SessionCommand::new(
        spec("watch", -2, FLAGS).keys(KeySpec::ALL).doc(
            "2.2.0",
            "O(1) a key",
            "key [key ...]",
            "Lets the next EXEC go through only if these keys do not change before it.",
        ),
        watch,
    )
    .immediate(),
    SessionCommand::new(
        spec("unwatch", 1, FLAGS).doc("2.2.0", "O(1)", "", "Forgets every watched key."),
        unwatch,
    ),
];

fn multi(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.multi()?;
    reply.ok();
    Ok(())
}

fn exec(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.exec(reply)
}

fn discard(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.discard()?;
    reply.ok();
    Ok(())
}

fn watch(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.watch(args.rest())?;
    reply.ok();
    Ok(())
}

fn unwatch(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.unwatch();
    reply.ok();
    Ok(())
}

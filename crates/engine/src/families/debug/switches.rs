//! What DEBUG turns on and off, and what is taken without effect.

use crate::LogLevel;
use crate::config::Scope;
use crate::session::Session;
use commands::{Args, Error, Outcome, ReplySink, glob};
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn set_active_expire(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let on = args.int()? != 0;
    session.engine.set_active_expiry(on);
    reply.ok();
    Ok(())
}

pub(super) fn skip_checksums(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let skip = args.int()? != 0;
    session.engine.inner().skip_checksums.store(skip, Relaxed);
    session.engine.renew_settings();
    reply.ok();
    Ok(())
}

pub(super) fn scripts_may_all(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let may = args.int()? != 0;
    session.engine.inner().scripts_may_all.store(may, Relaxed);
    reply.ok();
    Ok(())
}

pub(super) fn rewrite_config(
    session: &mut Session,
    _: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let rewritten = session.engine.rewrite_config_file(Scope::All);
    rewritten
        .map_err(|error| Error::err(format_args!("CONFIG-REWRITE-FORCE-ALL failed: {error}")))?;
    reply.ok();
    Ok(())
}

pub(super) fn change_repl_id(
    session: &mut Session,
    _: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    session.engine.rename_history();
    reply.ok();
    Ok(())
}

pub(super) fn log(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let message = String::from_utf8_lossy(args.bytes()?).into_owned();
    let line = format!("DEBUG LOG: {message}");
    session.engine.note(LogLevel::Warning, &line);
    reply.ok();
    Ok(())
}

pub(super) fn matches(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let (pattern, string) = (args.bytes()?, args.bytes()?);
    reply.integer(i64::from(glob::matches(pattern, string)));
    Ok(())
}

/// Lists keep large elements as they keep others, so there is nothing to choose; what Redis tests
/// with it holds all the same.
pub(super) fn quicklist_packed_threshold(
    _: &mut Session,
    _: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    reply.ok();
    Ok(())
}

/// There is no cron, and nothing that sleeps before it writes.
pub(super) fn ignored_number(
    _: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    args.int()?;
    reply.ok();
    Ok(())
}

/// Reply buffers grow and shrink with what is in them.
pub(super) fn reply_buffer(
    _: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    if args.keyword("RESIZING") {
        args.int()?;
    } else if args.keyword("PEAK-RESET-TIME") {
        if !args.keyword("NEVER") && !args.keyword("RESET") {
            args.int()?;
        }
    } else {
        return Err(Error::Syntax);
    }
    reply.ok();
    Ok(())
}

/// Nothing that clients send ends this server.
pub(super) fn segfault(_: &mut Session, _: &mut Args<'_>, _: &mut dyn ReplySink) -> Outcome {
    Err(Error::err("this server does not crash on request"))
}

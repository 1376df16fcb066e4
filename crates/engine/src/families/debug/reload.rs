//! DEBUG RELOAD and LOADAOF.

use crate::LogLevel;
use crate::datadir::{ReloadOptions, reload_log, reload_rdb};
use crate::session::Session;
use commands::{Args, Error, Outcome, ReplySink};

pub(super) fn load_log(
    session: &mut Session,
    _: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    reload_log(&session.engine).map_err(Error::err)?;
    let line = "Append Only File loaded by DEBUG LOADAOF";
    session.engine.note(LogLevel::Warning, line);
    reply.ok();
    Ok(())
}

pub(super) fn reload(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let options = options(args)?;
    reload_rdb(&session.engine, options).map_err(Error::err)?;
    let line = "DB reloaded by DEBUG RELOAD";
    session.engine.note(LogLevel::Warning, line);
    reply.ok();
    Ok(())
}

fn options(args: &mut Args<'_>) -> Result<ReloadOptions, Error> {
    let mut options = ReloadOptions {
        save: true,
        flush: true,
        merge: false,
    };
    while !args.is_done() {
        if args.keyword("NOSAVE") {
            options.save = false;
        } else if args.keyword("NOFLUSH") {
            options.flush = false;
        } else if args.keyword("MERGE") {
            options.merge = true;
        } else {
            return Err(Error::err(
                "DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            ));
        }
    }
    Ok(options)
}

//! SHUTDOWN.

use crate::ending::Save;
use crate::registry::SessionCommand;
use crate::session::Session;
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
fn shutdown(session: &mut Session, args: &mut Args<'_>, _: &mut dyn ReplySink) -> Outcome {
    let words = args.left();
    let (mut save, mut force) = (Save::AsConfigured, false);
    while !args.is_done() {
        if args.keyword("NOSAVE") && save != Save::Always {
            save = Save::Never;
        } else if args.keyword("SAVE") && save != Save::Never {
            save = Save::Always;
        } else if args.keyword("FORCE") {
            force = true;
        } else if args.keyword("ABORT") && words == 1 {
            // Without replicas to wait for, none lasts.
            return Err(Error::err("No shutdown in progress."));
        } else if !args.keyword("NOW") {
            return Err(Error::Syntax);
        }
    }
    if save != Save::Never {
        session.engine.refuse_if_busy()?;
    }
    session.engine.shut_down(save, force)?;
    session.client.quit = true;
    Ok(())
}

//! AUTH.

use crate::registry::SessionCommand;
use crate::session::Session;
use acl::DEFAULT_USER;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};

const FLAGS: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

pub(super) const COMMANDS: &[SessionCommand] = &[SessionCommand::new(
    Spec::new("auth", -2, Group::Connection, FLAGS).doc(
        "1.0.0",
        "O(N) where N is the number of passwords defined for the user",
        "[username] password",
        "Says who the client is.",
    ),
    auth,
)];

fn auth(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let command = args.argv()[0];
    let (name, password) = match args.rest() {
        [password] => {
            let access = session.engine.access();
            if access.with_users(|users| users.default_user().needs_no_password()) {
                return Err(Error::err(
                    "AUTH <password> called without any password configured for the default user. \
                     Are you sure your configuration is correct?",
                ));
            }
            (DEFAULT_USER, *password)
        }
        [name, password] => (*name, *password),
        _ => return Err(Error::Syntax),
    };
    session.authenticate(command, name, password)?;
    reply.ok();
    Ok(())
}

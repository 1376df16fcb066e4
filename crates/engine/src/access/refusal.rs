//! What those are told who may not do something.

use acl::Denial;
use commands::{Compat, Error, Spec};

/// The refusal of a command.
pub(crate) fn of_command(compat: Compat, denial: Denial, user: &[u8], spec: &Spec) -> Error {
    Error::Text(format!("NOPERM {}", line(compat, denial, user, spec)).into())
}

/// The refusal of a command that was allowed when it was queued.
pub(crate) fn in_exec(denial: Denial) -> Error {
    let reason = match denial {
        Denial::Command => "no permission to execute the command or subcommand",
        Denial::Key(_) => "no permission to touch the specified keys",
        Denial::Channel(_) => "no permission to access one of the channels used as arguments",
    };
    let line = format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC \
         call. This command is no longer allowed for the following reason: {reason}"
    );
    Error::Text(line.into())
}

/// The refusal of a command that a script calls.
pub(crate) fn in_script(compat: Compat, denial: Denial, user: &[u8], spec: &Spec) -> Error {
    let what = match denial {
        Denial::Command => "can't run this command or subcommand",
        Denial::Key(_) => {
            "can't access at least one of the keys mentioned in the command arguments"
        }
        Denial::Channel(_) => "can't publish to the channel mentioned in the command",
    };
    let line = match compat.names_user_in_refusals() {
        false => format!("ERR The user executing the script {what}"),
        true => format!(
            "NOPERM ACL failure in script: {}",
            line(compat, denial, user, spec)
        ),
    };
    Error::Text(line.into())
}

/// What `ACL DRYRUN` tells, the key or channel included.
pub(crate) fn in_detail(
    compat: Compat,
    denial: Denial,
    user: &[u8],
    spec: &Spec,
    argv: &[&[u8]],
) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let who = match compat.names_user_in_refusals() {
        false => "This user".to_owned(),
        true => format!("User {}", text(user)),
    };
    let what = match denial {
        Denial::Command => format!("run the '{}' command", spec.name),
        Denial::Key(at) => format!("access the '{}' key", text(argv[at])),
        Denial::Channel(at) => format!("access the '{}' channel", text(argv[at])),
    };
    format!("{who} has no permissions to {what}")
}

fn line(compat: Compat, denial: Denial, user: &[u8], spec: &Spec) -> String {
    let (user, name) = (String::from_utf8_lossy(user), spec.name);
    let line = match (compat.names_user_in_refusals(), denial) {
        (false, Denial::Command) => {
            return format!("this user has no permissions to run the '{name}' command");
        }
        (true, Denial::Command) => {
            return format!("User {user} has no permissions to run the '{name}' command");
        }
        (false, Denial::Key(_)) => {
            "this user has no permissions to access one of the keys used as arguments"
        }
        (false, Denial::Channel(_)) => {
            "this user has no permissions to access one of the channels used as arguments"
        }
        (true, Denial::Key(_)) => "No permissions to access a key",
        (true, Denial::Channel(_)) => "No permissions to access a channel",
    };
    line.to_owned()
}

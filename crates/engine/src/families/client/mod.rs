//! CLIENT: what a connection tells of itself, and what may be done to others. WAIT and SHUTDOWN's
//! kin are beside.

mod list;
mod wait;

use crate::blocking::Unblocked;
use crate::clients::{self, Marks, PauseBy, PauseMode};
use crate::registry::SessionCommand;
use crate::session::{Replies, Session};
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, tips};

pub(super) use wait::COMMANDS as WAITING;

const CLIENT: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE);
const OF_ADMIN: Flags = CLIENT.union(Flags::ADMIN);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Connection, flags)
}

const fn client(name: &'static str, arity: i32) -> Spec {
    spec(name, arity, CLIENT)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        client("client|id", 2).doc("5.0.0", "O(1)", "", "Tells the connection's number."),
        client_id,
    ),
    SessionCommand::new(
        client("client|getname", 2).doc("2.6.9", "O(1)", "", "Tells the connection's name."),
        client_getname,
    ),
    SessionCommand::new(
        client("client|setname", 3).doc(
            "2.6.9",
            "O(1)",
            "connection-name",
            "Names the connection.",
        ),
        client_setname,
    ),
    SessionCommand::new(
        client("client|setinfo", 4).tips(tips::EVERY_NODE).doc(
            "7.2.0",
            "O(1)",
            "<LIB-NAME libname | LIB-VER libver>",
            "Tells what library the client uses.",
        ),
        client_setinfo,
    ),
    SessionCommand::new(
        client("client|info", 2).tips(tips::VARIES).doc(
            "6.2.0",
            "O(1)",
            "",
            "Describes the connection.",
        ),
        client_info,
    ),
    SessionCommand::new(
        client("client|reply", 3).doc(
            "3.2.0",
            "O(1)",
            "<ON | OFF | SKIP>",
            "Says which replies the client wants.",
        ),
        client_reply,
    ),
    SessionCommand::new(
        spec("client|unblock", -3, OF_ADMIN).doc(
            "5.0.0",
            "O(log N) for N connections",
            "client-id [TIMEOUT | ERROR]",
            "Ends the waiting of another connection.",
        ),
        client_unblock,
    ),
    SessionCommand::new(
        spec("client|no-evict", 3, OF_ADMIN).doc(
            "7.0.0",
            "O(1)",
            "<ON | OFF>",
            "Protects the connection from being closed for lack of memory.",
        ),
        |session, args, reply| mark(session, Marks::NO_EVICT, args, reply),
    ),
    SessionCommand::new(
        client("client|no-touch", 3).doc(
            "7.2.0",
            "O(1)",
            "<ON | OFF>",
            "Lets the connection's commands leave the time of a key's last use as it is.",
        ),
        |session, args, reply| mark(session, Marks::NO_TOUCH, args, reply),
    ),
    SessionCommand::new(
        spec("client|list", -2, OF_ADMIN).tips(tips::VARIES).doc(
            "2.4.0",
            "O(N) where N is the number of connections",
            "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
            "Describes every connection in a line.",
        ),
        list::list,
    ),
    SessionCommand::new(
        spec("client|kill", -3, OF_ADMIN).doc(
            "2.4.0",
            "O(N) where N is the number of connections",
            "<old-format | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR addr] | [LADDR laddr] | [SKIPME <YES | NO>] | [MAXAGE maxage] [...]>>",
            "Ends connections.",
        ),
        list::kill,
    ),
    SessionCommand::new(
        spec("client|pause", -3, OF_ADMIN).doc(
            "3.0.0",
            "O(1)",
            "timeout [WRITE | ALL]",
            "Holds commands back for a while.",
        ),
        pause,
    ),
    SessionCommand::new(
        spec("client|unpause", 2, OF_ADMIN).doc(
            "6.2.0",
            "O(N) where N is the number of connections that wait",
            "",
            "Lets the commands go on that are held back.",
        ),
        unpause,
    ),
    SessionCommand::new(
        spec("client|help", 2, Flags::LOADING.union(Flags::STALE)).doc(
            "5.0.0",
            "O(1)",
            "",
            "Says what the subcommands do.",
        ),
        |_, _, reply| super::help(reply, HELP),
    ),
];

const HELP: &[&str] = &[
    "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CACHING (YES|NO)",
    "    Says whether what the next command reads is tracked, with OPTIN and OPTOUT.",
    "GETNAME",
    "    Tells the connection's name.",
    "GETREDIR",
    "    Tells which client is told of changes in place of this one.",
    "ID",
    "    Tells the connection's number.",
    "INFO",
    "    Describes the connection.",
    "KILL <ip:port>",
    "    Ends the connection from there.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Ends connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "    * USER <username>",
    "    * SKIPME (YES|NO)",
    "    * ID <client-id>",
    "    * MAXAGE <seconds>",
    "LIST [options ...]",
    "    Describes connections. Options are:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "    * ID <client-id> [<client-id> ...]",
    "NO-EVICT (ON|OFF)",
    "    Protects the connection from being closed for lack of memory.",
    "NO-TOUCH (ON|OFF)",
    "    Leaves the time of last use of keys as it is.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Holds commands back for so many milliseconds: all, or those that write.",
    "REPLY (ON|OFF|SKIP)",
    "    Says which replies the client wants.",
    "SETINFO <option> <value>",
    "    Tells what library the client uses: LIB-NAME, LIB-VER.",
    "SETNAME <name>",
    "    Names the connection.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
    "    Has the client told of changes to keys that it read.",
    "TRACKINGINFO",
    "    Tells what the client tracks.",
    "UNBLOCK <client-id> [TIMEOUT|ERROR]",
    "    Ends the waiting of another connection.",
    "UNPAUSE",
    "    Lets the commands go on that are held back.",
    "HELP",
    "    Says what the subcommands do.",
];

fn client_id(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(session.client.id as i64);
    Ok(())
}

fn client_getname(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.card().about(|about| match about.name.is_empty() {
        true => reply.null(),
        false => reply.bulk(&about.name),
    });
    Ok(())
}

fn client_setname(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let name = checked_name(args.bytes()?, "Client names")?;
    session.card().about(|about| about.name = name);
    reply.ok();
    Ok(())
}

fn client_setinfo(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    if args.keyword("lib-name") {
        let name = checked_name(args.bytes()?, "lib-name")?;
        session.card().about(|about| about.lib_name = name);
    } else if args.keyword("lib-ver") {
        let version = checked_name(args.bytes()?, "lib-ver")?;
        session.card().about(|about| about.lib_ver = version);
    } else {
        let name = String::from_utf8_lossy(args.bytes()?);
        return Err(Error::err(format_args!("Unrecognized option '{name}'")));
    }
    reply.ok();
    Ok(())
}

fn client_info(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.report_running(args.argv());
    reply.verbatim("txt", &clients::line(&session.engine, session.card()));
    Ok(())
}

/// 1 if it waited, else 0.
fn client_unblock(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let client = args.int()?;
    let how = if args.is_done() || args.keyword("TIMEOUT") {
        Unblocked::TooLate
    } else if args.keyword("ERROR") {
        let text = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
        Unblocked::Refused(Error::Text(text.into()))
    } else {
        let text = "CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
        return Err(Error::err(text));
    };
    let blocking = session.engine.blocking();
    let waiter = u64::try_from(client)
        .ok()
        .and_then(|id| blocking.of_client(id));
    let ended = waiter.is_some_and(|waiter| blocking.end(&waiter, how));
    reply.integer(i64::from(ended));
    Ok(())
}

/// Answered only if replies are wanted afterwards.
fn client_reply(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let replies = &mut session.client.replies;
    if args.keyword("ON") {
        *replies = Replies::All;
        reply.ok();
    } else if args.keyword("OFF") {
        *replies = Replies::None;
    } else if !args.keyword("SKIP") {
        return Err(Error::Syntax);
    } else if *replies != Replies::None {
        *replies = Replies::NotTheNext;
    }
    Ok(())
}

fn mark(
    session: &mut Session,
    mark: Marks,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let on = args.keyword("ON");
    if !on && !args.keyword("OFF") {
        return Err(Error::Syntax);
    }
    session.set_mark(mark, on);
    reply.ok();
    Ok(())
}

fn pause(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let word = args.bytes()?;
    let mode = match args.is_done() || args.keyword("ALL") {
        true => PauseMode::All,
        false if args.keyword("WRITE") => PauseMode::Write,
        false => return Err(Error::err("CLIENT PAUSE mode must be WRITE or ALL")),
    };
    args.done()?;
    let now = session.engine.now();
    let until = packed::number::parse_i64(word)
        .ok_or_else(|| Error::err("timeout is not an integer or out of range"))?;
    if until < 0 {
        return Err(Error::err("timeout is negative"));
    }
    let until = now.0.checked_add(until);
    let until = until.ok_or_else(|| Error::err("timeout is out of range"))?;
    session
        .engine
        .clients()
        .pause()
        .begin(PauseBy::Command, mode, units::UnixMillis(until), now);
    reply.ok();
    Ok(())
}

fn unpause(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.clients().pause().end(PauseBy::Command);
    reply.ok();
    Ok(())
}

/// A name that can stand in a line of `CLIENT LIST`.
pub(super) fn checked_name(name: &[u8], what: &str) -> Result<Vec<u8>, Error> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(name.to_vec());
    }
    Err(Error::err(format_args!(
        "{what} cannot contain spaces, newlines or special characters."
    )))
}

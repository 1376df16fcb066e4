//! The conversation itself: PING, ECHO, SELECT, HELLO, CLIENT, RESET, QUIT.

use crate::SERVER_NAME;
use crate::blocking::Unblocked;
use crate::pubsub::Kind;
use crate::registry::SessionCommand;
use crate::session::{Replies, Session};
use commands::{Args, Error, Flags, Group, Outcome, Protocol, ReplySink, Spec, tips};
use units::DbIndex;

const FAST: Flags = Flags::FAST;
const ANY_TIME: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::FAST);
const CLIENT: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE);
const HANDSHAKE: Flags = ANY_TIME
    .union(Flags::NOSCRIPT)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Connection, flags)
}

const fn client(name: &'static str, arity: i32) -> Spec {
    spec(name, arity, CLIENT)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("ping", -1, FAST).tips(tips::EVERY_SHARD).doc(
            "1.0.0",
            "O(1)",
            "[message]",
            "Answers PONG, or the message.",
        ),
        ping,
    ),
    SessionCommand::new(
        spec("echo", 2, ANY_TIME).doc("1.0.0", "O(1)", "message", "Answers the message."),
        echo,
    ),
    SessionCommand::new(
        spec("select", 2, ANY_TIME).doc("1.0.0", "O(1)", "index", "Changes the database."),
        select,
    ),
    SessionCommand::new(
        spec("hello", -1, HANDSHAKE).doc(
            "6.0.0",
            "O(1)",
            "[protover [AUTH username password] [SETNAME clientname]]",
            "Chooses the protocol and describes the server.",
        ),
        hello,
    ),
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
        spec("client|unblock", -3, CLIENT.union(Flags::ADMIN)).doc(
            "5.0.0",
            "O(log N) for N connections",
            "client-id [TIMEOUT | ERROR]",
            "Ends the waiting of another connection.",
        ),
        client_unblock,
    ),
    SessionCommand::new(
        spec("client|no-evict", 3, CLIENT.union(Flags::ADMIN)).doc(
            "7.0.0",
            "O(1)",
            "<ON | OFF>",
            "Protects the connection from being closed for lack of memory.",
        ),
        client_on_or_off,
    ),
    SessionCommand::new(
        spec("reset", 1, HANDSHAKE).doc("6.2.0", "O(1)", "", "Makes the session as new."),
        reset,
    )
    .immediate(),
    SessionCommand::new(
        spec("quit", -1, HANDSHAKE).doc("1.0.0", "O(1)", "", "Ends the conversation."),
        quit,
    )
    .immediate(),
];

fn ping(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let message = args.peek();
    if args.left() > 1 {
        return Err(Error::WrongArity("ping".to_owned()));
    }
    match message {
        // Told apart from messages by its shape.
        _ if session.is_confined() => {
            reply.array(2);
            reply.bulk(b"pong");
            reply.bulk(message.unwrap_or_default());
        }
        None => reply.simple("PONG"),
        Some(message) => reply.bulk(message),
    }
    Ok(())
}

fn echo(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.bulk(args.bytes()?);
    Ok(())
}

fn select(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let number = u32::try_from(args.int()?).map_err(|_| Error::DbOutOfRange)?;
    if number >= session.engine.keyspace().databases() {
        return Err(Error::DbOutOfRange);
    }
    session.client.db = DbIndex(number);
    reply.ok();
    Ok(())
}

fn hello(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let protocol = match args.peek() {
        None => session.client.protocol,
        Some(_) => protocol_version(args)?,
    };
    let mut name = None;
    while !args.is_done() {
        if args.keyword("AUTH") {
            let (user, password) = (args.bytes()?, args.bytes()?);
            session.authenticate(args.argv()[0], user, password)?;
        } else if args.keyword("SETNAME") {
            name = Some(checked_name(args.bytes()?, "Client names")?);
        } else {
            let option = String::from_utf8_lossy(args.bytes()?).into_owned();
            return Err(Error::err(format_args!(
                "Syntax error in HELLO option '{option}'"
            )));
        }
    }
    if !session.is_authenticated() {
        return Err(Error::Text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time"
                .into(),
        ));
    }
    session.set_protocol(protocol);
    reply.set_protocol(protocol);
    if let Some(name) = name {
        session.client.name = name;
    }
    describe(session, reply);
    Ok(())
}

fn protocol_version(args: &mut Args<'_>) -> Result<Protocol, Error> {
    let not_a_number = |_| Error::err("Protocol version is not an integer or out of range");
    match args.int().map_err(not_a_number)? {
        2 => Ok(Protocol::Resp2),
        3 => Ok(Protocol::Resp3),
        _ => Err(Error::Text("NOPROTO unsupported protocol version".into())),
    }
}

fn describe(session: &Session, reply: &mut dyn ReplySink) {
    let version = match session.client.protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let server_version = session.engine.inner().compat().version();
    reply.map(7);
    for (name, value) in [("server", SERVER_NAME), ("version", server_version)] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.integer(version);
    reply.bulk(b"id");
    reply.integer(session.client.id as i64);
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
}

fn client_id(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(session.client.id as i64);
    Ok(())
}

fn client_getname(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    match session.client.name.is_empty() {
        true => reply.null(),
        false => reply.bulk(&session.client.name),
    }
    Ok(())
}

fn client_setname(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    session.client.name = checked_name(args.bytes()?, "Client names")?;
    reply.ok();
    Ok(())
}

fn client_setinfo(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    if args.keyword("lib-name") {
        session.client.lib_name = checked_name(args.bytes()?, "lib-name")?;
    } else if args.keyword("lib-ver") {
        session.client.lib_ver = checked_name(args.bytes()?, "lib-ver")?;
    } else {
        let name = String::from_utf8_lossy(args.bytes()?);
        return Err(Error::err(format_args!("Unrecognized option '{name}'")));
    }
    reply.ok();
    Ok(())
}

fn client_info(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.verbatim("txt", &line(session));
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

/// Nobody is closed for lack of memory.
fn client_on_or_off(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if !args.keyword("ON") && !args.keyword("OFF") {
        return Err(Error::Syntax);
    }
    reply.ok();
    Ok(())
}

/// A name that can stand in a line of `CLIENT LIST`.
fn checked_name(name: &[u8], what: &str) -> Result<Vec<u8>, Error> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(name.to_vec());
    }
    Err(Error::err(format_args!(
        "{what} cannot contain spaces, newlines or special characters."
    )))
}

/// The session as a line of `CLIENT LIST`.
pub(crate) fn line(session: &Session) -> String {
    let client = &session.client;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "id={} name={} db={} sub={} psub={} ssub={} user={} resp={} lib-name={} lib-ver={}\n",
        client.id,
        text(&client.name),
        client.db,
        session.subscriptions(Kind::Channel),
        session.subscriptions(Kind::Pattern),
        session.subscriptions(Kind::Sharded),
        text(session.user_name()),
        if client.protocol == Protocol::Resp3 {
            3
        } else {
            2
        },
        text(&client.lib_name),
        text(&client.lib_ver),
    )
}

fn reset(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.reset();
    reply.simple("RESET");
    Ok(())
}

fn quit(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.client.quit = true;
    reply.ok();
    Ok(())
}

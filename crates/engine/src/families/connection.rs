//! The conversation itself: PING, ECHO, SELECT, HELLO, RESET, QUIT.

use crate::SERVER_NAME;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, Protocol, ReplySink, Spec, tips};
use units::DbIndex;

const FAST: Flags = Flags::FAST;
const ANY_TIME: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::FAST);
const HANDSHAKE: Flags = ANY_TIME
    .union(Flags::NOSCRIPT)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Connection, flags)
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
        if args.left() > 2 && args.keyword("AUTH") {
            let (user, password) = (args.bytes()?, args.bytes()?);
            session.authenticate(args.argv()[0], user, password)?;
        } else if args.left() > 1 && args.keyword("SETNAME") {
            name = Some(super::client::checked_name(args.bytes()?, "Client names")?);
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
        session.card().about(|about| about.name = name);
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

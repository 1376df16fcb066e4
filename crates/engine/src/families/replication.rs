//! PSYNC, SYNC and REPLCONF, which replicas ask of their primary; REPLICAOF and ROLE.

use crate::failover::Wish;
use crate::following::{Stage, Standing};
use crate::registry::SessionCommand;
use crate::session::Session;
use crate::{LogLevel, Primary};
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};
use packed::number;
use units::{ReplId, ReplOffset};

const SYNC_FLAGS: Flags = Flags::ADMIN
    .union(Flags::NO_ASYNC_LOADING)
    .union(Flags::NO_MULTI)
    .union(Flags::NOSCRIPT);
const CONF_FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::ALLOW_BUSY);
const REPLICAOF_FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::NO_ASYNC_LOADING)
    .union(Flags::STALE);
const FAILOVER_FLAGS: Flags = Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::STALE);
const ROLE_FLAGS: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Server, flags)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("sync", 1, SYNC_FLAGS).doc(
            "1.0.0",
            "O(N) where N is the number of keys",
            "",
            "Sends a snapshot, and then every change.",
        ),
        |session, _, reply| session.feed(None, false, reply),
    ),
    SessionCommand::new(
        spec("psync", -3, SYNC_FLAGS).doc(
            "2.8.0",
            "O(N) where N is the number of keys",
            "replicationid offset",
            "Sends what is behind an offset of a history, or a snapshot, and then every change.",
        ),
        psync,
    ),
    SessionCommand::new(
        spec("replconf", -1, CONF_FLAGS).doc(
            "3.0.0",
            "O(1)",
            "[option value [option value ...]]",
            "Tells something of a replica, or how far it is.",
        ),
        replconf,
    ),
    SessionCommand::new(
        spec("replicaof", 3, REPLICAOF_FLAGS).doc(
            "5.0.0",
            "O(1)",
            "host port",
            "Makes this a replica of another server, or by NO ONE a primary.",
        ),
        replicaof,
    ),
    SessionCommand::new(
        spec("slaveof", 3, REPLICAOF_FLAGS).doc(
            "1.0.0",
            "O(1)",
            "host port",
            "Makes this a replica of another server, or by NO ONE a primary.",
        ),
        replicaof,
    ),
    SessionCommand::new(
        spec("failover", -1, FAILOVER_FLAGS).doc(
            "6.2.0",
            "O(1)",
            "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
            "Has a replica that has everything go on as the primary, and follows it.",
        ),
        failover,
    ),
    SessionCommand::new(
        spec("role", 1, ROLE_FLAGS)
            .also_in(&["admin", "dangerous"])
            .doc(
                "2.8.12",
                "O(1)",
                "",
                "Tells whether this is a primary, and who its replicas are.",
            ),
        role,
    ),
];

fn psync(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let id = str::from_utf8(args.bytes()?).ok();
    let offset = args.int()?;
    let id = id.and_then(|id| id.to_ascii_lowercase().parse::<ReplId>().ok());
    // The first byte is number 1 to those who ask.
    let from = u64::try_from(offset.saturating_sub(1)).ok().map(ReplOffset);
    if args.keyword("FAILOVER") {
        take_over(session, id)?;
    }
    session.feed(id.zip(from), true, reply)
}

/// The primary asks this replica to go on in its place.
fn take_over(session: &Session, id: Option<ReplId>) -> Outcome {
    let engine = &session.engine;
    if id != Some(engine.log().journal().replid()) {
        return Err(Error::err("PSYNC FAILOVER replid must match my replid."));
    }
    if engine.following().is_replica() {
        engine.note(
            LogLevel::Notice,
            "Failover request received: this is the primary now.",
        );
        engine.set_primary(None);
    }
    Ok(())
}

/// `FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]`
fn failover(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let engine = session.engine.clone();
    if args.left() == 1 && args.keyword("ABORT") {
        if !engine.take_back_failover("manually aborted") {
            return Err(Error::err("No failover in progress."));
        }
        reply.ok();
        return Ok(());
    }
    engine.begin_failover(wish(args)?)?;
    reply.ok();
    Ok(())
}

fn wish(args: &mut Args<'_>) -> Result<Wish, Error> {
    let mut wish = Wish::default();
    while !args.is_done() {
        if wish.target.is_none() && args.keyword("TO") {
            let host = String::from_utf8_lossy(args.bytes()?).into_owned();
            let port = u16::try_from(args.int()?).map_err(|_| Error::NotInteger)?;
            wish.target = Some(Primary { host, port });
            wish.force = args.keyword("FORCE");
        } else if wish.patience.is_none() && args.keyword("TIMEOUT") {
            let patience = args.int()?;
            if patience <= 0 {
                return Err(Error::err("FAILOVER timeout must be greater than 0"));
            }
            wish.patience = Some(patience);
        } else if wish.target.is_some() && !wish.force && args.keyword("FORCE") {
            wish.force = true;
        } else {
            return Err(Error::Syntax);
        }
    }
    match wish.force && wish.patience.is_none() {
        true => Err(Error::err(
            "FAILOVER with force option requires both a timeout and target HOST and IP.",
        )),
        false => Ok(wish),
    }
}

fn replconf(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let pairs = args.rest();
    if !pairs.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let mut told = Told::default();
    for pair in pairs.chunks_exact(2) {
        note(session, pair[0], pair[1], &mut told)?;
    }
    if let Some(acked) = told.acked {
        session.note_ack(acked, told.synced);
    } else if !told.wants_ack {
        reply.ok();
    }
    Ok(())
}

/// What is no option, and gets no reply.
#[derive(Default)]
struct Told {
    acked: Option<u64>,
    synced: Option<u64>,
    wants_ack: bool,
}

fn note(session: &mut Session, option: &[u8], value: &[u8], told: &mut Told) -> Outcome {
    let about = session.as_replica();
    let int = || number::parse_i64(value).ok_or(Error::NotInteger);
    let offset = || int().map(|offset| u64::try_from(offset).ok());
    match option.to_ascii_lowercase().as_slice() {
        b"listening-port" => {
            let port = u16::try_from(int()?);
            about.port = port.map_err(|_| Error::NotInteger)?;
        }
        b"ip-address" => about.address = String::from_utf8_lossy(value).into_owned(),
        b"capa" => about.knows_psync2 |= value.eq_ignore_ascii_case(b"psync2"),
        b"rdb-only" => about.only_snapshot = int()? != 0,
        b"ack" => told.acked = offset()?,
        b"fack" => told.synced = offset()?,
        b"getack" => told.wants_ack = true,
        b"version" => {}
        _ => {
            let option = String::from_utf8_lossy(option);
            return Err(Error::err(format_args!(
                "Unrecognized REPLCONF option: {option}"
            )));
        }
    }
    Ok(())
}

fn replicaof(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let words = args.rest().iter().map(|word| String::from_utf8_lossy(word));
    let text = words.collect::<Vec<_>>().join(" ");
    let primary = Primary::parse(&text).ok_or_else(|| Error::err("Invalid master port"))?;
    let engine = &session.engine;
    if engine.failover().is_on() {
        return Err(Error::err("REPLICAOF not allowed while failing over."));
    }
    if primary.is_some() && engine.primary().1 == primary {
        reply.simple("OK Already connected to specified master");
        return Ok(());
    }
    engine.set_primary(primary);
    reply.ok();
    Ok(())
}

fn role_of_replica(primary: &Primary, standing: &Standing, reply: &mut dyn ReplySink) {
    let stage = match standing.stage {
        Stage::Down => "connect",
        Stage::Connecting => "connecting",
        Stage::Syncing => "sync",
        Stage::Up => "connected",
    };
    reply.array(5);
    reply.bulk(b"slave");
    reply.bulk(primary.host.as_bytes());
    reply.integer(primary.port.into());
    reply.bulk(stage.as_bytes());
    let is_up = standing.stage == Stage::Up;
    reply.integer(if is_up {
        standing.processed.0 as i64
    } else {
        -1
    });
}

fn role(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let engine = &session.engine;
    if let (_, Some(primary)) = engine.primary() {
        role_of_replica(&primary, &engine.following().standing(), reply);
        return Ok(());
    }
    let replicas = engine.replicas().list();
    let online: Vec<_> = replicas
        .iter()
        .filter(|replica| replica.is_online())
        .collect();
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(engine.log().end().0 as i64);
    reply.array(online.len());
    for replica in online {
        let about = replica.about();
        reply.array(3);
        reply.bulk(about.address.as_bytes());
        reply.bulk(about.port.to_string().as_bytes());
        reply.bulk(replica.acked().0.to_string().as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Engine, RespSink, Session};
    use std::task::{Context, Poll, Waker};
    use storage::Memory;

    fn primary() -> Engine {
        let builder = Engine::builder("/data").storage(Memory::new()).seed(1);
        builder.open().unwrap()
    }

    fn say(session: &mut Session, line: &str) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut bytes = Vec::new();
        let mut sink = RespSink::new(&mut bytes, session.protocol());
        session.execute_into(&words, &mut sink);
        String::from_utf8(bytes).unwrap()
    }

    /// Everything that is to be sent now.
    fn fed(session: &mut Session) -> Vec<u8> {
        let mut cx = Context::from_waker(Waker::noop());
        let (mut all, mut out) = (Vec::new(), Vec::new());
        while let Poll::Ready(fed) = session.poll_feed(&mut cx, &mut out) {
            fed.unwrap();
            all.append(&mut out);
        }
        all
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_replica_gets_a_snapshot_and_then_every_change() {
        let engine = primary();
        let (mut client, mut replica) = (engine.session(), engine.session());
        say(&mut client, "SET before 1");
        for (line, expected) in [
            ("REPLCONF listening-port 7777", "+OK\r\n"),
            ("REPLCONF capa eof capa psync2", "+OK\r\n"),
            (
                "REPLCONF nonsense 1",
                "-ERR Unrecognized REPLCONF option: nonsense\r\n",
            ),
            ("PSYNC ? -1", ""),
        ] {
            assert_eq!(say(&mut replica, line), expected, "{line}");
        }
        assert!(replica.is_fed());
        let first = fed(&mut replica);
        let (offset, id) = (engine.log().end().0, engine.log().journal().replid());
        let head = format!("+FULLRESYNC {id} {offset}\r\n$");
        assert!(text(&first).starts_with(&head), "{}", text(&first));
        let size: usize = text(&first)[head.len()..]
            .lines()
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(text(&first[first.len() - size..]).starts_with("REDIS00"));
        say(&mut client, "SET after 2");
        let select = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
        let set = "*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\n2\r\n";
        assert_eq!(text(&fed(&mut replica)), format!("{select}{set}"));
        assert_eq!(
            say(&mut replica, "GET after"),
            "-ERR Replica can't interact with the keyspace\r\n"
        );
    }

    #[test]
    fn acknowledgements_are_counted_and_waited_for() {
        let engine = primary();
        let (mut client, mut replica) = (engine.session(), engine.session());
        say(
            &mut replica,
            "REPLCONF listening-port 7777 ip-address 10.0.0.1",
        );
        say(&mut replica, "PSYNC ? -1");
        fed(&mut replica);
        say(&mut client, "SET k v");
        let end = engine.log().end().0;
        assert_eq!(say(&mut client, "WAIT 1 1"), "");
        while !client.try_unblocked(&mut RespSink::new(&mut Vec::new(), client.protocol())) {}
        assert!(text(&fed(&mut replica)).contains("GETACK"));
        assert_eq!(
            say(&mut replica, &format!("REPLCONF ACK {end} FACK {end}")),
            ""
        );
        assert_eq!(say(&mut client, "WAIT 1 0"), ":1\r\n");
        let info = say(&mut client, "INFO replication");
        let line = format!("slave0:ip=10.0.0.1,port=7777,state=online,offset={end},lag=0");
        assert!(info.contains(&line), "{info}");
        assert!(say(&mut client, "ROLE").contains("7777"));
        drop(replica);
        assert!(say(&mut client, "INFO replication").contains("connected_slaves:0"));
    }

    #[test]
    fn who_was_away_gets_what_it_lacks_if_that_is_known() {
        let engine = primary();
        let mut client = engine.session();
        say(&mut client, "SET a 1");
        let (id, offset) = (engine.log().journal().replid(), engine.log().end().0);
        say(&mut client, "SET b 2");
        let ask = |line: String| {
            let mut replica = engine.session();
            say(&mut replica, "REPLCONF capa psync2");
            let line = say(&mut replica, &line);
            line + &text(&fed(&mut replica))
        };
        let rest = ask(format!("PSYNC {id} {}", offset + 1));
        assert!(
            rest.starts_with(&format!("+CONTINUE {id}\r\n*3\r\n$3\r\nSET")),
            "{rest}"
        );
        for other in [
            format!("PSYNC {id} {}", offset + 1000),
            format!("PSYNC {} 1", "0".repeat(40)),
        ] {
            assert!(ask(other).starts_with("+FULLRESYNC"));
        }
        let stats = say(&mut client, "INFO stats");
        assert!(stats.contains("sync_full:2\r\nsync_partial_ok:1\r\nsync_partial_err:2"));
    }
}

//! Two engines, one following the other, with the bytes between them carried by hand.

use duramen::storage::Memory;
use duramen::{Engine, Link, ManualClock, Primary, Reply, RespSink, Session, UnixMillis};
use resp::{Limits, RequestDecoder};
use std::task::{Context, Poll, Waker};

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn open(clock: &ManualClock, seed: u64) -> Engine {
    let builder = Engine::builder("/data").storage(Memory::new()).seed(seed);
    builder.clock(clock.clone()).open().unwrap()
}

fn run(session: &mut Session, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    session.execute(&words)
}

fn text(reply: Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes).unwrap(),
        Reply::Error(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

/// A connection: the session that the primary has for its replica, and the replica's end.
struct Wire {
    session: Session,
    decoder: RequestDecoder,
    to_primary: Vec<u8>,
    link: Link,
    /// What the primary sent, in all.
    sent: usize,
}

impl Wire {
    fn new(primary: &Engine, replica: &Engine) -> Wire {
        let mut to_primary = Vec::new();
        let link = replica.link(replica.primary().0, &mut to_primary);
        Wire {
            session: primary.session(),
            decoder: RequestDecoder::new(Limits::default()),
            to_primary,
            link,
            sent: 0,
        }
    }

    /// Carries bytes in pieces of `step` until neither side says anything; whether the replica hung
    /// up.
    fn carry(&mut self, step: usize) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let mut out = Vec::new();
            while let Some(request) = self.decoder.decode(&self.to_primary).unwrap() {
                let argv: Vec<Vec<u8>> = request.iter().map(<[u8]>::to_vec).collect();
                let consumed = request.consumed();
                self.to_primary.drain(..consumed);
                let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
                let protocol = self.session.protocol();
                self.session
                    .execute_into(&argv, &mut RespSink::new(&mut out, protocol));
            }
            let mut fed = Vec::new();
            while let Poll::Ready(more) = self.session.poll_feed(&mut cx, &mut fed) {
                if more.is_err() {
                    return true;
                }
                out.append(&mut fed);
            }
            if out.is_empty() {
                return false;
            }
            self.sent += out.len();
            for piece in out.chunks(step) {
                if self.link.feed(piece, &mut self.to_primary).is_err() {
                    return true;
                }
            }
        }
    }
}

fn follow(replica: &Engine) {
    replica.set_primary(Some(Primary {
        host: "primary".to_owned(),
        port: 6379,
    }));
}

fn info(engine: &Engine, field: &str) -> String {
    let all = text(run(&mut engine.session(), "INFO replication"));
    let begin = format!("{field}:");
    let line = all.lines().find_map(|line| line.strip_prefix(&begin));
    line.unwrap_or_else(|| panic!("no {field} in {all}"))
        .to_owned()
}

fn assert_same(a: &Engine, b: &Engine) {
    for field in ["master_replid", "master_repl_offset"] {
        assert_eq!(info(a, field), info(b, field), "{field}");
    }
    let digest = |engine: &Engine| engine.digest(duramen::DigestForm::Redis74);
    assert_eq!(digest(a).unwrap(), digest(b).unwrap());
}

#[test]
fn a_replica_takes_over_everything_and_then_every_change() {
    for step in [1, 13, 1 << 20] {
        let clock = ManualClock::new(START);
        let (primary, replica) = (open(&clock, 1), open(&clock, 2));
        let (mut writer, mut reader) = (primary.session(), replica.session());
        run(&mut reader, "SET own 1");
        for n in 0..50 {
            run(&mut writer, &format!("SET before:{n} {n}"));
        }
        follow(&replica);
        let mut wire = Wire::new(&primary, &replica);
        assert!(!wire.carry(step));
        assert_same(&primary, &replica);
        assert_eq!(text(run(&mut reader, "GET own")), "Nil");
        for line in [
            "SELECT 3",
            "SET k v EX 100",
            "MULTI",
            "RPUSH list a b c",
            "SELECT 0",
            "INCR n",
            "EXEC",
            "SPOP none",
            "PUBLISH channel message",
            "EVAL return{redis.call('SET','x',1),redis.call('INCR','x')} 0",
        ] {
            run(&mut writer, line);
        }
        assert!(!wire.carry(step));
        assert_same(&primary, &replica);
        assert_eq!(info(&replica, "master_link_status"), "up");
        assert_eq!(
            text(run(&mut reader, "SET k v")),
            "READONLY You can't write against a read only replica."
        );
        wire.link.report(&mut wire.to_primary).unwrap();
        wire.carry(step);
        assert_eq!(text(run(&mut writer, "WAIT 1 1")), "Integer(1)");
    }
}

#[test]
fn keys_that_are_over_are_hidden_until_the_primary_deletes_them() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    run(&mut primary.session(), "SET k v PX 1000");
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(100);
    clock.advance(2000);
    let mut reader = replica.session();
    assert_eq!(text(run(&mut reader, "GET k")), "Nil");
    replica.tick();
    assert_eq!(text(run(&mut reader, "DBSIZE")), "Integer(1)");
    primary.tick();
    wire.carry(100);
    assert_eq!(text(run(&mut reader, "DBSIZE")), "Integer(0)");
    assert_same(&primary, &replica);
}

#[test]
fn who_was_away_and_who_was_promoted_need_no_second_snapshot() {
    let clock = ManualClock::new(START);
    let (first, second, third) = (open(&clock, 1), open(&clock, 2), open(&clock, 3));
    run(
        &mut first.session(),
        &format!("SET big {}", "x".repeat(10_000)),
    );
    follow(&second);
    follow(&third);
    for replica in [&second, &third] {
        Wire::new(&first, replica).carry(1000);
    }
    // Both hung up, and come again.
    run(&mut first.session(), "SET later 1");
    for replica in [&second, &third] {
        let mut wire = Wire::new(&first, replica);
        wire.carry(1000);
        assert!(wire.sent < 1000, "{}", wire.sent);
        assert_same(&first, replica);
    }
    // The first is gone; the second takes its place, and the third follows that.
    second.set_primary(None);
    assert_eq!(info(&second, "role"), "master");
    assert_eq!(
        info(&second, "master_replid2"),
        info(&first, "master_replid")
    );
    run(&mut second.session(), "SET after 1");
    let mut wire = Wire::new(&second, &third);
    wire.carry(1000);
    assert!(wire.sent < 1000, "{}", wire.sent);
    assert_same(&second, &third);
}

#[test]
fn a_replica_of_a_replica_has_the_same_bytes() {
    let clock = ManualClock::new(START);
    let (first, second, third) = (open(&clock, 1), open(&clock, 2), open(&clock, 3));
    follow(&second);
    let mut upper = Wire::new(&first, &second);
    upper.carry(1000);
    follow(&third);
    let mut lower = Wire::new(&second, &third);
    lower.carry(1000);
    for n in 0..20 {
        run(&mut first.session(), &format!("INCRBY n {n}"));
    }
    upper.carry(7);
    lower.carry(11);
    assert_same(&first, &second);
    assert_same(&second, &third);
}

#[test]
fn a_replica_that_is_told_to_follow_another_hangs_up() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    replica.set_primary(None);
    run(&mut primary.session(), "SET k v");
    assert!(wire.carry(1000));
    assert_eq!(text(run(&mut replica.session(), "GET k")), "Nil");
}

#[test]
fn damage_on_the_wire_is_an_error() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    for said in [
        &b"-ERR no\r\n"[..],
        b"+PONG\r\n+OK\r\n+OK\r\n-NOMASTERLINK wait\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC what 7\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n*x\r\n",
    ] {
        follow(&replica);
        let mut link = replica.link(replica.primary().0, &mut Vec::new());
        assert!(link.feed(said, &mut Vec::new()).is_err());
        replica.set_primary(None);
    }
    run(&mut primary.session(), "SET k v");
    follow(&replica);
    let mut link = replica.link(replica.primary().0, &mut Vec::new());
    let id = "a".repeat(40);
    let head = format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {id} 7\r\n$9\r\nREDIS0011garbage");
    assert!(link.feed(head.as_bytes(), &mut Vec::new()).is_err());
    assert_eq!(info(&replica, "master_link_status"), "down");
}

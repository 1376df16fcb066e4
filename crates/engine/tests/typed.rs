//! The typed methods of a session beside the commands that they are named for.

mod said;

use duramen::{Engine, Error, Expiry, ManualClock, Session, UnixMillis};
use said::{all_said, said};

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn session_at(clock: &ManualClock) -> Session {
    Engine::builder("/data")
        .storage(duramen::storage::Memory::new())
        .clock(clock.clone())
        .open()
        .unwrap()
        .session()
}

fn session() -> Session {
    Engine::open_in_memory().session()
}

#[test]
fn strings() {
    let mut session = session();
    assert_eq!(session.get("k").unwrap(), None);
    session.set("k", "10").unwrap();
    assert_eq!(session.get("k").unwrap(), Some(b"10".to_vec()));
    assert_eq!(session.incr_by("k", -3).unwrap(), 7);
    assert_eq!(session.append("k", "th").unwrap(), 3);
    assert_eq!(
        session.get_with("k", |string| string.len()).unwrap(),
        Some(3)
    );
    assert_eq!(session.incr_by("k", 1), Err(Error::NotInteger));
    assert_eq!(session.incr_by("new", 5).unwrap(), 5);
    session.set("max", i64::MAX.to_string()).unwrap();
    assert_eq!(session.incr_by("max", 1), Err(Error::Overflow));
    assert_eq!(said(&mut session, "GET max"), i64::MAX.to_string());
}

#[test]
fn keys_and_deadlines() {
    let clock = ManualClock::new(START);
    let mut session = session_at(&clock);
    session
        .set_expiring("k", "v", Expiry::InMillis(100))
        .unwrap();
    let at = UnixMillis(START.0 + 100);
    assert_eq!(session.deadline("k").unwrap(), Some(Some(at)));
    session.set_expiring("k", "w", Expiry::Keep).unwrap();
    assert_eq!(said(&mut session, "PEXPIRETIME k"), at.0.to_string());
    assert!(session.expire("k", Expiry::Never).unwrap());
    assert_eq!(session.deadline("k").unwrap(), Some(None));
    assert!(session.expire("k", Expiry::At(at)).unwrap());
    assert!(!session.expire("none", Expiry::At(at)).unwrap());
    clock.advance(101);
    assert!(!session.exists("k").unwrap());
    assert_eq!(session.deadline("k").unwrap(), None);
    assert!(!session.del("k").unwrap());
    session.set("k", "v").unwrap();
    assert!(session.del("k").unwrap());
}

#[test]
fn hashes() {
    let mut session = session();
    assert_eq!(session.hset("h", &[("a", "1"), ("b", "2")]).unwrap(), 2);
    assert_eq!(session.hset("h", &[("a", "3"), ("c", "4")]).unwrap(), 1);
    assert_eq!(session.hget("h", "a").unwrap(), Some(b"3".to_vec()));
    assert_eq!(session.hget("h", "z").unwrap(), None);
    let mut all = session.hgetall("h").unwrap();
    all.sort();
    let pair = |f: &str, v: &str| (f.as_bytes().to_vec(), v.as_bytes().to_vec());
    assert_eq!(all, [pair("a", "3"), pair("b", "2"), pair("c", "4")]);
    for field in ["a", "b", "c"] {
        assert!(session.hdel("h", field).unwrap());
    }
    assert!(!session.exists("h").unwrap(), "an empty hash is gone");
}

#[test]
fn other_types_are_refused() {
    let mut session = session();
    said(&mut session, "RPUSH list a");
    session.set("string", "a").unwrap();
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    for refusal in [
        session.get("list").unwrap_err(),
        session.incr_by("list", 1).unwrap_err(),
        session.append("list", "x").unwrap_err(),
        session.hget("string", "f").unwrap_err(),
        session.hset("string", &[("f", "v")]).unwrap_err(),
        session.hdel("list", "f").unwrap_err(),
    ] {
        assert_eq!(refusal.to_string(), wrong);
    }
    assert_eq!(said(&mut session, "LRANGE list 0 -1"), "[a]");
    session.set("list", "replaced").unwrap();
    assert_eq!(said(&mut session, "TYPE list"), "string");
}

/// The same by methods and by commands, on two engines, gives the same content and the same log.
#[test]
fn methods_leave_what_commands_leave() {
    let clock = ManualClock::new(START);
    let (mut typed, mut spoken) = (session_at(&clock), session_at(&clock));
    typed.set("a", "1").unwrap();
    typed.incr_by("a", 41).unwrap();
    typed.append("b", "xyz").unwrap();
    typed
        .set_expiring("c", "v", Expiry::InMillis(5000))
        .unwrap();
    typed.expire("a", Expiry::InMillis(7000)).unwrap();
    typed.hset("h", &[("f", "1"), ("g", "2")]).unwrap();
    typed.hdel("h", "f").unwrap();
    typed.del("b").unwrap();
    let lines = [
        "SET a 1",
        "INCRBY a 41",
        "APPEND b xyz",
        "SET c v PX 5000",
        "PEXPIRE a 7000",
        "HSET h f 1 g 2",
        "HDEL h f",
        "DEL b",
    ];
    all_said(&mut spoken, &lines);
    let digest = |session: &Session| session.engine().digest(false);
    assert_eq!(digest(&typed), digest(&spoken));
    let offset = |session: &mut Session| {
        let info = said(session, "INFO replication");
        let line = info
            .lines()
            .find(|line| line.starts_with("master_repl_offset:"));
        line.map(str::to_owned)
    };
    assert_eq!(offset(&mut typed), offset(&mut spoken));
    assert!(offset(&mut typed).is_some());
}

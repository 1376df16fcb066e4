//! DEBUG: the snapshot read anew, and what else tests ask for.

mod said;

use duramen::storage::Memory;
use duramen::{Engine, Protocol, Session};
use said::{all_said, said};

fn open(storage: &Memory, appendonly: &str) -> Session {
    let builder = Engine::builder("/data").storage(storage.clone());
    let builder = builder.config("save", "").unwrap();
    let builder = builder.config("appendonly", appendonly).unwrap();
    builder.open().unwrap().session()
}

const LINES: &[&str] = &[
    "SET s v",
    "RPUSH l a b c",
    "SADD i 1 2 3",
    "HSET h f v",
    "ZADD z 1.5 m",
    "XADD x 1-1 f v",
    "PEXPIREAT s 9999999999999",
    "SELECT 3",
    "SET other db",
];

#[test]
fn everything_comes_back() {
    for appendonly in ["no", "yes"] {
        let storage = Memory::new();
        let mut session = open(&storage, appendonly);
        all_said(&mut session, LINES);
        let digest = said(&mut session, "DEBUG DIGEST");
        assert_eq!(said(&mut session, "DEBUG RELOAD"), "OK");
        assert_eq!(said(&mut session, "DEBUG DIGEST"), digest);
        drop(session);
        let mut session = open(&storage, appendonly);
        assert_eq!(said(&mut session, "DEBUG DIGEST"), digest);
    }
}

#[test]
fn what_was_not_saved_is_gone_or_stays() {
    let mut session = open(&Memory::new(), "no");
    all_said(
        &mut session,
        &["SET a 1", "SET b 1", "SAVE", "SET b 2", "SET c 2"],
    );
    let refused = said(&mut session, "DEBUG RELOAD NOSAVE NOFLUSH");
    assert!(
        refused.contains("Error trying to load the RDB"),
        "{refused}"
    );
    assert_eq!(
        said(&mut session, "DEBUG RELOAD NOSAVE NOFLUSH MERGE"),
        "OK"
    );
    assert_eq!(said(&mut session, "MGET a b c"), "[1, 1, 2]");
    assert_eq!(said(&mut session, "DEBUG RELOAD NOSAVE"), "OK");
    assert_eq!(said(&mut session, "MGET a b c"), "[1, 1, (nil)]");
    assert!(said(&mut session, "DEBUG RELOAD NOW").starts_with("(error)"));
}

/// What is in memory and not in the log would be lost at the next start.
#[test]
fn the_log_follows_a_snapshot_that_was_not_of_now() {
    let storage = Memory::new();
    let mut session = open(&storage, "yes");
    all_said(&mut session, &["SET a 1", "SAVE", "SET a 2", "SET b 2"]);
    assert_eq!(said(&mut session, "DEBUG RELOAD NOSAVE"), "OK");
    drop(session);
    let mut session = open(&storage, "yes");
    assert_eq!(said(&mut session, "MGET a b"), "[1, (nil)]");
}

#[test]
fn a_snapshot_under_another_name() {
    let storage = Memory::new();
    let mut session = open(&storage, "no");
    all_said(
        &mut session,
        &[
            "SET a 1",
            "SAVE",
            "CONFIG SET dbfilename new.rdb",
            "SET a 2",
        ],
    );
    assert_eq!(all_said(&mut session, &["SAVE", "SAVE"]), ["OK", "OK"]);
    all_said(
        &mut session,
        &["CONFIG SET dbfilename dump.rdb", "DEBUG RELOAD NOSAVE"],
    );
    assert_eq!(said(&mut session, "GET a"), "1");
}

#[test]
fn checksums_may_be_passed_over() {
    let mut session = Engine::open_in_memory().session();
    said(&mut session, "SET k v");
    let dumped = session.execute(&["DUMP", "k"]);
    let mut payload = dumped.as_bytes().unwrap().to_vec();
    let last = payload.len() - 1;
    payload[last] ^= 1;
    let restore = |session: &mut Session| {
        let argv: [&[u8]; 5] = [b"RESTORE", b"k", b"0", &payload, b"REPLACE"];
        session.execute(&argv).into_result().is_ok()
    };
    assert!(!restore(&mut session));
    said(&mut session, "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1");
    assert!(restore(&mut session));
    said(&mut session, "DEBUG SET-SKIP-CHECKSUM-VALIDATION 0");
    assert!(!restore(&mut session));
}

#[test]
fn replies_of_every_shape() {
    let mut session = Engine::open_in_memory().session();
    let mut say = |protocol, kind: &str| {
        session.set_protocol(protocol);
        said(&mut session, &format!("DEBUG PROTOCOL {kind}"))
    };
    let big = "1234567999999999999999999999999999999";
    assert_eq!(say(Protocol::Resp2, "bignum"), big);
    assert_eq!(say(Protocol::Resp3, "bignum"), big);
    assert_eq!(say(Protocol::Resp3, "map"), "{0: false, 1: true, 2: false}");
    assert_eq!(say(Protocol::Resp2, "map"), "[0, 0, 1, 1, 2, 0]");
    assert!(say(Protocol::Resp2, "push").starts_with("(error) ERR RESP2"));
    assert!(say(Protocol::Resp2, "nothing").starts_with("(error) ERR Wrong protocol"));
}

#[test]
fn keys_by_the_number() {
    let mut session = Engine::open_in_memory().session();
    said(&mut session, "SET p:1 mine");
    assert_eq!(said(&mut session, "DEBUG POPULATE 3 p 10"), "OK");
    assert_eq!(said(&mut session, "DBSIZE"), "3");
    assert_eq!(said(&mut session, "GET p:1"), "mine");
    assert_eq!(said(&mut session, "STRLEN p:2"), "10");
}

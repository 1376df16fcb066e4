//! Commands that broke other servers: each is answered, at once and within its means, and the
//! engine works as before. The numbers are those of the public advisories.

mod said;

use duramen::{Engine, Session};
use said::{all_said, said};

fn session() -> Session {
    Engine::open_in_memory().session()
}

const LARGEST: &str = "9223372036854775807";
const SMALLEST: &str = "-9223372036854775808";

fn is_error(reply: &str) -> bool {
    reply.starts_with("(error)")
}

/// CVE-2021-29477, CVE-2021-32625.
#[test]
fn lcs_of_strings_whose_table_would_not_fit() {
    let mut session = session();
    said(&mut session, "SETRANGE a 70000 x");
    said(&mut session, "SETRANGE b 70000 x");
    let reply = said(&mut session, "LCS a b");
    assert!(reply.contains("Insufficient memory"), "{reply:.80}");
    assert!(is_error(&said(
        &mut session,
        &format!("LCS a b IDX MINMATCHLEN x{LARGEST}")
    )));
}

/// CVE-2022-35977, and the overflows of `SETBIT` and `BITFIELD` beside it.
#[test]
fn offsets_at_the_end_of_the_numbers() {
    let mut session = session();
    said(&mut session, "SET k v");
    for line in [
        format!("SETRANGE k {LARGEST} x"),
        "SETRANGE k 536870912 x".to_owned(),
        "SETRANGE k -1 x".to_owned(),
        format!("SETBIT k {LARGEST} 1"),
        "SETBIT k 4294967296 1".to_owned(),
        format!("BITFIELD k SET u8 #{LARGEST} 1"),
        format!("BITFIELD k GET u8 {LARGEST}"),
    ] {
        let reply = said(&mut session, &line);
        assert!(is_error(&reply), "{line}: {reply}");
    }
    assert_eq!(said(&mut session, "GET k"), "v");
}

/// CVE-2022-35977.
#[test]
fn sort_with_limits_at_the_end_of_the_numbers() {
    let mut session = session();
    said(&mut session, "RPUSH l 3 1 2");
    for (limit, expected) in [
        (format!("{SMALLEST} {SMALLEST}"), "[1, 2, 3]"),
        (format!("{LARGEST} {LARGEST}"), "[]"),
        (format!("1 {LARGEST}"), "[2, 3]"),
        (format!("{SMALLEST} 1"), "[1]"),
    ] {
        assert_eq!(
            said(&mut session, &format!("SORT l LIMIT {limit}")),
            expected,
            "{limit}"
        );
    }
}

/// CVE-2023-22458, CVE-2023-25155.
#[test]
fn random_members_by_extreme_counts() {
    let mut session = session();
    all_said(&mut session, &["SADD s a", "HSET h a 1", "ZADD z 1 a"]);
    for command in ["SRANDMEMBER s", "HRANDFIELD h", "ZRANDMEMBER z"] {
        let reply = said(&mut session, &format!("{command} {SMALLEST}"));
        assert!(is_error(&reply), "{command}: {reply:.80}");
        assert_eq!(said(&mut session, &format!("{command} {LARGEST}")), "[a]");
    }
    for command in ["HRANDFIELD h", "ZRANDMEMBER z"] {
        let option = if command.starts_with('H') {
            "WITHVALUES"
        } else {
            "WITHSCORES"
        };
        for count in [SMALLEST, "-4611686018427387905", "9223372036854775808"] {
            let reply = said(&mut session, &format!("{command} {count} {option}"));
            assert!(is_error(&reply), "{command} {count}: {reply:.80}");
        }
    }
    for command in ["SPOP s", "LPOP l", "ZPOPMIN z"] {
        let reply = said(&mut session, &format!("{command} {SMALLEST}"));
        assert!(is_error(&reply), "{command}: {reply}");
    }
}

/// CVE-2022-31144, CVE-2022-35951.
#[test]
fn xautoclaim_of_deleted_entries_by_extreme_counts() {
    let mut session = session();
    all_said(
        &mut session,
        &[
            "XADD s 1 f v",
            "XADD s 2 f v",
            "XGROUP CREATE s g 0",
            "XREADGROUP GROUP g c STREAMS s >",
            "XDEL s 1 2",
        ],
    );
    for count in [LARGEST, SMALLEST, "0", "1152921504606846976"] {
        let reply = said(&mut session, &format!("XAUTOCLAIM s g d 0 0 COUNT {count}"));
        assert!(is_error(&reply), "{count}: {reply}");
    }
    let reply = said(&mut session, "XAUTOCLAIM s g d 0 0 COUNT 1");
    assert_eq!(reply, "[2-0, [], [1-0]]");
    let reply = said(&mut session, "XAUTOCLAIM s g d 0 0");
    assert_eq!(reply, "[0-0, [], [2-0]]");
}

/// CVE-2023-28425.
#[test]
fn msetnx_of_one_key_twice() {
    let mut session = session();
    assert_eq!(said(&mut session, "MSETNX k 1 k 2"), "1");
    assert_eq!(said(&mut session, "GET k"), "2");
}

/// CVE-2023-28856.
#[test]
fn hincrbyfloat_into_what_is_no_number() {
    let mut session = session();
    said(&mut session, "HSET h f x");
    for line in [
        "HINCRBYFLOAT h f 1",
        "HINCRBYFLOAT h g nan",
        "HINCRBYFLOAT new g inf",
    ] {
        assert!(is_error(&said(&mut session, line)), "{line}");
    }
    assert_eq!(said(&mut session, "HGETALL h"), "[f, x]");
    assert_eq!(said(&mut session, "EXISTS new"), "0");
}

/// CVE-2022-36021, CVE-2024-31228: matching takes no longer than pattern times text, whatever the
/// pattern, and no stack.
#[test]
fn patterns_of_many_stars() {
    let mut session = session();
    let key = "a".repeat(5000);
    let (stars, many) = ("a*".repeat(40) + "b", "*".repeat(20_000) + "b");
    session.execute(&["SET", &key, "v"]);
    session.execute(&["HSET", "h", &key, "v"]);
    for pattern in [stars, many, "[".repeat(20_000), "\\".repeat(20_000)] {
        assert_eq!(
            session
                .execute(&["KEYS", &pattern])
                .as_items()
                .map(<[_]>::len),
            Some(0)
        );
        session.execute(&["SCAN", "0", "MATCH", &pattern]);
        session.execute(&["HSCAN", "h", "0", "MATCH", &pattern]);
        session.execute(&["CONFIG", "GET", &pattern]);
        session.execute(&["PUBSUB", "CHANNELS", &pattern]);
        session.execute(&["COMMAND", "LIST", "FILTERBY", "PATTERN", &pattern]);
        session.execute(&["FUNCTION", "LIST", "LIBRARYNAME", &pattern]);
        session.execute(&[
            "ACL",
            "SETUSER",
            "u",
            &format!("~{pattern}"),
            &format!("&{pattern}"),
        ]);
        session.execute(&["ACL", "DRYRUN", "u", "GET", &key]);
        session.execute(&["PSUBSCRIBE", &pattern]);
        session.execute(&["PUBLISH", &key, "x"]);
        session.execute(&["PUNSUBSCRIBE"]);
    }
    assert_eq!(said(&mut session, "PING"), "PONG");
}

/// CVE-2023-36824.
#[test]
fn keys_of_commands_that_claim_more_than_they_have() {
    let mut session = session();
    for line in [
        format!("COMMAND GETKEYS EVAL x {LARGEST}"),
        "COMMAND GETKEYS EVAL x 2147483647 k".to_owned(),
        "COMMAND GETKEYS ZUNIONSTORE d 4294967297 a b".to_owned(),
        "COMMAND GETKEYS XREAD STREAMS".to_owned(),
        "COMMAND GETKEYS LMPOP -1 k LEFT".to_owned(),
        "COMMAND GETKEYS GET".to_owned(),
        "COMMAND GETKEYS NOSUCH k".to_owned(),
        "COMMAND GETKEYSANDFLAGS EVAL x 9 k".to_owned(),
    ] {
        let reply = said(&mut session, &line);
        assert!(is_error(&reply) || reply == "[]", "{line}: {reply}");
    }
    let migrate = "COMMAND GETKEYS MIGRATE host 1 k 0 1 AUTH2 KEYS KEYS";
    said(&mut session, migrate);
    assert_eq!(said(&mut session, "PING"), "PONG");
}

#[test]
fn values_that_would_pass_the_limit_of_a_string() {
    let mut session = session();
    said(&mut session, "CONFIG SET proto-max-bulk-len 1mb");
    assert_eq!(said(&mut session, "SETRANGE k 1048575 x"), "1048576");
    for (line, refusal) in [
        ("APPEND k x", "maximum allowed size"),
        ("SETRANGE k 1048576 x", "maximum allowed size"),
        (
            "SETBIT k 8388608 1",
            "bit offset is not an integer or out of range",
        ),
    ] {
        let reply = said(&mut session, line);
        assert!(reply.contains(refusal), "{line}: {reply}");
    }
    assert_eq!(said(&mut session, "STRLEN k"), "1048576");
}

//! What clients ask a server about itself before they do anything else.

mod said;

use duramen::{Engine, Protocol, Reply, RespSink, Session};
use said::{all_said, said};

fn session() -> Session {
    Engine::open_in_memory().session()
}

fn items(session: &mut Session, words: &[&str]) -> Vec<Reply> {
    session.execute(words).as_items().unwrap().to_vec()
}

#[test]
fn hello_switches_the_protocol() {
    let mut session = session();
    let Reply::Map(pairs) = session.execute(&["HELLO", "3"]) else {
        panic!("HELLO 3 is answered by a map");
    };
    let names: Vec<&[u8]> = pairs.iter().filter_map(|(key, _)| key.as_bytes()).collect();
    let expected: [&[u8]; 7] = [
        b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules",
    ];
    assert_eq!(names, expected);
    assert_eq!(session.protocol(), Protocol::Resp3);
    said(&mut session, "HSET h f v");
    assert_eq!(said(&mut session, "HGETALL h"), "{f: v}");
    assert_eq!(items(&mut session, &["HELLO", "2"]).len(), 14);
    assert_eq!(said(&mut session, "HGETALL h"), "[f, v]");
    let refusal = said(&mut session, "HELLO 4");
    assert_eq!(refusal, "(error) NOPROTO unsupported protocol version");
}

#[test]
fn settings_are_read_by_pattern_and_set_together_or_not_at_all() {
    let mut session = session();
    let answers = all_said(
        &mut session,
        &[
            "CONFIG SET hash-max-listpack-entries 7 list-max-listpack-size -1",
            "CONFIG GET hash-max-listpack-e*",
            "CONFIG SET hash-max-listpack-entries 9 no-such-thing 1",
            "CONFIG GET hash-max-listpack-entries",
            "CONFIG GET hash-max-ziplist-entries",
            "CONFIG GET no-such-thing",
        ],
    );
    assert_eq!(answers[0], "OK");
    assert_eq!(answers[1], "[hash-max-listpack-entries, 7]");
    assert!(answers[2].contains("no-such-thing"), "{}", answers[2]);
    assert_eq!(answers[3], "[hash-max-listpack-entries, 7]");
    assert_eq!(answers[4], "[hash-max-ziplist-entries, 7]");
    assert_eq!(answers[5], "[]");
}

#[test]
fn a_limit_counts_from_the_next_edit() {
    let mut session = session();
    said(&mut session, "HSET h a 1 b 2 c 3");
    assert_eq!(said(&mut session, "OBJECT ENCODING h"), "listpack");
    said(&mut session, "CONFIG SET hash-max-listpack-entries 2");
    assert_eq!(said(&mut session, "OBJECT ENCODING h"), "listpack");
    said(&mut session, "HSET h d 4");
    assert_eq!(said(&mut session, "OBJECT ENCODING h"), "hashtable");
}

#[test]
fn the_table_of_commands_describes_itself() {
    let mut session = session();
    let Reply::Integer(count) = session.execute(&["COMMAND", "COUNT"]) else {
        panic!("COMMAND COUNT is answered by a number");
    };
    assert_eq!(items(&mut session, &["COMMAND"]).len() as i64, count);
    let info = items(
        &mut session,
        &["COMMAND", "INFO", "get", "no-such", "config|get"],
    );
    let get = info[0].as_items().unwrap();
    assert_eq!(get.len(), 10);
    assert_eq!(get[0].as_bytes(), Some(&b"get"[..]));
    assert_eq!(get[1], Reply::Integer(2));
    assert_eq!(
        get[3..6],
        [Reply::Integer(1), Reply::Integer(1), Reply::Integer(1)]
    );
    assert_eq!(info[1], Reply::Nil);
    assert_eq!(
        info[2].as_items().unwrap()[0].as_bytes(),
        Some(&b"config|get"[..])
    );
}

#[test]
fn commands_are_documented_as_maps() {
    let mut session = session();
    said(&mut session, "HELLO 3");
    let reply = session.execute(&["COMMAND", "DOCS", "get", "config|get", "no-such"]);
    let Reply::Map(commands) = reply else {
        panic!("a map of commands: {reply:?}");
    };
    let names: Vec<_> = commands.iter().map(|(name, _)| name.as_bytes()).collect();
    assert_eq!(names, [Some(&b"get"[..]), Some(&b"config|get"[..])]);
    for (_, facts) in &commands {
        let Reply::Map(facts) = facts else {
            panic!("a map of facts: {facts:?}");
        };
        for wanted in ["summary", "since", "group", "complexity", "arguments"] {
            let is_there = facts
                .iter()
                .any(|(name, _)| name.as_bytes() == Some(wanted.as_bytes()));
            assert!(is_there, "{wanted} in {facts:?}");
        }
    }
}

#[test]
fn keys_are_found_in_commands() {
    let mut session = session();
    for (line, keys) in [
        ("MSET a 1 b 2", "[a, b]"),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "[d, a, b]"),
        ("XREAD COUNT 1 STREAMS a b 0 0", "[a, b]"),
        ("SORT a BY w_* STORE d", "[a, d]"),
        ("PING", "(error) ERR The command has no key arguments"),
        ("NOSUCH a", "(error) ERR Invalid command specified"),
        (
            "GET",
            "(error) ERR Invalid number of arguments specified for command",
        ),
    ] {
        assert_eq!(
            said(&mut session, &format!("COMMAND GETKEYS {line}")),
            keys,
            "{line}"
        );
    }
}

#[test]
fn info_is_lines_of_name_and_value_under_headings() {
    let mut session = session();
    all_said(&mut session, &["SET a 1", "SET b 1 EX 100"]);
    let info = said(&mut session, "INFO");
    let mut heading = "";
    for line in info.split("\r\n").filter(|line| !line.is_empty()) {
        match line.strip_prefix("# ") {
            Some(name) => heading = name,
            None => assert!(line.contains(':') && !heading.is_empty(), "{line}"),
        }
    }
    assert!(info.contains("\r\nredis_version:7.2.4\r\n"));
    assert!(info.contains("\r\ndb0:keys=2,expires=1,avg_ttl="), "{info}");
    let keyspace = said(&mut session, "INFO keyspace");
    assert!(keyspace.starts_with("# Keyspace\r\n"), "{keyspace}");
    assert!(!keyspace.contains("redis_version"));
}

#[test]
fn unknown_commands_and_wrong_counts_are_refused_in_redis_words() {
    let mut session = session();
    let answers = all_said(
        &mut session,
        &["NOSUCH a b", "GET", "CONFIG NOSUCH", "OBJECT ENCODING"],
    );
    assert_eq!(
        answers[0],
        "(error) ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "
    );
    assert_eq!(
        answers[1],
        "(error) ERR wrong number of arguments for 'get' command"
    );
    assert_eq!(
        answers[2],
        "(error) ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP."
    );
    assert_eq!(
        answers[3],
        "(error) ERR wrong number of arguments for 'object|encoding' command"
    );
}

#[test]
fn places_have_all_their_digits_in_both_protocols() {
    let engine = Engine::open_in_memory();
    let mut session = engine.session();
    session.execute(&["GEOADD", "g", "13.361389", "0", "m"]);
    for (protocol, text) in [
        (
            Protocol::Resp2,
            "*1\r\n*2\r\n$20\r\n13.36138933897018433\r\n$19\r\n0.00000126736058093\r\n",
        ),
        (
            Protocol::Resp3,
            "*1\r\n*2\r\n,13.36138933897018433\r\n,0.00000126736058093\r\n",
        ),
    ] {
        let mut out = Vec::new();
        let mut reply = RespSink::new(&mut out, protocol);
        session.execute_into(&[b"GEOPOS", b"g", b"m"], &mut reply);
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}

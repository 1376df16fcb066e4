//! Messages: what comes to a client that did not ask.

mod process;

use process::{Client, Server, bulk, ok};
use resp::Value;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

fn texts(words: &[&str]) -> Vec<Value> {
    words.iter().map(|word| bulk(word)).collect()
}

fn message(channel: &str, payload: &str) -> Option<Value> {
    Some(Value::Array(texts(&["message", channel, payload])))
}

fn subscribe<S: Read + Write>(client: &mut Client<S>, channel: &str) {
    let Value::Array(words) = client.say(&format!("SUBSCRIBE {channel}")) else {
        panic!("no confirmation");
    };
    assert_eq!(words[..2], texts(&["subscribe", channel]));
}

#[test]
fn messages_reach_clients_of_every_thread_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--io-threads", "4"]);
    let mut listeners: Vec<_> = (0..9).map(|_| server.connect()).collect();
    listeners
        .iter_mut()
        .for_each(|listener| subscribe(listener, "news"));
    let mut publisher = server.connect();
    for number in 0..300 {
        let reached = publisher.say(&format!("PUBLISH news {number}"));
        assert_eq!(reached, Value::Integer(9));
    }
    for listener in &mut listeners {
        for number in 0..300 {
            assert_eq!(listener.reply(), message("news", &number.to_string()));
        }
        assert_eq!(listener.say("PING"), Value::Array(texts(&["pong", ""])));
    }
}

#[test]
fn keys_that_expire_are_told_without_anybody_asking() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--notify-keyspace-events", "Ex"]);
    let (mut listener, mut writer) = (server.connect(), server.connect());
    subscribe(&mut listener, "__keyevent@0__:expired");
    assert_eq!(writer.say("SET k v PX 20"), ok());
    assert_eq!(listener.reply(), message("__keyevent@0__:expired", "k"));
}

#[test]
fn in_resp3_messages_stand_between_replies() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    client.say("HELLO 3");
    assert!(matches!(client.say("SUBSCRIBE a"), Value::Push(_)));
    // Its own message comes behind the reply of the command that sent it.
    assert_eq!(client.say("PUBLISH a hi"), Value::Integer(1));
    let pushed = Value::Push(texts(&["message", "a", "hi"]));
    assert_eq!(client.reply(), Some(pushed));
    assert_eq!(client.say("SET k v"), ok());
}

/// Waits until `PUBSUB NUMSUB` says so.
fn wait_for_listeners<S: Read + Write>(client: &mut Client<S>, channel: &str, count: i64) {
    let wanted = Value::Array(vec![bulk(channel), Value::Integer(count)]);
    let begin = Instant::now();
    while client.say(&format!("PUBSUB NUMSUB {channel}")) != wanted {
        assert!(begin.elapsed() < Duration::from_secs(30), "{wanted:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_that_hangs_up_listens_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let (mut listener, mut other) = (server.connect(), server.connect());
    subscribe(&mut listener, "a");
    wait_for_listeners(&mut other, "a", 1);
    drop(listener);
    wait_for_listeners(&mut other, "a", 0);
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let limit = ["--client-output-buffer-limit", "pubsub", "1mb", "0", "0"];
    let server = Server::start(dir.path(), &limit);
    let (mut deaf, mut listener) = (server.connect(), server.connect());
    let mut publisher = server.connect();
    subscribe(&mut deaf, "a");
    subscribe(&mut listener, "a");
    let payload = "x".repeat(100_000);
    // What the sockets hold is the system's business; beyond that, a megabyte.
    let mut reached = 2;
    for _ in 0..2000 {
        let reply = publisher.say(&format!("PUBLISH a {payload}"));
        assert_eq!(listener.reply(), message("a", &payload));
        if reply == Value::Integer(1) {
            reached = 1;
            break;
        }
    }
    assert_eq!(reached, 1, "the deaf client is still there");
    wait_for_listeners(&mut publisher, "a", 1);
    // It gets what was on its way, and then the end.
    while deaf.reply().is_some() {}
}

#[test]
fn a_listener_may_be_silent() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--timeout", "1"]);
    let (mut silent, mut listener) = (server.connect(), server.connect());
    subscribe(&mut listener, "a");
    assert_eq!(silent.reply(), None, "nobody else may");
    std::thread::sleep(Duration::from_millis(300));
    let mut publisher = server.connect();
    assert_eq!(publisher.say("PUBLISH a hi"), Value::Integer(1));
    assert_eq!(listener.reply(), message("a", "hi"));
}

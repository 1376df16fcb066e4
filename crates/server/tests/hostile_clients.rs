//! Clients that broke other servers, before and after they say who they are. The numbers are those of
//! the public advisories.

mod process;

use process::{Server, bulk, ok, request};
use resp::Value;
use std::{io::Write, time::Duration};

const PASSWORD: [&str; 2] = ["--requirepass", "secret"];

fn error_text(reply: Option<Value>) -> String {
    match reply {
        Some(Value::Error(text)) => String::from_utf8(text).unwrap(),
        other => panic!("no error: {other:?}"),
    }
}

/// CVE-2021-32675, CVE-2025-46686.
#[test]
fn a_stranger_may_not_send_much() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &PASSWORD);
    for (bytes, told) in [
        (b"*11\r\n".as_slice(), "unauthenticated multibulk length"),
        (b"*2147483647\r\n", "unauthenticated multibulk length"),
        (b"*1\r\n$16385\r\n", "unauthenticated bulk length"),
        (
            b"*2\r\n$4\r\nAUTH\r\n$536870912\r\n",
            "unauthenticated bulk length",
        ),
    ] {
        let mut stranger = server.connect();
        stranger.send(bytes);
        let error = error_text(stranger.reply());
        assert!(error.contains(told), "{error}");
        assert_eq!(stranger.reply(), None);
    }
    assert_eq!(server.connect().say("AUTH secret"), ok());
}

/// CVE-2025-21605: a stranger who does not read is not answered without end, and harms nobody.
#[test]
fn a_stranger_who_does_not_read_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &PASSWORD);
    let stranger = server.connect();
    let mut writer = stranger.stream.try_clone().unwrap();
    writer
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let batch = request(&[b"GET", b"k"]).repeat(4096);
    // The server stops reading as soon as its replies are not taken.
    let stopped = (0..2000).any(|_| writer.write_all(&batch).is_err());
    assert!(stopped, "the server read everything");
    let mut other = server.connect();
    assert_eq!(other.say("AUTH secret"), ok());
    assert_eq!(other.say("PING"), Value::Simple(b"PONG".to_vec()));
}

/// CVE-2025-48367.
#[test]
fn protocol_errors_starve_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut steady = server.connect();
    for round in 0..200 {
        let mut broken = server.connect();
        broken.send(b"*1\r\n!\r\n");
        assert_eq!(steady.say("INCR k"), Value::Integer(round + 1));
        assert!(error_text(broken.reply()).contains("Protocol error"));
        assert_eq!(broken.reply(), None);
    }
}

/// CVE-2026-27623.
#[test]
fn empty_requests_are_no_requests() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &PASSWORD);
    let mut client = server.connect();
    client.send(&b"*0\r\n*-1\r\n\r\n \r\n".repeat(500));
    assert_eq!(client.say("AUTH secret"), ok());
    client.send(&b"*0\r\n\r\n*-1\r\n".repeat(500));
    assert_eq!(client.say("ECHO x"), bulk("x"));
    client.send(b"*1\r\n$0\r\n\r\n");
    assert!(error_text(client.reply()).contains("unknown command"));
}

/// CVE-2025-67733.
#[test]
fn an_error_is_one_line_whatever_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    let smuggled = b"x\r\n$5\r\nhello\r\n\0+OK\r\n".as_slice();
    for argv in [
        &[smuggled][..],
        &[b"CONFIG", smuggled],
        &[b"CLIENT", b"KILL", b"TYPE", smuggled],
        &[b"FCALL", smuggled, b"0"],
        &[
            b"EVAL",
            b"return redis.error_reply(ARGV[1])",
            b"0",
            smuggled,
        ],
        &[b"EVAL", b"return {err=ARGV[1]}", b"0", smuggled],
        &[b"EVAL", b"error(ARGV[1])", b"0", smuggled],
        &[b"EVAL", b"return redis.call(ARGV[1])", b"0", smuggled],
        &[b"EVAL", b"return {ok=ARGV[1]}", b"0", smuggled],
        &[b"EVAL", smuggled, b"0"],
        &[b"ACL", b"SETUSER", b"u", smuggled],
        &[
            b"XREADGROUP",
            b"GROUP",
            smuggled,
            b"c",
            b"STREAMS",
            b"k",
            b">",
        ],
    ] {
        client.send(&request(argv));
        client.reply().expect("an answer");
        assert_eq!(client.say("ECHO next"), bulk("next"), "{argv:?}");
    }
}

#[test]
fn lines_end_with_both_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    for bytes in [
        b"*1\r\n$4\r\nPINGxx".as_slice(),
        b"*1\r\n$4\rxPING\r\n",
        b"*1\rx$4\r\nPING\r\n",
    ] {
        let mut client = server.connect();
        client.send(bytes);
        assert!(
            error_text(client.reply()).contains("Protocol error"),
            "{bytes:?}"
        );
        assert_eq!(client.reply(), None);
    }
}

/// CVE-2021-41099, CVE-2021-32761, CVE-2023-41056.
#[test]
fn lengths_that_overflow_cost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--proto-max-bulk-len", "9223372036854775807"]);
    for length in [
        "9223372036854775807",
        "9223372036854775806",
        "4294967296",
        "18446744073709551615",
        "-2",
    ] {
        let mut client = server.connect();
        client.send(format!("*2\r\n$4\r\nECHO\r\n${length}\r\nabc").as_bytes());
        drop(client);
        assert_eq!(server.connect().say("ECHO x"), bulk("x"), "{length}");
    }
}

fn is_waiting(list: Value) -> bool {
    match list {
        Value::Bulk(text) | Value::Verbatim { text, .. } => {
            String::from_utf8_lossy(&text).contains("cmd=blpop")
        }
        other => panic!("no list: {other:?}"),
    }
}

/// CVE-2026-23479.
#[test]
fn a_client_killed_while_it_waits() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut other = server.connect();
    for _ in 0..20 {
        let mut waits = server.connect();
        let Value::Integer(id) = waits.say("CLIENT ID") else {
            panic!("an id");
        };
        let behind = [
            request(&[b"BLPOP", b"l", b"0"]),
            request(&[b"INCR", b"behind"]),
        ]
        .concat();
        waits.send(&behind);
        while !is_waiting(other.say(&format!("CLIENT LIST ID {id}"))) {}
        assert_eq!(
            other.say(&format!("CLIENT KILL ID {id}")),
            Value::Integer(1)
        );
        assert_eq!(waits.reply(), None);
        assert_eq!(other.say("RPUSH l x"), Value::Integer(1));
        assert_eq!(other.say("LPOP l"), bulk("x"));
    }
    assert_eq!(other.say("EXISTS behind"), Value::Integer(0));
}

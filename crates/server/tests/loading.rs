//! A server that is asked while it reads its directory.

mod process;

use process::{Server, free_port, ok};
use resp::Value;
use std::path::Path;

/// A directory with a snapshot of 2,000 keys.
fn filled(dir: &Path) -> Vec<u8> {
    let server = Server::start(dir, &["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    assert_eq!(client.say("DEBUG POPULATE 2000"), ok());
    assert_eq!(client.say("SAVE"), ok());
    assert!(server.terminate().success());
    std::fs::read(dir.join("dump.rdb")).unwrap()
}

/// A server that takes its time.
fn slow(dir: &Path) -> Server {
    let port = free_port();
    let (dir, text) = (dir.to_str().unwrap(), port.to_string());
    let flags = ["--dir", dir, "--port", &text, "--key-load-delay", "10000"];
    let server = Server::spawn(&[&flags[..], &["--save", "1 1"]].concat(), port);
    server.wait_for("Server initialized");
    server
}

fn text(value: Value) -> String {
    match value {
        Value::Bulk(bytes) | Value::Error(bytes) => String::from_utf8(bytes).unwrap(),
        value => panic!("{value:?}"),
    }
}

#[test]
fn commands_on_keys_wait_for_the_last_of_them() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let server = slow(dir.path());
    let mut client = server.connect();
    assert!(text(client.say("GET key:1")).starts_with("LOADING "));
    let info = text(client.say("INFO persistence"));
    assert!(info.contains("\r\nloading:1\r\n"), "{info}");
    assert!(info.contains("\r\nloading_loaded_perc:"), "{info}");
    assert_eq!(client.say("CONFIG SET key-load-delay 0"), ok());
    server.wait_for("Ready to accept connections");
    assert_eq!(client.say("DBSIZE"), Value::Integer(2000));
    assert!(server.terminate().success());
}

#[test]
fn it_ends_at_once_and_leaves_the_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path());
    let server = slow(dir.path());
    server.connect().send(b"SHUTDOWN SAVE\r\n");
    assert!(server.join().success());
    let server = slow(dir.path());
    // Who answers listens to signals as well.
    assert!(text(server.connect().say("PING")).starts_with("LOADING "));
    assert!(server.terminate().success());
    let after = std::fs::read(dir.path().join("dump.rdb")).unwrap();
    assert_eq!(after, before);
}

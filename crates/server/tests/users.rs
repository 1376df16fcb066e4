//! Users over a socket: who is nobody may send little, and who is removed is hung up on.

mod process;

use process::{Server, bulk, ok};
use resp::Value;

#[test]
fn strangers_authenticate_first() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--requirepass", "secret"]);
    let mut client = server.connect();
    assert!(matches!(client.say("GET k"), Value::Error(line) if line.starts_with(b"NOAUTH")));
    assert!(matches!(client.say("AUTH x"), Value::Error(line) if line.starts_with(b"WRONGPASS")));
    assert_eq!(client.say("AUTH secret"), ok());
    let many: Vec<String> = (0..30).map(|n| format!("k{n} v")).collect();
    assert_eq!(client.say(&format!("MSET {}", many.join(" "))), ok());
}

#[test]
fn a_long_request_may_follow_the_password_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--requirepass", "secret"]);
    let mut client = server.connect();
    let keys = "$1\r\nk\r\n".repeat(30);
    let both = format!("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*31\r\n$3\r\nDEL\r\n{keys}");
    client.send(both.as_bytes());
    assert_eq!(client.reply(), Some(ok()));
    assert_eq!(client.reply(), Some(Value::Integer(0)));
    let mut stranger = server.connect();
    stranger.send(format!("*31\r\n$3\r\nDEL\r\n{keys}").as_bytes());
    let refused = b"ERR Protocol error: unauthenticated multibulk length";
    assert!(matches!(stranger.reply(), Some(Value::Error(line)) if line == refused));
    assert_eq!(stranger.reply(), None);
}

#[test]
fn who_is_removed_is_hung_up_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--user", "bob on nopass ~* &* +@all"]);
    let (mut owner, mut idle, mut listener) =
        (server.connect(), server.connect(), server.connect());
    for client in [&mut idle, &mut listener] {
        assert_eq!(client.say("AUTH bob x"), ok());
        assert_eq!(client.say("ACL WHOAMI"), bulk("bob"));
    }
    listener.say("SUBSCRIBE a");
    assert_eq!(owner.say("ACL SETUSER bob resetchannels"), ok());
    assert_eq!(listener.reply(), None);
    assert_eq!(idle.say("PING"), Value::Simple(b"PONG".to_vec()));
    assert_eq!(owner.say("ACL DELUSER bob"), Value::Integer(1));
    assert_eq!(idle.reply(), None);
}

#[test]
fn changes_are_told_to_clients_that_are_silent() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let (mut reader, mut writer) = (server.connect(), server.connect());
    reader.say("HELLO 3");
    assert_eq!(reader.say("CLIENT TRACKING ON"), ok());
    reader.say("GET k");
    assert_eq!(writer.say("SET k v"), ok());
    let pushed = Value::Push(vec![bulk("invalidate"), Value::Array(vec![bulk("k")])]);
    assert_eq!(reader.reply(), Some(pushed));
    // Of its own change it hears behind the reply.
    assert_eq!(reader.say("GET k"), bulk("v"));
    assert_eq!(reader.say("SET k w"), ok());
    let pushed = Value::Push(vec![bulk("invalidate"), Value::Array(vec![bulk("k")])]);
    assert_eq!(reader.reply(), Some(pushed));
}

//! What clients say to a server, and what comes back.

mod process;

use process::{Server, bulk, connect_unix, ok, request};
use resp::Value;
use std::time::Duration;

fn error_text(reply: Option<Value>) -> String {
    match reply {
        Some(Value::Error(text)) => String::from_utf8(text).unwrap(),
        other => panic!("no error: {other:?}"),
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    let mut batch = Vec::new();
    for i in 0..5000 {
        let number = i.to_string();
        batch.extend(request(&[b"SET", number.as_bytes(), number.as_bytes()]));
        batch.extend(request(&[b"GET", number.as_bytes()]));
    }
    let mut writer = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        use std::io::Write as _;
        writer.write_all(&batch).unwrap();
    });
    for i in 0..5000 {
        assert_eq!(client.reply(), Some(ok()));
        assert_eq!(client.reply(), Some(bulk(&i.to_string())));
    }
    sending.join().unwrap();
}

/// More than both sockets hold of requests and of replies: the client sends all before it reads.
#[test]
fn who_sends_everything_before_it_reads_is_not_waited_for() {
    const VALUE: usize = 1 << 20;
    const COUNT: usize = 64;
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    let value = vec![b'v'; VALUE];
    assert_eq!(client.call(&[b"SET", b"k", &value]), ok());
    let mut batch = request(&[b"GET", b"k"]).repeat(COUNT);
    batch.extend(request(&[b"SET", b"other", &value]).repeat(COUNT));
    let patience = Duration::from_secs(60);
    client.stream.set_write_timeout(Some(patience)).unwrap();
    client.send(&batch);
    for _ in 0..COUNT {
        assert!(matches!(client.reply(), Some(Value::Bulk(bytes)) if bytes.len() == VALUE));
    }
    for _ in 0..COUNT {
        assert_eq!(client.reply(), Some(ok()));
    }
}

#[test]
fn inline_requests_and_blank_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    client.send(b"\r\nSET k \"a b\"\r\n\r\nGET k\nPING\r\n*0\r\n");
    assert_eq!(client.reply(), Some(ok()));
    assert_eq!(client.reply(), Some(bulk("a b")));
    assert_eq!(client.reply(), Some(Value::Simple(b"PONG".to_vec())));
    client.send(b"GET \"k\r\n");
    let error = error_text(client.reply());
    assert_eq!(error, "ERR Protocol error: unbalanced quotes in request");
    assert_eq!(client.reply(), None);
}

#[test]
fn hello_changes_shapes_for_one_connection() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut three = server.connect();
    let mut two = server.connect();
    assert!(matches!(three.say("HELLO 3"), Value::Map(_)));
    three.say("HSET h f v");
    let field = (bulk("f"), bulk("v"));
    assert_eq!(three.say("HGETALL h"), Value::Map(vec![field]));
    let flat = Value::Array(vec![bulk("f"), bulk("v")]);
    assert_eq!(two.say("HGETALL h"), flat);
    assert!(matches!(two.say("HELLO 4"), Value::Error(_)));
    assert!(matches!(three.say("HELLO 2"), Value::Array(_)));
    assert_eq!(three.say("HGETALL h"), flat);
}

#[test]
fn quit_is_answered_and_ends_the_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    let mut bytes = request(&[b"QUIT"]);
    bytes.extend(request(&[b"SET", b"after", b"1"]));
    client.send(&bytes);
    assert_eq!(client.reply(), Some(ok()));
    assert_eq!(client.reply(), None);
    let mut other = server.connect();
    assert_eq!(other.say("EXISTS after"), Value::Integer(0));
}

#[test]
fn a_big_value_in_small_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    let value: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    for piece in request(&[b"SET", b"big", &value]).chunks(1777) {
        client.send(piece);
    }
    assert_eq!(client.reply(), Some(ok()));
    assert_eq!(client.call(&[b"GET", b"big"]), Value::Bulk(value));
    for byte in request(&[b"STRLEN", b"big"]) {
        client.send(&[byte]);
    }
    assert_eq!(client.reply(), Some(Value::Integer(3_000_000)));
}

#[test]
fn a_broken_protocol_is_told_and_ends_the_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--proto-max-bulk-len", "1mb"]);
    for (bytes, told) in [
        (
            b"*1\r\n$4\r\nPING\r\n*1\r\n!".as_slice(),
            "ERR Protocol error: expected '$', got '!'",
        ),
        (b"*x\r\n", "ERR Protocol error: invalid multibulk length"),
        (
            b"*2\r\n$3\r\nGET\r\n$2000000\r\n",
            "ERR Protocol error: invalid bulk length",
        ),
    ] {
        let mut client = server.connect();
        client.send(bytes);
        let mut reply = client.reply();
        if reply == Some(Value::Simple(b"PONG".to_vec())) {
            reply = client.reply();
        }
        assert_eq!(error_text(reply), told);
        assert_eq!(client.reply(), None);
    }
}

#[test]
fn a_unix_socket_beside_tcp() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s.sock");
    let path = socket.to_str().unwrap();
    let settings = ["--unixsocket", path, "--unixsocketperm", "700"];
    let server = Server::start(dir.path(), &settings);
    let mut unix = connect_unix(&socket);
    assert_eq!(unix.say("SET k v"), ok());
    assert_eq!(server.connect().say("GET k"), bulk("v"));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(server.terminate().success());
    assert!(!socket.exists());
}

#[test]
fn too_many_clients_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--maxclients", "2"]);
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.say("SET a 1"), ok());
    assert_eq!(second.say("SET b 1"), ok());
    let mut third = server.connect();
    let told = error_text(third.reply());
    assert_eq!(told, "ERR max number of clients reached");
    assert_eq!(third.reply(), None);
    drop((first, third));
    // The place is free once the server has noticed.
    let mut tries = 0;
    while !matches!(
        {
            let mut next = server.connect();
            next.send(&request(&[b"PING"]));
            next.reply()
        },
        Some(Value::Simple(_))
    ) {
        tries += 1;
        assert!(tries < 200, "no place became free");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn silent_clients_are_hung_up_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--timeout", "1"]);
    let mut client = server.connect();
    assert_eq!(client.say("SET a 1"), ok());
    assert_eq!(client.reply(), None);
}

#[test]
fn transactions_of_two_clients_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let (mut one, mut two) = (server.connect(), server.connect());
    assert_eq!(one.say("WATCH k"), ok());
    assert_eq!(one.say("MULTI"), ok());
    assert_eq!(one.say("SET k one"), Value::Simple(b"QUEUED".to_vec()));
    assert_eq!(two.say("SET k two"), ok());
    assert_eq!(one.say("EXEC"), Value::Null);
    assert_eq!(one.say("GET k"), bulk("two"));
}

#[test]
fn keys_expire_without_being_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    for i in 0..200 {
        client.say(&format!("SET k{i} v PX 20"));
    }
    let mut tries = 0;
    while client.say("DBSIZE") != Value::Integer(0) {
        tries += 1;
        assert!(tries < 500, "nothing deletes them");
        std::thread::sleep(Duration::from_millis(20));
    }
}

//! How a server starts and ends: flags, files, signals, what is on disk afterwards.
#![expect(clippy::disallowed_methods, reason = "tests lay out files")]

mod process;

use process::{Server, bulk, free_port, ok, request};
use resp::Value;
use std::io::Write as _;
use std::process::Command;

fn failure(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_duramen-server"))
        .args(args)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", "900 1"]);
    let mut client = server.connect();
    assert_eq!(client.say("SET k v"), ok());
    assert_eq!(client.say("RPUSH l a b"), Value::Integer(2));
    assert!(server.terminate().success());
    let server = Server::start(dir.path(), &[]);
    let mut client = server.connect();
    assert_eq!(client.say("GET k"), bulk("v"));
    assert_eq!(client.say("LLEN l"), Value::Integer(2));
}

/// Commands go on while a snapshot is written.
#[test]
fn a_snapshot_is_written_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", ""]);
    let mut client = server.connect();
    assert_eq!(client.say("SET k v"), ok());
    let started = Value::Simple("Background saving started".into());
    assert_eq!(client.say("BGSAVE"), started);
    server.wait_for("DB saved on disk: 1 keys");
    assert!(dir.path().join("dump.rdb").exists());
    assert!(server.terminate().success());
}

/// A save point is reached a second after the change, and no client has to ask.
#[test]
fn a_save_point_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", "1 1"]);
    assert_eq!(server.connect().say("SET k v"), ok());
    server.wait_for("DB saved on disk: 1 keys");
    assert!(dir.path().join("dump.rdb").exists());
    assert!(server.terminate().success());
}

#[test]
fn without_save_points_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", ""]);
    assert_eq!(server.connect().say("SET k v"), ok());
    assert!(server.terminate().success());
    assert!(!dir.path().join("dump.rdb").exists());
}

#[test]
fn a_configuration_file_and_flags_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let more = dir.path().join("more.conf");
    std::fs::write(&more, "dbfilename other.rdb\n").unwrap();
    let conf = dir.path().join("redis.conf");
    let text = format!(
        "# a comment\n\nport 1\ndir \"{}\"\nSAVE 900 1\nsave 300 10\ninclude {}\n",
        dir.path().display(),
        more.display()
    );
    std::fs::write(&conf, text).unwrap();
    let port_text = port.to_string();
    let args = [conf.to_str().unwrap(), "--port", &port_text];
    let server = Server::start_with(&args, port);
    let mut client = server.connect();
    let points = Value::Array(vec![bulk("save"), bulk("900 1 300 10")]);
    assert_eq!(client.say("CONFIG GET save"), points);
    assert_eq!(client.say("SET k v"), ok());
    assert!(server.terminate().success());
    assert!(dir.path().join("other.rdb").exists());
}

#[test]
fn what_is_unknown_or_wrong_is_named() {
    let error = failure(&["--port", "0", "--no-such-setting", "1"]);
    assert!(error.contains("no-such-setting"), "{error}");
    assert!(failure(&["--port", "many"]).contains("port \"many\""));
    assert!(failure(&["/no/such/redis.conf"]).contains("/no/such/redis.conf"));
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("redis.conf");
    std::fs::write(&conf, "port 0\nbogus yes\n").unwrap();
    let error = failure(&[conf.to_str().unwrap()]);
    assert!(
        error.contains("line 2") && error.contains("bogus"),
        "{error}"
    );
}

#[test]
fn a_second_server_is_told_who_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Server::start(dir.path(), &[]);
    let port = free_port().to_string();
    let error = failure(&["--dir", dir.path().to_str().unwrap(), "--port", &port]);
    assert!(error.contains("duramen"), "{error}");
}

#[test]
fn a_port_that_is_taken_is_named_before_anything_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = failure(&["--dir", dir.path().to_str().unwrap(), "--port", &port]);
    assert!(error.contains(&port), "{error}");
}

#[test]
fn a_file_in_place_of_the_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let precious = dir.path().join("precious");
    std::fs::write(&precious, "data").unwrap();
    let path = precious.to_str().unwrap();
    failure(&[
        "--port",
        "0",
        "--dir",
        dir.path().to_str().unwrap(),
        "--unixsocket",
        path,
    ]);
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "data");
}

#[test]
fn neither_a_flood_nor_a_deaf_peer_holds_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", "900 1"]);
    let mut client = server.connect();
    let value = vec![b'x'; 1 << 20];
    assert_eq!(client.call(&[b"SET", b"big", &value]), ok());
    // Asks for far more than the sockets hold, and never reads it.
    let mut deaf = server.connect();
    deaf.send(&request(&[b"GET", b"big"]).repeat(64));
    let mut flood = server.connect().stream;
    std::thread::spawn(move || {
        let batch = request(&[b"SET", b"k", b"v"]).repeat(100);
        while flood.write_all(&batch).is_ok() {}
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(server.terminate().success());
    assert!(dir.path().join("dump.rdb").exists());
}

#[test]
fn version_and_usage() {
    let say = |flag| {
        let output = Command::new(env!("CARGO_BIN_EXE_duramen-server"))
            .arg(flag)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert!(say("--version").starts_with("Duramen server v="));
    assert!(say("--help").starts_with("Usage: duramen-server"));
}

#[test]
fn settings_that_change_are_kept_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (port, other) = (free_port(), free_port());
    let conf = dir.path().join("redis.conf");
    let text = format!(
        "# mine\nport {port}\ndir {}\nsave \"\"\n",
        dir.path().display()
    );
    std::fs::write(&conf, text).unwrap();
    let server = Server::start_with(&[conf.to_str().unwrap()], port);
    let mut client = server.connect();
    assert_eq!(
        client.say(&format!("CONFIG SET port {other} timeout 100")),
        ok()
    );
    assert_eq!(client.say("CONFIG REWRITE"), ok());
    assert!(server.terminate().success());
    let text = std::fs::read_to_string(&conf).unwrap();
    assert!(
        text.starts_with(&format!("# mine\nport {other}\n")),
        "{text}"
    );
    let server = Server::start_with(&[conf.to_str().unwrap()], other);
    let timeout = Value::Array(vec![bulk("timeout"), bulk("100")]);
    assert_eq!(server.connect().say("CONFIG GET timeout"), timeout);
    assert!(server.terminate().success());
}

#[test]
fn a_port_that_is_taken_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = Server::start(dir.path(), &["--save", ""]);
    let mut client = server.connect();
    let refused = client.say(&format!("CONFIG SET timeout 7 port {port}"));
    assert!(
        matches!(&refused, Value::Error(line) if line.ends_with(b"'port') - Unable to listen on this port. Check server logs.")),
        "{refused:?}"
    );
    let timeout = Value::Array(vec![bulk("timeout"), bulk("0")]);
    assert_eq!(server.connect().say("CONFIG GET timeout"), timeout);
    assert_eq!(client.say("CONFIG SET bind 127.0.0.1"), ok());
    assert_eq!(
        server.connect().say("PING"),
        Value::Simple(b"PONG".to_vec())
    );
}

#[test]
fn the_log_and_the_process_have_their_files() {
    let dir = tempfile::tempdir().unwrap();
    let (log, pid) = (dir.path().join("log"), dir.path().join("pid"));
    let port = free_port();
    let args = [
        ("--dir", dir.path().to_str().unwrap()),
        ("--port", &port.to_string()),
        ("--logfile", log.to_str().unwrap()),
        ("--pidfile", pid.to_str().unwrap()),
    ];
    let args = args.map(|(name, value)| [name.to_owned(), value.to_owned()]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_duramen-server"))
        .args(args.concat())
        .spawn()
        .unwrap();
    let started =
        || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("Ready to accept"));
    for _ in 0..3000 {
        if started() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(started());
    let written = std::fs::read_to_string(&pid).unwrap();
    assert_eq!(written.trim(), child.id().to_string());
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!pid.exists());
}

/// Who saw the connection end that asked for it finds no server any more.
#[test]
fn nobody_connects_after_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", ""]);
    let mut client = server.connect();
    client.send(&request(&[b"SHUTDOWN"]));
    assert_eq!(client.reply(), None);
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_err());
}

/// Ending without the last save would lose what was acknowledged.
#[test]
fn a_signal_ends_no_server_that_cannot_save() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--save", "900 1"]);
    let mut client = server.connect();
    assert_eq!(client.say("SET k v"), ok());
    std::fs::create_dir_all(dir.path().join("dump.rdb/in")).unwrap();
    server.signal(rustix::process::Signal::TERM);
    server.wait_for("Error trying to save the DB, can't exit.");
    assert_eq!(client.say("GET k"), bulk("v"));
    std::fs::remove_dir_all(dir.path().join("dump.rdb")).unwrap();
    assert!(server.terminate().success());
}

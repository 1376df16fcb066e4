//! What clients see of each other, and how they end each other or hold each other back.

use duramen::storage;
use duramen::{Buffers, Engine, ManualClock, Peer, Reply, RespSink, Session, UnixMillis};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

fn run(session: &mut Session, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    session.execute(&words)
}

fn text(reply: Reply) -> String {
    String::from_utf8_lossy(reply.as_bytes().unwrap()).into_owned()
}

fn error(reply: Reply) -> String {
    match reply {
        Reply::Error(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Begins a command that a front-end would wait for; whether it has to.
fn begin(session: &mut Session, line: &str, replies: &mut Vec<u8>) -> bool {
    let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let mut sink = RespSink::new(replies, session.protocol());
    session.execute_into(&argv, &mut sink);
    session.is_blocked()
}

fn go_on(session: &mut Session, replies: &mut Vec<u8>) -> bool {
    let mut sink = RespSink::new(replies, session.protocol());
    session.try_unblocked(&mut sink)
}

fn is_expelled(session: &Session) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    session.poll_expelled(&mut cx) == Poll::Ready(())
}

fn engine_at(clock: &ManualClock) -> Engine {
    let builder = Engine::builder("/data").storage(storage::Memory::new());
    builder.clock(clock.clone()).open().unwrap()
}

fn at(address: &str, engine: &Engine) -> Session {
    let mut session = engine.session();
    session.introduce(Peer {
        address: address.to_owned(),
        local_address: "127.0.0.1:6379".to_owned(),
        descriptor: 9,
        is_unix: false,
    });
    session
}

#[test]
fn a_line_tells_what_a_session_is_and_does() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = engine_at(&clock);
    let mut other = at("127.0.0.1:50000", &engine);
    run(&mut other, "CLIENT SETNAME worker");
    run(&mut other, "SELECT 3");
    run(&mut other, "SUBSCRIBE news");
    other.note_buffers(Buffers {
        input: 5,
        input_free: 11,
        output: 7,
    });
    other.report();
    clock.advance(90000);
    let mut session = engine.session();
    let list = text(run(&mut session, "CLIENT LIST"));
    let line = list.lines().next().unwrap();
    assert!(
        line.starts_with(
            "id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=9 name=worker age=90 idle=90 \
             flags=P db=3 sub=1 psub=0 ssub=0 multi=-1 qbuf=5 qbuf-free=11 argv-mem=0 \
             multi-mem=0 rbs=7 "
        ),
        "{line}"
    );
    assert!(
        line.contains(" cmd=subscribe user=default redir=-1 resp=2"),
        "{line}"
    );
    let own = list.lines().nth(1).unwrap();
    assert!(
        own.contains(" argv-mem=10 ") && own.contains(" cmd=client|list "),
        "{own}"
    );
}

#[test]
fn whom_a_filter_means_is_ended() {
    let engine = Engine::open_in_memory();
    let (mut first, second) = (at("127.0.0.1:1", &engine), at("127.0.0.1:2", &engine));
    let mut admin = at("127.0.0.1:3", &engine);
    assert_eq!(
        error(run(&mut admin, "CLIENT KILL 127.0.0.1:9")),
        "ERR No such client"
    );
    assert_eq!(
        run(&mut admin, "CLIENT KILL 127.0.0.1:1"),
        Reply::Status("OK".into())
    );
    assert!(is_expelled(&first) && !is_expelled(&second));
    assert_eq!(
        error(run(&mut first, "PING")),
        "ERR the session was ended by CLIENT KILL"
    );
    // Who ends is no longer listed, nor ended again.
    assert_eq!(text(run(&mut admin, "CLIENT LIST")).lines().count(), 2);
    assert_eq!(
        run(&mut admin, "CLIENT KILL LADDR 127.0.0.1:6379"),
        Reply::Integer(1)
    );
    assert!(is_expelled(&second) && !is_expelled(&admin));
    assert_eq!(
        run(&mut admin, "CLIENT KILL TYPE normal SKIPME no"),
        Reply::Integer(1)
    );
    // The reply of who ends itself is sent first.
    assert!(admin.wants_to_quit() && !is_expelled(&admin));
}

#[test]
fn faults_of_requests_are_told() {
    let mut session = Engine::open_in_memory().session();
    for (line, refusal) in [
        ("CLIENT LIST ID", "ERR syntax error"),
        ("CLIENT LIST ID x", "ERR Invalid client ID"),
        ("CLIENT LIST TYPE x", "ERR Unknown client type 'x'"),
        (
            "CLIENT KILL TYPE x SKIPME no",
            "ERR Unknown client type 'x'",
        ),
        ("CLIENT KILL USER nobody", "ERR No such user 'nobody'"),
        ("CLIENT KILL ID 0", "ERR client-id should be greater than 0"),
        ("CLIENT KILL ID 1 SKIPME", "ERR syntax error"),
        (
            "CLIENT PAUSE x",
            "ERR timeout is not an integer or out of range",
        ),
        ("CLIENT PAUSE -1", "ERR timeout is negative"),
        (
            "CLIENT PAUSE 1 x",
            "ERR CLIENT PAUSE mode must be WRITE or ALL",
        ),
        ("WAIT 1 -1", "ERR timeout is negative"),
        (
            "WAITAOF 1 0 0",
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ),
        ("SHUTDOWN ABORT", "ERR No shutdown in progress."),
        ("SHUTDOWN SAVE NOSAVE", "ERR syntax error"),
    ] {
        assert_eq!(error(run(&mut session, line)), refusal, "{line}");
    }
}

#[test]
fn a_pause_holds_writes_back_and_reads_not() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = engine_at(&clock);
    let (mut admin, mut writer) = (engine.session(), engine.session());
    run(&mut admin, "SET short 1 PX 50");
    run(&mut admin, "CLIENT PAUSE 1000 WRITE");
    let mut replies = Vec::new();
    assert!(!begin(&mut writer, "GET k", &mut replies));
    assert!(begin(&mut writer, "SET k 1", &mut replies));
    assert_eq!(writer.blocked_for(), Some(Duration::from_millis(1000)));
    clock.advance(999);
    assert!(!go_on(&mut writer, &mut replies));
    // What has expired is gone for readers, and deleted later.
    assert_eq!(run(&mut admin, "GET short"), Reply::Nil);
    assert_eq!(run(&mut admin, "DBSIZE"), Reply::Integer(1));
    clock.advance(1);
    assert!(go_on(&mut writer, &mut replies));
    assert_eq!(replies, b"$-1\r\n+OK\r\n");
    assert_eq!(text(run(&mut admin, "GET k")), "1");
    engine.tick();
    assert_eq!(run(&mut admin, "DBSIZE"), Reply::Integer(1));
}

#[test]
fn a_transaction_is_held_back_as_a_whole() {
    let engine = Engine::open_in_memory();
    let (mut admin, mut writer) = (engine.session(), engine.session());
    let mut replies = Vec::new();
    begin(&mut writer, "MULTI", &mut replies);
    begin(&mut writer, "INCR k", &mut replies);
    run(&mut admin, "CLIENT PAUSE 100000 WRITE");
    assert!(begin(&mut writer, "EXEC", &mut replies));
    let info = text(run(&mut admin, "INFO clients"));
    assert!(info.contains("blocked_clients:1\r"), "{info}");
    run(&mut admin, "CLIENT UNPAUSE");
    assert!(go_on(&mut writer, &mut replies));
    assert_eq!(replies, b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
}

#[test]
fn who_waits_on_a_thread_goes_on_when_the_pause_ends() {
    let engine = Engine::open_in_memory();
    let mut admin = engine.session();
    run(&mut admin, "CLIENT PAUSE 100000 WRITE");
    let mut writer = engine.session();
    let written = thread::spawn(move || run(&mut writer, "SET k 1"));
    while !text(run(&mut admin, "INFO clients")).contains("blocked_clients:1\r") {
        thread::yield_now();
    }
    run(&mut admin, "CLIENT UNPAUSE");
    assert_eq!(written.join().unwrap(), Reply::Status("OK".into()));
}

#[test]
fn who_waits_can_be_ended() {
    let engine = Engine::open_in_memory();
    let (mut admin, mut waiter) = (engine.session(), engine.session());
    let id = waiter.id();
    let waited = thread::spawn(move || run(&mut waiter, "BLPOP q 0"));
    while !text(run(&mut admin, "CLIENT LIST")).contains("flags=b ") {
        thread::yield_now();
    }
    run(&mut admin, &format!("CLIENT KILL ID {id}"));
    assert!(error(waited.join().unwrap()).contains("CLIENT KILL"));
    let info = text(run(&mut admin, "INFO clients"));
    assert!(info.contains("blocked_clients:0\r"), "{info}");
}

#[test]
fn waiting_for_replicas_ends_with_the_time() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = engine_at(&clock);
    let (mut session, mut replies) = (engine.session(), Vec::new());
    assert_eq!(run(&mut session, "WAIT 0 0"), Reply::Integer(0));
    assert!(begin(&mut session, "WAIT 1 100", &mut replies));
    assert!(!go_on(&mut session, &mut replies));
    clock.advance(100);
    assert!(go_on(&mut session, &mut replies));
    assert_eq!(replies, b":0\r\n");
    run(&mut session, "MULTI");
    run(&mut session, "WAIT 1 0");
    assert_eq!(
        run(&mut session, "EXEC"),
        Reply::Array(vec![Reply::Integer(0)])
    );
}

#[test]
fn the_file_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::builder(dir.path())
        .config("appendonly", "yes")
        .unwrap()
        .config("appendfsync", "always")
        .unwrap()
        .open()
        .unwrap();
    let mut session = engine.session();
    run(&mut session, "SET k 1");
    assert_eq!(
        run(&mut session, "WAITAOF 1 0 0"),
        Reply::Array(vec![Reply::Integer(1), Reply::Integer(0)])
    );
}

#[test]
fn reads_without_a_touch_leave_the_key_idle() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = engine_at(&clock);
    let mut session = engine.session();
    run(&mut session, "SET k 1");
    clock.advance(100000);
    run(&mut session, "CLIENT NO-TOUCH ON");
    run(&mut session, "GET k");
    assert_eq!(run(&mut session, "OBJECT IDLETIME k"), Reply::Integer(100));
    run(&mut session, "TOUCH k");
    assert_eq!(run(&mut session, "OBJECT IDLETIME k"), Reply::Integer(0));
}

//! How the program that serves an engine is asked to end, and what keeps it going.
#![expect(clippy::disallowed_methods, reason = "tests lay out files")]

use duramen::{Engine, ManualClock, Reply, RespSink, Session, Shutdown, UnixMillis};
use std::path::Path;
use std::task::{Context, Poll, Waker};

fn open(dir: &Path, clock: &ManualClock) -> Engine {
    let builder = Engine::builder(dir).clock(clock.clone());
    let timeout = duramen::Directive::new(
        "shutdown-timeout",
        duramen::DirectiveKind::Number(0, i64::MAX),
        "10",
    );
    builder.directives(&[timeout]).open().unwrap()
}

fn clock() -> ManualClock {
    ManualClock::new(UnixMillis(1_700_000_000_000))
}

fn run(session: &mut Session, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    session.execute(&words)
}

fn error(reply: Reply) -> String {
    match reply {
        Reply::Error(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Begins a command that waits, and gives what it has replied so far.
fn begin(session: &mut Session, line: &str) -> Vec<u8> {
    let mut replies = Vec::new();
    let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let mut sink = RespSink::new(&mut replies, session.protocol());
    session.execute_into(&argv, &mut sink);
    replies
}

/// What the command that waited replies, if it waits no longer.
fn go_on(session: &mut Session) -> Option<String> {
    let mut replies = Vec::new();
    let mut sink = RespSink::new(&mut replies, session.protocol());
    let is_over = session.try_unblocked(&mut sink);
    is_over.then(|| String::from_utf8(replies).unwrap())
}

fn poll(engine: &Engine) -> Poll<()> {
    engine.poll_shutdown(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn shutdown_asks_whoever_serves() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), &clock());
    let mut session = engine.session();
    run(&mut session, "SET k 1");
    assert!(error(run(&mut session, "SHUTDOWN")).starts_with("ERR SHUTDOWN is for servers"));
    assert!(poll(&engine).is_pending());
    assert!(begin(&mut session, "SHUTDOWN NOSAVE").is_empty() && session.is_blocked());
    assert!(poll(&engine).is_ready());
    assert!(!engine.awaits_replicas());
    assert!(engine.end().unwrap());
    drop(session);
    engine.close().unwrap();
    let mut session = Engine::open(dir.path()).unwrap().session();
    assert_eq!(run(&mut session, "DBSIZE"), Reply::Integer(0));
}

/// A program that ended without its last save would lose what it acknowledged.
#[test]
fn a_save_that_fails_keeps_the_program_going() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), &clock());
    let (mut session, mut other) = (engine.session(), engine.session());
    run(&mut session, "SET k 1");
    assert!(poll(&engine).is_pending());
    // No file can take the place of a folder.
    std::fs::create_dir(dir.path().join("dump.rdb")).unwrap();
    std::fs::write(dir.path().join("dump.rdb/in"), "the way").unwrap();
    begin(&mut session, "SHUTDOWN SAVE");
    assert!(poll(&engine).is_ready());
    assert_eq!(go_on(&mut session), None);
    engine.end().unwrap_err();
    let told = go_on(&mut session).unwrap();
    assert_eq!(told, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert!(poll(&engine).is_pending());
    assert_eq!(run(&mut other, "SET k 2"), Reply::Status("OK".into()));
    engine.shut_down(Shutdown {
        force: true,
        ..Shutdown::default()
    });
    assert!(engine.end().unwrap());
    let last = run(&mut other, "INFO server");
    let last = String::from_utf8_lossy(last.as_bytes().unwrap()).into_owned();
    assert!(last.contains("shutdown_in_milliseconds:10000"), "{last}");
}

#[test]
fn what_was_asked_can_be_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), &clock());
    let (mut session, mut other) = (engine.session(), engine.session());
    assert!(poll(&engine).is_pending());
    let none = error(run(&mut other, "SHUTDOWN ABORT"));
    assert_eq!(none, "ERR No shutdown in progress.");
    assert_eq!(
        error(run(&mut other, "SHUTDOWN ABORT NOW")),
        "ERR syntax error"
    );
    begin(&mut session, "SHUTDOWN");
    assert!(!begin(&mut other, "SET k 1").starts_with(b"+OK"));
    assert_eq!(
        run(&mut engine.session(), "SHUTDOWN ABORT"),
        Reply::Status("OK".into())
    );
    assert!(!engine.end().unwrap());
    assert_eq!(go_on(&mut other).unwrap(), "+OK\r\n");
    let told = go_on(&mut session).unwrap();
    assert_eq!(told, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
}

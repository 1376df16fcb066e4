//! Users, and what they may do: sessions of strangers against rules.

use duramen::{Engine, Reply, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

fn stranger(engine: &Engine) -> Session {
    let mut session = engine.session();
    session.distrust();
    session
}

fn run(session: &mut Session, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    text(&session.execute(&words))
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Error(error) => error.to_string(),
        Reply::Status(line) => line.clone(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Integer(number) => number.to_string(),
        Reply::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    }
}

/// An engine with users, each made by a line of rules.
fn engine(users: &[&str]) -> Engine {
    let engine = Engine::open_in_memory();
    let mut session = engine.session();
    for user in users {
        assert_eq!(run(&mut session, &format!("ACL SETUSER {user}")), "OK");
    }
    engine
}

/// A session of that user, who needs no password.
fn session_of(engine: &Engine, user: &str) -> Session {
    let mut session = stranger(engine);
    assert_eq!(run(&mut session, &format!("AUTH {user} x")), "OK");
    session
}

#[test]
fn a_password_is_asked_of_strangers_only() {
    let engine = Engine::open_in_memory();
    engine.set_config("requirepass", "secret").unwrap();
    let mut own = engine.session();
    assert_eq!(run(&mut own, "SET k v"), "OK");
    let mut session = stranger(&engine);
    assert!(!session.is_authenticated());
    assert_eq!(
        run(&mut session, "GET k"),
        "NOAUTH Authentication required."
    );
    assert_eq!(
        run(&mut session, "AUTH wrong"),
        "WRONGPASS invalid username-password pair or user is disabled."
    );
    assert!(run(&mut session, "HELLO 3").starts_with("NOAUTH HELLO"));
    assert_eq!(run(&mut session, "AUTH secret"), "OK");
    assert!(session.is_authenticated());
    assert_eq!(run(&mut session, "GET k"), "v");
    assert_eq!(run(&mut session, "RESET"), "RESET");
    assert_eq!(
        run(&mut session, "GET k"),
        "NOAUTH Authentication required."
    );
}

#[test]
fn rules_hold_from_the_next_command_on() {
    let engine = engine(&["bob on nopass ~k* +get"]);
    let mut own = engine.session();
    let mut bob = session_of(&engine, "bob");
    assert_eq!(run(&mut bob, "GET key"), "Nil");
    assert_eq!(
        run(&mut bob, "GET other"),
        "NOPERM No permissions to access a key"
    );
    assert_eq!(
        run(&mut bob, "SET key v"),
        "NOPERM User bob has no permissions to run the 'set' command"
    );
    run(&mut own, "ACL SETUSER bob +set");
    assert_eq!(run(&mut bob, "SET key v"), "OK");
    run(&mut own, "CONFIG SET compat-version 7.0");
    assert_eq!(
        run(&mut bob, "DEL key"),
        "NOPERM this user has no permissions to run the 'del' command"
    );
}

#[test]
fn exec_looks_again() {
    let engine = engine(&["bob on nopass ~* +@all"]);
    let mut own = engine.session();
    let mut bob = session_of(&engine, "bob");
    run(&mut bob, "MULTI");
    assert_eq!(run(&mut bob, "SET k v"), "QUEUED");
    assert_eq!(run(&mut bob, "INCR n"), "QUEUED");
    run(&mut own, "ACL SETUSER bob -set");
    let reply = run(&mut bob, "EXEC");
    assert!(reply.starts_with("NOPERM ACLs rules changed"), "{reply}");
    assert!(reply.ends_with(" 1"), "{reply}");
    assert_eq!(run(&mut own, "EXISTS k"), "0");
}

#[test]
fn a_refusal_in_a_transaction_aborts_it() {
    let engine = engine(&["bob on nopass ~* +@all -set"]);
    let mut bob = session_of(&engine, "bob");
    run(&mut bob, "MULTI");
    assert!(run(&mut bob, "SET k v").starts_with("NOPERM"));
    assert!(run(&mut bob, "EXEC").starts_with("EXECABORT"));
    let log = run(&mut engine.session(), "ACL LOG");
    assert!(
        log.contains("context multi object set username bob"),
        "{log}"
    );
}

#[test]
fn sort_may_not_look_at_other_keys() {
    let engine = engine(&[
        "bob on nopass %R~list +sort +sort_ro",
        "eve on nopass %R~* +sort",
    ]);
    let mut bob = session_of(&engine, "bob");
    run(&mut engine.session(), "RPUSH list 1 2");
    let refused = "ERR BY option of SORT denied due to insufficient ACL permissions.";
    assert_eq!(run(&mut bob, "SORT list BY w_*"), refused);
    assert_eq!(run(&mut bob, "SORT_RO list BY w_*"), refused);
    let refused = "ERR GET option of SORT denied due to insufficient ACL permissions.";
    assert_eq!(run(&mut bob, "SORT list BY nosort GET w_*"), refused);
    assert_eq!(run(&mut bob, "SORT list BY nosort"), "1 2");
    let mut eve = session_of(&engine, "eve");
    assert_eq!(run(&mut eve, "SORT list BY w_* GET #"), "1 2");
}

#[test]
fn channels_take_a_right_of_their_own() {
    let engine = engine(&["bob on nopass &news.* +@all"]);
    let mut bob = session_of(&engine, "bob");
    assert_eq!(run(&mut bob, "PUBLISH news.a x"), "0");
    let refused = "NOPERM No permissions to access a channel";
    for line in [
        "PUBLISH other x",
        "SPUBLISH other x",
        "SUBSCRIBE news.a other",
        "PSUBSCRIBE *",
    ] {
        assert_eq!(run(&mut bob, line), refused, "{line}");
    }
    assert!(!bob.is_subscribed());
    run(&mut bob, "PSUBSCRIBE news.*");
    assert!(bob.is_subscribed());
}

/// Counts how often it is woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn who_waits_learns_that_its_user_is_gone() {
    let engine = engine(&["bob on nopass allchannels +@all"]);
    let mut own = engine.session();
    let (bob, mut listener) = (session_of(&engine, "bob"), session_of(&engine, "bob"));
    run(&mut listener, "SUBSCRIBE a");
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(alarm.clone());
    let mut cx = Context::from_waker(&waker);
    assert_eq!(bob.poll_expelled(&mut cx), Poll::Pending);
    run(&mut own, "ACL SETUSER bob resetchannels &b");
    assert_eq!(alarm.0.load(Ordering::SeqCst), 1);
    assert_eq!(bob.poll_expelled(&mut cx), Poll::Pending);
    assert!(listener.is_expelled(), "it listens to what it may not");
    run(&mut own, "ACL DELUSER bob");
    assert_eq!(alarm.0.load(Ordering::SeqCst), 2);
    assert_eq!(bob.poll_expelled(&mut cx), Poll::Ready(()));
    run(&mut own, "ACL SETUSER bob on nopass allchannels +@all");
    assert!(bob.is_expelled(), "another user of that name");
}

#[test]
fn scripts_are_told_in_their_own_words() {
    let engine = engine(&["bob on nopass ~* +@all -get"]);
    let mut bob = session_of(&engine, "bob");
    let refused = bob.authorize_in_script(&[b"GET", b"k"]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "NOPERM ACL failure in script: User bob has no permissions to run the 'get' command"
    );
    assert_eq!(bob.authorize_in_script(&[b"SET", b"k", b"v"]), Ok(()));
    assert_eq!(bob.may_run(&[b"GET", b"k"]), Ok(false));
    assert!(bob.may_run(&[b"NOSUCH"]).is_err());
    let log = run(&mut engine.session(), "ACL LOG");
    assert!(log.contains("count 1 reason command context lua"), "{log}");
}

#[test]
fn users_come_from_a_file_and_go_back_to_it() {
    let storage = duramen::storage::Memory::new();
    let open = || {
        duramen::Engine::builder("/data")
            .storage(storage.clone())
            .config("aclfile", "users.acl")
    };
    let missing = open().unwrap().open().unwrap_err().to_string();
    assert!(missing.contains("users.acl"), "{missing}");
    let write = |text: &[u8]| {
        let path = std::path::Path::new("/data/users.acl");
        duramen::storage::replace(&storage, path, &mut None, |file| file.write_all(text))
    };
    write(b"user bob on nopass +get ~*\n").unwrap();
    let engine = open().unwrap().open().unwrap();
    let mut own = engine.session();
    assert_eq!(run(&mut own, "ACL USERS"), "bob default");
    run(&mut own, "ACL SETUSER carl on");
    assert_eq!(run(&mut own, "ACL SAVE"), "OK");
    run(&mut own, "ACL DELUSER carl");
    assert_eq!(run(&mut own, "ACL LOAD"), "OK");
    assert_eq!(run(&mut own, "ACL USERS"), "bob carl default");
    write(b"user bob +nosuch\n").unwrap();
    let refused = run(&mut own, "ACL LOAD");
    assert!(
        refused.starts_with("ERR users.acl:1: Error in applying"),
        "{refused}"
    );
    assert_eq!(run(&mut own, "ACL USERS"), "bob carl default");
}

#[test]
fn users_of_the_configuration_are_there_from_the_start() {
    let build = |lines: &[&str]| {
        let builder = Engine::builder("/data").storage(duramen::storage::Memory::new());
        lines
            .iter()
            .fold(builder, |builder, line| builder.user(line))
            .open()
            .map_err(|error| error.to_string())
    };
    let engine = build(&["bob on nopass ~* +get", "default off"]).unwrap();
    assert!(run(&mut stranger(&engine), "GET k").starts_with("NOAUTH"));
    assert_eq!(run(&mut session_of(&engine, "bob"), "GET k"), "Nil");
    let twice = build(&["bob on", "bob off"]).unwrap_err();
    assert!(twice.contains("Duplicate user 'bob'"), "{twice}");
    assert!(build(&["bob +nosuch"]).is_err());
}

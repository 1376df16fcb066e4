//! An engine that is asked before its directory is read.

#![expect(clippy::disallowed_methods, reason = "tests look at and damage files")]

use duramen::{Engine, OpenError, Opening, Reply, Shutdown, ShutdownSave};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

fn begin(dir: &Path) -> Opening {
    let builder = Engine::builder(dir).shards(2).load_threads(1);
    let builder = builder.config("save", "1 1").unwrap();
    builder.begin().unwrap()
}

/// A directory with a snapshot of 40,000 keys, 4 MB and more.
fn filled(dir: &Path) {
    let engine = begin(dir).load().unwrap();
    let mut session = engine.session();
    let mut noise = fastrand::Rng::with_seed(1);
    for number in 0..40_000 {
        let value: [u8; 150] = std::array::from_fn(|_| noise.u8(..));
        session.set(format!("key:{number}"), value).unwrap();
    }
    drop(session);
    engine.close().unwrap();
}

fn is_loading(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(error) if error.to_string().starts_with("LOADING "))
}

fn info(engine: &Engine, field: &str) -> Option<String> {
    let Reply::Bulk(text) = engine.session().execute(&["INFO", "persistence"]) else {
        panic!("no text");
    };
    let text = String::from_utf8(text).unwrap();
    let line = text.lines().find(|line| line.starts_with(field))?;
    Some(line[field.len() + 1..].to_owned())
}

#[test]
fn what_needs_keys_is_refused_until_they_are_there() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let opening = begin(dir.path());
    let engine = opening.engine().clone();
    let mut session = engine.session();
    for words in [
        &["GET", "key:1"][..],
        &["SET", "key:1", "x"],
        &["DBSIZE"],
        &["PING"],
        &["EVAL", "return 1", "0"],
        &["SAVE"],
        &["BGREWRITEAOF"],
    ] {
        assert!(is_loading(&session.execute(words)), "{words:?}");
    }
    assert!(session.get("key:1").is_err());
    assert!(session.set("key:1", "x").is_err());
    assert!(session.lrange("list", ..).is_err());
    for words in [&["CONFIG", "GET", "dir"][..], &["CLIENT", "ID"], &["MULTI"]] {
        let reply = session.execute(words);
        assert!(!matches!(reply, Reply::Error(_)), "{words:?}: {reply:?}");
    }
    assert!(is_loading(&session.execute(&["GET", "key:1"])));
    assert!(matches!(session.execute(&["EXEC"]), Reply::Error(_)));
    assert_eq!(info(&engine, "loading").as_deref(), Some("1"));
    opening.load().unwrap();
    assert_eq!(info(&engine, "loading").as_deref(), Some("0"));
    assert_eq!(info(&engine, "loading_total_bytes"), None);
    assert!(engine.load_progress().is_none());
    assert_eq!(session.execute(&["DBSIZE"]), Reply::Integer(40_000));
}

#[test]
fn progress_is_told_and_ends_with_the_last_byte() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let len = fs::metadata(dir.path().join("dump.rdb")).unwrap().len();
    let opening = begin(dir.path());
    let (calls, told) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
    let (count, last, engine) = (calls.clone(), told.clone(), opening.engine().clone());
    opening.on_progress(move |progress| {
        count.fetch_add(1, Ordering::Relaxed);
        *last.lock().unwrap() = Some(progress);
        assert!(progress.read <= progress.total);
        let loaded = info(&engine, "loading_loaded_bytes").unwrap();
        assert_eq!(loaded, progress.read.to_string());
    });
    opening.load().unwrap();
    assert!(calls.load(Ordering::Relaxed) >= 1);
    let last = told.lock().unwrap().unwrap();
    assert_eq!(last.total, len);
    assert!(last.percent() > 40.0 && last.percent() <= 100.0);
}

#[test]
fn who_ends_before_all_is_read_saves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("dump.rdb");
    let before = fs::read(&path).unwrap();
    let opening = begin(dir.path());
    let engine = opening.engine().clone();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(engine.poll_shutdown(&mut cx).is_pending());
    engine.shut_down(Shutdown {
        save: ShutdownSave::Always,
        ..Shutdown::default()
    });
    assert!(engine.end().unwrap());
    let given_up = opening.load();
    assert!(matches!(given_up, Err(OpenError::GivenUp)), "{given_up:?}");
    engine.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn who_never_loads_or_can_not_saves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("dump.rdb");
    drop(begin(dir.path()));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let opening = begin(dir.path());
    let engine = opening.engine().clone();
    assert!(opening.load().is_err());
    assert!(engine.session().get("key:1").is_err());
    engine.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_log_that_is_turned_on_meanwhile_begins_with_what_was_read() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let opening = begin(dir.path());
    let engine = opening.engine().clone();
    let words = ["CONFIG", "SET", "appendonly", "yes"];
    assert!(is_loading(&engine.session().execute(&words)));
    engine.set_config("appendonly", "yes").unwrap();
    let engine = {
        let loaded = opening.load().unwrap();
        drop(engine);
        loaded
    };
    engine.session().set("one", "more").unwrap();
    drop(engine);
    let again = Engine::open_read_only(dir.path()).unwrap();
    assert_eq!(again.session().execute(&["DBSIZE"]), Reply::Integer(40_001));
    assert!(dir.path().join("appendonlydir").is_dir());
}

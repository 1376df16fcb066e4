//! Opening, holding, closing and dropping a data directory.

mod said;

use duramen::storage::{Memory, Recording};
use duramen::{Engine, ManualClock, OpenError, UnixMillis};
use said::{all_said, said};
use std::fs;

const START: UnixMillis = UnixMillis(1_700_000_000_000);

#[test]
fn closing_saves_and_the_next_engine_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    said(&mut engine.session(), "SET k v");
    engine.close().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    assert_eq!(said(&mut engine.session(), "GET k"), "v");
    assert_eq!(engine.recovery_report().totals(), (1, 0));
}

#[test]
fn dropping_the_last_handle_saves() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    let (handle, mut session) = (engine.clone(), engine.session());
    drop(engine);
    said(&mut session, "SET k v");
    drop(handle);
    assert!(
        !dir.path().join("dump.rdb").exists(),
        "the session still holds it"
    );
    drop(session);
    assert!(dir.path().join("dump.rdb").exists());
}

#[test]
fn without_save_points_or_changes_nothing_is_written() {
    let storage = Recording::new(Memory::new());
    let open = |save| {
        let builder = Engine::builder("/data").storage(storage.clone());
        builder.config("save", save).unwrap().open().unwrap()
    };
    storage.take_transcript();
    let engine = open("");
    said(&mut engine.session(), "SET k v");
    engine.close().unwrap();
    let engine = open("3600 1");
    said(&mut engine.session(), "GET k");
    engine.close().unwrap();
    let transcript = storage.take_transcript();
    let writes = |line: &&str| !line.starts_with("lock") && !line.starts_with("create-dir");
    let written: Vec<&str> = transcript.lines().filter(writes).collect();
    assert!(
        written.iter().all(|line| line.starts_with("sync-dir")),
        "{written:?}"
    );
}

#[test]
fn a_second_engine_is_told_who_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    let refusal = Engine::open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Storage(_)), "{refusal:?}");
    let text = refusal.to_string();
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    assert!(text.contains(dir.path().to_str().unwrap()), "{text}");
    drop(engine);
    Engine::open(dir.path()).unwrap();
}

#[test]
fn reading_only_takes_no_lock_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    said(&mut engine.session(), "SET k v");
    engine.save().unwrap();
    let reader = Engine::open_read_only(dir.path()).unwrap();
    let mut session = reader.session();
    let answers = all_said(
        &mut session,
        &[
            "GET k", "SET k w", "DEL k", "SAVE", "MULTI", "SET k w", "EXEC",
        ],
    );
    assert_eq!(answers[0], "v");
    let refusal = "(error) READONLY The data directory was opened for reading only.";
    assert_eq!(answers[1..3], [refusal, refusal]);
    assert!(answers[3].starts_with("(error) "), "{}", answers[3]);
    assert_eq!(answers[5], refusal);
    assert!(answers[6].starts_with("(error) EXECABORT"));
    drop(session);
    reader.close().unwrap();
    said(&mut engine.session(), "SET k x");
    engine.close().unwrap();
}

#[test]
fn reading_only_makes_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let refusal = Engine::open_read_only(&missing).unwrap_err();
    assert!(matches!(refusal, OpenError::NoDirectory(_)), "{refusal}");
    assert!(!missing.exists());
}

#[test]
fn opening_makes_a_directory_with_a_lock_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    drop(Engine::open(&path).unwrap());
    let names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["duramen.lock"]);
}

#[test]
fn time_is_what_the_clock_says() {
    let clock = ManualClock::new(START);
    let engine = Engine::builder("/data")
        .storage(Memory::new())
        .clock(clock.clone())
        .open()
        .unwrap();
    let mut session = engine.session();
    all_said(
        &mut session,
        &["SET a 1 EX 10", "SET b 1 PX 20500", "SET c 1"],
    );
    assert_eq!(said(&mut session, "PTTL b"), "20500");
    clock.advance(10_001);
    assert_eq!(all_said(&mut session, &["GET a", "TTL b"]), ["(nil)", "10"]);
    assert_eq!(said(&mut session, "TIME"), "[1700000010, 1000]");
    clock.advance(60_000);
    assert_eq!(engine.tick(), None, "nothing is left to be due");
    assert_eq!(said(&mut session, "DBSIZE"), "1");
}

#[test]
fn keys_that_expired_while_the_directory_was_closed_are_left_out() {
    let (clock, storage) = (ManualClock::new(START), Memory::new());
    let open = || {
        let builder = Engine::builder("/data").storage(storage.clone());
        builder.clock(clock.clone()).open().unwrap()
    };
    let engine = open();
    all_said(&mut engine.session(), &["SET a 1 EX 10", "SET b 1 EX 100"]);
    engine.close().unwrap();
    clock.advance(50_000);
    let engine = open();
    let mut session = engine.session();
    assert_eq!(all_said(&mut session, &["DBSIZE", "TTL b"]), ["1", "50"]);
    let report = engine.recovery_report().files[0].rdb.clone().unwrap();
    assert_eq!((report.keys, report.expired), (1, 1));
}

#[test]
fn chance_follows_from_the_seed() {
    let choices = |seed| {
        let builder = Engine::builder("/data").storage(Memory::new()).seed(seed);
        let mut session = builder.open().unwrap().session();
        let mut choices = Vec::new();
        for n in 0..200 {
            all_said(
                &mut session,
                &[&format!("SADD s {n}"), &format!("SET k{n} 1")],
            );
        }
        for _ in 0..5 {
            choices.extend(all_said(
                &mut session,
                &["RANDOMKEY", "SPOP s", "SRANDMEMBER s"],
            ));
        }
        choices
    };
    assert_eq!(choices(1), choices(1));
    assert_ne!(choices(1), choices(2));
}

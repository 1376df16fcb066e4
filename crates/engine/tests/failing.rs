//! A save that fails, at whatever operation, leaves the old content or the new one, whole, and a
//! rewrite of the log loses nothing at all; and the next one goes through.

mod said;

use duramen::storage::{Faulty, File, Memory, Mode, Storage};
use duramen::{Engine, ManualClock, SaveError, SaveReport, UnixMillis};
use said::said;
use std::path::Path;
use std::time::Duration;

/// What there is before the save that fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    ASave,
    /// `appendonly.aof`, and who must read it.
    SingleFile(&'static str),
}

/// An engine on an empty disk, with the append-only file on or off.
fn open(storage: &Faulty, appendonly: &str) -> Engine {
    let builder = Engine::builder("/data").storage(storage.clone());
    let builder = builder.config("appendonly", appendonly).unwrap();
    builder.open().unwrap()
}

/// An engine on a disk with `k` in a single log.
fn open_single(storage: &Faulty, target: &str) -> Engine {
    let log = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nold\r\n";
    let path = Path::new("/data/appendonly.aof");
    storage.create_dir(Path::new("/data")).unwrap();
    let file = storage.open(path, Mode::CreateNew).unwrap();
    assert_eq!(file.append(log).unwrap(), log.len());
    let builder = Engine::builder("/data").storage(storage.clone());
    let builder = builder.config("rdb-target", target).unwrap();
    builder.open().unwrap()
}

/// What an engine that opens the disk finds at `k`.
fn found(disk: &Memory) -> String {
    let builder = Engine::builder("/data").storage(disk.clone()).read_only();
    said(&mut builder.open().unwrap().session(), "GET k")
}

/// Names in the directory and its folder that no save leaves.
fn leftovers(disk: &Memory) -> Vec<String> {
    let dirs = ["/data", "/data/appendonlydir"];
    let dirs = dirs.iter().map(Path::new);
    let entries = dirs.flat_map(|dir| disk.list(dir).unwrap_or_default());
    let names = entries.map(|entry| entry.name.into_string().unwrap());
    names.filter(|name| name.starts_with("temp-")).collect()
}

/// Writes the snapshot, or the log anew.
fn write(engine: &Engine, appendonly: &str) -> Result<SaveReport, SaveError> {
    match appendonly {
        "yes" => engine.rewrite_log(),
        _ => engine.save(),
    }
}

/// Fails a save or rewrite at its operation number `at`. Returns false if it has no such operation.
fn fail_at(at: usize, appendonly: &str, before: Before) -> bool {
    let storage = Faulty::new();
    let engine = match before {
        Before::SingleFile(target) => open_single(&storage, target),
        _ => open(&storage, appendonly),
    };
    let mut session = engine.session();
    if before == Before::ASave {
        said(&mut session, "SET k old");
        write(&engine, appendonly).unwrap();
    }
    let old = said(&mut session, "GET k");
    said(&mut session, "SET k new");
    storage.fail_after(at);
    let outcome = write(&engine, appendonly);
    let failed = storage.heal();
    let now = found(storage.now());
    let context = format!("operation {at}, appendonly {appendonly}, {before:?}: {outcome:?}");
    match outcome {
        Err(SaveError::Storage(_)) if appendonly == "yes" => assert_eq!(now, "new", "{context}"),
        Ok(_) => assert_eq!(now, "new", "{context}"),
        Err(SaveError::Storage(_)) => assert!(now == old || now == "new", "{now}: {context}"),
        Err(_) => panic!("{context}"),
    }

    said(&mut session, "SET k newer");
    let again = write(&engine, appendonly);
    assert!(again.is_ok(), "{again:?} after {context}");
    assert_eq!(found(storage.now()), "newer", "{context}");
    assert_eq!(leftovers(storage.now()), [""; 0], "{context}");
    failed
}

fn fail_everywhere(appendonly: &str, before: Before) -> usize {
    (0..)
        .take_while(|at| fail_at(*at, appendonly, before))
        .count()
}

#[test]
fn a_snapshot_that_fails_is_written_by_the_next_save() {
    assert_eq!(fail_everywhere("no", Before::Nothing), 5);
    assert_eq!(fail_everywhere("no", Before::ASave), 5);
}

#[test]
fn a_log_that_fails_is_written_by_the_next_rewrite() {
    assert!(fail_everywhere("yes", Before::Nothing) > 20);
    assert!(fail_everywhere("yes", Before::ASave) > 20);
}

#[test]
fn a_single_log_that_fails_is_written_by_the_next_rewrite() {
    assert_eq!(fail_everywhere("yes", Before::SingleFile("redis-6.2")), 6);
    assert!(fail_everywhere("yes", Before::SingleFile("redis-7.0")) > 20);
}

/// Nothing that was done is forgotten: it counts as unsaved.
#[test]
fn a_failure_is_told_and_the_changes_stay_unsaved() {
    let storage = Faulty::new();
    let engine = open(&storage, "no");
    let mut session = engine.session();
    said(&mut session, "SET k v");
    storage.fail_after(1);
    let refusal = said(&mut session, "SAVE");
    assert!(refusal.contains("cannot append"), "{refusal}");
    assert!(storage.heal());
    let info = said(&mut session, "INFO persistence");
    assert!(info.contains("rdb_changes_since_last_save:1"), "{info}");
    drop((session, engine));
    assert_eq!(found(storage.now()), "v", "the last handle saves");
}

/// Whoever asked in the background gets no answer, so the next writers are told, until it is known
/// that the disk takes data again.
#[test]
fn writes_stop_when_a_save_in_the_background_fails() {
    let storage = Faulty::new();
    let clock = ManualClock::new(UnixMillis(1_000_000));
    let builder = Engine::builder("/data").storage(storage.clone());
    let builder = builder.config("save", "1 1").unwrap();
    let engine = builder.clock(clock.clone()).open().unwrap();
    let (saver, mut session) = (engine.saver(), engine.session());
    said(&mut session, "SET k v");
    clock.advance(2000);
    assert!(saver.wait(Duration::ZERO), "a save point");
    storage.fail_after(1);
    assert!(saver.save().is_err());
    assert!(storage.heal());
    let info = said(&mut session, "INFO persistence");
    assert!(info.contains("rdb_last_bgsave_status:err"), "{info}");

    for line in ["SET k w", "PING"] {
        let refusal = said(&mut session, line);
        assert!(refusal.starts_with("(error) MISCONF"), "{refusal}");
    }
    assert!(session.set("k", "w").is_err());
    assert_eq!(said(&mut session, "GET k"), "v");
    engine
        .set_config("stop-writes-on-bgsave-error", "no")
        .unwrap();
    assert_eq!(said(&mut session, "SET k w"), "OK");
    engine
        .set_config("stop-writes-on-bgsave-error", "yes")
        .unwrap();

    assert!(!saver.wait(Duration::ZERO), "not again at once");
    clock.advance(5001);
    assert!(saver.wait(Duration::ZERO));
    assert!(saver.save().is_ok());
    assert_eq!(said(&mut session, "SET k x"), "OK");
    assert_eq!(found(storage.now()), "w");
}

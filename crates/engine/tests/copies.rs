//! `snapshot-keep`: saved snapshots stay under names of their own, and no crash leaves a torn one.

use duramen::storage::{Crash, Faulty, Memory, Os, Storage, read};
use duramen::{Engine, ManualClock, UnixMillis};
use std::path::Path;

const START: i64 = 1_700_000_000_000;

fn open(storage: impl Storage, dir: &Path, clock: &ManualClock, keep: &str) -> Engine {
    let builder = Engine::builder(dir).storage(storage).clock(clock.clone());
    let builder = builder.config("snapshot-keep", keep).unwrap();
    builder.config("save", "").unwrap().open().unwrap()
}

/// The names of the copies in `dir`.
fn copies(storage: &impl Storage, dir: &Path) -> Vec<String> {
    let names = storage.list(dir).unwrap().into_iter();
    let names = names.map(|entry| entry.name.into_string().unwrap());
    names.filter(|name| name.starts_with("dump-")).collect()
}

/// Saves `k` as 0, 1, .. a second apart.
fn save_times(engine: &Engine, clock: &ManualClock, times: usize) {
    for time in 0..times {
        let text = time.to_string();
        engine.session().execute(&["SET", "k", &text]);
        engine.save().unwrap();
        clock.advance(1000);
    }
}

#[test]
fn the_newest_stay_and_each_holds_what_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(UnixMillis(START));
    let engine = open(Os, dir.path(), &clock, "2");
    save_times(&engine, &clock, 4);
    drop(engine);
    let names = ["dump-001700000002000.rdb", "dump-001700000003000.rdb"];
    assert_eq!(copies(&Os, dir.path()), names.map(str::to_owned));
    for (name, value) in names.into_iter().zip(["2", "3"]) {
        let bytes = read(&Os, &dir.path().join(name), 9999).unwrap();
        let found = bytes.windows(4).any(|window| {
            window[..3] == *b"\x01k\xc0" && window[3] == value.parse::<u8>().unwrap()
        });
        assert!(found, "{name}: {bytes:?}");
    }
}

#[test]
fn without_it_nothing_is_kept_and_nothing_removed() {
    let storage = Memory::new();
    let clock = ManualClock::new(UnixMillis(START));
    let dir = Path::new("/data");
    let engine = open(storage.clone(), dir, &clock, "2");
    save_times(&engine, &clock, 2);
    engine
        .session()
        .execute(&["CONFIG", "SET", "snapshot-keep", "0"]);
    save_times(&engine, &clock, 2);
    assert_eq!(copies(&storage, dir).len(), 2);
}

#[test]
fn a_crash_at_any_operation_leaves_whole_copies_and_enough_of_them() {
    let storage = Faulty::new();
    let clock = ManualClock::new(UnixMillis(START));
    let dir = Path::new("/data");
    let engine = open(storage.clone(), dir, &clock, "2");
    save_times(&engine, &clock, 2);
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let sees = std::sync::Arc::clone(&seen);
    storage.watch(move |moment| {
        for how in Crash::ALL {
            let crashed = moment.crash(how, &mut |below| below / 2);
            let left = copies(&crashed, Path::new("/data"));
            assert!(left.len() >= 2, "{how:?}: {left:?}");
            for name in left {
                opens(&crashed, &name);
            }
            sees.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    save_times(&engine, &clock, 2);
    assert!(seen.load(std::sync::atomic::Ordering::Relaxed) > 20);
}

/// A copy is a snapshot like any other: an engine opens it by its name.
fn opens(disk: &Faulty, name: &str) {
    let builder = Engine::builder("/data").storage(disk.clone());
    let engine = builder.config("dbfilename", name).unwrap();
    let engine = engine.read_only().open().unwrap();
    assert_eq!(
        engine.session().execute(&["DBSIZE"]),
        duramen::Reply::Integer(1)
    );
}

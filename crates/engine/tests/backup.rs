//! Backups: whole and sound while commands go on, gone on with after a failure, and never half.

use duramen::storage::{Faulty, Mode, Os, Storage, read};
use duramen::{BackupError, Builder, Engine, ManualClock, Reply, UnixMillis};
use std::path::Path;

fn builder<S: Storage>(storage: S, dir: &Path) -> Builder<S> {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    Engine::builder(dir).storage(storage).clock(clock).shards(2)
}

fn open<S: Storage>(storage: S, dir: &Path) -> Engine {
    let builder = builder(storage, dir);
    builder.config("appendonly", "yes").unwrap().open().unwrap()
}

fn digest(engine: &Engine) -> [u8; 20] {
    engine.digest(true).unwrap()
}

/// What a backup holds, without making more of it.
fn digest_of<S: Storage>(storage: S, dir: &Path) -> [u8; 20] {
    digest(&builder(storage, dir).read_only().open().unwrap())
}

#[test]
fn only_what_changed_is_copied_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target) = (dir.path().join("data"), dir.path().join("backup"));
    let engine = open(Os, &data);
    engine.session().set("k", "v").unwrap();
    engine.rewrite_log().unwrap();
    engine.session().set("k", "w").unwrap();
    let first = engine.backup(&target).unwrap();
    assert_eq!((first.copied.len(), first.kept.len()), (2, 0));
    assert_eq!(digest_of(Os, &target), digest(&engine));
    engine.session().execute(&["RPUSH", "l", "a", "b"]);
    let second = engine.backup(&target).unwrap();
    assert_eq!((second.copied.len(), second.kept.len()), (1, 1));
    assert_eq!(digest_of(Os, &target), digest(&engine));
    engine.rewrite_log().unwrap();
    engine.session().set("k", "x").unwrap();
    let third = engine.backup(&target).unwrap();
    assert_eq!((third.copied.len(), third.kept.len()), (2, 0));
    assert_eq!(digest_of(Os, &target), digest(&engine));
    // Of the log before, nothing is left.
    let files = Os.list(&target.join("appendonlydir")).unwrap();
    assert_eq!(files.len(), 3, "{files:?}");
    let fourth = engine.backup(&target).unwrap();
    assert_eq!((fourth.copied.len(), fourth.kept.len()), (0, 2));
    assert_eq!(fourth.bytes, third.bytes);
}

#[test]
fn a_copy_that_was_damaged_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target) = (dir.path().join("data"), dir.path().join("backup"));
    let engine = open(Os, &data);
    engine.session().set("k", "v").unwrap();
    let made = engine.backup(&target).unwrap();
    for path in &made.copied {
        let mut bytes = read(&Os, path, 1 << 20).unwrap();
        bytes[20] ^= 1;
        let file = Os.open(path, Mode::Truncate).unwrap();
        duramen::storage::append_all(&file, &bytes).unwrap();
        let again = engine.backup(&target).unwrap();
        assert_eq!(again.copied, std::slice::from_ref(path));
    }
    assert_eq!(digest_of(Os, &target), digest(&engine));
}

#[test]
fn a_damaged_log_is_not_copied() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target) = (dir.path().join("data"), dir.path().join("backup"));
    let engine = open(Os, &data);
    engine.session().set("k", "v").unwrap();
    engine.rewrite_log().unwrap();
    let base = data.join("appendonlydir/appendonly.aof.2.base.rdb");
    let mut bytes = read(&Os, &base, 1 << 20).unwrap();
    let at = bytes.len() - 12;
    bytes[at] ^= 1;
    let file = Os.open(&base, Mode::Truncate).unwrap();
    duramen::storage::append_all(&file, &bytes).unwrap();
    let error = engine.backup(&target).unwrap_err();
    assert!(matches!(error, BackupError::Log(_)), "{error}");
    assert!(error.to_string().contains("base.rdb"), "{error}");
}

#[test]
fn without_a_log_a_snapshot_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let (data, target) = (dir.path().join("data"), dir.path().join("backup"));
    let engine = builder(Os, &data).open().unwrap();
    engine.session().set("k", "v").unwrap();
    let made = engine.backup(&target).unwrap();
    assert_eq!(made.copied, [target.join("dump.rdb")]);
    assert_eq!(digest_of(Os, &target), digest(&engine));
}

#[test]
fn what_is_no_backup_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (data, other) = (dir.path().join("data"), dir.path().join("other"));
    let engine = open(Os, &data);
    let error = engine.backup(&data).unwrap_err();
    assert!(matches!(error, BackupError::Itself(_)), "{error}");
    drop(open(Os, &other));
    let error = engine.backup(&other).unwrap_err();
    assert!(matches!(error, BackupError::NoBackup(_)), "{error}");
    let error = Engine::open_in_memory().backup(&data).unwrap_err();
    assert!(error.to_string().contains("no directory") || !error.to_string().is_empty());
}

#[test]
fn whatever_fails_the_next_try_makes_it_whole() {
    let (data, target) = (Path::new("/data"), Path::new("/backup"));
    let mut failures = 0;
    for at in 0.. {
        let disk = Faulty::new();
        let engine = open(disk.clone(), data);
        engine.session().set("k", "v".repeat(3000)).unwrap();
        engine.backup(target).unwrap();
        let before = digest(&engine);
        engine.rewrite_log().unwrap();
        engine.session().set("l", "w").unwrap();
        disk.fail_after(at);
        let failed = engine.backup(target).err();
        if !disk.heal() {
            assert!(failed.is_none(), "{failed:?} at {at}");
            break;
        }
        failures += usize::from(failed.is_some());
        // The old one or the new one is there, unless it can not be opened at all.
        if let Ok(copy) = builder(disk.clone(), target).read_only().open() {
            let found = digest(&copy);
            assert!(
                found == before || found == digest(&engine),
                "operation {at}"
            );
        }
        engine.backup(target).unwrap();
        assert_eq!(digest_of(disk, target), digest(&engine), "operation {at}");
    }
    assert!(failures > 10, "{failures}");
}

#[test]
fn the_command_is_of_administrators_and_says_what_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Os, &dir.path().join("data"));
    let mut session = engine.session();
    session.set("k", "v").unwrap();
    let target = dir.path().join("backup");
    let path = target.to_str().unwrap();
    let Reply::Array(items) = session.execute(&["BACKUP", "TO", path]) else {
        panic!("no list of figures");
    };
    assert_eq!(items[1], Reply::Integer(2));
    assert_eq!(digest_of(Os, &target), digest(&engine));
    for words in [
        &["BACKUP", "FROM", path][..],
        &["BACKUP", "TO", "/dev/null/x"],
    ] {
        let reply = session.execute(words);
        assert!(matches!(reply, Reply::Error(_)), "{reply:?}");
    }
    session.execute(&["MULTI"]);
    let reply = session.execute(&["BACKUP", "TO", path]);
    assert!(matches!(reply, Reply::Error(_)), "{reply:?}");
    session.execute(&["DISCARD"]);
    session.execute(&["ACL", "SETUSER", "ann", "on", ">pw", "+@all", "-@admin"]);
    session.execute(&["AUTH", "ann", "pw"]);
    let reply = session.execute(&["BACKUP", "TO", path]);
    assert!(matches!(&reply, Reply::Error(error) if error.to_string().starts_with("NOPERM")));
}

#[test]
fn a_backup_while_others_write_is_some_moment_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Os, &dir.path().join("data"));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut session = engine.session();
            let mut number = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                number += 1;
                session.execute(&["MULTI"]);
                session.execute(&["SET", "a", &number.to_string()]);
                session.execute(&["SET", "b", &number.to_string()]);
                session.execute(&["EXEC"]);
            }
            number
        });
        for round in 0..5 {
            let target = dir.path().join(format!("backup{}", round % 2));
            engine.backup(&target).unwrap();
            let copy = builder(Os, &target).read_only().open().unwrap();
            let mut session = copy.session();
            let (a, b) = (session.get("a").unwrap(), session.get("b").unwrap());
            assert_eq!(a, b, "round {round}");
            if round % 5 == 4 {
                engine.rewrite_log().unwrap();
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(writer.join().unwrap() > 20);
    });
}

//! What a save does to the disk, for whom it writes, and when it refuses.

mod said;

use duramen::storage::{Memory, Mode, Recording, Storage, Writer};
use duramen::{Engine, SaveError, SaveReport, Session, Target};
use said::{all_said, said};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

/// A transcript without the sizes of appends, runs of which count once.
fn steps(transcript: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for line in transcript.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let step = match words[0] {
            "append" => words[..2].join(" "),
            _ => line.to_owned(),
        };
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps
}

/// What `write` does to the disk of an engine that holds a key.
fn steps_of(
    settings: &[(&str, &str)],
    write: impl Fn(&Engine) -> Result<SaveReport, SaveError>,
) -> Vec<String> {
    let storage = Recording::new(Memory::new());
    let mut builder = Engine::builder("/data").storage(storage.clone());
    for (name, value) in settings {
        builder = builder.config(name, value).unwrap();
    }
    let engine = builder.open().unwrap();
    said(&mut engine.session(), "SET k v");
    storage.take_transcript();
    write(&engine).unwrap();
    steps(&storage.take_transcript())
}

#[test]
fn a_snapshot_is_synced_before_it_gets_its_name_and_the_name_after() {
    let steps = steps_of(&[], Engine::save);
    let temporary = steps[0].strip_prefix("create ").unwrap();
    assert_eq!(
        steps[1..],
        [
            format!("append {temporary}"),
            format!("sync {temporary}"),
            format!("rename {temporary} /data/dump.rdb"),
            "sync-dir /data".to_owned(),
        ]
    );
}

/// The next log file is listed before anything is written to it, and the new base is on disk, its
/// name included, before it is listed. What it replaces goes last.
#[test]
fn a_rewrite_goes_by_two_manifests() {
    let steps = steps_of(&[("appendonly", "yes")], Engine::rewrite_log);
    let folder = "/data/appendonlydir";
    let name = |name: &str| format!("{folder}/appendonly.aof.{name}");
    let replaced = |path: &str| {
        let temp = path.replace("/appendonly.aof.", "/temp-appendonly.aof.");
        let renamed = format!("rename {temp} {path}");
        let steps = ["create", "append", "sync"].map(|step| format!("{step} {temp}"));
        let steps = steps
            .into_iter()
            .chain([renamed, format!("sync-dir {folder}")]);
        steps.collect::<Vec<_>>()
    };
    let incr = ["create", "append", "sync"].map(|step| format!("{step} {}", name("2.incr.aof")));
    let old = ["1.incr.aof", "1.base.rdb"].map(|old| format!("remove {}", name(old)));
    let expected = [
        vec![format!("sync-dir /data")],
        incr.to_vec(),
        vec![format!("sync-dir {folder}")],
        replaced(&name("manifest")),
        replaced(&name("2.base.rdb")),
        replaced(&name("manifest")),
        old.to_vec(),
        replaced(&name("manifest")),
    ];
    let steps = steps.iter().filter(|step| !step.starts_with("open "));
    assert_eq!(steps.cloned().collect::<Vec<_>>(), expected.concat());
}

/// The first manifest of all is an empty one, so that a folder never has data files and no manifest.
#[test]
fn a_manifest_comes_first() {
    let storage = Recording::new(Memory::new());
    let builder = Engine::builder("/data").storage(storage.clone());
    let engine = builder.config("appendonly", "yes").unwrap().open().unwrap();
    let steps = steps(&storage.take_transcript());
    let is_manifest = |step: &String| step.starts_with("rename") && step.ends_with(".manifest");
    let first = steps.iter().position(is_manifest).unwrap();
    let mentions_data = |step: &String| step.contains("base.rdb") || step.contains("incr.aof");
    assert!(!steps[..first].iter().any(mentions_data), "{steps:#?}");
    drop(engine);
}

fn write(storage: &Memory, path: &str, bytes: &[u8]) {
    let mut file = Writer::new(storage.open(Path::new(path), Mode::Truncate).unwrap());
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
}

#[test]
fn what_somebody_else_wrote_is_not_overwritten() {
    for (appendonly, path) in [
        ("no", "/data/dump.rdb"),
        ("yes", "/data/appendonlydir/appendonly.aof.manifest"),
        // A server that runs here appends to this one only.
        ("yes", "/data/appendonlydir/appendonly.aof.1.incr.aof"),
    ] {
        let storage = Memory::new();
        let builder = Engine::builder("/data").storage(storage.clone());
        let engine = builder
            .config("appendonly", appendonly)
            .unwrap()
            .open()
            .unwrap();
        said(&mut engine.session(), "SET k v");
        let save = match appendonly {
            "yes" => Engine::rewrite_log,
            _ => Engine::save,
        };
        engine.save().unwrap();
        write(&storage, path, b"somebody else's");
        let refusal = save(&engine).unwrap_err();
        assert!(
            matches!(&refusal, SaveError::ChangedBehindOurBack(at) if at == Path::new(path)),
            "{refusal}"
        );
        let content = duramen::storage::read(&storage, Path::new(path), 100).unwrap();
        assert_eq!(content, b"somebody else's");
    }
}

/// A server of version 6.2 knows one file and no manifest.
#[test]
fn a_single_file_that_a_server_appended_to_is_not_overwritten() {
    const OLD: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    let path = "/data/appendonly.aof";
    let storage = Memory::new();
    storage.create_dir(Path::new("/data")).unwrap();
    write(&storage, path, OLD);
    let builder = Engine::builder("/data").storage(storage.clone());
    let engine = builder.open().unwrap();
    assert_eq!(said(&mut engine.session(), "GET k"), "v");
    let twice = [OLD, OLD].concat();
    write(&storage, path, &twice);
    let refusal = engine.rewrite_log().unwrap_err();
    assert!(
        matches!(&refusal, SaveError::ChangedBehindOurBack(at) if at == Path::new(path)),
        "{refusal}"
    );
    let content = duramen::storage::read(&storage, Path::new(path), 100).unwrap();
    assert_eq!(content, twice);
}

/// The refusal names all that would be lost, and what there was stays.
#[test]
fn a_refused_save_leaves_the_old_files() {
    let dir = tempfile::tempdir().unwrap();
    let from = corpus().join("rdb/redis-8.2.3/types.rdb");
    fs::copy(&from, dir.path().join("dump.rdb")).unwrap();
    let builder = Engine::builder(dir.path())
        .config("databases", "32")
        .unwrap();
    let engine = builder
        .config("rdb-target", "redis-6.2")
        .unwrap()
        .open()
        .unwrap();
    let text = engine.save().unwrap_err().to_string();
    assert!(text.contains("function"), "{text}");
    assert!(text.contains("field"), "{text}");
    let after = fs::read(dir.path().join("dump.rdb")).unwrap();
    assert!(after == fs::read(&from).unwrap(), "every byte is as it was");
    let names = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        names
            .into_iter()
            .all(|name| name == "dump.rdb" || name == "duramen.lock")
    );
}

#[test]
fn what_the_target_cannot_hold_is_listed_and_dropped_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    let mut session = engine.session();
    all_said(
        &mut session,
        &["HSET h f 1 g 2", "HEXPIRE h 1000 FIELDS 1 f"],
    );
    engine.set_config("rdb-target", "redis-7.0").unwrap();
    let refusal = engine.save().unwrap_err();
    assert!(matches!(
        refusal,
        SaveError::Lossy {
            target: Target::Redis10,
            ..
        }
    ));
    let text = refusal.to_string();
    assert!(text.contains("first at key \"h\""), "{text}");
    assert!(
        !dir.path().join("dump.rdb").exists(),
        "nothing was left behind"
    );
    assert_eq!(
        said(&mut session, "LASTSAVE"),
        said(&mut session, "LASTSAVE")
    );

    engine.set_config("rdb-save-lossy", "yes").unwrap();
    let report = engine.save().unwrap();
    assert_eq!((report.target, report.keys), (Target::Redis10, 1));
    assert!(!report.losses.rows().is_empty());
    drop(session);
    drop(engine);
    let mut session = Engine::open(dir.path()).unwrap().session();
    assert_eq!(said(&mut session, "HTTL h FIELDS 2 f g"), "[-1, -1]");
}

#[test]
fn a_directory_is_saved_for_whom_it_came_from() {
    for (server, target) in [
        ("redis-6.2.14", Target::Redis9),
        ("redis-7.0.15", Target::Redis10),
        ("redis-8.2.3", Target::Redis12),
        ("valkey-9.1.2", Target::Valkey80),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let from = corpus().join("rdb").join(server).join("dbs.rdb");
        fs::copy(from, dir.path().join("dump.rdb")).unwrap();
        let open = || {
            let builder = Engine::builder(dir.path())
                .config("databases", "32")
                .unwrap();
            builder.open().unwrap()
        };
        let engine = open();
        let before = engine.digest(false);
        said(&mut engine.session(), "SET mark 1");
        said(&mut engine.session(), "DEL mark");
        assert_eq!(engine.save().unwrap().target, target, "{server}");
        drop(engine);
        assert_eq!(open().digest(false), before, "{server}");
    }
    let fresh = Engine::builder("/data")
        .storage(Memory::new())
        .open()
        .unwrap();
    assert_eq!(fresh.save().unwrap().target, Target::Redis10);
}

/// Values of modules are not understood, and written back as they came.
#[test]
fn data_of_modules_passes_through() {
    let from = corpus().join("public/librdb-tests/module.rdb");
    let dir = tempfile::tempdir().unwrap();
    fs::copy(from, dir.path().join("dump.rdb")).unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    let keys = said(&mut engine.session(), "KEYS *");
    let dumps = |engine: &Engine| {
        let reply = engine.session().execute(&["KEYS", "*"]);
        let mut keys = reply.as_items().unwrap().to_vec();
        keys.sort_by(|a, b| a.as_bytes().cmp(&b.as_bytes()));
        let mut session = engine.session();
        let dump = |key: &duramen::Reply| session.execute(&[b"DUMP", key.as_bytes().unwrap()]);
        keys.iter().map(dump).collect::<Vec<_>>()
    };
    let before = dumps(&engine);
    assert!(!before.is_empty(), "{keys}");
    engine.save().unwrap();
    drop(engine);
    assert_eq!(dumps(&Engine::open(dir.path()).unwrap()), before);
}

#[test]
fn save_counts_and_tells_when() {
    let engine = Engine::builder("/data")
        .storage(Memory::new())
        .open()
        .unwrap();
    let mut session = engine.session();
    all_said(&mut session, &["SET a 1", "SET b 1"]);
    let changes = |session: &mut duramen::Session| {
        let info = said(session, "INFO persistence");
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("rdb_changes_since_last_save:"));
        line.map(str::to_owned)
    };
    assert_eq!(changes(&mut session).as_deref(), Some("2"));
    assert_eq!(said(&mut session, "SAVE"), "OK");
    assert_eq!(changes(&mut session).as_deref(), Some("0"));
    let in_memory = Engine::open_in_memory();
    let refusal = said(&mut in_memory.session(), "SAVE");
    assert_eq!(refusal, "(error) ERR this engine has no data directory");
}

/// Writers that go on while a snapshot is written keep more for it than the budget; the save fails,
/// the file stays as it was, and the next save goes through.
#[test]
fn a_save_that_keeps_more_than_the_budget_is_given_up() {
    const KEYS: usize = 5000;
    let disk = Memory::new();
    let open = || {
        Engine::builder("/data")
            .storage(disk.clone())
            .open()
            .unwrap()
    };
    let engine = open();
    let write = |session: &mut Session, key: usize| {
        said(session, &format!("SET {key} {key:0100}"));
    };
    let mut session = engine.session();
    (0..KEYS).for_each(|key| write(&mut session, key));
    engine.save().unwrap();
    engine.set_config("snapshot-copy-budget", "64kb").unwrap();
    engine.set_config("snapshot-copy-wait", "0").unwrap();
    let is_over = AtomicBool::new(false);
    let refusal = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut keys = (0..KEYS).cycle();
            while !is_over.load(Relaxed) {
                write(&mut session, keys.next().unwrap());
            }
        });
        // One is given up soon; that none ever is, is taken for a failure.
        let refusal = (0..1000).find_map(|_| engine.save().err());
        is_over.store(true, Relaxed);
        refusal
    });
    let refusal = refusal.expect("a save that is given up");
    assert!(matches!(refusal, SaveError::Cancelled(_)), "{refusal}");
    assert!(
        refusal.to_string().contains("the budget is 65536 bytes"),
        "{refusal}"
    );
    assert!(engine.views().cancelled > 0 && engine.views().alive == 0);
    let entries = disk.list(Path::new("/data")).unwrap();
    let names = entries
        .into_iter()
        .map(|entry| entry.name.into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.starts_with("temp-")));
    engine.save().unwrap();
    let digest = engine.digest(false);
    drop((session, engine));
    assert_eq!(open().digest(false), digest);
}

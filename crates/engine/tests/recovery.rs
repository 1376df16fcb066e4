//! What counts when a directory is opened, what is refused, and what the report says.

#![expect(clippy::disallowed_methods, reason = "damages real files")]

mod said;

use duramen::{Engine, OpenError};
use said::said;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const SERVERS: [&str; 4] = [
    "redis-6.2.14",
    "redis-7.0.15",
    "redis-8.2.3",
    "valkey-9.1.2",
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

/// A copy of a folder of the corpus, files and folders.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn rewritten(server: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(
        &corpus().join("aof").join(server).join("rewritten"),
        dir.path(),
    );
    dir
}

fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(content(&path)),
            false if path.ends_with("duramen.lock") => {}
            false => files.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    files.sort();
    files
}

#[test]
fn log_files_without_a_manifest_are_refused_and_stay() {
    let dir = rewritten("redis-7.0.15");
    fs::remove_file(dir.path().join("appendonlydir/appendonly.aof.manifest")).unwrap();
    let before = content(dir.path());
    let refusal = Engine::open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Aof(_)), "{refusal:?}");
    assert!(refusal.to_string().contains("manifest"), "{refusal}");
    assert_eq!(content(dir.path()), before);
}

#[test]
fn a_file_that_the_manifest_names_must_be_there() {
    let dir = rewritten("redis-7.0.15");
    for (path, _) in content(dir.path()) {
        if path.to_str().unwrap().ends_with(".incr.aof") {
            fs::remove_file(path).unwrap();
        }
    }
    let refusal = Engine::open(dir.path()).unwrap_err();
    assert!(refusal.to_string().contains("incr.aof"), "{refusal}");
}

#[test]
fn the_append_only_file_counts_unless_it_is_turned_off() {
    let dir = rewritten("redis-7.0.15");
    let other = tempfile::tempdir().unwrap();
    let engine = Engine::open(other.path()).unwrap();
    said(&mut engine.session(), "SET from-the-snapshot 1");
    engine.close().unwrap();
    fs::copy(other.path().join("dump.rdb"), dir.path().join("dump.rdb")).unwrap();

    let engine = Engine::open(dir.path()).unwrap();
    assert_eq!(engine.config("appendonly").as_deref(), Some("yes"));
    assert_eq!(said(&mut engine.session(), "EXISTS from-the-snapshot"), "0");
    assert!(engine.recovery_report().warnings.is_empty());
    drop(engine);

    let builder = Engine::builder(dir.path())
        .config("appendonly", "no")
        .unwrap();
    let engine = builder.read_only().open().unwrap();
    assert_eq!(said(&mut engine.session(), "KEYS *"), "[from-the-snapshot]");
    let warnings = &engine.recovery_report().warnings;
    assert!(warnings[0].starts_with("appendonly is off"), "{warnings:?}");
}

#[test]
fn a_snapshot_is_not_forgotten_when_the_log_is_turned_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path()).unwrap();
    said(&mut engine.session(), "SET k v");
    engine.close().unwrap();
    let builder = Engine::builder(dir.path())
        .config("appendonly", "yes")
        .unwrap();
    let engine = builder.open().unwrap();
    assert_eq!(said(&mut engine.session(), "GET k"), "v");
    let warnings = engine.recovery_report().warnings.clone();
    assert!(warnings[0].starts_with("appendonly is on"), "{warnings:?}");
    engine.save().unwrap();
    drop(engine);
    let engine = Engine::open(dir.path()).unwrap();
    assert_eq!(said(&mut engine.session(), "GET k"), "v");
    assert!(engine.recovery_report().warnings.is_empty());
    assert!(
        dir.path()
            .join("appendonlydir/appendonly.aof.manifest")
            .exists()
    );
}

#[test]
fn a_single_file_stays_single_for_redis_6_and_becomes_a_folder_for_others() {
    for (target, single, rewrite) in [
        ("redis-6.2", true, false),
        ("redis-6.2", true, true),
        ("redis-7.0", false, false),
        ("redis-7.0", false, true),
    ] {
        let dir = rewritten("redis-6.2.14");
        let builder = Engine::builder(dir.path())
            .config("rdb-target", target)
            .unwrap();
        let engine = builder.open().unwrap();
        said(&mut engine.session(), "SET one more");
        let digest = engine.digest(false);
        if rewrite {
            engine.rewrite_log().unwrap();
        }
        drop(engine);
        assert_eq!(
            dir.path().join("appendonly.aof").exists(),
            single,
            "{target}"
        );
        assert_eq!(
            dir.path().join("appendonlydir").exists(),
            !single,
            "{target}"
        );
        let engine = Engine::open(dir.path()).unwrap();
        assert_eq!(engine.digest(false), digest, "{target}");
    }
}

#[test]
fn opening_and_closing_without_a_change_leaves_every_byte() {
    for server in SERVERS {
        let dir = rewritten(server);
        let before = content(dir.path());
        Engine::open(dir.path()).unwrap().close().unwrap();
        assert_eq!(content(dir.path()), before, "{server}");
    }
}

/// A damaged snapshot is refused with the offset, and stays.
#[test]
fn a_flipped_bit_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dump.rdb");
    let mut bytes = fs::read(corpus().join("rdb/redis-7.0.15/types.rdb")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&path, &bytes).unwrap();
    let refusal = Engine::open(dir.path()).unwrap_err();
    assert!(matches!(refusal, OpenError::Rdb { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("at byte "), "{refusal}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// Lays out one of the logs with odd ends as its server would find it.
fn lay_out(server: &str, file: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let tails = corpus().join("aof").join(server).join("tails");
    if server == "redis-6.2.14" {
        fs::copy(tails.join(file), dir.path().join("appendonly.aof")).unwrap();
        return dir;
    }
    let folder = dir.path().join("appendonlydir");
    fs::create_dir(&folder).unwrap();
    for name in ["appendonly.aof.1.base.rdb", "appendonly.aof.manifest"] {
        fs::copy(tails.join(name), folder.join(name)).unwrap();
    }
    fs::copy(tails.join(file), folder.join("appendonly.aof.1.incr.aof")).unwrap();
    dir
}

fn keys_of(engine: &Engine) -> Vec<String> {
    let reply = engine.session().execute(&["KEYS", "*"]);
    let items = reply.as_items().unwrap().iter();
    let mut keys: Vec<String> = items
        .map(|item| String::from_utf8(item.as_bytes().unwrap().to_vec()).unwrap())
        .collect();
    keys.sort();
    keys
}

/// What the server found there, or `None` if it refused to start.
fn keys_found(case: &Value) -> Option<Vec<String>> {
    let keys = case["starts"]
        .as_bool()
        .unwrap()
        .then(|| &case["keys"]["0"])?;
    let names = keys.as_array().into_iter().flatten();
    Some(names.map(|key| key.as_str().unwrap().to_owned()).collect())
}

/// Cases in which we and some server find different keys, and why.
const OTHERWISE: [(&str, &str); 5] = [
    (
        "zero-padded",
        "NULs at the end do not count; servers refuse",
    ),
    ("annotation-cut", "does not swallow the next command"),
    ("annotation", "6.2 has no annotations"),
    ("wrong-arity", "8.2 starts"),
    ("lf-only", "no record that anybody wrote"),
];

/// With a log's end damaged in 34 ways we find the keys that the server found, or refuse as it did;
/// and whatever happens, the files stay as they were.
#[test]
fn every_damaged_end_gives_what_its_server_found() {
    let mut different = std::collections::BTreeSet::new();
    let mut cases = 0;
    for server in SERVERS {
        let text = fs::read(corpus().join("aof").join(server).join("tails.json")).unwrap();
        let tails: Value = serde_json::from_slice(&text).unwrap();
        for (name, case) in tails["cases"].as_object().unwrap() {
            let dir = lay_out(server, case["file"].as_str().unwrap());
            let before = content(dir.path());
            let found = Engine::open(dir.path()).ok().map(|engine| keys_of(&engine));
            assert_eq!(content(dir.path()), before, "{server} {name}");
            if found != keys_found(&case["aof-load-truncated yes"]) {
                different.insert(name.as_str().to_owned());
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 136);
    let expected = OTHERWISE.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(different, expected);
}

#[test]
fn a_torn_end_is_refused_when_truncation_is_off() {
    for server in SERVERS {
        let extension = if server == "redis-6.2.14" {
            "aof"
        } else {
            "incr.aof"
        };
        let dir = lay_out(server, &format!("cut-last-crlf.{extension}"));
        let builder = Engine::builder(dir.path());
        let refusal = builder
            .config("aof-load-truncated", "no")
            .unwrap()
            .open()
            .unwrap_err();
        assert!(refusal.to_string().contains("offset"), "{refusal}");
        let engine = Engine::open(dir.path()).unwrap();
        let report = engine.recovery_report().to_string();
        assert!(report.contains("the last command is cut short"), "{report}");
    }
}

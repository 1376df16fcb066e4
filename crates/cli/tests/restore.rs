//! `restore` on directories that live through rewrites, and that servers wrote.

mod program;

use duramen::{Engine, ManualClock, UnixMillis};
use program::{copy_of, duramen};
use serde_json::Value;
use std::path::Path;

const START: i64 = 1_700_000_000;

/// A key with a value for each second, and a rewrite every three.
fn live(dir: &Path) {
    let clock = ManualClock::new(UnixMillis(START * 1000));
    let engine = Engine::builder(dir).clock(clock.clone());
    let engine = engine.config("appendonly", "yes").unwrap();
    let engine = engine.config("aof-history-retention", "60").unwrap();
    let engine = engine.open().unwrap();
    for second in 0..9 {
        engine.session().set("second", second.to_string()).unwrap();
        clock.advance(1000);
        if second % 3 == 2 {
            engine.rewrite_log().unwrap();
        }
    }
}

fn path(dir: &Path) -> &str {
    dir.to_str().unwrap()
}

#[test]
fn each_second_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    live(&data);
    for second in 0..9 {
        let out = dir.path().join(second.to_string());
        let to = (START + second).to_string();
        let run = duramen(
            &["restore", path(&data), "--to", &to, "--out", path(&out)],
            "",
        );
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        assert!(run.out.contains("bytes, "), "{}", run.out);
        let found = duramen(&[path(&out), "GET", "second"], "");
        assert_eq!(found.out.trim(), second.to_string());
        // It is not made twice.
        let again = duramen(
            &["restore", path(&data), "--to", &to, "--out", path(&out)],
            "",
        );
        assert_eq!(again.code, 2);
        assert!(again.err.contains("is there already"), "{}", again.err);
    }
}

#[test]
fn what_there_is_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let run = duramen(&["restore", path(dir.path()), "--list"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[0].starts_with("any second from 2023-11-14T22:13:20Z to "));
    assert!(lines[1].starts_with("kept, superseded 2023-11-14T22:13:23Z: base of 2023-11-14"));
    assert!(lines[2].starts_with("  offset:"), "{}", lines[2]);
    let run = duramen(&["restore", path(dir.path()), "--list", "--json"], "");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["times"][0]["from"], START);
    assert_eq!(report["logs"].as_array().unwrap().len(), 4);
    let range = &report["logs"][1]["offsets"][0];
    let (replid, at) = (range["replid"].as_str().unwrap(), &range["to"]);
    let (to, out) = (format!("offset:{replid}:{at}"), dir.path().join("out"));
    let out = path(&out);
    let run = duramen(
        &[
            "restore",
            path(dir.path()),
            "--to",
            &to,
            "--out",
            out,
            "--json",
        ],
        "",
    );
    let restored: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &restored["offset"]), (0, at));
    // The base behind it holds the same.
    assert_eq!(restored["reached"], START + 6);
    assert_eq!(duramen(&[out, "GET", "second"], "").out.trim(), "5");
}

#[test]
fn a_point_outside_says_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let out = dir.path().join("out");
    let restore = |to: &str| {
        let args = ["restore", path(dir.path()), "--to", to, "--out", path(&out)];
        duramen(&args, "")
    };
    let run = restore("2023-11-14T22:13:19Z");
    assert_eq!(run.code, 2);
    let wanted = "found no state of 2023-11-14T22:13:19Z, expected 2023-11-14T22:13:20Z .. ";
    assert!(run.err.contains(wanted), "{}", run.err);
    let run = restore("offset:99999999");
    assert!(run.err.contains("expected offset:"), "{}", run.err);
    assert_eq!(restore("yesterday").code, 2);
    assert!(!out.exists());
}

#[test]
fn folders_of_servers_are_taken() {
    for server in [
        "redis-6.2.14",
        "redis-7.0.15",
        "redis-8.2.3",
        "valkey-9.1.2",
    ] {
        let dir = copy_of(&format!("aof/{server}/rewritten"));
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("out");
        let args = [
            "restore",
            path(dir.path()),
            "--to",
            "latest",
            "--out",
            path(&out),
        ];
        let run = duramen(&args, "");
        assert_eq!(run.code, 0, "{server}: {}", run.err);
        let size = |dir: &Path| duramen(&[path(dir), "DBSIZE"], "").out;
        assert_eq!(size(&out), size(dir.path()), "{server}");
        assert_ne!(size(&out).trim(), "0", "{server}");
    }
}

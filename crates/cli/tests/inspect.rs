//! The inspector and its tools, run as a program.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

mod program;

use program::{corpus, duramen, files};
use serde_json::Value;
use std::path::Path;

const TYPES: &str = "rdb/redis-7.0.15/types.rdb";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn summaries_come_in_three_formats() {
    let types = corpus(TYPES);
    let run = duramen(&["inspect", text(&types)], "");
    assert_eq!(run.code, 0);
    assert!(
        run.out
            .starts_with("REDIS0010 by redis 7.0.15, checksum right\n"),
        "{}",
        run.out
    );
    assert!(run.err.is_empty(), "{}", run.err);
    let summary = json(&duramen(&["inspect", "--json", text(&types)], "").out);
    assert_eq!(summary["total"]["keys"], 188);
    let page = duramen(&["inspect", "-f", "html", text(&types)], "").out;
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"));
}

#[test]
fn folders_are_read_as_a_server_would() {
    let dir = corpus("aof/redis-7.0.15/fresh");
    let summary = json(&duramen(&["inspect", "--json", text(&dir)], "").out);
    assert!(summary["commands"]["select"]["count"].as_u64() > Some(0));
    assert!(summary["commands"]["rpush"]["keys"].as_u64() > Some(0));
    let none = tempfile::tempdir().unwrap();
    let run = duramen(&["inspect", text(none.path())], "");
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("no append-only file and no dump.rdb"),
        "{}",
        run.err
    );
}

#[test]
fn filters_choose_keys() {
    let types = corpus(TYPES);
    let lines = |args: &[&str]| {
        let mut all = vec!["inspect", "-f", "jsonl", "--keys-only", text(&types)];
        all.extend(args);
        let out = duramen(&all, "").out;
        let rows = out.lines().map(json).filter(|row| row.get("key").is_some());
        rows.collect::<Vec<Value>>()
    };
    assert_eq!(lines(&[]).len(), 188);
    let hashes = lines(&["--type", "hash"]);
    assert!(hashes.len() == 9 && hashes.iter().all(|row| row["type"] == "hash"));
    assert_eq!(lines(&["--match", "fern:h:513"]).len(), 1);
    assert_eq!(
        lines(&["--regex", "^fern:h:[0-9]+$", "--min-memory", "20k"]).len(),
        1
    );
    assert_eq!(
        lines(&["--volatile"]).len() + lines(&["--persistent"]).len(),
        188
    );
    let slots = ["0-8191", "8192-16383"].map(|slots| lines(&["--slot", slots]).len());
    assert_eq!(slots.iter().sum::<usize>(), 188);
    assert_eq!(lines(&["-n", "1"]).len(), 0);
}

#[test]
fn commands_make_the_same_data() {
    for server in [
        "redis-6.2.14",
        "redis-7.0.15",
        "redis-8.2.3",
        "valkey-9.1.2",
    ] {
        let digest = |dir: &Path| duramen(&["--read-only", text(dir), "DEBUG", "DIGEST"], "").out;
        let [from, to] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let rdb = corpus(&format!("rdb/{server}/tables-only.rdb"));
        std::fs::copy(&rdb, from.path().join("dump.rdb")).unwrap();
        let aof = to.path().join("appendonly.aof");
        let run = duramen(&["inspect", "-f", "resp", "-o", text(&aof), text(&rdb)], "");
        assert_eq!(run.code, 0, "{}", run.err);
        let wanted = digest(from.path());
        assert!(wanted.len() > 40, "{wanted}");
        assert_eq!(digest(to.path()), wanted, "{server}");
    }
}

#[test]
fn damage_is_told_with_what_came_before() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(corpus(TYPES)).unwrap();
    let torn = dir.path().join("torn.rdb");
    std::fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    let run = duramen(&["inspect", "--json", text(&torn)], "");
    assert_eq!(run.code, 1);
    assert!(json(&run.out)["total"]["keys"].as_u64() > Some(10));
    assert!(run.err.contains("damaged at byte"), "{}", run.err);
    let saved = dir.path().join("saved.rdb");
    let run = duramen(&["repair", "--json", text(&torn), text(&saved)], "");
    assert_eq!(
        (run.code, json(&run.out)["lost"].as_array().unwrap().len()),
        (1, 1)
    );
    assert_eq!(duramen(&["check", text(&saved)], "").code, 0);
    let again = duramen(&["repair", text(&torn), text(&saved)], "");
    assert_eq!(again.code, 2);
    assert!(
        again.err.contains("nothing is overwritten"),
        "{}",
        again.err
    );
}

#[test]
fn a_key_is_found_once_indexed() {
    let dir = tempfile::tempdir().unwrap();
    let rdb = dir.path().join("dump.rdb");
    std::fs::copy(corpus("rdb/redis-7.0.15/dbs.rdb"), &rdb).unwrap();
    let rows = duramen(&["inspect", "-f", "jsonl", text(&rdb)], "").out;
    let rows: Vec<Value> = rows.lines().map(json).collect();
    for row in rows.iter().filter(|row| row["key"].is_string()) {
        let (db, key) = (row["db"].to_string(), row["key"].as_str().unwrap());
        let run = duramen(&["get", "-n", &db, text(&rdb), "--", key], "");
        assert_eq!(
            (run.code, &json(&run.out)["value"]),
            (0, &row["value"]),
            "{key}"
        );
    }
    assert!(dir.path().join("dump.rdb.idx").exists());
    assert_eq!(duramen(&["get", text(&rdb), "no such key"], "").code, 1);
}

#[test]
fn differences_decide_the_exit_code() {
    let [a, b] =
        ["redis-7.0.15", "redis-8.2.3"].map(|server| corpus(&format!("rdb/{server}/dbs.rdb")));
    let same = duramen(&["diff", text(&a), text(&a)], "");
    assert_eq!((same.code, same.out.as_str()), (0, ""));
    let run = duramen(&["diff", "--json", text(&a), text(&b)], "");
    assert_eq!(run.code, 1);
    assert!(
        run.out
            .lines()
            .map(json)
            .all(|row| row["change"].is_string())
    );
    assert_eq!(duramen(&["diff", text(&a), "no such file"], "").code, 2);
}

#[test]
fn what_fits_decides_the_exit_code() {
    let lru = corpus("rdb/redis-7.0.15/lru.rdb");
    let ask = |args: &[&str]| {
        let mut all = vec!["what-if", "--json"];
        all.extend(args);
        all.push(text(&lru));
        let run = duramen(&all, "");
        (run.code, json(&run.out))
    };
    let (code, all) = ask(&[]);
    assert_eq!((code, &all["fits"]), (0, &Value::Bool(true)));
    let less = (all["need"].as_u64().unwrap() - 1).to_string();
    assert_eq!(ask(&["-m", &less]).0, 1);
    let (code, one) = ask(&["-m", &less, "-p", "allkeys-lru"]);
    assert_eq!((code, one["evicted"]["keys"].as_u64()), (0, Some(1)));
    assert_eq!(one["unranked"].as_u64(), Some(0));
    let run = duramen(&["what-if", "--config", "maxclients=1", text(&lru)], "");
    assert_eq!(run.code, 2);
    let run = duramen(&["what-if", "-m", "1m", text(&lru)], "");
    assert!(
        run.out
            .contains("Does not fit under 1.0 MiB with noeviction"),
        "{}",
        run.out
    );
}

#[test]
fn new_files_are_sound() {
    let dir = tempfile::tempdir().unwrap();
    let types = corpus("rdb/redis-8.2.3/types.rdb");
    let out = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let refused = duramen(
        &["convert", "--to", "redis-6.2", text(&types), &out("a.rdb")],
        "",
    );
    assert_eq!(refused.code, 2);
    for target in [
        "redis-6.2",
        "redis-7.0",
        "redis-7.2",
        "redis-8.2",
        "valkey-9",
    ] {
        let new = out(&format!("{target}.rdb"));
        let run = duramen(
            &["convert", "--lossy", "--to", target, text(&types), &new],
            "",
        );
        assert_eq!(run.code, 0, "{target}: {}", run.err);
    }
    let split = duramen(
        &["split", "--slots", "4", text(&types), text(dir.path())],
        "",
    );
    assert_eq!(
        (split.code, split.out.lines().count()),
        (0, 4),
        "{}",
        split.err
    );
    let redacted = duramen(&["redact", text(&types), &out("redacted.rdb")], "");
    assert_eq!(redacted.code, 0, "{}", redacted.err);
    let parts: Vec<String> = files(dir.path(), "rdb")
        .iter()
        .map(|path| text(path).to_owned())
        .filter(|path| path.contains("slots-"))
        .collect();
    let merged = out("merged.rdb");
    let mut args = vec!["merge", "-o", &merged];
    args.extend(parts.iter().map(String::as_str));
    assert_eq!(duramen(&args, "").code, 0);
    assert_eq!(duramen(&["diff", text(&types), &merged], "").code, 0);
    assert_eq!(duramen(&["check", text(dir.path())], "").code, 0);
}

#[test]
fn archives_are_read_as_what_is_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let types = corpus("rdb/redis-7.0.15/types.rdb");
    let out = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (archive, plain) = (out("types.rdb.lz4"), out("types.rdb"));
    let code = |args: &[&str]| {
        let run = duramen(args, "");
        (run.code, run.err)
    };
    assert_eq!(code(&["convert", "--lz4", text(&types), &archive]).0, 0);
    assert_eq!(code(&["diff", text(&types), &archive]).0, 0);
    let shown = |path: &str| duramen(&["inspect", "-f", "jsonl", path], "").out;
    assert_eq!(shown(&archive), shown(text(&types)));
    let check = duramen(&["check", &archive], "");
    assert!(
        check.code == 0 && check.out.contains("an archive"),
        "{}",
        check.out
    );
    assert_eq!(code(&["convert", &archive, &plain]).0, 0);
    assert_eq!(code(&["diff", &plain, text(&types)]).0, 0);
    for args in [
        &["get", &archive, "some:key"][..],
        &["repair", &archive, &out("repaired.rdb")],
    ] {
        let (code, err) = code(args);
        assert!(
            code == 2 && err.contains("duramen convert"),
            "{args:?}: {err}"
        );
    }
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, &bytes).unwrap();
    assert_ne!(code(&["check", &archive]).0, 0);
}

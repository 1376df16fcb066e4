//! What real servers wrote, against what they said it holds.

use inspect::export::{Commands, CsvRows, JsonOptions, JsonRows, Output};
use inspect::{Error, Filter, Source, Summary, SummaryOptions, Visitor};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use storage::Os;
use units::UnixMillis;

fn corpus(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("../../testdata/corpus").join(path)
}

/// The files below `dir` with this extension, sorted.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path, visitor: &mut impl Visitor) -> Result<(), Error> {
    let filter = Filter::default();
    let mut source = Source::new(&filter, visitor);
    for file in inspect::files(&Os, path)? {
        let (mut blocks, len) = inspect::open(&Os, &file, |_| {})?;
        source.read(&file, len, &mut blocks)?;
    }
    Ok(())
}

fn summary(path: &Path) -> (Summary, Result<(), Error>) {
    let mut summary = Summary::new(SummaryOptions {
        top: 10,
        separators: b":".to_vec(),
        slots: true,
        at: None,
        now: UnixMillis(0),
        positions: None,
    });
    let outcome = read(path, &mut summary);
    (summary, outcome)
}

/// Keys by database and name, as the exporter writes them.
fn rows(path: &Path) -> BTreeMap<(u64, String), Value> {
    let mut bytes = Vec::new();
    let output = Output::new(&mut bytes, false);
    let mut rows = JsonRows::new(output, JsonOptions::default());
    read(path, &mut rows).unwrap();
    rows.finish().unwrap();
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .filter(|row: &Value| row.get("key").is_some())
        .map(|row: Value| ((row["db"].as_u64().unwrap(), row["key"].to_string()), row))
        .collect()
}

fn sorted(rows: &Value, canonical: impl Fn(&Value) -> Value) -> Value {
    let mut rows: Vec<Value> = rows.as_array().unwrap().iter().map(canonical).collect();
    rows.sort_by_key(Value::to_string);
    Value::Array(rows)
}

/// A value without what depends on order or on who prints it.
fn canonical(kind: &str, value: &Value) -> Value {
    match kind {
        "set" | "hash" => sorted(value, Value::clone),
        "zset" => sorted(value, |row| json!([row[0], row[1]["bits"]])),
        "stream" => json!({
            "entries": value["entries"],
            "length": value["length"],
            "last_id": value["last_id"],
            "groups": sorted(&value["groups"], group),
        }),
        _ => value.clone(),
    }
}

/// Ids with times and counts, whether the consumer stands between them or not.
fn group(group: &Value) -> Value {
    let numbers = |row: &Value| {
        let row = row.as_array().unwrap();
        let count = row.len();
        json!([row[0], row[count - 2], row[count - 1]])
    };
    let id = |row: &Value| match row {
        Value::Array(row) => row[0].clone(),
        id => id.clone(),
    };
    let consumer = |consumer: &Value| {
        json!([
            consumer["name"],
            consumer["seen_ms"],
            sorted(&consumer["pel"], id)
        ])
    };
    json!({
        "name": group["name"],
        "last_id": group["last_id"],
        "pel": sorted(&group["pel"], numbers),
        "consumers": sorted(&group["consumers"], consumer),
    })
}

#[test]
fn rows_say_what_servers_said() {
    let mut compared = 0;
    for path in files(&corpus("rdb"), "rdb") {
        let sidecar = std::fs::read(path.with_extension("json")).unwrap();
        let sidecar: Value = serde_json::from_slice(&sidecar).unwrap();
        let rows = rows(&path);
        let is_default = sidecar["config"].as_object().unwrap().is_empty();
        let mut told = 0;
        for (db, keys) in sidecar["dbs"].as_object().unwrap() {
            for key in keys.as_array().unwrap() {
                let kind = key["type"].as_str().unwrap();
                let row = &rows[&(db.parse().unwrap(), key["key"].to_string())];
                let name = format!("{}: {}", path.display(), key["key"]);
                for field in ["type", "expire_ms", "freq"] {
                    assert_eq!(row[field], key[field], "{name}: {field}");
                }
                if is_default && !["hash", "string", "module"].contains(&kind) {
                    assert_eq!(row["encoding"], key["encoding"], "{name}");
                }
                let (found, wanted) = (&row["value"], &key["value"]);
                assert_eq!(canonical(kind, found), canonical(kind, wanted), "{name}");
                told += 1;
            }
        }
        let expired = path.file_stem().is_some_and(|stem| stem == "expired");
        assert_eq!(
            rows.len(),
            if expired { 3 } else { told },
            "{}",
            path.display()
        );
        compared += told;
    }
    println!("{compared} keys compared");
    assert!(compared > 2000);
}

#[test]
fn every_file_and_folder_is_summed_up_or_refused() {
    let mut refused = Vec::new();
    let mut paths = files(&corpus(""), "rdb");
    paths.extend(files(&corpus("aof"), "manifest"));
    for path in &paths {
        let (summary, outcome) = summary(path);
        let total = summary.total;
        let dbs: u64 = summary.dbs.values().map(|db| db.row.keys).sum();
        let kinds = inspect::Type::ALL.map(|kind| summary.of_type(kind).memory);
        let slots: u64 = summary.slots.iter().map(|share| share.keys).sum();
        assert_eq!((dbs, slots), (total.keys, total.keys), "{}", path.display());
        assert_eq!(kinds.iter().sum::<u64>(), total.memory);
        assert_eq!(summary.prefixes.tree(1).bytes, total.memory);
        inspect::report::write_text(&summary, &mut Vec::new()).unwrap();
        inspect::report::html::write(&summary, "x", &mut Vec::new()).unwrap();
        assert!(inspect::report::to_json(&summary)["total"].is_object());
        if let Err(error) = outcome {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            refused.push((name, error.is_damage()));
        }
    }
    let snapshots = refused.iter().filter(|(name, _)| name.ends_with("rdb"));
    let snapshots: Vec<_> = snapshots
        .map(|(name, damage)| (name.as_str(), *damage))
        .collect();
    assert_eq!(
        snapshots,
        [
            ("future_v19.rdb", false),
            ("invalid_chksum_v8.rdb", true),
            ("corrupt_ziplist.rdb", true)
        ]
    );
    println!("{} inputs, {refused:?} refused", paths.len());
}

#[test]
fn logs_are_counted_by_command() {
    let (summary, outcome) = summary(&corpus("aof/redis-7.0.15/fresh"));
    outcome.unwrap();
    let rows = summary.commands.rows();
    let count: u64 = rows.iter().map(|(_, found)| found.count).sum();
    assert_eq!(count, summary.commands.total.count);
    assert!(rows.iter().any(|(name, _)| *name == b"select"));
    assert!(count > 100);
}

#[test]
fn what_a_filter_leaves_out_is_nowhere() {
    let path = corpus("rdb/redis-7.0.15/types.rdb");
    for memory_min in [0, 100, 10_000] {
        let filter = Filter {
            memory_min: Some(memory_min),
            types: vec![inspect::Type::Hash, inspect::Type::String],
            ..Filter::default()
        };
        let (mut json, mut csv, mut commands) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = JsonRows::new(Output::new(&mut json, true), JsonOptions::default());
        let mut lines = CsvRows::new(Output::new(&mut csv, true));
        let mut words = Commands::new(Output::new(&mut commands, true));
        let mut all = [0_usize; 3];
        for (at, visitor) in [&mut rows as &mut dyn Visitor, &mut lines, &mut words]
            .into_iter()
            .enumerate()
        {
            let mut counted = Counting(visitor, 0);
            let mut source = Source::new(&filter, &mut counted);
            let (mut blocks, len) = inspect::open(&Os, &path, |_| {}).unwrap();
            source.read(&path, len, &mut blocks).unwrap();
            all[at] = counted.1;
        }
        rows.finish().unwrap();
        lines.finish().unwrap();
        words.finish().unwrap();
        assert!(all.iter().all(|count| *count == all[0] && *count > 0));
        let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').count() - 1;
        let functions = json
            .windows(12)
            .filter(|at| at == b"{\"function\":")
            .count();
        assert_eq!(lines(&json) - functions, all[0]);
        assert_eq!(lines(&csv), all[0] + 1);
    }
}

/// Passes everything on, and counts the keys that are kept.
struct Counting<'a>(&'a mut dyn Visitor, usize);

impl Visitor for Counting<'_> {
    fn fact(&mut self, fact: &inspect::Fact<'_>) -> std::io::Result<()> {
        self.0.fact(fact)
    }

    fn key(&mut self, key: &inspect::Key<'_>) -> std::io::Result<bool> {
        self.0.key(key)
    }

    fn piece(&mut self, piece: &inspect::Piece<'_>) -> std::io::Result<()> {
        self.0.piece(piece)
    }

    fn end_key(
        &mut self,
        key: &inspect::Key<'_>,
        figures: &inspect::Figures,
        keep: bool,
    ) -> std::io::Result<()> {
        self.1 += usize::from(keep);
        self.0.end_key(key, figures, keep)
    }
}

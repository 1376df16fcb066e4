//! Every file and folder that real servers left behind opens, and its content is what the server
//! that wrote it found there itself.

mod call;

use call::InProcess;
use duramen::Engine;
use kvdump::{Encodings, Options, Sidecar};
use std::fs;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

/// The files with this extension below `dir`, sorted.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
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

/// What may differ from a sidecar of another server than ours pretends to be.
fn options() -> Options {
    Options {
        encodings: Encodings::Kindred,
        ..Options::ACROSS_SERVERS
    }
}

/// Opens `dir` for reading with the sidecar's policy, and lists what differs from it.
fn differences(
    dir: &Path,
    settings: &[(&str, &str)],
    sidecar: &Sidecar,
    options: &Options,
) -> Vec<String> {
    let mut builder = Engine::builder(dir).read_only();
    for (name, value) in settings {
        builder = builder.config(name, value).unwrap();
    }
    let engine = builder
        .config("maxmemory-policy", &sidecar.dump.policy)
        .unwrap()
        .open();
    let engine = match engine {
        Ok(engine) => engine,
        Err(error) => return vec![error.to_string()],
    };
    let found = kvdump::dump(&mut InProcess::new(&engine)).unwrap();
    let differences = kvdump::compare(&sidecar.dump, &found, options);
    differences.iter().map(ToString::to_string).collect()
}

/// Fails with the first differences of each case.
fn expect_none(failures: &[(PathBuf, Vec<String>)]) {
    let shown = failures.iter().map(|(path, differences)| {
        let some = differences
            .iter()
            .take(5)
            .map(|line| format!("\n    {line}"));
        format!(
            "{}: {} differences{}",
            path.display(),
            differences.len(),
            some.collect::<String>()
        )
    });
    let shown: Vec<String> = shown.collect();
    assert!(failures.is_empty(), "{}", shown.join("\n"));
}

fn check_snapshots(below: &str) -> usize {
    let mut failures = Vec::new();
    let mut checked = 0;
    for path in files(&corpus().join(below), "rdb") {
        let sidecar = path.with_extension("json");
        if !sidecar.exists() {
            continue;
        }
        let sidecar = Sidecar::load(&sidecar).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut settings = settings_of(&sidecar);
        settings.extend([("dbfilename", name), ("appendonly", "no")]);
        let found = differences(path.parent().unwrap(), &settings, &sidecar, &options());
        if !found.is_empty() {
            failures.push((path, found));
        }
        checked += 1;
    }
    expect_none(&failures);
    checked
}

#[test]
fn every_snapshot_of_the_four_servers_equals_its_sidecar() {
    let checked = check_snapshots("rdb");
    println!("{checked} snapshots equal their sidecars");
    assert_eq!(checked, 59);
}

#[test]
fn every_public_snapshot_that_a_server_loads_equals_its_sidecar() {
    let checked = check_snapshots("public");
    println!("{checked} public snapshots equal their sidecars");
    assert_eq!(checked, 41);
}

/// What a file can't be read without: the names in a `named` folder, and as many databases as
/// `dbs` has.
fn settings_of(sidecar: &Sidecar) -> Vec<(&str, &str)> {
    let known = ["appendfilename", "appenddirname"];
    let named = |(name, _): &&(String, String)| known.contains(&name.as_str());
    let settings = sidecar.config.iter().filter(named);
    let settings = settings.map(|(name, value)| (name.as_str(), value.as_str()));
    settings.chain([("databases", "32")]).collect()
}

/// Redis 6.2 logs RESTORE with the time to live as it was sent, so that it starts anew whenever the
/// log is loaded.
fn starts_anew_at_each_load(dir: &Path, difference: &str) -> bool {
    dir.ends_with("redis-6.2.14/fresh") && difference.starts_with("db0 \"quay:rs2\" expire_ms")
}

#[test]
fn every_append_only_folder_equals_its_sidecar() {
    let mut failures = Vec::new();
    let mut checked = 0;
    for sidecar_path in files(&corpus().join("aof"), "json") {
        if sidecar_path.file_stem().is_some_and(|stem| stem == "tails") {
            continue;
        }
        let sidecar = Sidecar::load(&sidecar_path).unwrap();
        let dir = sidecar_path.with_extension("");
        let options = Options {
            ignore_seen: true,
            ignore_nodes: true,
            ..options()
        };
        let mut found = differences(&dir, &settings_of(&sidecar), &sidecar, &options);
        found.retain(|difference| !starts_anew_at_each_load(&dir, difference));
        if !found.is_empty() {
            failures.push((dir, found));
        }
        checked += 1;
    }
    println!("{checked} append-only folders equal their sidecars");
    expect_none(&failures);
    assert_eq!(checked, 27);
}

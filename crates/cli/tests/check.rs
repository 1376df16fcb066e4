//! What `check` says of everything that real servers wrote, and of what is damaged.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

mod program;

use program::{copy_of, corpus, duramen, files};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The exit code and the findings, file by file.
fn check(paths: &[PathBuf]) -> (i32, Vec<Value>) {
    let mut args = vec!["check", "--json"];
    args.extend(paths.iter().map(|path| path.to_str().unwrap()));
    let run = duramen(&args, "");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    (run.code, report["files"].as_array().unwrap().clone())
}

fn named(files: &[Value], verdict: &str) -> Vec<String> {
    let files = files.iter().filter(|file| file["verdict"] == verdict);
    let name = |file: &Value| {
        let path = Path::new(file["path"].as_str().unwrap());
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    files.map(name).collect()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn of_all_snapshots_two_are_damaged_and_one_is_from_the_future() {
    let all = files(&corpus(""), "rdb");
    assert_eq!(all.len(), 153);
    let (code, found) = check(&all);
    assert_eq!(
        named(&found, "damaged"),
        ["invalid_chksum_v8.rdb", "corrupt_ziplist.rdb"]
    );
    assert_eq!(named(&found, "unreadable"), ["future_v19.rdb"]);
    assert_eq!(named(&found, "sound").len(), 150);
    assert_eq!(code, 2);
    for file in found.iter().filter(|file| file["verdict"] != "sound") {
        assert!(file["damage"]["offset"].is_u64(), "{file}");
    }
}

/// Files that we call sound and no server loads, for want of a module or of Redis Enterprise.
const NEED_A_MODULE: [&str; 6] = [
    "misc_with_stream",
    "module",
    "module_aux",
    "module_aux_empty",
    "module_aux_v12",
    "redis_ent_opcode_ram_lru",
];

#[test]
fn public_files_are_sound_if_a_server_loads_them() {
    let mut compared = 0;
    for path in files(&corpus("public"), "rdb") {
        let verdicts = read_json(&path.with_extension("verdict.json"));
        let loads = |server: &Value| server["loads"] == true;
        let some_server_loads_it = verdicts.as_object().unwrap().values().any(loads);
        let (code, found) = check(std::slice::from_ref(&path));
        let name = path.file_stem().unwrap().to_str().unwrap();
        match NEED_A_MODULE.contains(&name) {
            true => {
                let facts = &found[0]["rdb"];
                let odd = ["module_aux", "skipped"].map(|what| facts[what].as_u64().unwrap());
                let values = facts["types"]["module"].as_u64().unwrap_or(0);
                assert!(code == 0 && odd[0] + odd[1] + values > 0, "{name}");
            }
            false => assert_eq!(code == 0, some_server_loads_it, "{name}"),
        }
        compared += 1;
    }
    println!("{compared} public snapshots compared with four servers");
    assert_eq!(compared, 50);
}

/// Keys by database as the sidecar lists them.
fn keys_of(sidecar: &Value) -> Vec<(String, u64)> {
    let dbs = sidecar["dbs"].as_object().unwrap();
    let rows = |rows: &Value| rows.as_array().unwrap().len() as u64;
    dbs.iter()
        .map(|(db, keys)| (db.clone(), rows(keys)))
        .collect()
}

#[test]
fn keys_are_counted_as_in_the_sidecars() {
    let mut compared = 0;
    for path in files(&corpus("rdb"), "rdb") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        // Keys whose time had come count as keys of the file, but are in no sidecar.
        if name.starts_with("expire") {
            continue;
        }
        let (code, found) = check(std::slice::from_ref(&path));
        assert_eq!(code, 0);
        let dbs = found[0]["rdb"]["dbs"].as_object().unwrap();
        let counted = dbs
            .iter()
            .map(|(db, facts)| (db.clone(), facts["keys"].as_u64().unwrap()));
        let mut counted: Vec<_> = counted.collect();
        let mut expected = keys_of(&read_json(&path.with_extension("json")));
        counted.sort();
        expected.sort();
        assert_eq!(counted, expected, "{}", path.display());
        compared += 1;
    }
    assert_eq!(compared, 51);
}

#[test]
fn every_append_only_folder_is_sound() {
    let mut folders = 0;
    let mut commands = 0;
    for sidecar in files(&corpus("aof"), "json") {
        if sidecar.file_stem().is_some_and(|stem| stem == "tails") {
            continue;
        }
        let dir = sidecar.with_extension("");
        let (code, found) = check(std::slice::from_ref(&dir));
        assert_eq!(code, 0, "{}: {found:?}", dir.display());
        let logs = found.iter().filter(|file| !file["log"].is_null());
        let count = |file: &Value| file["log"]["commands"].as_u64().unwrap();
        commands += logs.map(count).sum::<u64>();
        folders += 1;
    }
    println!("{folders} folders, {commands} commands");
    assert_eq!(folders, 27);
}

/// Ends that we call damaged and servers start on (and what they do with them), or the other way.
fn differs_from_servers(server: &str, case: &str) -> bool {
    match case {
        // Servers take the rest of the file for an annotation, and lose what is appended to it.
        "annotation-cut" => server != "redis-6.2.14",
        // Only from 7.0 on.
        "annotation" => server == "redis-6.2.14",
        _ => false,
    }
}

#[test]
fn tails_are_sound_if_a_server_starts_without_cutting_them() {
    let mut compared = 0;
    for server in [
        "redis-6.2.14",
        "redis-7.0.15",
        "redis-8.2.3",
        "valkey-9.1.2",
    ] {
        let tails = read_json(&corpus(&format!("aof/{server}/tails.json")));
        for (case, facts) in tails["cases"].as_object().unwrap() {
            let file = facts["file"].as_str().unwrap();
            let path = corpus(&format!("aof/{server}/tails/{file}"));
            let (code, found) = check(&[path]);
            let starts = facts["aof-load-truncated no"]["starts"] == true;
            let expected = starts != differs_from_servers(server, case);
            assert_eq!(code == 0, expected, "{server} {case}: {found:?}");
            if code != 0 {
                assert!(found[0]["damage"]["offset"].is_u64(), "{server} {case}");
            }
            compared += 1;
        }
    }
    println!("{compared} ends compared with four servers");
    assert_eq!(compared, 136);
}

#[test]
fn every_flipped_byte_of_a_snapshot_with_checksum_is_noticed() {
    let bytes = std::fs::read(corpus("rdb/redis-7.0.15/dbs.rdb")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let steps = (0..bytes.len() - 8).step_by(bytes.len() / 40);
    let damaged: Vec<PathBuf> = steps
        .map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            let path = dir.path().join(format!("{at}.rdb"));
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let (_, found) = check(&damaged);
    assert_eq!(named(&found, "sound"), Vec::<String>::new());
    assert!(found.len() >= 40);
}

#[test]
fn a_directory_is_more_than_its_files() {
    let dir = copy_of("aof/redis-7.0.15/rewritten");
    let whole = [dir.path().to_owned()];
    let (code, found) = check(&whole);
    assert_eq!((code, found.len()), (0, 3));
    let folder = dir.path().join("appendonlydir");
    for place in [folder.clone(), folder.join("appendonly.aof.manifest")] {
        assert_eq!(check(&[place]), (0, found.clone()));
    }
    let incr = files(&folder, "aof").pop().unwrap();
    std::fs::rename(&incr, dir.path().join("elsewhere")).unwrap();
    let (code, found) = check(&whole);
    assert_eq!(code, 1);
    let what = found[0]["damage"]["what"].as_str().unwrap();
    assert!(what.contains("incr.aof is missing"), "{what}");
}

#[test]
fn what_is_not_there_or_holds_nothing_can_not_be_read() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("nosuch")] {
        let (code, found) = check(&[path]);
        assert_eq!((code, named(&found, "unreadable").len()), (2, 1));
    }
    assert_eq!(duramen(&["check"], "").code, 2);
}

#[test]
fn people_are_told_in_lines() {
    let path = corpus("public/valkey-tests/corrupt_ziplist.rdb");
    let run = duramen(&["check", path.to_str().unwrap()], "");
    assert_eq!(run.code, 1);
    let first = run.out.lines().next().unwrap();
    assert!(
        first.contains("DAMAGED at byte 488: in hash (ziplist)"),
        "{first}"
    );
    assert!(run.out.contains("db 0: 16 keys"), "{}", run.out);
}

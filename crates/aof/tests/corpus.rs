//! Every log that real servers left in the corpus, whole and damaged.

use aof::{Error, Located, LogReader, Names, Record, RecordReader, locate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use storage::{Memory, Mode, Os, OsFile, Reader, Storage as _};

const REDIS_6: &str = "redis-6.2.14";
const REDIS_7: &str = "redis-7.0.15";
const REDIS_8: &str = "redis-8.2.3";
const VALKEY: &str = "valkey-9.1.2";
const SERVERS: [&str; 4] = [REDIS_6, REDIS_7, REDIS_8, VALKEY];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus/aof")
}

fn json(path: &Path) -> Value {
    let text = storage::read(&Os, path, 1 << 30).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// How reading a log ends: its length after repair, or a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Starts(u64),
    Refuses,
}
use Outcome::{Refuses, Starts};

/// Where we end otherwise than a server, and why that is better.
const DIFFERENCES: &[(&str, &[&str], &str)] = &[
    (
        "cut-inside-multi-command",
        &[REDIS_6, REDIS_7, REDIS_8],
        "Redis leaves the MULTI open: what it appends next is lost at the start after",
    ),
    ("cut-in-exec", &[REDIS_6, REDIS_7, REDIS_8], "the same"),
    (
        "zero-padded",
        &SERVERS,
        "NULs are what a power cut leaves; nothing is lost by cutting them",
    ),
    (
        "annotation-cut",
        &SERVERS,
        "kept, it would swallow the next command (6.2: no annotations)",
    ),
    ("annotation", &[REDIS_6], "6.2 has no annotations"),
    (
        "lf-only",
        &SERVERS,
        "no record that anybody wrote; servers cut it by accident of reading",
    ),
    (
        "unknown-command",
        &SERVERS,
        "a well-formed record: whoever runs the commands refuses",
    ),
    ("wrong-arity", &[REDIS_6, REDIS_7, VALKEY], "the same"),
];

#[test]
fn every_tail_ends_as_promised() {
    let mut differences: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut tails = 0;
    for server in SERVERS {
        let cases = json(&corpus().join(server).join("tails.json"));
        let cases = cases["cases"].as_object().unwrap().clone();
        assert_eq!(cases.len(), 34, "{server}");
        for (name, case) in &cases {
            let file = case["file"].as_str().unwrap();
            let path = corpus().join(server).join("tails").join(file);
            let ours = read_tail(&path);
            if ours != outcome_of(&case["aof-load-truncated yes"]) {
                differences.entry(name.clone()).or_default().push(server);
            }
            tails += 1;
        }
    }
    println!("{tails} tails");
    assert_eq!(tails, 136);
    let expected: BTreeMap<String, Vec<&str>> = DIFFERENCES
        .iter()
        .map(|(name, servers, _)| (name.to_string(), servers.to_vec()))
        .collect();
    assert_eq!(differences, expected);
}

fn outcome_of(case: &Value) -> Outcome {
    if case["starts"].as_bool().unwrap() {
        Starts(case["size_after"].as_u64().unwrap())
    } else {
        Refuses
    }
}

fn read_tail(path: &Path) -> Outcome {
    let content = storage::read(&Os, path, 1 << 20).unwrap();
    let outcome = match read_log(LogReader::open(Os.open(path, Mode::Read).unwrap()).unwrap()) {
        Ok((_, valid_up_to)) => Starts(valid_up_to),
        Err(error) => {
            assert!(error.to_string().contains("offset"), "{error}");
            Refuses
        }
    };
    assert_eq!(drip(&content), outcome, "{} byte by byte", path.display());
    outcome
}

/// The same, fed byte by byte.
fn drip(content: &[u8]) -> Outcome {
    let mut reader = RecordReader::new(0, content.len() as u64);
    for byte in content {
        reader.feed(std::slice::from_ref(byte));
        while let Ok(Some(_)) = reader.next_record() {}
    }
    reader
        .finish()
        .map_or(Refuses, |tail| Starts(tail.valid_up_to))
}

/// Number of commands, and where what counts ends.
fn read_log(mut log: LogReader<OsFile>) -> Result<(usize, u64), Error> {
    let mut commands = 0;
    while let Some(record) = log.next_record()? {
        commands += usize::from(matches!(record, Record::Command(_)));
    }
    Ok((commands, log.finish()?.valid_up_to))
}

/// The exact ends that we promise where no server sets the measure.
#[test]
fn our_own_cuts_are_where_they_should_be() {
    for server in SERVERS {
        let end_of = |name: &str| {
            let cases = json(&corpus().join(server).join("tails.json"));
            let file = cases["cases"][name]["file"].as_str().unwrap();
            read_tail(&corpus().join(server).join("tails").join(file))
        };
        let whole = end_of("whole");
        assert_eq!(end_of("zero-padded"), whole, "{server}");
        assert_eq!(end_of("annotation-cut"), whole, "{server}");
        let before_multi = end_of("multi-alone");
        assert_eq!(end_of("cut-in-exec"), before_multi, "{server}");
        assert_eq!(end_of("cut-inside-multi-command"), before_multi, "{server}");
        assert_eq!(end_of("lf-only"), Refuses, "{server}");
    }
}

/// What was written to the last file of a folder that is not whole is fatal in any other.
#[test]
fn a_torn_file_that_is_not_the_last_is_refused() {
    let path = corpus().join(REDIS_7).join("tails/cut-last-lf.incr.aof");
    let mut log = LogReader::open(Os.open(&path, Mode::Read).unwrap()).unwrap();
    while log.next_record().unwrap().is_some() {}
    let error = log.finish_whole().unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("the last 50 bytes, from offset 347 on"),
        "{error}"
    );
}

#[test]
fn every_folder_is_located_and_read() {
    let mut folders = 0;
    for server in SERVERS {
        for entry in Os.list(&corpus().join(server)).unwrap() {
            let name = entry.name.to_str().unwrap();
            if entry.is_dir && name != "tails" {
                read_folder(&corpus().join(server).join(name), name);
                folders += 1;
            }
        }
    }
    println!("{folders} folders");
    assert_eq!(folders, 27);
}

fn read_folder(dir: &Path, case: &str) {
    let names = match case {
        "named" => Names::custom(dir, "odd name.aof", "log dir"),
        _ => Names::new(dir),
    };
    let files = match locate(&Os, &names).unwrap() {
        Located::Nothing => panic!("{}: nothing found", dir.display()),
        Located::Single { path } => vec![path],
        Located::Multi { manifest, ignored } => {
            assert_eq!(ignored, None);
            assert_text_is_kept(&names);
            assert_eq!(!manifest.history.is_empty(), case == "history");
            assert_eq!(
                manifest.incr.len(),
                1 + usize::from(case == "interrupted-rewrite")
            );
            manifest.data().map(|file| names.file(&file.name)).collect()
        }
    };
    for path in files {
        read_file(&path, case);
    }
}

/// Real manifests are in canonical order: writing what was read gives the same bytes.
fn assert_text_is_kept(names: &Names) {
    let text = storage::read(&Os, &names.manifest(), 1 << 20).unwrap();
    let manifest = aof::Manifest::parse(&text).unwrap();
    assert_eq!(manifest.to_text().as_bytes(), text);
}

fn read_file(path: &Path, case: &str) {
    let mut log = LogReader::open(Os.open(path, Mode::Read).unwrap()).unwrap();
    let file_len = log.file_len();
    let is_base = path.to_string_lossy().contains(".base.");
    if log.has_preamble() {
        assert!(is_base || case == "rewritten", "{}", path.display());
        skip_rdb(log.preamble());
    } else {
        assert!(
            !path.to_string_lossy().ends_with(".rdb"),
            "{}",
            path.display()
        );
    }
    let (commands, end) = read_log(log).unwrap();
    assert_eq!(end, file_len, "{}", path.display());
    assert!(
        commands > 0 || path.to_string_lossy().ends_with(".rdb"),
        "{}",
        path.display()
    );
}

/// Up to the first SELECT of the commands behind the RDB, or to the end. (The corpus has none inside
/// an RDB.)
fn skip_rdb(input: &mut Reader<OsFile>) {
    while input.fill().unwrap() > 0 {}
    let bytes = input.buffer();
    let select = b"*2\r\n$6\r\nSELECT\r\n";
    let end = bytes
        .windows(select.len())
        .position(|window| window == select);
    let end = end.unwrap_or(bytes.len());
    input.consume(end);
}

/// The pipe from a file to its preamble's decoder is an ordinary reader.
#[test]
fn commands_begin_where_the_preamble_was_consumed_to() {
    let disk = Memory::new();
    let path = Path::new("f");
    let file = disk.open(path, Mode::CreateNew).unwrap();
    storage::File::append(&file, b"REDIS0011...*1\r\n$4\r\nPING\r\n").unwrap();
    let mut log = LogReader::open(file).unwrap();
    assert!(log.has_preamble());
    let mut rdb = [0; 12];
    log.preamble().read_exact(&mut rdb).unwrap();
    assert_eq!(log.offset(), 12);
    assert!(matches!(log.next_record(), Ok(Some(Record::Command(_)))));
    assert_eq!(log.offset(), 26);
    assert!(log.finish().unwrap().is_whole());
}

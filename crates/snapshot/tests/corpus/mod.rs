//! The files of the corpus into keyspaces and back.

#![allow(dead_code, reason = "each test binary uses some of it")]

pub(crate) mod sidecar;

use keyspace::{Keyspace, Options, OverBudget, ValueRef};
use rdb::{Decoder, DecoderOptions, Encoder, EncoderOptions, Target};
use serde_json::Value as Json;
use snapshot::{LoadOptions, LoadSummary, Preamble};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use units::{ReplOffset, UnixMillis};

/// Before every deadline, so that nothing has expired.
pub(crate) const BEFORE_ALL: UnixMillis = UnixMillis(0);

/// A file written by a real server, and what that server said it holds.
pub(crate) struct Case {
    /// Folder and file, for messages.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sidecar: Json,
}

impl Case {
    /// A time after the file was written and read again for its sidecar, which deadlines within
    /// seconds did not survive; the others are years away.
    pub(crate) fn read_at(&self) -> UnixMillis {
        let secs = self.sidecar["aux"]["ctime"].as_str();
        let secs: Option<i64> = secs.and_then(|secs| secs.parse().ok());
        secs.and_then(|secs| UnixMillis::from_secs(secs + 60))
            .expect("the writer's time")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of the corpus");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn json(path: &Path) -> Json {
    let text = std::fs::read(path).expect("a readable file");
    serde_json::from_slice(&text).expect("JSON")
}

/// The snapshots of every server.
pub(crate) fn cases() -> Vec<Case> {
    let folders = listed(&root().join("rdb"));
    let files = folders.iter().flat_map(|folder| listed(folder));
    let files = files.filter(|path| path.extension().is_some_and(|ext| ext == "rdb"));
    let cases: Vec<Case> = files
        .map(|path| Case {
            name: name(&path),
            bytes: std::fs::read(&path).expect("a readable file"),
            sidecar: json(&path.with_extension("json")),
        })
        .collect();
    assert!(cases.len() > 50, "{} cases", cases.len());
    cases
}

fn name(path: &Path) -> String {
    let below = path.strip_prefix(root()).expect("below the root");
    below.to_string_lossy().into_owned()
}

/// The rows of DUMP payloads of every server, with the server.
pub(crate) fn payloads() -> Vec<(String, Json)> {
    let files = listed(&root().join("dump"));
    let rows = files.iter().flat_map(|path| {
        let server = name(path);
        let mut file = json(path);
        let Json::Array(rows) = file["rows"].take() else {
            panic!("{server} has no rows");
        };
        rows.into_iter().map(move |row| (server.clone(), row))
    });
    let rows: Vec<(String, Json)> = rows.collect();
    assert!(rows.len() > 500, "{} payloads", rows.len());
    rows
}

/// Loads a file as it is at `now`.
pub(crate) fn load(bytes: &[u8], now: UnixMillis) -> Result<(Keyspace, LoadSummary), String> {
    let keyspace = Keyspace::new(Options {
        shards: 4,
        databases: 64,
        ..Options::default()
    });
    let options = LoadOptions {
        now,
        keep_expired: false,
        input_len: bytes.len() as u64,
        threads: 2,
    };
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(bytes);
    decoder.finish_input();
    let loaded = snapshot::load(&keyspace, options, |loader| {
        while let Some(event) = decoder.next().map_err(|error| error.to_string())? {
            loader.put(&event).map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    });
    let (fed, summary) = loaded.map_err(|error| error.to_string())?;
    fed?;
    Ok((keyspace, summary))
}

/// The file of all that is in `keyspace`, without what the target cannot hold.
pub(crate) fn save(keyspace: &Keyspace, summary: &LoadSummary, target: Target) -> Vec<u8> {
    let options = EncoderOptions {
        lossy: true,
        ..EncoderOptions::default()
    };
    let preamble = Preamble {
        functions: summary.functions.clone(),
        module_aux: summary.module_aux.clone(),
        ..Preamble::default()
    };
    let (mut encoder, mut file) = (Encoder::new(target, options), Vec::new());
    let keys = snapshot::write(
        keyspace.freeze(OverBudget::Cancel, ReplOffset::default),
        &mut encoder,
        &preamble,
        1,
        &mut |block| {
            file.extend_from_slice(block);
            Ok::<(), Infallible>(())
        },
    );
    assert_eq!(keys.expect("lossy writing refuses nothing"), summary.keys);
    file
}

/// Whether a value is the same once it was written for `target` and read again. A score of -0 in
/// plain form is not: adding a member with it makes it 0, as it does in servers since 7.0.
pub(crate) fn keeps_every_bit(target: Target, value: ValueRef<'_>) -> bool {
    let ValueRef::Zset(zset) = value else {
        return true;
    };
    let mut scores = zset.iter().map(|(_, score)| score);
    target != Target::Redis9 || !scores.any(|score| score == 0.0 && score.is_sign_negative())
}

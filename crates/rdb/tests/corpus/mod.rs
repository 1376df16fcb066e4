//! The files of the corpus, and events that outlive their decoder.

#![allow(dead_code, reason = "each test binary uses some of it")]

pub(crate) mod logical;

use std::path::{Path, PathBuf};

use rdb::{Decoder, DecoderOptions, Error, Event};

/// Where the files written by real servers are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

/// Every .rdb file there, sorted; the name is the path below the root.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    found.iter().map(|path| read(path)).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rdb") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> (String, Vec<u8>) {
    let name = path.strip_prefix(root()).expect("below the root");
    let bytes = std::fs::read(path).expect("a readable file");
    (name.to_string_lossy().into_owned(), bytes)
}

/// What a file says, each event as the text that `Debug` prints.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<String>,
    pub(crate) error: Option<Error>,
    pub(crate) rest: Vec<u8>,
}

/// Decodes bytes fed in blocks of the sizes that `sizes` gives.
pub(crate) fn decode(bytes: &[u8], sizes: impl FnMut() -> usize) -> Outcome {
    let mut events = Vec::new();
    let mut shown = |event: &Event<'_>| events.push(format!("{event:?}"));
    let (error, rest) = pull(bytes, sizes, &mut shown);
    Outcome {
        events,
        error,
        rest,
    }
}

/// Decodes bytes, giving each event to `take`.
pub(crate) fn pull(
    mut bytes: &[u8],
    mut sizes: impl FnMut() -> usize,
    take: &mut dyn FnMut(&Event<'_>),
) -> (Option<Error>, Vec<u8>) {
    let mut decoder = Decoder::new(DecoderOptions::default());
    loop {
        match decoder.next() {
            Ok(Some(event)) => take(&event),
            Err(error) => return (Some(error), Vec::new()),
            Ok(None) => {
                if decoder.is_done() {
                    let mut rest = decoder.into_rest();
                    rest.extend_from_slice(bytes);
                    return (None, rest);
                }
                if bytes.is_empty() {
                    decoder.finish_input();
                    continue;
                }
                let (block, left) = bytes.split_at(sizes().clamp(1, bytes.len()));
                decoder.feed(block);
                bytes = left;
            }
        }
    }
}

/// A small generator of numbers, the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to `below` - 1.
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

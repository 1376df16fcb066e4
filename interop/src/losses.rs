//! What a target cannot hold, as checked in.
//!
//! `losses.tsv` has a line for each file and target: the file below the corpus, the target, and
//! the reasons, tab between them, reasons joined by `; `. Lines that start with `#` say something.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// The list, and which of its lines were found true.
#[derive(Debug)]
pub struct Losses {
    expected: BTreeMap<(String, String), String>,
    met: BTreeSet<(String, String)>,
}

impl Losses {
    /// Reads `losses.tsv`.
    pub fn load() -> io::Result<Losses> {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("losses.tsv"))?;
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut expected = BTreeMap::new();
        for line in lines {
            let [file, target, reasons] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(io::Error::other(format!(
                    "losses.tsv: not three columns: {line}"
                )));
            };
            expected.insert((file.to_owned(), target.to_owned()), reasons.to_owned());
        }
        Ok(Losses {
            expected,
            met: BTreeSet::new(),
        })
    }

    /// Holds what was lost (empty: nothing) against the list; an error line if they differ.
    pub fn check(&mut self, file: &str, target: &str, found: &[String]) -> Option<String> {
        let line = (file.to_owned(), target.to_owned());
        let expected = self.expected.get(&line).cloned().unwrap_or_default();
        let found = found.join("; ");
        self.met.insert(line);
        (expected != found).then(|| match (expected.is_empty(), found.is_empty()) {
            (true, _) => format!("losses.tsv lacks: {file}\t{target}\t{found}"),
            (_, true) => format!("losses.tsv needs not have: {file}\t{target}\t{expected}"),
            _ => format!("losses.tsv has for {file}\t{target}: {expected}, found: {found}"),
        })
    }

    /// Lines about files and targets of `targets` that nobody asked about.
    pub fn unmet(&self, targets: &[&str]) -> Vec<String> {
        let unmet = self
            .expected
            .keys()
            .filter(|line| !self.met.contains(*line));
        let unmet = unmet.filter(|(_, target)| targets.contains(&target.as_str()));
        unmet
            .map(|(file, target)| format!("losses.tsv names what there is not: {file}\t{target}"))
            .collect()
    }
}

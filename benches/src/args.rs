//! What to measure, and on whom.

use std::path::PathBuf;

use crate::Outcome;

const USAGE: &str = "usage: benches --server NAME=PATH [--server NAME=PATH ...]
  --what LIST          of memory,throughput,snapshot,saving,growth,expiry (default: all)
  --keys N             keys in the data sets (default 2000000; growth takes ten times as many)
  --runs N             runs of each figure (default 3)
  --pin SERVER,CLIENT  cores for the server and its client (default: none)";

/// A server to measure.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The command line.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) subjects: Vec<Subject>,
    what: Vec<String>,
    pub(crate) keys: u64,
    pub(crate) runs: usize,
    /// Core of the server, core of the client.
    pub(crate) pin: Option<(String, String)>,
}

impl Args {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Outcome<Args> {
        let mut args = Args {
            subjects: Vec::new(),
            what: Vec::new(),
            keys: 2_000_000,
            runs: 3,
            pin: None,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--server" => args.subjects.push(subject(&value()?)?),
                "--what" => args.what = value()?.split(',').map(str::to_owned).collect(),
                "--keys" => args.keys = value()?.parse()?,
                "--runs" => args.runs = value()?.parse()?,
                "--pin" => args.pin = Some(pair(&value()?)?),
                _ => return Err(format!("{word} is not known\n{USAGE}").into()),
            }
        }
        if args.subjects.is_empty() || args.runs == 0 {
            return Err(USAGE.into());
        }
        Ok(args)
    }

    pub(crate) fn wants(&self, what: &str) -> bool {
        self.what.is_empty() || self.what.iter().any(|wanted| wanted == what)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.subjects
            .iter()
            .map(|subject| subject.name.as_str())
            .collect()
    }
}

fn subject(text: &str) -> Outcome<Subject> {
    let (name, path) = text
        .split_once('=')
        .ok_or(format!("{text} is not NAME=PATH"))?;
    let path = std::path::absolute(path)?;
    Ok(Subject {
        name: name.to_owned(),
        path,
    })
}

fn pair(text: &str) -> Outcome<(String, String)> {
    let (server, client) = text
        .split_once(',')
        .ok_or(format!("{text} is not SERVER,CLIENT"))?;
    Ok((server.to_owned(), client.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Outcome<Args> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn servers_are_named() {
        let args = parse("--server a=/bin/a --server b=/bin/b --what memory --runs 1").unwrap();
        assert_eq!(args.names(), ["a", "b"]);
        assert!(args.wants("memory") && !args.wants("snapshot"));
    }

    #[test]
    fn mistakes_are_told() {
        for line in [
            "",
            "--server a",
            "--server a=/bin/a --keys",
            "--server a=/a --fast",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

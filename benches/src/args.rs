//! What to measure, and on whom.

use std::path::PathBuf;

use crate::{MEASUREMENTS, Outcome};

const USAGE: &str = "usage: benches --server NAME=PATH [--server NAME=PATH ...]
  --what LIST          of memory,throughput,types,snapshot,aof,freeze,views,collections,growth,lag,
                       hits (default: all)
  --keys N             keys, or elements of a collection, in the data sets (default 2000000; aof,
                       views and collections 5000000; lag 1000000; growth and freeze 20000000)
  --runs N             runs of each figure (default 3)
  --trace NAME=PATH    requests for hits, a number a line, in place of the generated traces that
                       stand for public ones; may be given again
  --ballast GIB        touched memory to hold and give back to what grows or is written to, where
                       first touches are dear (default 0)
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
    keys: Option<u64>,
    /// Names and files of requests.
    pub(crate) traces: Vec<(String, PathBuf)>,
    pub(crate) runs: usize,
    /// Bytes of touched memory to hold.
    pub(crate) ballast: usize,
    /// Core of the server, core of the client.
    pub(crate) pin: Option<(String, String)>,
}

impl Args {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Outcome<Args> {
        let mut args = Args {
            subjects: Vec::new(),
            what: Vec::new(),
            keys: None,
            traces: Vec::new(),
            runs: 3,
            ballast: 0,
            pin: None,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--server" => args.subjects.push(subject(&value()?)?),
                "--what" => args.what = value()?.split(',').map(str::to_owned).collect(),
                "--keys" => args.keys = Some(value()?.parse()?),
                "--runs" => args.runs = value()?.parse()?,
                "--trace" => {
                    let Subject { name, path } = subject(&value()?)?;
                    args.traces.push((name, path));
                }
                "--ballast" => args.ballast = value()?.parse::<usize>()? << 30,
                "--pin" => args.pin = Some(pair(&value()?)?),
                _ => return Err(format!("{word} is not known\n{USAGE}").into()),
            }
        }
        if args.subjects.is_empty() || args.runs == 0 || args.keys == Some(0) {
            return Err(USAGE.into());
        }
        let known = |what: &String| MEASUREMENTS.iter().any(|(name, _)| name == what);
        if let Some(what) = args.what.iter().find(|what| !known(what)) {
            return Err(format!("{what} is not measured\n{USAGE}").into());
        }
        Ok(args)
    }

    pub(crate) fn wants(&self, what: &str) -> bool {
        self.what.is_empty() || self.what.iter().any(|wanted| wanted == what)
    }

    /// Keys in a data set, unless a measurement has a number of its own.
    pub(crate) fn keys(&self) -> u64 {
        self.keys_or(2_000_000)
    }

    /// What was asked for, else `default`.
    pub(crate) fn keys_or(&self, default: u64) -> u64 {
        self.keys.unwrap_or(default)
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
        assert_eq!((args.keys(), args.keys_or(7)), (2_000_000, 7));
        let args = parse("--server a=/a --keys 5 --trace t=/t --trace u=/u").unwrap();
        assert_eq!((args.keys_or(7), args.traces.len()), (5, 2));
    }

    #[test]
    fn mistakes_are_told() {
        for line in [
            "",
            "--server a",
            "--server a=/bin/a --keys",
            "--server a=/a --fast",
            "--server a=/a --what speed",
            "--server a=/a --keys 0",
            "--server a=/a --trace zipf",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

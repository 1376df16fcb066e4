//! Differences that are explained, as checked in.
//!
//! `random-allowed.tsv` has a line for each: the peers (a regular expression, as the others),
//! the command's words joined by blanks, their reply, our reply, `on` or `end`, and why, with a tab
//! between them. After a difference that says `end` the two are no longer alike, and the sequence
//! is over. Lines that start with `#` say something. `docs/differences.md` has the longer story.

use std::{io, path::Path};

use regex::bytes::Regex;

use crate::Build;

/// The list.
#[derive(Debug)]
pub struct Allowed {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    peers: Regex,
    command: Regex,
    theirs: Regex,
    ours: Regex,
    verdict: Verdict,
}

/// What comes after a difference that is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both hold the same still.
    GoOn,
    /// They do not.
    End,
}

impl Allowed {
    /// Reads `random-allowed.tsv`.
    pub fn load() -> io::Result<Allowed> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("random-allowed.tsv");
        Allowed::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> io::Result<Allowed> {
        let said = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let lines = text.lines().filter(said).map(Line::parse);
        Ok(Allowed {
            lines: lines.collect::<io::Result<_>>()?,
        })
    }

    /// What the first line that fits says of a difference, if one does.
    pub fn verdict(
        &self,
        build: Build,
        command: &[u8],
        theirs: &[u8],
        ours: &[u8],
    ) -> Option<Verdict> {
        let fits = |line: &&Line| {
            line.peers.is_match(build.name().as_bytes())
                && line.command.is_match(command)
                && line.theirs.is_match(theirs)
                && line.ours.is_match(ours)
        };
        self.lines.iter().find(fits).map(|line| line.verdict)
    }
}

impl Line {
    fn parse(line: &str) -> io::Result<Line> {
        let [peers, command, theirs, ours, verdict, _why] =
            line.split('\t').collect::<Vec<_>>()[..]
        else {
            return Err(io::Error::other(format!("not six columns: {line}")));
        };
        let expression =
            |text: &str| Regex::new(&format!("(?is-u)^(?:{text})$")).map_err(io::Error::other);
        Ok(Line {
            peers: expression(peers)?,
            command: expression(command)?,
            theirs: expression(theirs)?,
            ours: expression(ours)?,
            verdict: match verdict {
                "on" => Verdict::GoOn,
                "end" => Verdict::End,
                other => return Err(io::Error::other(format!("neither on nor end: {other}"))),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_columns_must_fit() {
        let list = "# said\nredis-.*\tGET .*\t\\$-1\t-ERR.*\tend\tbecause\n";
        let list = Allowed::parse(list).unwrap();
        let verdict = |build, command: &[u8], ours: &[u8]| {
            list.verdict(build, command, b"$-1\r\n".trim_ascii(), ours)
        };
        assert_eq!(
            verdict(Build::Redis70, b"get \xff\n", b"-ERR x"),
            Some(Verdict::End)
        );
        assert_eq!(verdict(Build::Valkey91, b"GET a", b"-ERR x"), None);
        assert_eq!(verdict(Build::Redis70, b"GET a", b"$-1"), None);
        assert_eq!(verdict(Build::Redis70, b"MGET a", b"-ERR x"), None);
    }

    #[test]
    fn the_list_can_be_read() {
        Allowed::load().unwrap();
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        assert!(Allowed::parse("a\tb\n").is_err());
        assert!(Allowed::parse("a\tb\tc\td\tmaybe\te\n").is_err());
        assert!(Allowed::parse("(\tb\tc\td\ton\te\n").is_err());
    }
}

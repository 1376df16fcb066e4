//! The manifest as text: a line a file, `key value` pairs in any order.
//!
//! ```text
//! # a comment
//! file appendonly.aof.3.base.rdb seq 3 type b
//! file "odd name.aof.2.incr.aof" seq 2 type h startoffset 1
//! file appendonly.aof.3.incr.aof seq 3 type i startoffset 2 endoffset 3
//! ```
//!
//! Keys are case-insensitive, unknown ones are skipped, of a type only the first letter counts.
//! Names with blanks, quotes or unprintable bytes are quoted as requests are.

use super::{FileInfo, FileKind, Manifest};
use std::fmt;

/// What a manifest says that it must not, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// Number of the line, from 1; 0 if there is none.
    pub line: usize,
    /// What is wrong with it.
    pub problem: ManifestProblem,
}

/// What is wrong with a line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// The file is empty; a manifest of no files holds at least a comment.
    EmptyFile,
    /// Nothing but blanks.
    BlankLine,
    /// So many bytes; servers read 1,023.
    LongLine(usize),
    /// The last line has no line end: it may not be whole.
    NoLineEnd,
    /// A quote is open, or goes on behind its end.
    UnbalancedQuotes,
    /// So many words: they should be pairs, at least three.
    Words(usize),
    /// No pair has this key.
    MissingKey(&'static str),
    /// The value of a key is no number, or one that it cannot be.
    BadNumber {
        /// The key.
        key: &'static str,
        /// The value.
        found: String,
    },
    /// The name of a file is empty or a path.
    NotAName(String),
    /// A type other than `b`, `h` or `i`.
    UnknownType(String),
    /// A second base; the first is in this line.
    SecondBase(usize),
    /// An incr file whose number does not follow the one before.
    SeqNotRising {
        /// The number of the incr file before, or 0.
        before: i64,
        /// The number here.
        found: i64,
    },
    /// This incr file is superseded, it says, and no base with it: the letter is damaged.
    LoneHistory(String),
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        self.problem.fmt(f)
    }
}

impl fmt::Display for ManifestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ManifestProblem::EmptyFile => f.write_str("the manifest is empty"),
            ManifestProblem::BlankLine => f.write_str("found a blank line, expected a file"),
            ManifestProblem::LongLine(len) => {
                write!(f, "found {len} bytes, expected at most {LINE_BYTES_MAX}")
            }
            ManifestProblem::NoLineEnd => f.write_str("expected a line end, found the file's"),
            ManifestProblem::UnbalancedQuotes => f.write_str("unbalanced quotes"),
            ManifestProblem::Words(words) => {
                write!(
                    f,
                    "found {words} words, expected three or more pairs of key and value"
                )
            }
            ManifestProblem::MissingKey(key) => write!(f, "expected a pair for \"{key}\""),
            ManifestProblem::BadNumber { key, found } => {
                write!(
                    f,
                    "found \"{found}\" for \"{key}\", expected a number that it can be"
                )
            }
            ManifestProblem::NotAName(found) => {
                write!(f, "found \"{found}\", expected the bare name of a file")
            }
            ManifestProblem::UnknownType(found) => {
                write!(f, "found type \"{found}\", expected b, h or i")
            }
            ManifestProblem::SecondBase(line) => {
                write!(f, "found a second base, the first is in line {line}")
            }
            ManifestProblem::SeqNotRising { before, found } => {
                write!(
                    f,
                    "found incr seq {found} after {before}, expected a larger one"
                )
            }
            ManifestProblem::LoneHistory(name) => {
                write!(
                    f,
                    "found {name} of type h and no base of that type, expected type i: what takes the \
                     place of one does so of both"
                )
            }
        }
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads a manifest's text. A wrong line is an error, whatever its type.
    pub fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
        if text.is_empty() {
            return Err(ManifestError {
                line: 0,
                problem: ManifestProblem::EmptyFile,
            });
        }
        let mut manifest = Manifest::default();
        let mut base_line = 0;
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            let at = |problem| ManifestError {
                line: number,
                problem,
            };
            let Some((kind, file)) = parse_line(line).map_err(at)? else {
                continue;
            };
            if kind == FileKind::Base {
                if manifest.base.is_some() {
                    return Err(at(ManifestProblem::SecondBase(base_line)));
                }
                base_line = number;
            }
            manifest.add(kind, file).map_err(at)?;
        }
        Ok(manifest)
    }

    /// The text to write: base, history, incr. For no files a comment, which [`crate::locate`] knows
    /// to mean that nothing was committed yet.
    pub fn to_text(&self) -> String {
        let base = self.base.iter().map(|file| (file, 'b'));
        let history = self.history.iter().map(|file| (file, 'h'));
        let incr = self.incr.iter().map(|file| (file, 'i'));
        let files = base.chain(history).chain(incr);
        let text: String = files.map(|(file, letter)| line_of(file, letter)).collect();
        if text.is_empty() {
            NO_FILES.to_owned()
        } else {
            text
        }
    }

    fn add(&mut self, kind: FileKind, file: FileInfo) -> Result<(), ManifestProblem> {
        match kind {
            FileKind::Base => self.base = Some(file),
            FileKind::History => self.history.push(file),
            FileKind::Incr => {
                let before = self.incr.last().map_or(0, |last| last.seq);
                if file.seq <= before {
                    return Err(ManifestProblem::SeqNotRising {
                        before,
                        found: file.seq,
                    });
                }
                self.incr.push(file);
            }
        }
        Ok(())
    }
}

/// One line with its end; `None` for a comment.
fn parse_line(line: &[u8]) -> Result<Option<(FileKind, FileInfo)>, ManifestProblem> {
    let (text, ended) = match line.strip_suffix(b"\n") {
        Some(text) => (text, true),
        None => (line, false),
    };
    if text.len() > LINE_BYTES_MAX {
        return Err(ManifestProblem::LongLine(text.len()));
    }
    if text.starts_with(b"#") {
        return Ok(None);
    }
    if !ended {
        return Err(ManifestProblem::NoLineEnd);
    }
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(ManifestProblem::BlankLine);
    }
    let words = resp::split_words(text).map_err(|_| ManifestProblem::UnbalancedQuotes)?;
    if words.len() < 6 || !words.len().is_multiple_of(2) {
        return Err(ManifestProblem::Words(words.len()));
    }
    file_of(&words).map(Some)
}

fn file_of(words: &[Vec<u8>]) -> Result<(FileKind, FileInfo), ManifestProblem> {
    let (mut name, mut seq, mut kind) = (None, None, None);
    let (mut start_offset, mut end_offset) = (None, None);
    for pair in words.chunks_exact(2) {
        let [key, value] = pair else { continue };
        match key.to_ascii_lowercase().as_slice() {
            b"file" => name = Some(bare_name(value)?),
            b"seq" => seq = Some(number("seq", value)?),
            b"type" => kind = Some(kind_of(value)?),
            b"startoffset" => start_offset = Some(number("startoffset", value)?),
            b"endoffset" => end_offset = Some(number("endoffset", value)?),
            _ => {}
        }
    }
    let name = name.ok_or(ManifestProblem::MissingKey("file"))?;
    let seq = seq.ok_or(ManifestProblem::MissingKey("seq"))?;
    let kind = kind.ok_or(ManifestProblem::MissingKey("type"))?;
    if seq == 0 {
        return Err(ManifestProblem::BadNumber {
            key: "seq",
            found: "0".to_owned(),
        });
    }
    Ok((
        kind,
        FileInfo {
            name,
            seq,
            start_offset,
            end_offset,
        },
    ))
}

fn bare_name(value: &[u8]) -> Result<Vec<u8>, ManifestProblem> {
    let is_path = value.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0));
    if is_path || matches!(value, b"" | b"." | b"..") {
        return Err(ManifestProblem::NotAName(shown(value)));
    }
    Ok(value.to_vec())
}

fn number(key: &'static str, value: &[u8]) -> Result<i64, ManifestProblem> {
    let number = std::str::from_utf8(value)
        .ok()
        .and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| ManifestProblem::BadNumber {
        key,
        found: shown(value),
    })
}

fn kind_of(value: &[u8]) -> Result<FileKind, ManifestProblem> {
    match value.first() {
        Some(b'b') => Ok(FileKind::Base),
        Some(b'h') => Ok(FileKind::History),
        Some(b'i') => Ok(FileKind::Incr),
        _ => Err(ManifestProblem::UnknownType(shown(value))),
    }
}

fn shown(value: &[u8]) -> String {
    value.escape_ascii().to_string()
}

fn line_of(file: &FileInfo, letter: char) -> String {
    let mut line = format!(
        "file {} seq {} type {letter}",
        resp::quoted_word(&file.name),
        file.seq
    );
    if let Some(offset) = file.start_offset {
        line += &format!(" startoffset {offset}");
    }
    if let Some(offset) = file.end_offset {
        line += &format!(" endoffset {offset}");
    }
    line + "\n"
}

/// A manifest of no files. An empty one would be an error.
pub(crate) const NO_FILES: &str = "# nothing committed yet\n";

/// Servers read lines of 1,024 bytes, the line end included.
const LINE_BYTES_MAX: usize = 1023;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(text: &str) -> (usize, ManifestProblem) {
        let error = Manifest::parse(text.as_bytes()).unwrap_err();
        (error.line, error.problem)
    }

    #[test]
    fn reads_what_servers_read() {
        let manifest = Manifest::parse(
            b"# comment\n  TYPE incr x y SEQ 5 fiLe \"a b\\x41\" \r\n\
              file i7 seq 7 type i startoffset 3 endoffset 4\nfile b seq -1 type b\nfile h seq 1 type h\n# end",
        )
        .unwrap();
        assert_eq!(manifest.base, Some(FileInfo::new("b", -1)));
        assert_eq!(manifest.history, [FileInfo::new("h", 1)]);
        assert_eq!(manifest.incr[0], FileInfo::new("a bA", 5));
        assert_eq!(
            (manifest.incr[1].start_offset, manifest.incr[1].end_offset),
            (Some(3), Some(4))
        );
        assert_eq!(Manifest::parse(b"#\n"), Ok(Manifest::default()));
    }

    #[test]
    fn refuses_what_servers_refuse_and_says_where() {
        use ManifestProblem::*;
        let good = "file f seq 1 type b\n";
        let long = format!("file {} seq 1 type b\n", "f".repeat(1006));
        for (text, line, want) in [
            ("", 0, EmptyFile),
            ("\n", 1, BlankLine),
            ("file f seq 1 type b\n \r\n", 2, BlankLine),
            ("file f seq 1 type b", 1, NoLineEnd),
            (&long, 1, LongLine(1024)),
            ("file \"f seq 1 type b\n", 1, UnbalancedQuotes),
            ("file f seq 1 type\n", 1, Words(5)),
            ("file f seq 1\n", 1, Words(4)),
            ("file f seq 1 x y\n", 1, MissingKey("type")),
            ("name f seq 1 type b\n", 1, MissingKey("file")),
            ("file f no 1 type b\n", 1, MissingKey("seq")),
            (
                "file f seq 0 type b\n",
                1,
                BadNumber {
                    key: "seq",
                    found: "0".into(),
                },
            ),
            (
                "file f seq x type b\n",
                1,
                BadNumber {
                    key: "seq",
                    found: "x".into(),
                },
            ),
            ("file a/f seq 1 type b\n", 1, NotAName("a/f".into())),
            ("file .. seq 1 type b\n", 1, NotAName("..".into())),
            ("file \"\" seq 1 type b\n", 1, NotAName("".into())),
            ("file f seq 1 type x\n", 1, UnknownType("x".into())),
            (&good.repeat(2), 2, SecondBase(1)),
            (
                "file f seq 2 type i\nfile g seq 2 type i\n",
                2,
                SeqNotRising {
                    before: 2,
                    found: 2,
                },
            ),
            (
                "file f seq -2 type i\n",
                1,
                SeqNotRising {
                    before: 0,
                    found: -2,
                },
            ),
        ] {
            assert_eq!(problem(text), (line, want), "{text:?}");
        }
    }

    #[test]
    fn a_line_may_have_1023_bytes() {
        let line = format!("file {} seq 1 type b\n", "f".repeat(1005));
        assert_eq!(line.len(), 1024);
        assert!(Manifest::parse(line.as_bytes()).is_ok());
    }

    #[test]
    fn errors_read_well() {
        let error = Manifest::parse(b"#\nfile f seq 1 type x\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: found type \"x\", expected b, h or i"
        );
    }

    fn name() -> impl Strategy<Value = Vec<u8>> {
        let byte = any::<u8>().prop_filter("no path", |byte| !matches!(byte, b'/' | b'\\' | 0));
        proptest::collection::vec(byte, 1..40)
            .prop_filter("a name", |name| name != b"." && name != b"..")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn reads_back_what_it_writes(
            names in proptest::collection::vec(name(), 1..6), offset in proptest::option::of(any::<i64>()),
        ) {
            let file = |(index, name): (usize, Vec<u8>)| FileInfo {
                start_offset: offset, ..FileInfo::new(name, index as i64 + 1)
            };
            let mut incr: Vec<FileInfo> = names.into_iter().enumerate().map(file).collect();
            let base = incr.pop();
            let history = incr.clone();
            let manifest = Manifest { base, history, incr };
            prop_assert_eq!(Manifest::parse(manifest.to_text().as_bytes()), Ok(manifest));
        }

        #[test]
        fn any_text_is_read_or_refused(text in proptest::collection::vec(
            proptest::sample::select(b"file seq type b\ni 0123\"\\x#\r-/".to_vec()), 0..80)) {
            if let Ok(manifest) = Manifest::parse(&text) {
                prop_assert!(manifest.incr.iter().all(|file| file.seq > 0));
            }
        }
    }
}

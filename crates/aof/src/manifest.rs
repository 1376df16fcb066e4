//! The manifest: which files a multi-part log consists of, in which order. See `manifest/text.rs`
//! for how it is written.

mod text;

pub(crate) use text::NO_FILES;
pub use text::{ManifestError, ManifestProblem};

use crate::{BaseFormat, Names};

/// The files of a log. To load: base, then incr in order. History is what an earlier state
/// consisted of, never loaded, to be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The state that the log starts from.
    pub base: Option<FileInfo>,
    /// Superseded files, newest first.
    pub history: Vec<FileInfo>,
    /// Commands since the base, by rising `seq`; the last one is appended to.
    pub incr: Vec<FileInfo>,
}

/// One line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Bare name of a file in the folder; any bytes but `/`, `\` and NUL.
    pub name: Vec<u8>,
    /// Its number among the bases or the incr files; not 0, and positive for incr.
    pub seq: i64,
    /// Replication offset at its start (incr files of Redis 8 and later).
    pub start_offset: Option<i64>,
    /// Replication offset at its end, after a clean shutdown.
    pub end_offset: Option<i64>,
}

/// What a file of a manifest is for, by its letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `b`
    Base,
    /// `h`
    History,
    /// `i`
    Incr,
}

impl FileInfo {
    /// A file without replication offsets.
    pub fn new(name: impl Into<Vec<u8>>, seq: i64) -> FileInfo {
        FileInfo {
            name: name.into(),
            seq,
            start_offset: None,
            end_offset: None,
        }
    }
}

impl Manifest {
    /// True if no data is listed. (History is none.)
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.incr.is_empty()
    }

    /// The files to load, in order.
    pub fn data(&self) -> impl Iterator<Item = &FileInfo> {
        self.base.iter().chain(&self.incr)
    }

    /// The state after a rewrite: a new base, an empty new incr file that starts at replication
    /// offset `start_offset`, and all files of this state as history.
    #[must_use]
    pub fn rewritten(
        &self,
        names: &Names,
        format: BaseFormat,
        start_offset: Option<i64>,
    ) -> Manifest {
        let base_seq = next_seq(self.base.iter());
        let incr_seq = next_seq(self.incr.iter());
        // A history line may hold any number: its file must not be named anew.
        let taken = |name: &str| self.history.iter().any(|file| file.name == name.as_bytes());
        let base_seq = skip_taken(base_seq, |seq| taken(&names.base_name(seq, format)));
        let incr_seq = skip_taken(incr_seq, |seq| taken(&names.incr_name(seq)));
        let mut incr = FileInfo::new(names.incr_name(incr_seq), incr_seq);
        incr.start_offset = start_offset;
        let superseded = self.incr.iter().chain(&self.base);
        Manifest {
            base: Some(FileInfo::new(names.base_name(base_seq, format), base_seq)),
            history: superseded.chain(&self.history).cloned().collect(),
            incr: vec![incr],
        }
    }

    /// The same state without its history.
    #[must_use]
    pub fn without_history(self) -> Manifest {
        Manifest {
            history: Vec::new(),
            ..self
        }
    }
}

fn next_seq<'a>(files: impl Iterator<Item = &'a FileInfo>) -> i64 {
    files
        .map(|file| file.seq)
        .max()
        .unwrap_or(0)
        .max(0)
        .saturating_add(1)
}

fn skip_taken(first: i64, taken: impl Fn(i64) -> bool) -> i64 {
    (first..).find(|seq| !taken(*seq)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_makes_history_of_everything() {
        let names = Names::new("");
        let first = Manifest::default().rewritten(&names, BaseFormat::Rdb, None);
        assert_eq!(
            first.to_text(),
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        );
        let mut second = first.rewritten(&names, BaseFormat::Commands, Some(7));
        second.incr.push(FileInfo::new(names.incr_name(3), 3));
        let third = second.rewritten(&names, BaseFormat::Rdb, None);
        assert_eq!(
            third.to_text(),
            "file appendonly.aof.3.base.rdb seq 3 type b\n\
             file appendonly.aof.2.incr.aof seq 2 type h startoffset 7\n\
             file appendonly.aof.3.incr.aof seq 3 type h\n\
             file appendonly.aof.2.base.aof seq 2 type h\n\
             file appendonly.aof.1.incr.aof seq 1 type h\n\
             file appendonly.aof.1.base.rdb seq 1 type h\n\
             file appendonly.aof.4.incr.aof seq 4 type i\n"
        );
        let whole = third.without_history();
        assert_eq!(whole.data().count(), 2);
        assert!(whole.history.is_empty());
    }

    #[test]
    fn names_in_history_are_not_given_again() {
        let names = Names::new("");
        let history = vec![
            FileInfo::new(names.incr_name(1), 9),
            FileInfo::new(names.incr_name(2), 9),
        ];
        let manifest = Manifest {
            history,
            ..Manifest::default()
        };
        let next = manifest.rewritten(&names, BaseFormat::Rdb, None);
        assert_eq!(next.incr[0].name, b"appendonly.aof.3.incr.aof");
        assert_eq!(next.base.unwrap().seq, 1);
    }
}

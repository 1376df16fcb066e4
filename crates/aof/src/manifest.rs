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

    /// The state of a single file that is moved into the folder.
    pub(crate) fn of_single(names: &Names) -> Manifest {
        Manifest {
            base: Some(FileInfo::new(names.filename(), 1)),
            ..Manifest::default()
        }
    }

    /// The same state with an empty incr file behind all others.
    #[must_use]
    pub fn with_next_incr(&self, names: &Names) -> Manifest {
        let seq = skip_taken(next_seq(self.incr.iter()), |seq| {
            self.is_taken(&names.incr_name(seq))
        });
        let mut next = self.clone();
        next.incr.push(FileInfo::new(names.incr_name(seq), seq));
        next
    }

    /// The state after a rewrite: a new base with the last incr file behind it, and all others as
    /// history.
    #[must_use]
    pub fn rebased(&self, names: &Names, format: BaseFormat) -> Manifest {
        let seq = skip_taken(next_seq(self.base.iter()), |seq| {
            self.is_taken(&names.base_name(seq, format))
        });
        let last = self.incr.len().saturating_sub(1);
        let (superseded, kept) = self.incr.split_at(last);
        let superseded = superseded.iter().rev().chain(&self.base);
        Manifest {
            base: Some(FileInfo::new(names.base_name(seq, format), seq)),
            history: superseded.chain(&self.history).cloned().collect(),
            incr: kept.to_vec(),
        }
    }

    /// A history line may hold any number: its file must not be named anew.
    fn is_taken(&self, name: &str) -> bool {
        self.history.iter().any(|file| file.name == name.as_bytes())
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

    fn rewritten(manifest: &Manifest, format: BaseFormat) -> Manifest {
        let names = Names::new("");
        manifest.with_next_incr(&names).rebased(&names, format)
    }

    #[test]
    fn a_rewrite_makes_history_of_all_but_the_last_incr() {
        let names = Names::new("");
        let first = rewritten(&Manifest::default(), BaseFormat::Rdb);
        assert_eq!(
            first.to_text(),
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        );
        let second = rewritten(&first, BaseFormat::Commands).with_next_incr(&names);
        let third = rewritten(&second, BaseFormat::Rdb);
        assert_eq!(
            third.to_text(),
            "file appendonly.aof.3.base.rdb seq 3 type b\n\
             file appendonly.aof.3.incr.aof seq 3 type h\n\
             file appendonly.aof.2.incr.aof seq 2 type h\n\
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
        let next = rewritten(&manifest, BaseFormat::Rdb);
        assert_eq!(next.incr[0].name, b"appendonly.aof.3.incr.aof");
        assert_eq!(next.base.unwrap().seq, 1);
    }
}

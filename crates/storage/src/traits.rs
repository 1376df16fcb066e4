use crate::Result;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

/// An open file. Calls take `&self`, so that one thread may sync what another appends.
pub trait File: Send + Sync + fmt::Debug + 'static {
    /// The path that it was opened with.
    fn path(&self) -> &Path;

    /// Adds bytes at the end and returns how many, which may be fewer than given, and is 0 only
    /// for none given. What a failed call wrote is unknown.
    fn append(&self, bytes: &[u8]) -> Result<usize>;

    /// Reads from `offset` into `buffer` and returns how many bytes, 0 only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;

    /// Returns once everything appended before, and the length, would outlive a power cut. After an
    /// error nothing is known of the file's contents, and a later success says nothing either.
    fn sync_data(&self) -> Result<()>;

    /// Cuts the file, or extends it by zeros.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Length, time and identity as of now.
    fn stamp(&self) -> Result<Stamp>;

    /// Length in bytes.
    fn len(&self) -> Result<u64> {
        Ok(self.stamp()?.len)
    }

    /// True for a file of no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A file system, or a part of one. Clones are handles on the same.
pub trait Storage: Clone + Send + Sync + fmt::Debug + 'static {
    /// Its open files.
    type File: File;

    /// A held directory lock; dropping it unlocks.
    type Lock: Send + Sync + fmt::Debug + 'static;

    /// Opens the file at `path`.
    fn open(&self, path: &Path, mode: Mode) -> Result<Self::File>;

    /// Renames a file, replacing `to` if that is there, in one step.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Gives the file `from` a second name, `to`, which must not be there, in one step. Not every file
    /// system can ([`std::io::ErrorKind::Unsupported`], `PermissionDenied`).
    fn link(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file. Whoever has it open may go on using it.
    fn remove(&self, path: &Path) -> Result<()>;

    /// What is in a directory, by name.
    fn list(&self, dir: &Path) -> Result<Vec<Entry>>;

    /// Makes one directory whose parent exists.
    fn create_dir(&self, dir: &Path) -> Result<()>;

    /// Returns once names made, linked, renamed or removed in `dir` before would outlive a power cut.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// Length, time and identity of what is at `path`; `None` if nothing is.
    fn stamp(&self, path: &Path) -> Result<Option<Stamp>>;

    /// Locks a directory against other engines, or says who has it ([`crate::Error::Locked`]).
    /// `holder` describes the caller to them in a few words.
    fn lock(&self, dir: &Path, holder: &str) -> Result<Self::Lock>;

    /// Servers that seem to work in `dir` and know nothing of our lock, each described in a few
    /// words. A guess, for a warning; a storage that can't tell knows of none.
    fn strangers(&self, _dir: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// How to open a file. A file opened other than by `Read` can be read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For reading; it must be there.
    Read,
    /// For appending; it must be there.
    Append,
    /// For appending; made empty if it is not there.
    AppendOrCreate,
    /// For appending; it must not be there.
    CreateNew,
    /// For appending; made, or emptied if it is there.
    Truncate,
}

impl Mode {
    /// True if opening may make the file.
    pub fn creates(self) -> bool {
        matches!(
            self,
            Mode::AppendOrCreate | Mode::CreateNew | Mode::Truncate
        )
    }
}

/// What tells one state of a file from another: if two stamps are equal, nobody wrote between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Length in bytes.
    pub len: u64,
    /// Time of the last change in nanoseconds of the system's clock, or a count of changes.
    pub modified_ns: i128,
    /// Which file it is: its inode. A file that was renamed into place has another.
    pub inode: u64,
    /// True for a directory.
    pub is_dir: bool,
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last component of its path.
    pub name: OsString,
    /// True for a directory.
    pub is_dir: bool,
}

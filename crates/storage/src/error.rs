use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What every call of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be done to a file or directory.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The system said no.
    Io {
        /// What was tried.
        operation: Operation,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another engine has the directory.
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who has it, as it described itself: process, host, program.
        holder: String,
    },
    /// A file is larger than the caller would hold in memory.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
        /// The most that was allowed.
        max: u64,
    },
}

/// The calls of [`crate::File`] and [`crate::Storage`], named as they appear in errors and
/// transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Open an existing file.
    Open,
    /// Open a file, making it.
    Create,
    /// Append bytes.
    Append,
    /// Read bytes.
    Read,
    /// Sync contents.
    Sync,
    /// Change the length.
    SetLen,
    /// Ask for length, time and identity.
    Stamp,
    /// Rename a file.
    Rename,
    /// Give a file a second name.
    Link,
    /// Remove a file.
    Remove,
    /// List a directory.
    List,
    /// Make a directory.
    CreateDir,
    /// Sync a directory.
    SyncDir,
    /// Lock a directory.
    Lock,
}

impl Operation {
    /// The operation in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Open => "open",
            Operation::Create => "create",
            Operation::Append => "append",
            Operation::Read => "read",
            Operation::Sync => "sync",
            Operation::SetLen => "set-len",
            Operation::Stamp => "stat",
            Operation::Rename => "rename",
            Operation::Link => "link",
            Operation::Remove => "remove",
            Operation::List => "list",
            Operation::CreateDir => "create-dir",
            Operation::SyncDir => "sync-dir",
            Operation::Lock => "lock",
        }
    }
}

impl Error {
    /// An error of the system, with what was tried and where.
    pub fn io(operation: Operation, path: &Path, source: io::Error) -> Error {
        Error::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    /// The kind of the system's error.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Error::Io { source, .. } => source.kind(),
            Error::Locked { .. } => io::ErrorKind::WouldBlock,
            Error::TooLarge { .. } => io::ErrorKind::FileTooLarge,
        }
    }

    /// True if there is no such file or directory.
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io {
                operation,
                path,
                source,
            } => {
                write!(
                    f,
                    "cannot {} {}: {source}",
                    operation.as_str(),
                    path.display()
                )
            }
            Error::Locked { dir, holder } => {
                write!(f, "{} is in use by {holder}", dir.display())
            }
            Error::TooLarge { path, len, max } => {
                write!(
                    f,
                    "{} has {len} bytes, expected at most {max}",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

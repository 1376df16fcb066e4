use crate::{ManifestError, RecordError, Tail};
use std::fmt;
use std::path::PathBuf;

/// What most calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a log cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The files could not be reached.
    Storage(storage::Error),
    /// The manifest says something that it must not.
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What, and in which line.
        source: ManifestError,
    },
    /// The manifest lists a file that is not there.
    MissingFile {
        /// The file.
        path: PathBuf,
        /// The manifest.
        manifest: PathBuf,
    },
    /// A folder holds data files, but nothing says which of them count. A server would start empty
    /// here, and overwrite some.
    DataWithoutManifest {
        /// The manifest that is missing, or lists nothing.
        manifest: PathBuf,
        /// The data files, by name.
        files: Vec<String>,
    },
    /// A log file holds bytes that are no record.
    Record {
        /// The file.
        path: PathBuf,
        /// What, and where.
        source: RecordError,
    },
    /// A log file holds bytes that do not match their checksum, though they were on disk once.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the first batch of them begins.
        offset: u64,
        /// Up to here the file was on disk once.
        synced: u64,
    },
    /// A log file ends early where it must not: it is not the last, or the caller said so.
    Truncated {
        /// The file.
        path: PathBuf,
        /// How it ends.
        tail: Tail,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Storage(error) => error.fmt(f),
            Error::Manifest { path, source } => write!(f, "{}: {source}", path.display()),
            Error::MissingFile { path, manifest } => {
                write!(
                    f,
                    "{} is missing, which {} lists",
                    path.display(),
                    manifest.display()
                )
            }
            Error::DataWithoutManifest { manifest, files } => {
                let (manifest, files) = (manifest.display(), files.join(", "));
                write!(f, "{manifest} lists no file, but there are {files}")
            }
            Error::Record { path, source } => write!(f, "{}: {source}", path.display()),
            Error::Corrupt {
                path,
                offset,
                synced,
            } => write!(
                f,
                "{}: the bytes from offset {offset} on do not match their checksum, and up to \
                 offset {synced} the file was whole once: it is damaged, not torn",
                path.display()
            ),
            Error::Truncated { path, tail } => write!(f, "{}: {tail}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Storage(source) => Some(source),
            Error::Manifest { source, .. } => Some(source),
            Error::Record { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Error {
        Error::Storage(error)
    }
}

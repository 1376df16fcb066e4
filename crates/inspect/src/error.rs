use rdb::ErrorKind;
use std::io;
use std::path::{Path, PathBuf};

/// Why something was not followed to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are damaged.
    #[error("{}: damaged {source}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Where and how.
        source: Box<rdb::Error>,
    },
    /// A log is damaged.
    #[error("{}: damaged: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Where and how.
        source: Box<aof::RecordError>,
    },
    /// The end of a log does not count.
    #[error("{}: {tail}", path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        tail: aof::Tail,
    },
    /// What a directory holds contradicts itself.
    #[error(transparent)]
    Directory(#[from] aof::Error),
    /// The system said no.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The input could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Write(#[source] io::Error),
    /// There is nothing to inspect.
    #[error("{}: {what}", path.display())]
    Nothing {
        /// Where it was looked for.
        path: PathBuf,
        /// What was expected.
        what: &'static str,
    },
    /// The target cannot hold the data.
    #[error(transparent)]
    Encode(#[from] rdb::EncodeError),
}

impl Error {
    pub(crate) fn snapshot(path: &Path, source: rdb::Error) -> Error {
        let path = path.to_owned();
        let source = Box::new(source);
        Error::Snapshot { path, source }
    }

    /// Whether bytes are damaged, rather than out of reach or unknown.
    pub fn is_damage(&self) -> bool {
        match self {
            Error::Snapshot { source, .. } => !matches!(
                source.kind(),
                ErrorKind::UnsupportedVersion { .. } | ErrorKind::Unsupported { .. }
            ),
            Error::Log { .. } | Error::Torn { .. } => true,
            Error::Directory(error) => !matches!(error, aof::Error::Storage(_)),
            _ => false,
        }
    }
}

use crate::past::PastError;
use keyspace::ViewCancelled;
use std::fmt;
use std::path::PathBuf;

/// Why a data directory was not opened. It is as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such directory, and opening for reading makes none.
    NoDirectory(PathBuf),
    /// A file or the directory could not be reached, or another engine has it.
    Storage(storage::Error),
    /// The append-only file is damaged, or files of it are missing.
    Aof(aof::Error),
    /// A snapshot is damaged.
    Rdb {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: rdb::Error,
    },
    /// A snapshot is sound, but what it says can't be taken in.
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        source: snapshot::LoadError,
    },
    /// A snapshot of a version that has no checksum is followed by other bytes: more likely a
    /// damaged header than an old file.
    BytesAfterEnd {
        /// The file.
        path: PathBuf,
        /// Where the snapshot ends.
        offset: u64,
    },
    /// A user that was to be there could not be made, or the file of users not be read.
    Users(String),
    /// A log holds a command that does not exist or has the wrong number of arguments.
    Command {
        /// The file.
        path: PathBuf,
        /// Where the command ends.
        offset: u64,
        /// The refusal.
        error: commands::Error,
    },
    /// The state of the past that was asked for can't be had.
    Past(Box<PastError>),
    /// The program is to end, and nobody wants the rest.
    GivenUp,
    /// `appendonly` is on, and no append-only file could be begun.
    Log(Box<SaveError>),
}

impl OpenError {
    /// What `redis-server` logs in such a case, for whoever looks for its words.
    pub fn in_redis_words(&self) -> Option<&'static str> {
        use aof::ManifestProblem as Problem;
        Some(match self {
            OpenError::Aof(aof::Error::Manifest { source, .. }) => match source.problem {
                Problem::EmptyFile => "Found an empty AOF manifest",
                Problem::SeqNotRising { .. } => "Found a non-monotonic sequence number",
                Problem::SecondBase(_) => "Found duplicate base file information",
                Problem::UnknownType(_) => "Unknown AOF file type",
                Problem::LongLine(_) => "The AOF manifest file contains too long line",
                _ => "Invalid AOF manifest file format",
            },
            OpenError::Aof(aof::Error::MissingFile { .. }) => "No such file or directory",
            OpenError::Aof(aof::Error::Truncated { .. }) => {
                "Unexpected end of file reading the append only file"
            }
            OpenError::Aof(aof::Error::Record { .. } | aof::Error::Corrupt { .. }) => {
                "Bad file format reading the append only file"
            }
            OpenError::Rdb { source, .. } => match source.kind() {
                rdb::ErrorKind::ChecksumMismatch { .. } => "RDB CRC error",
                _ => return None,
            },
            _ => return None,
        })
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::NoDirectory(path) => write!(f, "{}: no such directory", path.display()),
            OpenError::Storage(error) => error.fmt(f),
            OpenError::Aof(error) => error.fmt(f),
            OpenError::Rdb { path, source } => write!(f, "{}: {source}", path.display()),
            OpenError::Load { path, source } => write!(f, "{}: {source}", path.display()),
            OpenError::Past(error) => error.fmt(f),
            OpenError::Log(error) => write!(f, "could not begin the append-only file: {error}"),
            OpenError::BytesAfterEnd { path, offset } => write!(
                f,
                "{}: bytes follow the end of the snapshot at offset {offset}, and its version has \
                 no checksum: the header is probably damaged",
                path.display()
            ),
            OpenError::Users(why) => f.write_str(why),
            OpenError::GivenUp => {
                f.write_str("the directory was not read to its end: the program ends")
            }
            OpenError::Command {
                path,
                offset,
                error,
            } => {
                write!(
                    f,
                    "{}: command before offset {offset}: {error}",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Storage(error) => Some(error),
            OpenError::Aof(error) => Some(error),
            OpenError::Rdb { source, .. } => Some(source),
            OpenError::Load { source, .. } => Some(source),
            OpenError::Past(error) => Some(error),
            _ => None,
        }
    }
}

impl From<storage::Error> for OpenError {
    fn from(error: storage::Error) -> OpenError {
        OpenError::Storage(error)
    }
}

impl From<aof::Error> for OpenError {
    fn from(error: aof::Error) -> OpenError {
        OpenError::Aof(error)
    }
}

/// Why a save failed. Each file is as it was or whole and new: where there is an append-only file,
/// the snapshot may be new already, and what counts is still what it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// The engine has no directory.
    NoDirectory,
    /// The directory was opened for reading.
    ReadOnly,
    /// The file is not what this engine read or wrote last: somebody else wrote it.
    ChangedBehindOurBack(PathBuf),
    /// The target can't hold everything, and leave to lose it was not given.
    Lossy {
        /// Whose files are written.
        target: rdb::Target,
        /// What would be lost.
        losses: rdb::Losses,
    },
    /// Something in memory does not go into a snapshot.
    Encode(rdb::EncodeError),
    /// A file could not be written.
    Storage(storage::Error),
    /// The files of the append-only file could not be told.
    Aof(aof::Error),
    /// A snapshot is being written in the background, or asked for.
    InProgress,
    /// The append-only file is being rewritten, or that is asked for.
    RewriteInProgress,
    /// There is no append-only file to go on with.
    NoLog,
    /// What had changed since the save began took more than `snapshot-copy-budget`, and writers had
    /// waited for `snapshot-copy-wait`.
    Cancelled(ViewCancelled),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SaveError::NoDirectory => f.write_str("this engine has no data directory"),
            SaveError::ReadOnly => f.write_str("the data directory was opened for reading only"),
            SaveError::ChangedBehindOurBack(path) => write!(
                f,
                "{} was changed by somebody else since it was opened; nothing was saved",
                path.display()
            ),
            SaveError::Lossy { target, losses } => lossy(f, *target, losses),
            SaveError::Encode(error) => error.fmt(f),
            SaveError::Storage(error) => error.fmt(f),
            SaveError::Aof(error) => error.fmt(f),
            SaveError::InProgress => f.write_str("Background save already in progress"),
            SaveError::RewriteInProgress => {
                f.write_str("Background append only file rewriting already in progress")
            }
            SaveError::NoLog => f.write_str("there is no append-only file to go on with"),
            SaveError::Cancelled(cancelled) => write!(f, "nothing was saved: {cancelled}"),
        }
    }
}

/// Names everything that would be lost, in one line.
fn lossy(f: &mut fmt::Formatter<'_>, target: rdb::Target, losses: &rdb::Losses) -> fmt::Result {
    write!(f, "nothing was saved, because {target} cannot hold")?;
    let rows = losses.rows().iter().filter(|row| row.what.is_data());
    for (i, row) in rows.enumerate() {
        let and = if i == 0 { "" } else { "," };
        write!(f, "{and} {} ({} times", row.what, row.count)?;
        match row.first_key.is_empty() {
            true => f.write_str(")")?,
            false => write!(f, ", first at key \"{}\")", row.first_key.escape_ascii())?,
        }
    }
    f.write_str("; choose another rdb-target, or set rdb-save-lossy yes to drop them")
}

impl std::error::Error for SaveError {}

impl From<storage::Error> for SaveError {
    fn from(error: storage::Error) -> SaveError {
        SaveError::Storage(error)
    }
}

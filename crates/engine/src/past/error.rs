use super::{OffsetRange, Point, Rfc3339};
use std::fmt;
use std::path::PathBuf;

/// Why a state of the past can't be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum PastError {
    /// The directory has no append-only file.
    NoLog(PathBuf),
    /// A file could not be read or written.
    Storage(storage::Error),
    /// The log, or one that it superseded, is damaged.
    Aof(aof::Error),
    /// A base is damaged.
    Rdb {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<rdb::Error>,
    },
    /// No state of that point is there.
    Outside {
        /// What was asked for.
        point: Point,
        /// The times that can be had, in Unix seconds.
        times: Vec<(i64, i64)>,
        /// The offsets that can be had, if one was asked for.
        offsets: Vec<OffsetRange>,
    },
    /// Commands stand in the log that nothing says the time of.
    Unstamped {
        /// The last file of that log.
        path: Option<PathBuf>,
        /// How many they are.
        commands: u64,
    },
    /// What was to be made is there already.
    TargetExists(PathBuf),
}

impl fmt::Display for PastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PastError::NoLog(dir) => {
                write!(f, "{}: found no append-only file in it", dir.display())
            }
            PastError::Storage(error) => error.fmt(f),
            PastError::Aof(error) => error.fmt(f),
            PastError::Rdb { path, source } => write!(f, "{}: {source}", path.display()),
            PastError::Outside {
                point: point @ Point::Offset { .. },
                offsets,
                ..
            } => {
                write!(f, "found no state of {point}, expected ")?;
                list(
                    f,
                    offsets.iter(),
                    "no offset: there are no annotations of them",
                )
            }
            PastError::Outside { point, times, .. } => {
                write!(f, "found no state of {point}, expected ")?;
                let text =
                    |(from, to): &(i64, i64)| format!("{} .. {}", Rfc3339(*from), Rfc3339(*to));
                list(f, times.iter().map(text), "no time: nothing says any")
            }
            PastError::Unstamped { path, commands } => {
                if let Some(path) = path {
                    write!(f, "{}: ", path.display())?;
                }
                write!(
                    f,
                    "found {commands} commands in front that nothing says the time of, expected \
                     annotations (aof-timestamp-enabled, aof-history-retention)"
                )
            }
            PastError::TargetExists(path) => {
                write!(
                    f,
                    "{}: is there already, expected a new name",
                    path.display()
                )
            }
        }
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
    none: &str,
) -> fmt::Result {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    match items.is_empty() {
        true => f.write_str(none),
        false => f.write_str(&items.join(", or ")),
    }
}

impl std::error::Error for PastError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PastError::Storage(error) => Some(error),
            PastError::Aof(error) => Some(error),
            PastError::Rdb { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<storage::Error> for PastError {
    fn from(error: storage::Error) -> PastError {
        PastError::Storage(error)
    }
}

impl From<aof::Error> for PastError {
    fn from(error: aof::Error) -> PastError {
        PastError::Aof(error)
    }
}

use std::fmt;
use units::ReplOffset;

/// Why bytes cannot be read from an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// They were dropped from memory.
    Trimmed {
        /// The offset asked for.
        asked: ReplOffset,
        /// The first one that is kept.
        first: ReplOffset,
    },
    /// They were never appended.
    Ahead {
        /// The offset asked for.
        asked: ReplOffset,
        /// Where the journal ends.
        end: ReplOffset,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Trimmed { asked, first } => {
                write!(
                    f,
                    "offset {asked} was trimmed, the journal begins at {first}"
                )
            }
            Error::Ahead { asked, end } => {
                write!(
                    f,
                    "offset {asked} is ahead of the journal, which ends at {end}"
                )
            }
        }
    }
}

impl std::error::Error for Error {}

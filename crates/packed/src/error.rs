//! What can be wrong with a compact blob: one place, one kind.

use std::fmt;

/// A blob that does not follow its format: where, and what was found against what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset from the start of the blob at which the fault shows.
    pub offset: usize,
    /// The fault.
    pub kind: ErrorKind,
}

impl Error {
    /// The fault `kind` at byte `offset` of the blob.
    pub const fn new(offset: usize, kind: ErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// The kinds of fault; sizes are bytes unless said otherwise.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The blob, or what is left of it, is shorter than what must stand here.
    Short {
        /// Bytes that must be there.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The header's total size is not the size of the blob.
    TotalSize {
        /// The size of the blob.
        expected: u64,
        /// The size claimed.
        found: u64,
    },
    /// The blob does not end with its terminator `FF`, or ends too early.
    Terminator,
    /// Bytes follow the terminator.
    Trailing {
        /// How many.
        found: u64,
    },
    /// A byte that starts no entry.
    Encoding {
        /// The byte.
        found: u8,
    },
    /// The back length behind a listpack entry is not that of the entry.
    BackLength {
        /// The size of the entry's encoding and data.
        expected: u64,
    },
    /// The previous-entry length of a ziplist entry is not that of the entry before.
    PreviousLength {
        /// The size of the entry before, 0 for the first.
        expected: u64,
        /// The size claimed.
        found: u64,
    },
    /// The header's element count is not the number of elements.
    Count {
        /// Elements that are there.
        expected: u64,
        /// Elements claimed.
        found: u64,
    },
    /// The ziplist header's offset of the last entry is wrong.
    LastEntry {
        /// Where the last entry starts.
        expected: u64,
        /// The offset claimed.
        found: u64,
    },
    /// An intset element size that is not 2, 4 or 8.
    ElementSize {
        /// The size claimed.
        found: u32,
    },
    /// An intset element that is not greater than the one before it.
    NotAscending,
    /// A collection without elements where one must not be empty.
    Empty,
    /// A long form of a length that fits the short form, where writers never use it.
    Overlong {
        /// The length.
        found: u64,
    },
    /// A claimed original size that the compressed bytes cannot expand to.
    Expansion {
        /// The most that the compressed bytes can expand to.
        limit: u64,
        /// The size claimed.
        found: u64,
    },
    /// Decompressing yields more or fewer bytes than claimed.
    OriginalSize {
        /// The size claimed.
        expected: u64,
        /// The size reached, or that the next step would reach.
        found: u64,
    },
    /// A back reference to before the start of the output.
    Reference {
        /// Bytes back.
        distance: u64,
        /// Bytes of output so far.
        available: u64,
    },
    /// A first byte of no length form.
    LengthForm {
        /// The byte.
        found: u8,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.kind)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short { expected, found } => {
                write!(f, "needs {expected} bytes, {found} are left")
            }
            Self::TotalSize { expected, found } => {
                write!(
                    f,
                    "the header claims {found} bytes, the blob has {expected}"
                )
            }
            Self::Terminator => write!(f, "the terminator FF is not where the blob ends"),
            Self::Trailing { found } => write!(f, "{found} bytes follow the terminator"),
            Self::Encoding { found } => write!(f, "byte {found:02X} starts no entry"),
            Self::BackLength { expected } => write!(
                f,
                "the back length is not that of an entry of {expected} bytes"
            ),
            Self::PreviousLength { expected, found } => {
                write!(
                    f,
                    "the entry before has {expected} bytes, the entry says {found}"
                )
            }
            Self::Count { expected, found } => write!(
                f,
                "the header claims {found} elements, there are {expected}"
            ),
            Self::LastEntry { expected, found } => {
                write!(
                    f,
                    "the header puts the last entry at {found}, it is at {expected}"
                )
            }
            Self::ElementSize { found } => write!(f, "element size {found}, expected 2, 4 or 8"),
            Self::NotAscending => write!(f, "an element is not greater than the one before"),
            Self::Empty => write!(f, "no elements"),
            Self::Overlong { found } => write!(f, "length {found} in a form longer than it needs"),
            Self::Expansion { limit, found } => {
                write!(
                    f,
                    "claims to expand to {found} bytes, at most {limit} are possible"
                )
            }
            Self::OriginalSize { expected, found } => {
                write!(f, "expands to {found} bytes, expected {expected}")
            }
            Self::Reference {
                distance,
                available,
            } => {
                write!(
                    f,
                    "a reference {distance} bytes back into {available} bytes of output"
                )
            }
            Self::LengthForm { found } => write!(f, "byte {found:02X} starts no length"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_what_and_against_what() {
        let error = Error::new(
            4,
            ErrorKind::Count {
                expected: 2,
                found: 3,
            },
        );
        assert_eq!(
            error.to_string(),
            "at byte 4: the header claims 3 elements, there are 2"
        );
    }
}

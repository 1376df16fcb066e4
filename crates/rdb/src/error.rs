use std::fmt;

use crate::header::{Family, HEADER_LEN, Version};

/// Why bytes are not an RDB file or a `DUMP` payload that can be read: where, in what, and what was
/// found there.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    offset: u64,
    key: Option<Box<[u8]>>,
    value: Option<&'static str>,
    kind: ErrorKind,
}

impl Error {
    pub(crate) fn new(offset: u64, kind: ErrorKind) -> Error {
        let (key, value) = (None, None);
        Error {
            offset,
            key,
            value,
            kind,
        }
    }

    /// The same error, inside the value of `key` of the kind named `value`.
    pub(crate) fn within(mut self, key: &[u8], value: &'static str) -> Error {
        let shown = key.get(..KEY_SHOWN).unwrap_or(key);
        self.key = Some(shown.into());
        self.value = Some(value);
        self
    }

    /// The same error in input that begins `base` bytes further on.
    pub(crate) fn shifted(mut self, base: u64) -> Error {
        self.offset += base;
        self
    }

    /// Bytes from the start of the input to the item that is wrong. Inside a compressed or compact
    /// value it is the start of that value's bytes; the kind says where within.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The key (its first 64 bytes) whose value is wrong, if it is in one.
    pub fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    /// Whether the input is only too short.
    pub fn is_truncation(&self) -> bool {
        matches!(self.kind, ErrorKind::Truncated { .. })
    }
}

/// Errors keep no more of a key than this, in bytes.
const KEY_SHOWN: usize = 64;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: ", self.offset)?;
        if let Some(value) = self.value {
            write!(f, "in {value}")?;
            match &self.key {
                Some(key) => write!(f, " \"{}\": ", key.escape_ascii())?,
                None => f.write_str(": ")?,
            }
        }
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Blob { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// What is wrong with the bytes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ended early.
    Truncated {
        /// What was being read.
        reading: &'static str,
        /// How many more bytes that takes at least.
        missing: u64,
    },
    /// The first bytes are no RDB header.
    BadMagic {
        /// They.
        found: [u8; HEADER_LEN],
    },
    /// A version that is newer than this reader, or that nobody wrote.
    UnsupportedVersion {
        /// The version.
        found: Version,
    },
    /// A byte where an opcode or a value's kind is due that is neither, in this family.
    UnknownOpcode {
        /// The byte.
        found: u8,
        /// Whose file it is.
        family: Family,
    },
    /// An opcode or a kind of value that is known by name but not read.
    Unsupported {
        /// The byte.
        found: u8,
        /// What it stands for.
        what: &'static str,
    },
    /// An opcode or kind that did not exist in the file's version, which has no checksum: most likely
    /// the version is damaged.
    TooNewForVersion {
        /// The byte.
        found: u8,
        /// The first version that had it.
        since: u16,
        /// The version in the header.
        version: Version,
    },
    /// Compact or compressed bytes inside a string are wrong.
    Blob {
        /// What they should be.
        what: &'static str,
        /// What is wrong, offsets counted from the start of the blob.
        error: packed::Error,
    },
    /// A first byte that is no length.
    BadLength {
        /// The byte.
        found: u8,
    },
    /// A string longer than the reader was told to accept.
    StringTooLong {
        /// The length claimed.
        len: u64,
        /// The longest accepted.
        max: u64,
    },
    /// A number that is none of those that may stand here.
    BadNumber {
        /// What it should be.
        expected: &'static str,
        /// What was found.
        found: i128,
    },
    /// A score that is no number.
    BadScore {
        /// Its text, or "nan".
        found: Box<[u8]>,
    },
    /// A blob of pairs or triples holds another number of entries.
    OddCount {
        /// Entries found.
        found: usize,
        /// Entries in each group.
        group: usize,
    },
    /// The same thing twice.
    Repeated {
        /// What.
        what: &'static str,
        /// Its name or id.
        found: Box<[u8]>,
    },
    /// A thing that does not come after the one before it.
    OutOfOrder {
        /// What.
        what: &'static str,
        /// Its name.
        found: Box<[u8]>,
    },
    /// A collection without elements, where that cannot be skipped.
    EmptyCollection,
    /// A node or the bookkeeping of a stream contradicts itself.
    BadStream {
        /// The rule that is broken, and how.
        rule: &'static str,
        /// The number or id that breaks it, as text.
        found: Box<str>,
    },
    /// A piece of a module's value has an unknown opcode.
    BadModulePiece {
        /// It.
        found: u64,
    },
    /// A `DUMP` payload goes on after its value.
    TrailingBytes {
        /// By so many bytes.
        count: usize,
    },
    /// A `DUMP` payload that is not even a kind, a version and a checksum.
    ShortPayload {
        /// Its size in bytes.
        found: usize,
    },
    /// The bytes are not those the checksum was made of.
    ChecksumMismatch {
        /// The checksum in the footer.
        stored: u64,
        /// That of the bytes.
        computed: u64,
    },
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Truncated { reading, missing } => write!(
                f,
                "input ends inside {reading}, at least {missing} more bytes expected"
            ),
            ErrorKind::BadMagic { found } => write!(
                f,
                "\"{}\" found, a header such as REDIS0011 or VALKEY080 expected",
                found.escape_ascii()
            ),
            ErrorKind::UnsupportedVersion { found } => {
                write!(f, "version {found} is not one this reader knows")
            }
            ErrorKind::UnknownOpcode { found, family } => {
                write!(
                    f,
                    "byte {found} is no opcode or kind of value of {family:?}"
                )
            }
            ErrorKind::Unsupported { found, what } => {
                write!(f, "{what} (byte {found}) cannot be read")
            }
            ErrorKind::TooNewForVersion {
                found,
                since,
                version,
            } => write!(
                f,
                "byte {found} has a meaning since version {since} only, the header says {version}"
            ),
            ErrorKind::Blob { what, error } => write!(f, "{what}: {error}"),
            ErrorKind::BadLength { found } => {
                write!(f, "byte {found:#04x} found, a length expected")
            }
            ErrorKind::StringTooLong { len, max } => {
                write!(f, "a string of {len} bytes, at most {max} accepted")
            }
            _ => self.fmt_values(f),
        }
    }
}

impl ErrorKind {
    fn fmt_values(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::BadNumber { expected, found } => {
                write!(f, "{found} found, {expected} expected")
            }
            ErrorKind::BadScore { found } => {
                write!(f, "\"{}\" found, a score expected", found.escape_ascii())
            }
            ErrorKind::OddCount { found, group } => {
                write!(f, "{found} entries found, a multiple of {group} expected")
            }
            ErrorKind::Repeated { what, found } => {
                write!(f, "{what} \"{}\" occurs twice", found.escape_ascii())
            }
            ErrorKind::OutOfOrder { what, found } => {
                write!(f, "{what} \"{}\" is out of order", found.escape_ascii())
            }
            ErrorKind::EmptyCollection => f.write_str("collection without elements"),
            ErrorKind::BadStream { rule, found } => write!(f, "{rule}: {found}"),
            ErrorKind::BadModulePiece { found } => {
                write!(f, "module piece {found} found, 0 to 5 expected")
            }
            ErrorKind::TrailingBytes { count } => {
                write!(f, "{count} bytes after the end of the value")
            }
            ErrorKind::ShortPayload { found } => write!(
                f,
                "{found} bytes found, a payload has a value and a footer of 10"
            ),
            ErrorKind::ChecksumMismatch { stored, computed } => write!(
                f,
                "the footer says {stored:016x}, the bytes have checksum {computed:016x}"
            ),
            _ => Ok(()),
        }
    }
}

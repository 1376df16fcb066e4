use std::fmt;

/// Why a request cannot be understood. The stream has no next request: close it.
///
/// `Display` is the text that Redis sends after `-ERR `.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The count behind `*` is not a number, or above [`crate::Limits::args_max`].
    InvalidMultibulkLength,
    /// The length behind `$` is not a number, negative, or above
    /// [`crate::Limits::bulk_bytes_max`].
    InvalidBulkLength,
    /// More arguments than a peer that has not authenticated may send.
    UnauthenticatedMultibulkLength,
    /// A longer argument than a peer that has not authenticated may send.
    UnauthenticatedBulkLength,
    /// An argument starts with this byte in place of `$`.
    ExpectedBulk(u8),
    /// A request starts with this byte in place of `*`, and inline requests are not allowed.
    ExpectedMultibulk(u8),
    /// An argument is not followed by CR LF but by this byte in place of one of them.
    ExpectedCrlf(u8),
    /// An inline request is longer than [`crate::Limits::inline_bytes_max`].
    TooBigInlineRequest,
    /// A quote in an inline request is not closed, or something follows a closing quote.
    UnbalancedQuotes,
    /// All arguments together pass 4 GiB.
    TooBigRequest,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            ProtocolError::InvalidMultibulkLength => f.write_str("invalid multibulk length"),
            ProtocolError::InvalidBulkLength => f.write_str("invalid bulk length"),
            ProtocolError::UnauthenticatedMultibulkLength => {
                f.write_str("unauthenticated multibulk length")
            }
            ProtocolError::UnauthenticatedBulkLength => f.write_str("unauthenticated bulk length"),
            ProtocolError::ExpectedBulk(got) => write!(f, "expected '$', got {}", Quoted(*got)),
            ProtocolError::ExpectedMultibulk(got) => {
                write!(f, "expected '*', got {}", Quoted(*got))
            }
            ProtocolError::ExpectedCrlf(got) => {
                write!(f, "expected CR LF after a bulk, got {}", Quoted(*got))
            }
            ProtocolError::TooBigInlineRequest => f.write_str("too big inline request"),
            ProtocolError::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            ProtocolError::TooBigRequest => f.write_str("too big request"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Why a reply cannot be understood, and where: offsets count all bytes ever fed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// A reply starts with a byte that is no type.
    UnknownType {
        /// Offset of the byte.
        at: u64,
        /// The byte.
        found: u8,
    },
    /// The line behind a type byte is not what the type wants.
    Malformed {
        /// Offset of the type byte.
        at: u64,
        /// What the type wants, in words.
        expected: &'static str,
    },
    /// The bytes behind a bulk are not CR LF.
    MissingCrlf {
        /// Offset where CR LF should be.
        at: u64,
    },
    /// A line grew past the longest one allowed without an end.
    LineTooLong {
        /// Offset of the type byte.
        at: u64,
    },
    /// More than [`crate::DEPTH_MAX`] aggregates inside one another.
    TooDeep {
        /// Offset of the one too many.
        at: u64,
    },
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplyError::UnknownType { at, found } => {
                write!(
                    f,
                    "reply byte {at}: expected a type, got {}",
                    Quoted(*found)
                )
            }
            ReplyError::Malformed { at, expected } => {
                write!(f, "reply byte {at}: expected {expected}")
            }
            ReplyError::MissingCrlf { at } => write!(f, "reply byte {at}: expected CR LF"),
            ReplyError::LineTooLong { at } => write!(f, "reply byte {at}: line without an end"),
            ReplyError::TooDeep { at } => {
                write!(
                    f,
                    "reply byte {at}: nested deeper than {}",
                    crate::DEPTH_MAX
                )
            }
        }
    }
}

impl std::error::Error for ReplyError {}

/// A byte as `'x'`, escaped where it would not print: error texts travel in one line.
struct Quoted(u8);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_redis_s_and_stay_in_one_line() {
        let text = |error: ProtocolError| error.to_string();
        assert_eq!(
            text(ProtocolError::ExpectedBulk(b'f')),
            "Protocol error: expected '$', got 'f'"
        );
        assert_eq!(
            text(ProtocolError::InvalidBulkLength),
            "Protocol error: invalid bulk length"
        );
        assert!(!text(ProtocolError::ExpectedBulk(b'\r')).contains('\r'));
    }
}

//! What can go wrong while reading a keyspace or a sidecar.

use std::{fmt, io};

/// Why a dump could not be made or a sidecar not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection or the file failed.
    Io(io::Error),
    /// The command was answered with an error.
    Refused {
        /// The command, shortened and with odd bytes escaped.
        command: String,
        /// The error reply.
        text: String,
    },
    /// A reply is not of the form that the command promises.
    Shape {
        /// What should have come.
        expected: &'static str,
        /// What came, shortened.
        found: String,
    },
    /// The bytes of a reply are not RESP.
    Protocol(String),
    /// A sidecar is not JSON, or not kvdump/1.
    Sidecar {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => write!(f, "{error}"),
            Error::Refused { command, text } => write!(f, "{command}: {text}"),
            Error::Shape { expected, found } => write!(f, "expected {expected}, found {found}"),
            Error::Protocol(why) => write!(f, "not RESP: {why}"),
            Error::Sidecar { path, why } => write!(f, "{path}: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

/// A command as one readable line, at most some 200 characters.
pub(crate) fn command_line(argv: &[&[u8]]) -> String {
    let mut line = String::new();
    for word in argv {
        if line.len() > 160 {
            line.push_str(" ...");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let shown = word.get(..40).unwrap_or(word);
        line.push_str(&shown.escape_ascii().to_string());
    }
    line
}

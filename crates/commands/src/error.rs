use std::borrow::Cow;
use std::fmt;

/// A refused request. `Display` is the error line as clients see it, code first, no `-` and no
/// line end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The key holds another type than the command works on.
    WrongType,
    /// The arguments do not follow the command's grammar.
    Syntax,
    /// An argument or a stored value should be a signed 64-bit integer.
    NotInteger,
    /// An argument or a stored value should be a floating point number.
    NotFloat,
    /// The key must exist and does not.
    NoSuchKey,
    /// The key must not exist and does.
    BusyKey,
    /// A list or string index beyond the ends.
    IndexOutOfRange,
    /// An increment would leave the signed 64-bit range.
    Overflow,
    /// An increment would give NaN or an infinity.
    NanOrInfinity,
    /// An expire time that is not positive or does not fit; the command's name.
    InvalidExpire(&'static str),
    /// Too few or too many arguments; the command's name.
    WrongArity(String),
    /// A database number beyond those configured.
    DbOutOfRange,
    /// Any other refusal: the whole line, code included.
    Text(Cow<'static, str>),
}

impl Error {
    /// A refusal under the generic code: `text` gets `ERR ` in front.
    pub fn err(text: impl fmt::Display) -> Error {
        Error::Text(Cow::Owned(format!("ERR {text}")))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::Syntax => "ERR syntax error",
            Error::NotInteger => "ERR value is not an integer or out of range",
            Error::NotFloat => "ERR value is not a valid float",
            Error::NoSuchKey => "ERR no such key",
            Error::BusyKey => "BUSYKEY Target key name already exists.",
            Error::IndexOutOfRange => "ERR index out of range",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::NanOrInfinity => "ERR increment would produce NaN or Infinity",
            Error::DbOutOfRange => "ERR DB index is out of range",
            Error::InvalidExpire(name) => {
                return write!(f, "ERR invalid expire time in '{name}' command");
            }
            Error::WrongArity(name) => {
                return write!(f, "ERR wrong number of arguments for '{name}' command");
            }
            Error::Text(line) => line,
        })
    }
}

impl std::error::Error for Error {}

impl From<keyspace::WrongType> for Error {
    fn from(_: keyspace::WrongType) -> Error {
        Error::WrongType
    }
}

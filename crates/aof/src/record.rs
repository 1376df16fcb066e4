//! What stands in a log: commands, and annotations between them.

use resp::Request;

/// One item of a log, borrowed from its reader.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// A command and its arguments; never without any.
    Command(Request<'a>),
    /// A line that starts with `#`, which changes nothing.
    Annotation(Annotation<'a>),
}

/// The text of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annotation<'a> {
    /// `#TS:<secs>`: what follows was logged at or after this Unix time in seconds.
    Timestamp(i64),
    /// `#RO:<replication id> <offset>`: the next command begins at this offset of that history. Of
    /// ours alone.
    Offset {
        /// The history.
        replid: &'a str,
        /// Bytes of it in front of the command.
        offset: u64,
    },
    /// Anything else, without `#` and line end.
    Other(&'a [u8]),
}

impl<'a> Annotation<'a> {
    /// Reads the line behind the `#`.
    pub(crate) fn of(text: &'a [u8]) -> Annotation<'a> {
        let secs = text
            .strip_prefix(b"TS:")
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok());
        match secs {
            Some(secs) => Annotation::Timestamp(secs),
            None => Annotation::offset(text).unwrap_or(Annotation::Other(text)),
        }
    }

    fn offset(text: &'a [u8]) -> Option<Annotation<'a>> {
        let text = std::str::from_utf8(text.strip_prefix(b"RO:")?).ok()?;
        let (replid, offset) = text.split_once(' ')?;
        let offset = offset.parse().ok()?;
        Some(Annotation::Offset { replid, offset })
    }
}

/// The line of an [`Annotation::Offset`].
pub fn offset_line(replid: &str, offset: u64) -> String {
    format!("#RO:{replid} {offset}\r\n")
}

/// True if a file that starts with `bytes` is an RDB (a base, or a preamble with commands behind
/// it). The name of a file says nothing about that. Wants at least 6 bytes, if the file has them.
pub fn is_rdb(bytes: &[u8]) -> bool {
    bytes.starts_with(b"REDIS") || bytes.starts_with(b"VALKEY")
}

/// Longest annotation that servers read, in bytes without line end.
pub(crate) const ANNOTATION_BYTES_MAX: usize = 1023;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_told_from_other_annotations() {
        assert_eq!(
            Annotation::of(b"TS:1700000000"),
            Annotation::Timestamp(1_700_000_000)
        );
        assert_eq!(Annotation::of(b"TS:x"), Annotation::Other(b"TS:x"));
        assert_eq!(Annotation::of(b""), Annotation::Other(b""));
        let line = offset_line("abc", 12);
        let offset = Annotation::of(line.trim_start_matches('#').trim_end().as_bytes());
        let (replid, at) = ("abc", 12);
        assert_eq!(offset, Annotation::Offset { replid, offset: at });
        assert_eq!(Annotation::of(b"RO:abc"), Annotation::Other(b"RO:abc"));
    }

    #[test]
    fn an_rdb_is_known_by_its_magic() {
        assert!(is_rdb(b"REDIS0011") && is_rdb(b"VALKEY080"));
        assert!(!is_rdb(b"*1\r\n") && !is_rdb(b"") && !is_rdb(b"REDI"));
    }
}

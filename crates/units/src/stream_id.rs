use std::fmt;
use std::str::FromStr;

/// The id of a stream entry: milliseconds, then a sequence number within them. Printed `ms-seq`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since the epoch, by convention; any number in fact.
    pub ms: u64,
    /// Position among the entries of the same millisecond.
    pub seq: u64,
}

impl StreamId {
    /// `0-0`, below every entry.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The largest id there can be.
    pub const MAX: StreamId = StreamId {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// The id with these parts.
    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// The 16 bytes that RDB and radix trees use: both parts big-endian, so that bytes sort as ids.
    pub fn to_be_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }

    /// The inverse of [`StreamId::to_be_bytes`].
    pub fn from_be_bytes(bytes: [u8; 16]) -> StreamId {
        let both = u128::from_be_bytes(bytes);
        StreamId {
            ms: (both >> 64) as u64,
            seq: both as u64,
        }
    }

    /// The next larger id, or `None` after [`StreamId::MAX`].
    pub fn next(self) -> Option<StreamId> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => self.ms.checked_add(1).map(|ms| StreamId { ms, seq: 0 }),
        }
    }

    /// The next smaller id, or `None` before [`StreamId::MIN`].
    pub fn prev(self) -> Option<StreamId> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => self
                .ms
                .checked_sub(1)
                .map(|ms| StreamId { ms, seq: u64::MAX }),
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// What is wrong with a text that should be a whole `ms-seq` id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamIdError;

impl fmt::Display for StreamIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream id is two unsigned 64-bit numbers joined by '-'")
    }
}

impl std::error::Error for StreamIdError {}

impl FromStr for StreamId {
    type Err = StreamIdError;
    fn from_str(text: &str) -> Result<StreamId, StreamIdError> {
        let (ms, seq) = text.split_once('-').ok_or(StreamIdError)?;
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| StreamIdError);
        Ok(StreamId {
            ms: number(ms)?,
            seq: number(seq)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_sort_as_ids() {
        let (a, b) = (StreamId::new(1, u64::MAX), StreamId::new(2, 0));
        assert!(a < b && a.to_be_bytes() < b.to_be_bytes());
        assert_eq!(a.next(), Some(b));
        assert_eq!(b.prev(), Some(a));
        assert_eq!(StreamId::from_be_bytes(a.to_be_bytes()), a);
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.prev(), None);
    }

    #[test]
    fn text_needs_both_parts() {
        assert_eq!("5-7".parse(), Ok(StreamId::new(5, 7)));
        assert_eq!("5".parse::<StreamId>(), Err(StreamIdError));
        assert_eq!("5-x".parse::<StreamId>(), Err(StreamIdError));
    }
}

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

/// A position in the replication stream, in bytes since the stream began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplOffset(pub u64);

impl Add<u64> for ReplOffset {
    type Output = ReplOffset;
    fn add(self, bytes: u64) -> ReplOffset {
        ReplOffset(self.0 + bytes)
    }
}

/// The number of bytes between two offsets.
impl Sub for ReplOffset {
    type Output = u64;
    fn sub(self, earlier: ReplOffset) -> u64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for ReplOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of one history of a data set: 40 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplId([u8; 40]);

impl ReplId {
    /// The id whose 160 bits are `bits`, most significant first.
    pub fn from_bits(bits: [u8; 20]) -> ReplId {
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(bits) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        ReplId(hex)
    }

    /// The 40 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only hexadecimal digits are ever stored")
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What is wrong with a text that should be a [`ReplId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplIdError;

impl fmt::Display for ReplIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a replication id is 40 lowercase hexadecimal digits")
    }
}

impl std::error::Error for ReplIdError {}

impl FromStr for ReplId {
    type Err = ReplIdError;
    fn from_str(text: &str) -> Result<ReplId, ReplIdError> {
        let digits: [u8; 40] = text.as_bytes().try_into().map_err(|_| ReplIdError)?;
        if digits.iter().all(|d| DIGITS.contains(d)) {
            Ok(ReplId(digits))
        } else {
            Err(ReplIdError)
        }
    }
}

impl fmt::Display for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_prints_what_it_parsed_and_refuses_the_rest() {
        let id = ReplId::from_bits(*b"\x00\x01\xab\xff5678901234567890");
        assert!(id.as_str().starts_with("0001abff"));
        assert_eq!(id.as_str().parse(), Ok(id));
        assert_eq!("0123".parse::<ReplId>(), Err(ReplIdError));
        assert_eq!("G".repeat(40).parse::<ReplId>(), Err(ReplIdError));
    }
}

//! The nine bytes in front of a file.
//!
//! # Layout
//!
//! ```text
//!   offset  size  field
//!   0       5     "REDIS"     then 4 decimal digits, the version: 1..15
//!   0       6     "VALKEY"    then 3 decimal digits, the version: 80 and up
//! ```
//!
//! Example: `52 45 44 49 53 30 30 31 30` = "REDIS0010", Redis 7.0; `VALKEY080`, Valkey 9.0.
//!
//! Numbers 12 to 79 belong to Redis and 80 upward to Valkey, which is how `DUMP` payloads, without a
//! magic, are told apart. Servers parse the digits with `atoi` and so accept `"  10"`; a flipped bit
//! then reads as version 1, which has no checksum to tell. Here they must be digits.

use std::fmt;

use crate::error::ErrorKind;
use crate::opcode::CHECKSUMS_SINCE;

/// Which of the two lines of servers wrote a file. Type bytes from 22 on and opcodes 242 and 243
/// mean different things in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `REDIS` files, and Valkey's up to 8.1.
    Redis,
    /// `VALKEY` files: Valkey 9 and later.
    Valkey,
}

/// The version in a header or in the footer of a `DUMP` payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// Who counts.
    pub family: Family,
    /// 1 to 15 for Redis, 80 and up for Valkey.
    pub number: u16,
}

/// The size of a header, in bytes.
pub(crate) const HEADER_LEN: usize = 9;
const REDIS: &[u8; 5] = b"REDIS";
const VALKEY: &[u8; 6] = b"VALKEY";

/// The last versions whose meaning is known.
const REDIS_MAX: u16 = 15;
const VALKEY_MIN: u16 = 80;
const VALKEY_MAX: u16 = 81;

const _: () = assert!(REDIS.len() + 4 == HEADER_LEN && VALKEY.len() + 3 == HEADER_LEN);

impl Version {
    /// Version `number` of Redis's count.
    pub const fn redis(number: u16) -> Version {
        let family = Family::Redis;
        Version { family, number }
    }

    /// Version `number` of Valkey's count.
    pub const fn valkey(number: u16) -> Version {
        let family = Family::Valkey;
        Version { family, number }
    }

    /// The version with this number, as `DUMP` footers hold it.
    pub(crate) fn of_number(number: u16) -> Result<Version, ErrorKind> {
        let version = match number {
            ..VALKEY_MIN => Version::redis(number),
            _ => Version::valkey(number),
        };
        version.known()
    }

    /// Whether files of this version end with a checksum.
    pub fn has_checksum(self) -> bool {
        self.number >= CHECKSUMS_SINCE
    }

    pub(crate) fn parse(header: &[u8; HEADER_LEN]) -> Result<Version, ErrorKind> {
        let (family, digits) = if let Some(digits) = header.strip_prefix(REDIS) {
            (Family::Redis, digits)
        } else if let Some(digits) = header.strip_prefix(VALKEY) {
            (Family::Valkey, digits)
        } else {
            return Err(ErrorKind::BadMagic { found: *header });
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(ErrorKind::BadMagic { found: *header });
        }
        let number = digits
            .iter()
            .fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
        Version { family, number }.known()
    }

    fn known(self) -> Result<Version, ErrorKind> {
        let range = match self.family {
            Family::Redis => 1..=REDIS_MAX,
            Family::Valkey => VALKEY_MIN..=VALKEY_MAX,
        };
        match range.contains(&self.number) {
            true => Ok(self),
            false => Err(ErrorKind::UnsupportedVersion { found: self }),
        }
    }

    pub(crate) fn header(self) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        let text = self.to_string();
        debug_assert_eq!(text.len(), HEADER_LEN);
        for (to, from) in header.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        header
    }
}

/// As in a header: `REDIS0010`, `VALKEY080`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::Redis => write!(f, "REDIS{:04}", self.number),
            Family::Valkey => write!(f, "VALKEY{:03}", self.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_both_families_print_as_they_parse() {
        for text in [b"REDIS0001", b"REDIS0010", b"REDIS0015", b"VALKEY080"] {
            let version = Version::parse(text).expect("a known version");
            assert_eq!(&version.header(), text);
        }
    }

    #[test]
    fn lax_digits_and_unknown_versions_are_refused() {
        for text in [b"REDIS  10", b"REDIS10xx", b"RADIS0010", b"VALKEY08x"] {
            let error = Version::parse(text);
            assert_eq!(error, Err(ErrorKind::BadMagic { found: *text }));
        }
        for text in [
            b"REDIS0000",
            b"REDIS0016",
            b"REDIS0080",
            b"VALKEY079",
            b"VALKEY099",
        ] {
            let error = Version::parse(text);
            assert!(matches!(error, Err(ErrorKind::UnsupportedVersion { .. })));
        }
    }
}

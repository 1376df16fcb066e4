//! Passwords, of which only SHA-256 is kept.

use crate::RuleError;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a password, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash([u8; 64]);

impl PasswordHash {
    pub(crate) fn of(password: &[u8]) -> PasswordHash {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(Sha256::digest(password)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        PasswordHash(text)
    }

    /// From its digits.
    pub(crate) fn parse(text: &[u8]) -> Result<PasswordHash, RuleError> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match <[u8; 64]>::try_from(text) {
            Ok(text) if text.iter().all(is_digit) => Ok(PasswordHash(text)),
            _ => Err(RuleError::BadHash),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits")
    }

    /// Whether both are the same, in a time that does not tell how much of them is.
    pub(crate) fn matches(&self, other: &PasswordHash) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
        std::hint::black_box(difference) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_everyone() {
        let hash = PasswordHash::of(b"newpass");
        let text = "253c2e786c2414dcaec8dbf11df515b5075371454b93a5687d24d96ddbf3b939";
        assert_eq!(hash.text(), text);
        let parsed = PasswordHash::parse(text.as_bytes()).unwrap();
        assert!(hash.matches(&parsed));
        assert!(!hash.matches(&PasswordHash::of(b"newpasS")));
        for wrong in [&text[1..], &text.to_uppercase(), ""] {
            let refused = PasswordHash::parse(wrong.as_bytes());
            assert_eq!(refused, Err(RuleError::BadHash), "{wrong}");
        }
    }
}

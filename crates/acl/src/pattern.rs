//! Patterns of keys and of channels.

use crate::RuleError;
use commands::{KeyAccess, glob};

/// Keys that may be read, written, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPattern {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) pattern: Vec<u8>,
}

impl KeyPattern {
    /// From `~pattern`, `%R~pattern`, `%W~pattern` or `%RW~pattern`.
    pub(crate) fn parse(rule: &[u8]) -> Result<KeyPattern, RuleError> {
        let (access, pattern) = match rule {
            [b'~', pattern @ ..] => (&b"RW"[..], pattern),
            [b'%', rest @ ..] => {
                let tilde = rest.iter().position(|byte| *byte == b'~');
                let tilde = tilde.ok_or(RuleError::Syntax)?;
                (&rest[..tilde], &rest[tilde + 1..])
            }
            _ => return Err(RuleError::Syntax),
        };
        let (read, write) = match access.to_ascii_uppercase().as_slice() {
            b"R" => (true, false),
            b"W" => (false, true),
            b"RW" | b"WR" => (true, true),
            _ => return Err(RuleError::Syntax),
        };
        let pattern = word(pattern)?;
        Ok(KeyPattern {
            read,
            write,
            pattern,
        })
    }

    /// Whether it allows doing that with keys at all.
    pub(crate) fn grants(&self, access: KeyAccess) -> bool {
        (self.read || !access.reads()) && (self.write || !access.writes())
    }

    pub(crate) fn allows(&self, key: &[u8], access: KeyAccess) -> bool {
        self.grants(access) && glob::matches(&self.pattern, key)
    }

    pub(crate) fn describe(&self) -> Vec<u8> {
        let sign = match (self.read, self.write) {
            (true, true) => &b"~"[..],
            (true, false) => b"%R~",
            _ => b"%W~",
        };
        [sign, &self.pattern].concat()
    }
}

/// A pattern that may stand in a line: no spaces or NULs.
pub(crate) fn word(pattern: &[u8]) -> Result<Vec<u8>, RuleError> {
    match has_spaces(pattern) {
        true => Err(RuleError::Syntax),
        false => Ok(pattern.to_vec()),
    }
}

pub(crate) fn has_spaces(text: &[u8]) -> bool {
    // Redis's isspace() takes the vertical tab as well.
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b);
    text.iter().any(is_space)
}

/// Whether a channel fits one of `patterns`. A pattern that is subscribed to has to be one of them
/// itself: what it lets through can't be compared.
pub(crate) fn channel_fits(patterns: &[Vec<u8>], channel: &[u8], is_pattern: bool) -> bool {
    patterns.iter().any(|pattern| match is_pattern {
        true => pattern == channel,
        false => glob::matches(pattern, channel),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_what_may_be_done() {
        for (rule, text) in [
            ("~a*", "~a*"),
            ("%R~a", "%R~a"),
            ("%w~a", "%W~a"),
            ("%wr~a", "~a"),
            ("%RW~", "~"),
        ] {
            let pattern = KeyPattern::parse(rule.as_bytes()).unwrap();
            assert_eq!(pattern.describe(), text.as_bytes());
        }
        for rule in ["%~a", "%", "%R", "%RR~a", "%X~a", "~a b", "%R~a\0", "a"] {
            let refused = KeyPattern::parse(rule.as_bytes());
            assert_eq!(refused, Err(RuleError::Syntax), "{rule}");
        }
    }

    #[test]
    fn reading_and_writing_are_told_apart() {
        let read = KeyPattern::parse(b"%R~k*").unwrap();
        assert!(read.allows(b"key", KeyAccess::READ));
        assert!(!read.allows(b"key", KeyAccess::OVERWRITE));
        assert!(!read.allows(b"other", KeyAccess::READ));
    }

    #[test]
    fn patterns_of_channels_are_compared_as_they_are() {
        let patterns = [b"news.*".to_vec()];
        assert!(channel_fits(&patterns, b"news.a", false));
        assert!(!channel_fits(&patterns, b"news.a", true));
        assert!(channel_fits(&patterns, b"news.*", true));
    }
}

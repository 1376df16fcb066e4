//! What a key has to hold for a command to write or remove it.

use crate::{Args, Context, Error};
use keyspace::StringRef;
use twox_hash::XxHash3_64;

/// Hexadecimal digits of a digest.
const DIGEST_LEN: usize = 16;

/// A condition of SET, MSETEX or DELEX. Valkey 8.1 brought `IFEQ`, Redis 8.4 the other three that
/// compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// `NX`: nothing at all.
    Missing,
    /// `XX`: a value of any type.
    Existing,
    /// `IFEQ`: this string.
    Equal(&'a [u8]),
    /// `IFNE`: not this string; nothing will do.
    Different(&'a [u8]),
    /// `IFDEQ`: a string with this digest.
    DigestEqual(&'a [u8]),
    /// `IFDNE`: not a string with this digest; nothing will do.
    DigestDifferent(&'a [u8]),
}

impl<'a> Condition<'a> {
    /// Takes `NX` or `XX`, if one is next.
    pub(super) fn presence(args: &mut Args<'a>) -> Option<Condition<'a>> {
        if args.keyword("NX") {
            Some(Condition::Missing)
        } else {
            args.keyword("XX").then_some(Condition::Existing)
        }
    }

    /// Takes one of the words that compare, and what it compares with, if one is next.
    pub(super) fn comparison(args: &mut Args<'a>) -> Result<Option<Condition<'a>>, Error> {
        type Make<'a> = fn(&'a [u8]) -> Condition<'a>;
        let words: [(&str, Make<'a>); 4] = [
            ("IFEQ", Condition::Equal),
            ("IFNE", Condition::Different),
            ("IFDEQ", Condition::DigestEqual),
            ("IFDNE", Condition::DigestDifferent),
        ];
        match words.into_iter().find(|(word, _)| args.keyword(word)) {
            Some((_, make)) => Ok(Some(make(args.bytes()?))),
            None => Ok(None),
        }
    }

    /// Whether it compares, and does not only ask whether there is a value.
    pub(super) fn compares(self) -> bool {
        !matches!(self, Condition::Missing | Condition::Existing)
    }

    /// Whether `key` holds what it should. Only conditions that compare are refused: where the value
    /// is no string, or the digest to compare with can be none.
    pub(super) fn holds(self, ctx: &Context<'_, '_>, key: &[u8]) -> Result<bool, Error> {
        match self {
            Condition::Missing => return Ok(!ctx.keys.exists(ctx.db, key)),
            Condition::Existing => return Ok(ctx.keys.exists(ctx.db, key)),
            _ => {}
        }
        match ctx.keys.string(ctx.db, key)? {
            Some(string) => self.holds_for(string),
            None => Ok(matches!(
                self,
                Condition::Different(_) | Condition::DigestDifferent(_)
            )),
        }
    }

    fn holds_for(self, string: StringRef<'_>) -> Result<bool, Error> {
        Ok(match self {
            Condition::Missing => false,
            Condition::Existing => true,
            Condition::Equal(bytes) => string.eq_bytes(bytes),
            Condition::Different(bytes) => !string.eq_bytes(bytes),
            Condition::DigestEqual(text) => has_digest(string, text)?,
            Condition::DigestDifferent(text) => !has_digest(string, text)?,
        })
    }
}

fn has_digest(string: StringRef<'_>, text: &[u8]) -> Result<bool, Error> {
    if text.len() != DIGEST_LEN {
        let refusal = "digest must be exactly 16 hexadecimal characters";
        return Err(Error::err(refusal));
    }
    Ok(digest(string).as_bytes().eq_ignore_ascii_case(text))
}

/// The digest of a string: XXH3, 64 bits with seed 0, as 16 hexadecimal digits.
pub(super) fn digest(string: StringRef<'_>) -> String {
    let hash = XxHash3_64::oneshot(&string.as_cow());
    format!("{hash:0DIGEST_LEN$x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Redis 8.4 and its manual have them.
    #[test]
    fn digests_are_those_of_redis() {
        let known = [
            ("Hello world", "b6acb9d84a38ff74"),
            ("hello", "9555e8555c62dcfd"),
            ("", "2d06800538d394c2"),
            ("v8", "0cc76dbb41381419"),
        ];
        for (text, wanted) in known {
            assert_eq!(digest(StringRef::Bytes(text.as_bytes())), wanted);
        }
        assert_eq!(digest(StringRef::Int(123)), "404a763b3f4c8c9a");
    }

    #[test]
    fn what_is_missing_differs_from_everything() {
        let mut fixture = crate::testing::Fixture::new();
        assert_eq!(fixture.run("set k v IFEQ ''"), "(nil)");
        assert_eq!(fixture.run("set k v IFDNE x"), "OK");
        let refused = "(error) ERR digest must be exactly 16 hexadecimal characters";
        assert_eq!(fixture.run("set k v IFDNE x"), refused);
        assert_eq!(fixture.run("set k w IFDEQ 0000000000000000"), "(nil)");
    }
}

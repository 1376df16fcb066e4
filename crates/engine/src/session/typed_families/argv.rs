//! The words of a command, as typed methods put them together.

use crate::Expiry;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

/// A command: its name, and arguments that are borrowed or made for it.
#[derive(Debug, Clone)]
pub(super) struct Argv<'a>(SmallVec<[Cow<'a, [u8]>; 8]>);

impl<'a> Argv<'a> {
    pub(super) fn new(name: &'static str) -> Argv<'a> {
        Argv(SmallVec::new()).token(name)
    }

    pub(super) fn as_slice(&self) -> &[Cow<'a, [u8]>] {
        &self.0
    }

    /// A word of the command's own.
    pub(super) fn token(mut self, token: &'static str) -> Argv<'a> {
        self.0.push(Cow::Borrowed(token.as_bytes()));
        self
    }

    /// The same, if it is wanted.
    pub(super) fn flag(self, token: &'static str, is_wanted: bool) -> Argv<'a> {
        match is_wanted {
            true => self.token(token),
            false => self,
        }
    }

    /// A word of the caller's: a key, a member, a value.
    pub(super) fn word<A: AsRef<[u8]> + ?Sized>(mut self, word: &'a A) -> Argv<'a> {
        self.0.push(Cow::Borrowed(word.as_ref()));
        self
    }

    pub(super) fn words<A: AsRef<[u8]>>(mut self, words: &'a [A]) -> Argv<'a> {
        self.0
            .extend(words.iter().map(|word| Cow::Borrowed(word.as_ref())));
        self
    }

    /// Words with their number in front.
    pub(super) fn counted<A: AsRef<[u8]>>(self, words: &'a [A]) -> Argv<'a> {
        self.number(words.len()).words(words)
    }

    /// A number, or an id, as text.
    pub(super) fn number(mut self, number: impl ToString) -> Argv<'a> {
        self.0.push(Cow::Owned(number.to_string().into_bytes()));
        self
    }

    pub(super) fn numbers<N: ToString>(self, numbers: &[N]) -> Argv<'a> {
        numbers
            .iter()
            .fold(self, |argv, number| argv.number(number.to_string()))
    }

    /// Words that belong together two by two.
    pub(super) fn pairs<A: AsRef<[u8]>, B: AsRef<[u8]>>(mut self, pairs: &'a [(A, B)]) -> Argv<'a> {
        for (first, second) in pairs {
            self = self.word(first).word(second);
        }
        self
    }

    /// The first and the last of some indexes.
    pub(super) fn range(self, range: impl RangeBounds<i64>) -> Argv<'a> {
        self.numbers(&indexes(range))
    }

    /// Seconds to wait at most; for ever without.
    pub(super) fn timeout(self, timeout: Option<Duration>) -> Argv<'a> {
        // A timeout of 0 waits for ever.
        self.number(timeout.map_or(0.0, |timeout| timeout.as_secs_f64().max(0.001)))
    }

    /// A token and a number, if there is one.
    pub(super) fn option(self, token: &'static str, number: Option<impl ToString>) -> Argv<'a> {
        match number {
            Some(number) => self.token(token).number(number),
            None => self,
        }
    }

    /// The words for a deadline; `never` and `keep` are those of this command for no deadline, and
    /// for the one that there is.
    pub(super) fn expiry(
        self,
        expiry: Expiry,
        never: Option<&'static str>,
        keep: Option<&'static str>,
    ) -> Argv<'a> {
        match (expiry, never, keep) {
            (Expiry::Never, Some(token), _) | (Expiry::Keep, _, Some(token)) => self.token(token),
            (Expiry::Never | Expiry::Keep, ..) => self,
            (Expiry::At(at), ..) => self.token("PXAT").number(at),
            (Expiry::InMillis(ms), ..) => self.token("PX").number(ms),
        }
    }
}

/// The first and the last index of a range; -1 is the last of all.
pub(super) fn indexes(range: impl RangeBounds<i64>) -> [i64; 2] {
    let first = match range.start_bound() {
        Bound::Included(first) => *first,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    match range.end_bound() {
        Bound::Included(last) => [first, *last],
        // One before it would be the last of all.
        Bound::Excluded(0) => [1, 0],
        Bound::Excluded(end) => [first, end.saturating_sub(1)],
        Bound::Unbounded => [first, -1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(argv: &Argv<'_>) -> String {
        let words = argv.as_slice().iter();
        words
            .map(|word| String::from_utf8_lossy(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn words_stand_in_the_order_that_they_are_given_in() {
        let argv = Argv::new("LMPOP").counted(&["a", "b"]).token("LEFT");
        let argv = argv.option("COUNT", Some(3)).option("LIMIT", None::<u8>);
        assert_eq!(
            text(&argv.flag("X", false).flag("Y", true)),
            "LMPOP 2 a b LEFT COUNT 3 Y"
        );
    }

    #[test]
    fn ranges_and_timeouts_are_numbers() {
        let argv = Argv::new("X")
            .pairs(&[("a", "b"), ("c", "d")])
            .range(-3..)
            .range(2..5)
            .range(..)
            .range(-1..0);
        let soon = Some(Duration::from_micros(1));
        assert_eq!(
            text(&argv.timeout(None).timeout(soon)),
            "X a b c d -3 -1 2 4 0 -1 1 0 0 0.001"
        );
    }

    #[test]
    fn deadlines_have_words() {
        let set = |expiry| text(&Argv::new("SET").expiry(expiry, None, Some("KEEPTTL")));
        assert_eq!(set(Expiry::Never), "SET");
        assert_eq!(set(Expiry::Keep), "SET KEEPTTL");
        assert_eq!(set(Expiry::At(units::UnixMillis(7))), "SET PXAT 7");
        assert_eq!(set(Expiry::InMillis(8)), "SET PX 8");
        let getex = Argv::new("GETEX").expiry(Expiry::Never, Some("PERSIST"), None);
        assert_eq!(text(&getex), "GETEX PERSIST");
    }
}

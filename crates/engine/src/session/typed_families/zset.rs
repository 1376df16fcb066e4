//! Sorted sets.

use super::Pairs;
use crate::session::Session;
use commands::Error;
use std::ops::RangeInclusive;

/// The options of [`Session::zadd`]: nothing but what is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ZAdd {
    words: [Option<&'static str>; 3],
}

impl ZAdd {
    /// Only members that are new (`NX`).
    pub fn only_new(mut self) -> ZAdd {
        self.words[0] = Some("NX");
        self
    }

    /// Only members that are there (`XX`).
    pub fn only_existing(mut self) -> ZAdd {
        self.words[0] = Some("XX");
        self
    }

    /// Scores only grow (`GT`).
    pub fn only_greater(mut self) -> ZAdd {
        self.words[1] = Some("GT");
        self
    }

    /// Scores only shrink (`LT`).
    pub fn only_less(mut self) -> ZAdd {
        self.words[1] = Some("LT");
        self
    }

    /// Members whose score changes are counted too (`CH`).
    pub fn count_changed(mut self) -> ZAdd {
        self.words[2] = Some("CH");
        self
    }
}

/// Scores from one to another, and how many members of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRange {
    scores: RangeInclusive<f64>,
    reverse: bool,
    offset: usize,
    count: Option<usize>,
}

impl ScoreRange {
    /// All members whose score lies in `scores`, ends included.
    pub fn new(scores: RangeInclusive<f64>) -> ScoreRange {
        ScoreRange {
            scores,
            reverse: false,
            offset: 0,
            count: None,
        }
    }

    /// From the greatest down (`REV`).
    pub fn reverse(mut self) -> ScoreRange {
        self.reverse = true;
        self
    }

    /// At most `count`, after the first `offset` (`LIMIT`).
    pub fn limit(mut self, offset: usize, count: usize) -> ScoreRange {
        (self.offset, self.count) = (offset, Some(count));
        self
    }

    fn words(&self) -> Vec<String> {
        let (min, max) = (
            self.scores.start().to_string(),
            self.scores.end().to_string(),
        );
        let mut words = match self.reverse {
            true => vec![max, min, "BYSCORE".into(), "REV".into()],
            false => vec![min, max, "BYSCORE".into()],
        };
        if let Some(count) = self.count {
            words.extend(["LIMIT".into(), self.offset.to_string(), count.to_string()]);
        }
        words.push("WITHSCORES".into());
        words
    }
}

impl Session {
    /// Sets members' scores in the sorted set at `key` and returns how many are new. Like `ZADD`.
    ///
    /// ```
    /// use duramen::{Engine, ScoreRange, ZAdd};
    /// let mut session = Engine::open_in_memory().session();
    /// session.zadd("game", ZAdd::default(), &[(3.0, "ann"), (5.5, "bob")])?;
    /// let options = ZAdd::default().only_greater().count_changed();
    /// assert_eq!(session.zadd("game", options, &[(2.0, "ann"), (6.0, "bob")])?, 1);
    /// assert_eq!(session.zscore("game", "bob")?, Some(6.0));
    /// let best = ScoreRange::new(f64::NEG_INFINITY..=f64::INFINITY).reverse().limit(0, 1);
    /// assert_eq!(session.zrange_by_score("game", &best)?, [(b"bob".to_vec(), 6.0)]);
    /// assert_eq!(session.zrank("game", "bob")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zadd<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        options: ZAdd,
        members: &[(f64, M)],
    ) -> Result<usize, Error> {
        let scores: Vec<String> = members.iter().map(|(score, _)| score.to_string()).collect();
        let mut argv: Vec<&[u8]> = vec![b"ZADD", key.as_ref()];
        argv.extend(options.words.iter().flatten().map(|word| word.as_bytes()));
        for ((_, member), score) in members.iter().zip(&scores) {
            argv.extend([score.as_bytes(), member.as_ref()]);
        }
        self.ask(&argv)
    }

    /// Adds to a member's score, 0 if it is new, and returns the sum. Like `ZINCRBY`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.zincr_by("game", 1.5, "ann")?, 1.5);
    /// assert_eq!(session.zrem("game", &["ann"])?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zincr_by(
        &mut self,
        key: impl AsRef<[u8]>,
        by: f64,
        member: impl AsRef<[u8]>,
    ) -> Result<f64, Error> {
        let by = by.to_string();
        self.ask(&[b"ZINCRBY", key.as_ref(), by.as_bytes(), member.as_ref()])
    }

    /// Removes members and returns how many were there. Like `ZREM`; [`Session::zincr_by`] has an
    /// example.
    pub fn zrem<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        self.ask_all(&[b"ZREM", key.as_ref()], members)
    }

    /// A member's score. Like `ZSCORE`; [`Session::zadd`] has an example.
    pub fn zscore(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<Option<f64>, Error> {
        self.ask(&[b"ZSCORE", key.as_ref(), member.as_ref()])
    }

    /// How many members come before this one. Like `ZRANK`; [`Session::zadd`] has an example.
    pub fn zrank(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, Error> {
        self.ask(&[b"ZRANK", key.as_ref(), member.as_ref()])
    }

    /// Members with their scores, by score. Like `ZRANGE .. BYSCORE WITHSCORES`;
    /// [`Session::zadd`] has an example.
    pub fn zrange_by_score(
        &mut self,
        key: impl AsRef<[u8]>,
        range: &ScoreRange,
    ) -> Result<Vec<(Vec<u8>, f64)>, Error> {
        let pairs: Pairs<_, _> = self.ask_all(&[b"ZRANGE", key.as_ref()], &range.words())?;
        Ok(pairs.0)
    }
}

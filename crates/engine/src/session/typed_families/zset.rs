//! Sorted sets: members, scores, ranges.

use super::{Argv, Pairs};
use crate::session::Session;
use commands::Error;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A member of a sorted set and its score.
pub type MemberScore = (Vec<u8>, f64);

/// The key of a sorted set, a member that was in it, and its score.
pub type KeyMemberScore = (Vec<u8>, Vec<u8>, f64);

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

    fn add_to(self, argv: Argv<'_>) -> Argv<'_> {
        let tokens = self.words.into_iter().flatten();
        tokens.fold(argv, Argv::token)
    }
}

/// An end of a sorted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extreme {
    /// The lowest score.
    Min,
    /// The highest score.
    Max,
}

impl Extreme {
    fn pick(self, min: &'static str, max: &'static str) -> &'static str {
        match self {
            Extreme::Min => min,
            Extreme::Max => max,
        }
    }
}

impl Session {
    /// Sets members' scores in the sorted set at `key` and returns how many are new. Like `ZADD`.
    ///
    /// ```
    /// use duramen::{Engine, ZAdd, ZRange};
    /// let mut session = Engine::open_in_memory().session();
    /// session.zadd("game", ZAdd::default(), &[(3.0, "ann"), (5.5, "bob")])?;
    /// let options = ZAdd::default().only_greater().count_changed();
    /// assert_eq!(session.zadd("game", options, &[(2.0, "ann"), (6.0, "bob")])?, 1);
    /// assert_eq!(session.zscore("game", "bob")?, Some(6.0));
    /// let best = ZRange::scores(f64::NEG_INFINITY..=f64::INFINITY).reverse().limit(0, 1);
    /// assert_eq!(session.zrange("game", &best)?, [(b"bob".to_vec(), 6.0)]);
    /// assert_eq!(session.zrank("game", "bob")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zadd<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        options: ZAdd,
        members: &[(f64, M)],
    ) -> Result<usize, Error> {
        let mut argv = options.add_to(Argv::new("ZADD").word(&key));
        for (score, member) in members {
            argv = argv.number(score).word(member);
        }
        self.ask(&argv)
    }

    /// Adds to a member's score, 0 if it is new, and returns the sum. Like `ZINCRBY`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.zincr_by("game", 1.5, "ann")?, 1.5);
    /// assert_eq!(session.zmscore("game", &["bob", "ann"])?, [None, Some(1.5)]);
    /// assert_eq!(session.zrem("game", &["ann"])?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zincr_by(
        &mut self,
        key: impl AsRef<[u8]>,
        by: f64,
        member: impl AsRef<[u8]>,
    ) -> Result<f64, Error> {
        self.ask(&Argv::new("ZINCRBY").word(&key).number(by).word(&member))
    }

    /// Removes members and returns how many were there. Like `ZREM`; [`Session::zincr_by`] has an
    /// example.
    pub fn zrem<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        self.ask(&Argv::new("ZREM").word(&key).words(members))
    }

    /// How many members there are. Like `ZCARD`; [`Session::zpop`] has an example.
    pub fn zcard(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&Argv::new("ZCARD").word(&key))
    }

    /// How many have scores from one to another, ends included. Like `ZCOUNT`; [`Session::zpop`]
    /// has an example.
    pub fn zcount(
        &mut self,
        key: impl AsRef<[u8]>,
        scores: RangeInclusive<f64>,
    ) -> Result<usize, Error> {
        let argv = Argv::new("ZCOUNT").word(&key).number(scores.start());
        self.ask(&argv.number(scores.end()))
    }

    /// A member's score. Like `ZSCORE`; [`Session::zadd`] has an example.
    pub fn zscore(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<Option<f64>, Error> {
        self.ask(&Argv::new("ZSCORE").word(&key).word(&member))
    }

    /// The score of each of `members`. Like `ZMSCORE`; [`Session::zincr_by`] has an example.
    pub fn zmscore<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<Vec<Option<f64>>, Error> {
        self.ask(&Argv::new("ZMSCORE").word(&key).words(members))
    }

    /// How many members come before this one. Like `ZRANK`; [`Session::zadd`] has an example.
    pub fn zrank(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, Error> {
        self.ask(&Argv::new("ZRANK").word(&key).word(&member))
    }

    /// How many members come after this one. Like `ZREVRANK`; [`Session::zpop`] has an example.
    pub fn zrevrank(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, Error> {
        self.ask(&Argv::new("ZREVRANK").word(&key).word(&member))
    }

    /// Takes at most `count` members off an end. Like `ZPOPMIN` and `ZPOPMAX`.
    ///
    /// ```
    /// use duramen::{Engine, Extreme, ZAdd};
    /// let mut session = Engine::open_in_memory().session();
    /// session.zadd("due", ZAdd::default(), &[(10.0, "a"), (20.0, "b"), (30.0, "c")])?;
    /// assert_eq!(session.zcount("due", 0.0..=20.0)?, 2);
    /// assert_eq!(session.zrevrank("due", "a")?, Some(2));
    /// assert_eq!(session.zpop("due", Extreme::Min, 1)?, [(b"a".to_vec(), 10.0)]);
    /// let (key, member, score) = session.zpop_waiting(&["due"], Extreme::Max, None)?.unwrap();
    /// assert_eq!((key, member, score), (b"due".to_vec(), b"c".to_vec(), 30.0));
    /// assert_eq!(session.zrandmember("due", 5)?, [(b"b".to_vec(), 20.0)]);
    /// assert_eq!(session.zcard("due")?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zpop(
        &mut self,
        key: impl AsRef<[u8]>,
        end: Extreme,
        count: usize,
    ) -> Result<Vec<MemberScore>, Error> {
        let argv = Argv::new(end.pick("ZPOPMIN", "ZPOPMAX")).word(&key);
        let Pairs(members) = self.ask(&argv.number(count))?;
        Ok(members)
    }

    /// Takes a member off an end of the first of these sorted sets that has one: its key, the
    /// member, its score. Waits for one on this thread, for `timeout` at most, or for ever. Like
    /// `BZPOPMIN` and `BZPOPMAX`; [`Session::zpop`] has an example.
    pub fn zpop_waiting<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        end: Extreme,
        timeout: Option<Duration>,
    ) -> Result<Option<KeyMemberScore>, Error> {
        let argv = Argv::new(end.pick("BZPOPMIN", "BZPOPMAX")).words(keys);
        self.ask(&argv.timeout(timeout))
    }

    /// At most `count` members by chance, each once. Like `ZRANDMEMBER`; [`Session::zpop`] has an
    /// example.
    pub fn zrandmember(
        &mut self,
        key: impl AsRef<[u8]>,
        count: usize,
    ) -> Result<Vec<MemberScore>, Error> {
        let argv = Argv::new("ZRANDMEMBER").word(&key).number(count);
        let Pairs(members) = self.ask(&argv.token("WITHSCORES"))?;
        Ok(members)
    }
}

//! Ranges of sorted sets, and several sorted sets put together.

use super::{Argv, MemberScore, Pairs, SetOp};
use crate::session::Session;
use commands::Error;
use std::ops::{Bound, RangeBounds};

/// Members of a sorted set between two ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ZRange {
    /// What the commands call the ends, the lower first.
    ends: [Vec<u8>; 2],
    by: By,
    reverse: bool,
    limit: Option<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

impl ZRange {
    /// By how many come before them; negative ranks count from the end.
    pub fn ranks(ranks: impl RangeBounds<i64>) -> ZRange {
        let [first, last] = super::argv::indexes(ranks);
        ZRange::new(By::Rank, [text(first), text(last)])
    }

    /// By their scores (`BYSCORE`).
    pub fn scores(scores: impl RangeBounds<f64>) -> ZRange {
        let end = |bound: Bound<&f64>, unbounded: &str| match bound {
            Bound::Included(score) => text(*score),
            Bound::Excluded(score) => [b"(".to_vec(), text(*score)].concat(),
            Bound::Unbounded => text(unbounded),
        };
        let ends = [
            end(scores.start_bound(), "-inf"),
            end(scores.end_bound(), "+inf"),
        ];
        ZRange::new(By::Score, ends)
    }

    /// By their bytes, where all have one score (`BYLEX`).
    pub fn lex<'a>(members: impl RangeBounds<&'a [u8]>) -> ZRange {
        let end = |bound: Bound<&&[u8]>, unbounded: &[u8]| match bound {
            Bound::Included(member) => [b"[", *member].concat(),
            Bound::Excluded(member) => [b"(", *member].concat(),
            Bound::Unbounded => unbounded.to_vec(),
        };
        let ends = [
            end(members.start_bound(), b"-"),
            end(members.end_bound(), b"+"),
        ];
        ZRange::new(By::Lex, ends)
    }

    fn new(by: By, ends: [Vec<u8>; 2]) -> ZRange {
        ZRange {
            ends,
            by,
            reverse: false,
            limit: None,
        }
    }

    /// From the greatest down (`REV`). Ranks count from there then.
    pub fn reverse(mut self) -> ZRange {
        self.reverse = true;
        self
    }

    /// At most `count`, after the first `offset`; not for ranks (`LIMIT`).
    pub fn limit(mut self, offset: usize, count: usize) -> ZRange {
        self.limit = Some((offset, count));
        self
    }

    fn add_to<'a>(&'a self, argv: Argv<'a>) -> Argv<'a> {
        let [low, high] = &self.ends;
        // Ranks are counted from the other end; scores and bytes change places.
        let argv = match self.reverse && self.by != By::Rank {
            true => argv.word(high).word(low),
            false => argv.word(low).word(high),
        };
        let argv = argv.flag("BYSCORE", self.by == By::Score);
        let argv = argv.flag("BYLEX", self.by == By::Lex);
        let argv = argv.flag("REV", self.reverse);
        match self.limit {
            Some((offset, count)) => argv.token("LIMIT").number(offset).number(count),
            None => argv,
        }
    }
}

fn text(end: impl ToString) -> Vec<u8> {
    end.to_string().into_bytes()
}

/// What becomes of the scores that a member has in several sorted sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// They are added up.
    #[default]
    Sum,
    /// The lowest counts.
    Min,
    /// The highest counts.
    Max,
}

/// How several sorted sets become one. Each score counts once, and they are added up, unless said
/// otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct ZCombine {
    op: SetOp,
    weights: Vec<f64>,
    aggregate: Aggregate,
}

impl ZCombine {
    /// With the members that `op` says. Of a difference, scores are those of the first.
    pub fn new(op: SetOp) -> ZCombine {
        ZCombine {
            op,
            weights: Vec::new(),
            aggregate: Aggregate::Sum,
        }
    }

    /// What the scores of each are multiplied with; not for a difference (`WEIGHTS`).
    pub fn weights(mut self, weights: &[f64]) -> ZCombine {
        self.weights = weights.to_vec();
        self
    }

    /// What becomes of several scores; not for a difference (`AGGREGATE`).
    pub fn aggregate(mut self, aggregate: Aggregate) -> ZCombine {
        self.aggregate = aggregate;
        self
    }

    fn pick(&self, names: [&'static str; 3]) -> &'static str {
        let [intersection, union, difference] = names;
        match self.op {
            SetOp::Intersection => intersection,
            SetOp::Union => union,
            SetOp::Difference => difference,
        }
    }

    fn add_to<'a>(&self, mut argv: Argv<'a>) -> Argv<'a> {
        if !self.weights.is_empty() {
            argv = argv.token("WEIGHTS").numbers(&self.weights);
        }
        match self.aggregate {
            Aggregate::Sum => argv,
            Aggregate::Min => argv.token("AGGREGATE").token("MIN"),
            Aggregate::Max => argv.token("AGGREGATE").token("MAX"),
        }
    }
}

impl Session {
    /// Members of the sorted set at `key` with their scores, in the order of the range. Like
    /// `ZRANGE .. WITHSCORES`.
    ///
    /// ```
    /// use duramen::{Engine, ZAdd, ZRange};
    /// let mut session = Engine::open_in_memory().session();
    /// session.zadd("game", ZAdd::default(), &[(1.0, "ann"), (2.0, "bob"), (3.0, "eve")])?;
    /// let names = |members: Vec<(Vec<u8>, f64)>| members.into_iter().map(|(name, _)| name);
    /// let last = session.zrange("game", &ZRange::ranks(-2..))?;
    /// assert!(names(last).eq([b"bob", b"eve"]));
    /// let below = session.zrange("game", &ZRange::scores(..3.0).reverse())?;
    /// assert!(names(below).eq([b"bob", b"ann"]));
    /// assert_eq!(session.zrange_into("game", "top", &ZRange::ranks(0..=0).reverse())?, 1);
    /// let first_half = ZRange::lex(..=&b"bob"[..]);
    /// assert_eq!(session.zrange_members("game", &first_half)?, [b"ann", b"bob"]);
    /// assert_eq!(session.zremrange("game", &ZRange::lex(&b"b"[..]..))?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zrange(
        &mut self,
        key: impl AsRef<[u8]>,
        range: &ZRange,
    ) -> Result<Vec<MemberScore>, Error> {
        let argv = range.add_to(Argv::new("ZRANGE").word(&key));
        let Pairs(members) = self.ask(&argv.token("WITHSCORES"))?;
        Ok(members)
    }

    /// The same without scores, which is the only way for [`ZRange::lex`]. Like `ZRANGE`;
    /// [`Session::zrange`] has an example.
    pub fn zrange_members(
        &mut self,
        key: impl AsRef<[u8]>,
        range: &ZRange,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&range.add_to(Argv::new("ZRANGE").word(&key)))
    }

    /// Puts a range into a sorted set at `target`, and returns how many members that has. Like
    /// `ZRANGESTORE`; [`Session::zrange`] has an example.
    pub fn zrange_into(
        &mut self,
        key: impl AsRef<[u8]>,
        target: impl AsRef<[u8]>,
        range: &ZRange,
    ) -> Result<usize, Error> {
        let argv = Argv::new("ZRANGESTORE").word(&target).word(&key);
        self.ask(&range.add_to(argv))
    }

    /// Removes a range, without regard to its direction and limit, and returns how many members that
    /// were. Like `ZREMRANGEBYRANK`, `ZREMRANGEBYSCORE` and `ZREMRANGEBYLEX`; [`Session::zrange`]
    /// has an example.
    pub fn zremrange(&mut self, key: impl AsRef<[u8]>, range: &ZRange) -> Result<usize, Error> {
        let name = match range.by {
            By::Rank => "ZREMRANGEBYRANK",
            By::Score => "ZREMRANGEBYSCORE",
            By::Lex => "ZREMRANGEBYLEX",
        };
        self.ask(&Argv::new(name).word(&key).words(&range.ends))
    }

    /// Several sorted sets, or sets, put together. Like `ZUNION`, `ZINTER` and `ZDIFF`.
    ///
    /// ```
    /// use duramen::{Aggregate, Engine, SetOp, ZAdd, ZCombine};
    /// let mut session = Engine::open_in_memory().session();
    /// session.zadd("monday", ZAdd::default(), &[(1.0, "ann"), (2.0, "bob")])?;
    /// session.zadd("tuesday", ZAdd::default(), &[(5.0, "bob")])?;
    /// let both = ZCombine::new(SetOp::Intersection).weights(&[10.0, 1.0]);
    /// assert_eq!(session.zcombine(&both, &["monday", "tuesday"])?, [(b"bob".to_vec(), 25.0)]);
    /// let best = ZCombine::new(SetOp::Union).aggregate(Aggregate::Max);
    /// assert_eq!(session.zcombine_into(&best, "week", &["monday", "tuesday"])?, 2);
    /// assert_eq!(session.zscore("week", "bob")?, Some(5.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zcombine<K: AsRef<[u8]>>(
        &mut self,
        how: &ZCombine,
        keys: &[K],
    ) -> Result<Vec<MemberScore>, Error> {
        let argv = Argv::new(how.pick(["ZINTER", "ZUNION", "ZDIFF"])).counted(keys);
        let Pairs(members) = self.ask(&how.add_to(argv).token("WITHSCORES"))?;
        Ok(members)
    }

    /// Puts the outcome at `target`, and returns how many members that has. Like `ZUNIONSTORE`,
    /// `ZINTERSTORE` and `ZDIFFSTORE`; [`Session::zcombine`] has an example.
    pub fn zcombine_into<K: AsRef<[u8]>>(
        &mut self,
        how: &ZCombine,
        target: impl AsRef<[u8]>,
        keys: &[K],
    ) -> Result<usize, Error> {
        let name = how.pick(["ZINTERSTORE", "ZUNIONSTORE", "ZDIFFSTORE"]);
        self.ask(&how.add_to(Argv::new(name).word(&target).counted(keys)))
    }
}

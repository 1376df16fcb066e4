//! Ranges by rank, score and bytes: ZRANGE, its elder relatives, and the counts.

use super::{Pair, reply_pairs};
use crate::rank_range::rank_range;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{Edit, LexBound, ScoreBound, Ttl, Zset, ZsetRef};
use packed::{IntText, number};

/// By what a range is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// The ends of a range, the lower one first.
#[derive(Debug, Clone, Copy)]
enum Span<'a> {
    Rank(i64, i64),
    Score(ScoreBound, ScoreBound),
    Lex(LexBound<'a>, LexBound<'a>),
}

/// A range as it was asked for.
struct RangeRequest<'a> {
    span: Span<'a>,
    rev: bool,
    /// Members to pass over; a negative number passes over all.
    offset: i64,
    /// Members wanted; a negative number wants all.
    limit: i64,
    with_scores: bool,
}

/// What the name of a command leaves open, or fixes.
#[derive(Debug, Clone, Copy, Default)]
struct Grammar {
    by: Option<By>,
    rev: Option<bool>,
    stores: bool,
}

pub(super) fn zrange(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_range(ctx, Grammar::default())
}

pub(super) fn zrevrange(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_range(ctx, Grammar::fixed(By::Rank, true))
}

pub(super) fn zrangebyscore(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_range(ctx, Grammar::fixed(By::Score, false))
}

pub(super) fn zrevrangebyscore(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_range(ctx, Grammar::fixed(By::Score, true))
}

pub(super) fn zrangebylex(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_range(ctx, Grammar::fixed(By::Lex, false))
}

pub(super) fn zrevrangebylex(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_range(ctx, Grammar::fixed(By::Lex, true))
}

fn reply_range(ctx: &mut Context<'_, '_>, grammar: Grammar) -> Outcome {
    let key = ctx.args.bytes()?;
    let request = grammar.parse(&mut ctx.args)?;
    let zset = ctx.keys.zset(ctx.db, key)?;
    let pairs = zset.map_or(Vec::new(), |zset| request.select(zset));
    reply_pairs(ctx.reply, ctx.settings.compat, &pairs, request.with_scores);
    Ok(())
}

/// An empty range removes the destination, whatever it held.
pub(super) fn zrangestore(ctx: &mut Context<'_, '_>) -> Outcome {
    let (destination, source) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let grammar = Grammar {
        stores: true,
        ..Grammar::default()
    };
    let request = grammar.parse(&mut ctx.args)?;
    let settings = ctx.keys.settings();
    let mut result = Zset::empty(&settings);
    if let Some(zset) = ctx.keys.zset(ctx.db, source)? {
        for (member, score) in request.select(zset) {
            let mut buffer = IntText::default();
            result.insert(&settings, member.text(&mut buffer), score);
        }
    }
    ctx.event_if_missing(source);
    let len = store(ctx, destination, result, "zrangestore");
    ctx.reply.integer(len as i64);
    Ok(())
}

/// Puts a result in the place of whatever a key held; an empty one leaves no key. Its length.
pub(super) fn store(
    ctx: &mut Context<'_, '_>,
    destination: &[u8],
    result: Zset,
    event: &'static str,
) -> usize {
    let len = result.as_ref().len();
    if len == 0 {
        ctx.remove_stored(destination);
    } else {
        let value = result.into_value();
        ctx.keys.insert(ctx.db, destination, value, Ttl::Clear);
        ctx.event(EventClass::ZSET, event, destination);
    }
    len
}

pub(super) fn zcount(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (min, max) = parse_scores(ctx.args.bytes()?, ctx.args.bytes()?)?;
    let zset = ctx.keys.zset(ctx.db, key)?;
    let count = zset.map_or(0, |zset| zset.count_by_score(min, max));
    ctx.reply.integer(count as i64);
    Ok(())
}

pub(super) fn zlexcount(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (min, max) = parse_lexes(ctx.args.bytes()?, ctx.args.bytes()?)?;
    let zset = ctx.keys.zset(ctx.db, key)?;
    let count = zset.map_or(0, |zset| zset.count_by_lex(min, max));
    ctx.reply.integer(count as i64);
    Ok(())
}

impl Grammar {
    fn fixed(by: By, rev: bool) -> Grammar {
        Grammar {
            by: Some(by),
            rev: Some(rev),
            stores: false,
        }
    }

    /// Takes the two ends and the options to the end.
    fn parse<'a>(self, args: &mut Args<'a>) -> Result<RangeRequest<'a>, Error> {
        let (first, second) = (args.bytes()?, args.bytes()?);
        let (mut by, mut rev) = (self.by, self.rev);
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        while !args.is_done() {
            if !self.stores && args.keyword("WITHSCORES") {
                with_scores = true;
            } else if args.keyword("LIMIT") {
                (offset, limit) = parse_limit(args)?;
            } else if self.rev.is_none() && args.keyword("REV") {
                rev = Some(true);
            } else if by.is_none() && args.keyword("BYSCORE") {
                by = Some(By::Score);
            } else if by.is_none() && args.keyword("BYLEX") {
                by = Some(By::Lex);
            } else {
                return Err(Error::Syntax);
            }
        }
        let (by, rev) = (by.unwrap_or(By::Rank), rev.unwrap_or(false));
        check_options(by, limit, with_scores)?;
        let span = Span::parse(by, rev, first, second)?;
        Ok(RangeRequest {
            span,
            rev,
            offset,
            limit,
            with_scores,
        })
    }
}

fn parse_limit(args: &mut Args<'_>) -> Result<(i64, i64), Error> {
    if args.left() < 2 {
        return Err(Error::Syntax);
    }
    Ok((args.int()?, args.int()?))
}

fn check_options(by: By, limit: i64, with_scores: bool) -> Result<(), Error> {
    if by == By::Rank && limit != -1 {
        return Err(Error::err(
            "syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ));
    }
    if by == By::Lex && with_scores {
        return Err(Error::err(
            "syntax error, WITHSCORES not supported in combination with BYLEX",
        ));
    }
    Ok(())
}

impl<'a> Span<'a> {
    /// Reversed ranges by score and bytes name their upper end first.
    fn parse(by: By, rev: bool, first: &'a [u8], second: &'a [u8]) -> Result<Span<'a>, Error> {
        let (min, max) = if rev {
            (second, first)
        } else {
            (first, second)
        };
        Ok(match by {
            By::Rank => {
                let (start, stop) = parse_ranks(first, second)?;
                Span::Rank(start, stop)
            }
            By::Score => {
                let (min, max) = parse_scores(min, max)?;
                Span::Score(min, max)
            }
            By::Lex => {
                let (min, max) = parse_lexes(min, max)?;
                Span::Lex(min, max)
            }
        })
    }
}

impl RangeRequest<'_> {
    fn select<'z>(&self, zset: ZsetRef<'z>) -> Vec<Pair<'z>> {
        match self.span {
            Span::Rank(start, stop) => {
                let ranks = rank_range(start, stop, zset.len());
                self.cut(zset.range_by_rank(ranks, self.rev))
            }
            Span::Score(min, max) => self.cut(zset.range_by_score(min, max, self.rev)),
            Span::Lex(min, max) => self.cut(zset.range_by_lex(min, max, self.rev)),
        }
    }

    /// What offset and limit leave of a range.
    fn cut<'z>(&self, pairs: impl Iterator<Item = Pair<'z>>) -> Vec<Pair<'z>> {
        let Ok(offset) = usize::try_from(self.offset) else {
            return Vec::new();
        };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        pairs.skip(offset).take(limit).collect()
    }
}

/// Two ranks, not yet fitted to a length.
pub(super) fn parse_ranks(start: &[u8], stop: &[u8]) -> Result<(i64, i64), Error> {
    let start = number::parse_i64(start).ok_or(Error::NotInteger)?;
    let stop = number::parse_i64(stop).ok_or(Error::NotInteger)?;
    Ok((start, stop))
}

/// Two scores, `(` in front of one that is not itself in the range.
pub(super) fn parse_scores(min: &[u8], max: &[u8]) -> Result<(ScoreBound, ScoreBound), Error> {
    let bound =
        |text| parse_score_bound(text).ok_or_else(|| Error::err("min or max is not a float"));
    Ok((bound(min)?, bound(max)?))
}

fn parse_score_bound(text: &[u8]) -> Option<ScoreBound> {
    let (exclusive, digits) = match text {
        [b'(', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Real servers read a bound as C does: from behind blanks up to a NUL, and nothing is 0.
    let digits = digits.split(|byte| *byte == 0).next().unwrap_or_default();
    let score = match digits {
        [] => 0.0,
        digits => number::parse_f64_saturating(digits.trim_ascii_start())?,
    };
    if score.is_nan() {
        return None;
    }
    Some(if exclusive {
        ScoreBound::Exclusive(score)
    } else {
        ScoreBound::Inclusive(score)
    })
}

/// Two bounds of bytes: `[` or `(` and the bytes, or `-` and `+` for no bound.
pub(super) fn parse_lexes<'a>(
    min: &'a [u8],
    max: &'a [u8],
) -> Result<(LexBound<'a>, LexBound<'a>), Error> {
    let bound = |text| {
        parse_lex_bound(text).ok_or_else(|| Error::err("min or max not valid string range item"))
    };
    Ok((bound(min)?, bound(max)?))
}

fn parse_lex_bound(text: &[u8]) -> Option<LexBound<'_>> {
    match text {
        b"-" => Some(LexBound::NegInf),
        b"+" => Some(LexBound::PosInf),
        [b'[', bytes @ ..] => Some(LexBound::Inclusive(bytes)),
        [b'(', bytes @ ..] => Some(LexBound::Exclusive(bytes)),
        _ => None,
    }
}

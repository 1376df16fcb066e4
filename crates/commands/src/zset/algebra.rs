//! Unions, intersections and differences of sorted sets, and of sets, whose members count as 1.

use super::range::store;
use super::{Pair, reply_pairs};
use crate::{Args, Context, Error, Outcome};
use keyspace::{Edit, SetRef, Settings, ValueRef, Zset, ZsetRef};
use packed::IntText;

/// What is made of several sorted sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// How the scores that a member has in several sets become one.
#[derive(Debug, Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(args: &mut Args<'_>) -> Result<Aggregate, Error> {
        if args.keyword("SUM") {
            Ok(Aggregate::Sum)
        } else if args.keyword("MIN") {
            Ok(Aggregate::Min)
        } else if args.keyword("MAX") {
            Ok(Aggregate::Max)
        } else {
            Err(Error::Syntax)
        }
    }

    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => zero_if_nan(one + other),
            Aggregate::Min => one.min(other),
            Aggregate::Max => one.max(other),
        }
    }
}

/// Infinities that cancel out give 0, since a score is never NaN.
fn zero_if_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

pub(super) fn zunion(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_result(ctx, Operation::Union, "zunion")
}

pub(super) fn zinter(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_result(ctx, Operation::Intersection, "zinter")
}

pub(super) fn zdiff(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_result(ctx, Operation::Difference, "zdiff")
}

pub(super) fn zunionstore(ctx: &mut Context<'_, '_>) -> Outcome {
    store_result(ctx, Operation::Union, "zunionstore")
}

pub(super) fn zinterstore(ctx: &mut Context<'_, '_>) -> Outcome {
    store_result(ctx, Operation::Intersection, "zinterstore")
}

pub(super) fn zdiffstore(ctx: &mut Context<'_, '_>) -> Outcome {
    store_result(ctx, Operation::Difference, "zdiffstore")
}

fn reply_result(ctx: &mut Context<'_, '_>, operation: Operation, name: &str) -> Outcome {
    let keys = parse_keys(&mut ctx.args, name)?;
    let mut options = Options::new(keys.len());
    // `ctx` is lent to the sources, so the arguments are read through a copy of the cursor.
    let mut args = ctx.args.clone();
    let sources = sources(ctx, keys)?;
    while !args.is_done() {
        if args.keyword("WITHSCORES") {
            options.with_scores = true;
        } else {
            options.parse_one(&mut args, operation)?;
        }
    }
    let result = options.combine(sources, operation, &ctx.keys.settings());
    let pairs: Vec<Pair<'_>> = result.as_ref().iter().collect();
    reply_pairs(ctx.reply, ctx.settings.compat, &pairs, options.with_scores);
    Ok(())
}

fn store_result(ctx: &mut Context<'_, '_>, operation: Operation, name: &'static str) -> Outcome {
    let destination = ctx.args.bytes()?;
    let keys = parse_keys(&mut ctx.args, name)?;
    let mut options = Options::new(keys.len());
    let mut args = ctx.args.clone();
    let sources = sources(ctx, keys)?;
    while !args.is_done() {
        options.parse_one(&mut args, operation)?;
    }
    let result = options.combine(sources, operation, &ctx.keys.settings());
    keys.iter().for_each(|key| ctx.event_if_missing(key));
    let len = store(ctx, destination, result, name);
    ctx.reply.integer(len as i64);
    Ok(())
}

pub(super) fn zintercard(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = parse_keys(&mut ctx.args, "zintercard")?;
    let mut args = ctx.args.clone();
    let mut sources = sources(ctx, keys)?;
    let mut limit = 0;
    while !args.is_done() {
        if !args.keyword("LIMIT") {
            return Err(Error::Syntax);
        }
        limit = args.int_in(0..=i64::MAX, "LIMIT can't be negative")? as usize;
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    sources.sort_by_key(Source::len);
    let count = intersection(&sources, Aggregate::Sum).take(limit).count();
    ctx.reply.integer(count as i64);
    Ok(())
}

/// Takes a number of keys and that many keys.
fn parse_keys<'a>(args: &mut Args<'a>, name: &str) -> Result<&'a [&'a [u8]], Error> {
    let count = args.int()?;
    if count < 1 {
        return Err(Error::err(format_args!(
            "at least 1 input key is needed for '{name}' command"
        )));
    }
    args.take(usize::try_from(count).unwrap_or(usize::MAX))
}

/// What stands behind the keys.
struct Options {
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl Options {
    fn new(sources: usize) -> Options {
        Options {
            weights: vec![1.0; sources],
            aggregate: Aggregate::Sum,
            with_scores: false,
        }
    }

    fn parse_one(&mut self, args: &mut Args<'_>, operation: Operation) -> Result<(), Error> {
        let weighs = operation != Operation::Difference;
        if weighs && args.left() > self.weights.len() && args.keyword("WEIGHTS") {
            for weight in &mut self.weights {
                *weight = args
                    .float()
                    .map_err(|_| Error::err("weight value is not a float"))?;
            }
            Ok(())
        } else if weighs && args.keyword("AGGREGATE") {
            self.aggregate = Aggregate::parse(args)?;
            Ok(())
        } else {
            Err(Error::Syntax)
        }
    }

    /// The smaller sources come first, as in Redis: the order of a floating point sum shows.
    fn combine(
        &self,
        mut sources: Vec<Source<'_>>,
        operation: Operation,
        settings: &Settings,
    ) -> Zset {
        for (source, weight) in sources.iter_mut().zip(&self.weights) {
            source.weight = *weight;
        }
        if operation != Operation::Difference {
            sources.sort_by_key(Source::len);
        }
        let mut result = Zset::empty(settings);
        let mut add = |result: &mut Zset, (member, score): Pair<'_>| {
            let mut buffer = IntText::default();
            result.insert(settings, member.text(&mut buffer), score);
        };
        match operation {
            Operation::Union => self.unite(&sources, &mut result, &mut add),
            Operation::Intersection => {
                intersection(&sources, self.aggregate).for_each(|pair| add(&mut result, pair))
            }
            Operation::Difference => {
                difference(&sources).for_each(|pair| add(&mut result, pair));
            }
        }
        result
    }

    fn unite(
        &self,
        sources: &[Source<'_>],
        result: &mut Zset,
        add: &mut impl FnMut(&mut Zset, Pair<'_>),
    ) {
        for source in sources {
            source.for_each(&mut |(member, score)| {
                let mut buffer = IntText::default();
                let old = result.as_ref().score(member.text(&mut buffer));
                let new = old.map_or(score, |old| self.aggregate.of(old, score));
                add(result, (member, new));
            });
        }
    }
}

/// A set whose members have scores, times a weight.
#[derive(Clone, Copy)]
struct Source<'k> {
    members: Members<'k>,
    weight: f64,
}

#[derive(Clone, Copy)]
enum Members<'k> {
    None,
    Set(SetRef<'k>),
    Zset(ZsetRef<'k>),
}

/// What is at each key. Every type is checked.
fn sources<'k>(ctx: &'k Context<'_, '_>, keys: &[&[u8]]) -> Result<Vec<Source<'k>>, Error> {
    let members = keys.iter().map(|key| match ctx.keys.get(ctx.db, key) {
        None => Ok(Members::None),
        Some(entry) => match entry.value() {
            ValueRef::Set(set) => Ok(Members::Set(set)),
            ValueRef::Zset(zset) => Ok(Members::Zset(zset)),
            _ => Err(Error::WrongType),
        },
    });
    members
        .map(|members| {
            members.map(|members| Source {
                members,
                weight: 1.0,
            })
        })
        .collect()
}

impl<'k> Source<'k> {
    fn len(&self) -> usize {
        match &self.members {
            Members::None => 0,
            Members::Set(set) => set.len(),
            Members::Zset(zset) => zset.len(),
        }
    }

    fn weighted(&self, score: f64) -> f64 {
        zero_if_nan(score * self.weight)
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        let score = match &self.members {
            Members::None => None,
            Members::Set(set) => set.contains(member).then_some(1.0),
            Members::Zset(zset) => zset.score(member),
        };
        score.map(|score| self.weighted(score))
    }

    fn iter(&self) -> Box<dyn Iterator<Item = Pair<'k>> + 'k> {
        let source = *self;
        match self.members {
            Members::None => Box::new(std::iter::empty()),
            Members::Set(set) => Box::new(set.iter().map(move |m| (m, source.weighted(1.0)))),
            Members::Zset(zset) => Box::new(
                zset.iter()
                    .map(move |(m, score)| (m, source.weighted(score))),
            ),
        }
    }

    fn for_each(&self, f: &mut dyn FnMut(Pair<'k>)) {
        self.iter().for_each(f);
    }
}

/// The members of the first, smallest source that are in all others too.
fn intersection<'s, 'k>(
    sources: &'s [Source<'k>],
    aggregate: Aggregate,
) -> impl Iterator<Item = Pair<'k>> + 's
where
    'k: 's,
{
    let (first, others) = sources.split_first().unzip();
    let others = others.unwrap_or_default();
    let members = first.into_iter().flat_map(Source::iter);
    members.filter_map(move |(member, score)| {
        let mut buffer = IntText::default();
        let text = member.text(&mut buffer);
        let score = others.iter().try_fold(score, |sum, other| {
            Some(aggregate.of(sum, other.score(text)?))
        })?;
        Some((member, score))
    })
}

/// The members of the first source that are in none of the others.
fn difference<'s, 'k>(sources: &'s [Source<'k>]) -> impl Iterator<Item = Pair<'k>> + 's
where
    'k: 's,
{
    let (first, others) = sources.split_first().unzip();
    let others = others.unwrap_or_default();
    let members = first.into_iter().flat_map(Source::iter);
    members.filter(move |(member, _)| {
        let mut buffer = IntText::default();
        let text = member.text(&mut buffer);
        others.iter().all(|other| other.score(text).is_none())
    })
}

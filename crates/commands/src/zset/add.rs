use super::reply_score;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, Settings, Zset, ZsetChange};

/// What ZADD was told in front of its members.
#[derive(Debug, Clone, Copy, Default)]
struct AddOptions {
    only_new: bool,
    only_existing: bool,
    only_greater: bool,
    only_less: bool,
    count_changed: bool,
    increment: bool,
}

impl AddOptions {
    fn parse(args: &mut Args<'_>) -> AddOptions {
        let mut options = AddOptions::default();
        loop {
            let option = if args.keyword("NX") {
                &mut options.only_new
            } else if args.keyword("XX") {
                &mut options.only_existing
            } else if args.keyword("GT") {
                &mut options.only_greater
            } else if args.keyword("LT") {
                &mut options.only_less
            } else if args.keyword("CH") {
                &mut options.count_changed
            } else if args.keyword("INCR") {
                &mut options.increment
            } else {
                return options;
            };
            *option = true;
        }
    }

    fn check(&self, members: usize) -> Result<(), Error> {
        let limits = [self.only_new, self.only_greater, self.only_less];
        let refusal = if self.only_new && self.only_existing {
            "XX and NX options at the same time are not compatible"
        } else if limits.iter().filter(|limit| **limit).count() > 1 {
            "GT, LT, and/or NX options at the same time are not compatible"
        } else if self.increment && members > 1 {
            "INCR option supports a single increment-element pair"
        } else {
            return Ok(());
        };
        Err(Error::err(refusal))
    }

    /// The score that a member should get, `None` if it is to be left alone.
    fn new_score(&self, old: Option<f64>, given: f64) -> Result<Option<f64>, Error> {
        let Some(old) = old else {
            return Ok(Some(given).filter(|_| !self.only_existing));
        };
        let new = if self.increment { old + given } else { given };
        if self.only_new {
            return Ok(None);
        }
        if new.is_nan() {
            return Err(Error::err("resulting score is not a number (NaN)"));
        }
        let refused = (self.only_greater && new <= old) || (self.only_less && new >= old);
        Ok(Some(new).filter(|_| !refused))
    }
}

/// What came of the members.
#[derive(Debug, Default)]
struct Tally {
    added: usize,
    updated: usize,
    /// The score of the last member that was not left alone.
    score: Option<f64>,
}

impl Tally {
    fn add(
        &mut self,
        zset: &mut Zset,
        settings: &Settings,
        options: &AddOptions,
        (given, member): (f64, &[u8]),
    ) -> Result<(), Error> {
        let old = zset.as_ref().score(member);
        let Some(new) = options.new_score(old, given)? else {
            return Ok(());
        };
        match zset.insert(settings, member, new) {
            ZsetChange::Added => self.added += 1,
            ZsetChange::Updated => self.updated += 1,
            ZsetChange::Unchanged => {}
        }
        self.score = Some(new);
        Ok(())
    }
}

pub(super) fn zadd(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let options = AddOptions::parse(&mut ctx.args);
    let members = ctx.args.left() / 2;
    if members == 0 || ctx.args.left() % 2 == 1 {
        return Err(Error::Syntax);
    }
    options.check(members)?;
    let pairs = parse_pairs(&mut ctx.args)?;
    let tally = add_all(ctx, key, &options, &pairs)?;
    if options.increment {
        match tally.score {
            Some(score) => reply_score(ctx.reply, ctx.settings.compat, score),
            None => ctx.reply.null(),
        }
    } else {
        let changed = if options.count_changed {
            tally.updated
        } else {
            0
        };
        ctx.reply.integer((tally.added + changed) as i64);
    }
    Ok(())
}

pub(super) fn zincrby(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let options = AddOptions {
        increment: true,
        ..AddOptions::default()
    };
    let pairs = parse_pairs(&mut ctx.args)?;
    let tally = add_all(ctx, key, &options, &pairs)?;
    reply_score(
        ctx.reply,
        ctx.settings.compat,
        tally.score.unwrap_or_default(),
    );
    Ok(())
}

/// Takes `score member [score member ...]` to the end.
fn parse_pairs<'a>(args: &mut Args<'a>) -> Result<Vec<(f64, &'a [u8])>, Error> {
    let mut pairs = Vec::with_capacity(args.left() / 2);
    while !args.is_done() {
        pairs.push((args.float()?, args.bytes()?));
    }
    Ok(pairs)
}

fn add_all(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    options: &AddOptions,
    pairs: &[(f64, &[u8])],
) -> Result<Tally, Error> {
    let (settings, before) = (ctx.keys.settings(), ctx.keys.changes());
    let missing = if options.only_existing {
        IfMissing::Skip
    } else {
        IfMissing::Create
    };
    let tally = ctx.keys.edit(ctx.db, key, missing, |zset: &mut Zset| {
        let mut tally = Tally::default();
        for &pair in pairs {
            tally.add(zset, &settings, options, pair)?;
        }
        Ok(tally)
    })?;
    let event = if options.increment { "zincr" } else { "zadd" };
    ctx.event_if_changed(before, EventClass::ZSET, event, key);
    tally.unwrap_or_else(|| Ok(Tally::default()))
}

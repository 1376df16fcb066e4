use super::reply_score;
use crate::numkeys::numkeys;
use crate::wait::{Wait, timeout_secs};
use crate::{Args, Context, Error, EventClass, Outcome, Protocol};
use keyspace::{IfMissing, Type, Zset};

/// The end of a sorted set that members are taken from.
#[derive(Debug, Clone, Copy)]
enum End {
    Min,
    Max,
}

impl End {
    fn parse(args: &mut Args<'_>) -> Result<End, Error> {
        if args.keyword("MIN") {
            Ok(End::Min)
        } else if args.keyword("MAX") {
            Ok(End::Max)
        } else {
            Err(Error::Syntax)
        }
    }

    /// The command that takes members off this end of a key.
    fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }

    /// What is told of a sorted set that lost members at this end.
    fn event(self) -> &'static str {
        match self {
            End::Min => "zpopmin",
            End::Max => "zpopmax",
        }
    }

    fn pop(self, zset: &mut Zset) -> Option<(Vec<u8>, f64)> {
        match self {
            End::Min => zset.pop_min(),
            End::Max => zset.pop_max(),
        }
    }
}

pub(super) fn zpopmin(ctx: &mut Context<'_, '_>) -> Outcome {
    pop(ctx, End::Min)
}

pub(super) fn zpopmax(ctx: &mut Context<'_, '_>) -> Outcome {
    pop(ctx, End::Max)
}

/// Members and scores in one flat array, but arrays of two in RESP3 if a count was given.
fn pop(ctx: &mut Context<'_, '_>, end: End) -> Outcome {
    let key = ctx.args.bytes()?;
    if ctx.args.left() > 1 {
        return Err(Error::Syntax);
    }
    let counted = !ctx.args.is_done();
    let count = if counted { ctx.args.positive()? } else { 1 };
    let popped = pop_many(ctx, key, end, count)?;
    let nested = counted && ctx.reply.protocol() == Protocol::Resp3;
    ctx.reply.array(if nested {
        popped.len()
    } else {
        2 * popped.len()
    });
    for (member, score) in &popped {
        if nested {
            ctx.reply.array(2);
        }
        ctx.reply.bulk(member);
        reply_score(ctx.reply, ctx.settings.compat, *score);
    }
    Ok(())
}

fn pop_many(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    end: End,
    count: usize,
) -> Result<Vec<(Vec<u8>, f64)>, Error> {
    let popped = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |zset: &mut Zset| {
            let count = count.min(zset.as_ref().len());
            (0..count).map_while(|_| end.pop(zset)).collect()
        })?;
    let popped: Vec<_> = popped.unwrap_or_default();
    if !popped.is_empty() {
        ctx.event_shrunk(EventClass::ZSET, end.event(), key);
    }
    Ok(popped)
}

/// Several members off an end of the first of several sorted sets that has any.
#[derive(Debug, Clone, Copy)]
struct MultiPop<'a> {
    keys: &'a [&'a [u8]],
    end: End,
    count: usize,
}

impl<'a> MultiPop<'a> {
    fn parse(args: &mut Args<'a>) -> Result<MultiPop<'a>, Error> {
        let keys = numkeys(args)?;
        let end = End::parse(args)?;
        let mut count = 1;
        if args.keyword("COUNT") {
            let refusal = "count should be greater than 0";
            count = args.int_in(1..=i64::MAX, refusal)? as usize;
        }
        args.done()?;
        Ok(MultiPop { keys, end, count })
    }

    /// Replies with the key and its members; `false`, and no reply, if no set has any. Repeated as
    /// a ZPOPMIN or ZPOPMAX of what was taken, since that names the key.
    fn run(self, ctx: &mut Context<'_, '_>) -> Result<bool, Error> {
        for &key in self.keys {
            if ctx.keys.zset(ctx.db, key)?.is_none() {
                continue;
            }
            let popped = pop_many(ctx, key, self.end, self.count)?;
            log_pop(ctx, key, self.end, popped.len());
            reply_popped(ctx, key, &popped);
            return Ok(true);
        }
        Ok(false)
    }
}

pub(super) fn zmpop(ctx: &mut Context<'_, '_>) -> Outcome {
    if !MultiPop::parse(&mut ctx.args)?.run(ctx)? {
        ctx.reply.null_array();
    }
    Ok(())
}

pub(super) fn bzmpop(ctx: &mut Context<'_, '_>) -> Outcome {
    let mut timeout = ctx.args.clone();
    ctx.args.bytes()?;
    let pop = MultiPop::parse(&mut ctx.args)?;
    let until = timeout_secs(&mut timeout, ctx.keys.now())?;
    if !pop.run(ctx)? {
        ctx.wait_for(Wait::for_keys(pop.keys, Type::Zset, until));
    }
    Ok(())
}

pub(super) fn bzpopmin(ctx: &mut Context<'_, '_>) -> Outcome {
    pop_first(ctx, End::Min)
}

pub(super) fn bzpopmax(ctx: &mut Context<'_, '_>) -> Outcome {
    pop_first(ctx, End::Max)
}

/// Replies with key, member and score of the first sorted set that has any.
fn pop_first(ctx: &mut Context<'_, '_>, end: End) -> Outcome {
    let keys = ctx.args.take(ctx.args.left() - 1)?;
    let until = timeout_secs(&mut ctx.args, ctx.keys.now())?;
    for &key in keys {
        if let Some((member, score)) = pop_many(ctx, key, end, 1)?.first() {
            ctx.effects.push(&[end.command(), key]);
            ctx.reply.array(3);
            ctx.reply.bulk(key);
            ctx.reply.bulk(member);
            reply_score(ctx.reply, ctx.settings.compat, *score);
            return Ok(());
        }
    }
    ctx.wait_for(Wait::for_keys(keys, Type::Zset, until));
    Ok(())
}

fn reply_popped(ctx: &mut Context<'_, '_>, key: &[u8], popped: &[(Vec<u8>, f64)]) {
    ctx.reply.array(2);
    ctx.reply.bulk(key);
    ctx.reply.array(popped.len());
    for (member, score) in popped {
        ctx.reply.array(2);
        ctx.reply.bulk(member);
        reply_score(ctx.reply, ctx.settings.compat, *score);
    }
}

fn log_pop(ctx: &mut Context<'_, '_>, key: &[u8], end: End, count: usize) {
    let count = count.to_string();
    ctx.effects.push(&[end.command(), key, count.as_bytes()]);
}

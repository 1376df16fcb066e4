use super::reply_score;
use crate::numkeys::numkeys;
use crate::{Args, Context, Error, EventClass, Outcome, Protocol};
use keyspace::{IfMissing, Zset};

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

/// Replies with the key and its members. Repeated as a ZPOPMIN or ZPOPMAX of what was taken, since
/// that names the key.
pub(super) fn zmpop(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = numkeys(&mut ctx.args)?;
    let end = End::parse(&mut ctx.args)?;
    let count = if ctx.args.keyword("COUNT") {
        let refusal = "count should be greater than 0";
        ctx.args.int_in(1..=i64::MAX, refusal)? as usize
    } else {
        1
    };
    ctx.args.done()?;
    for key in keys {
        if ctx.keys.zset(ctx.db, key)?.is_none() {
            continue;
        }
        let popped = pop_many(ctx, key, end, count)?;
        log_pop(ctx, key, end, popped.len());
        reply_popped(ctx, key, &popped);
        return Ok(());
    }
    ctx.reply.null_array();
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
    let name: &[u8] = match end {
        End::Min => b"ZPOPMIN",
        End::Max => b"ZPOPMAX",
    };
    ctx.effects.push(&[name, key, count.to_string().as_bytes()]);
}

use super::range::{parse_lexes, parse_ranks, parse_scores};
use crate::rank_range::rank_range;
use crate::{Context, EventClass, Outcome};
use keyspace::{IfMissing, Zset};

pub(super) fn zremrangebyrank(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (start, stop) = parse_ranks(ctx.args.bytes()?, ctx.args.bytes()?)?;
    remove(ctx, key, "zremrangebyrank", |zset| {
        let ranks = rank_range(start, stop, zset.as_ref().len());
        zset.remove_range_by_rank(ranks)
    })
}

pub(super) fn zremrangebyscore(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (min, max) = parse_scores(ctx.args.bytes()?, ctx.args.bytes()?)?;
    remove(ctx, key, "zremrangebyscore", |zset| {
        zset.remove_range_by_score(min, max)
    })
}

pub(super) fn zremrangebylex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (min, max) = parse_lexes(ctx.args.bytes()?, ctx.args.bytes()?)?;
    remove(ctx, key, "zremrangebylex", |zset| {
        zset.remove_range_by_lex(min, max)
    })
}

/// Replies with the number that `range` removed.
fn remove(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    event: &'static str,
    range: impl FnOnce(&mut Zset) -> usize,
) -> Outcome {
    let removed = ctx.keys.edit(ctx.db, key, IfMissing::Skip, range)?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.event_shrunk(EventClass::ZSET, event, key);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}

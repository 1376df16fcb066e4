use super::{Pair, reply_pairs};
use crate::picks::{Picks, distinct};
use crate::{Context, Error, Outcome};
use keyspace::ZsetRef;

pub(super) fn zrandmember(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    if ctx.args.is_done() {
        let zset = ctx.keys.zset(ctx.db, key)?;
        match zset.and_then(|zset| zset.random(ctx.rng)) {
            Some((member, _)) => ctx.reply.element(member),
            None => ctx.reply.null(),
        }
        return Ok(());
    }
    let mut picks = Picks::parse(&mut ctx.args)?;
    let with_scores = !ctx.args.is_done();
    if with_scores {
        if !ctx.args.keyword("WITHSCORES") {
            return Err(Error::Syntax);
        }
        ctx.args.done()?;
        picks = picks.in_pairs()?;
    }
    let zset = ctx.keys.zset(ctx.db, key)?;
    let drawn = zset.map_or(Vec::new(), |zset| draw(ctx.rng, zset, picks));
    reply_pairs(ctx.reply, ctx.settings.compat, &drawn, with_scores);
    Ok(())
}

fn draw<'z>(rng: &mut fastrand::Rng, zset: ZsetRef<'z>, picks: Picks) -> Vec<Pair<'z>> {
    match picks {
        Picks::Repeated(count) => (0..count).map_while(|_| zset.random(rng)).collect(),
        Picks::Distinct(count) => {
            let random = |rng: &mut fastrand::Rng| zset.random(rng);
            distinct(
                rng,
                count,
                zset.len(),
                zset.iter(),
                random,
                |(member, _)| member.to_vec(),
            )
        }
    }
}

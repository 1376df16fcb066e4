use crate::picks::{Picks, distinct};
use crate::{Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, Set};

/// One member as a bulk string, or with a count as many as there are in a set.
pub(super) fn spop(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    if ctx.args.left() > 1 {
        return Err(Error::Syntax);
    }
    if ctx.args.is_done() {
        let (popped, _) = take(ctx, key, 1)?;
        log_removed(ctx, key, &popped);
        match popped.first() {
            Some(member) => ctx.reply.bulk(member),
            None => ctx.reply.null(),
        }
        return Ok(());
    }
    let count = ctx.args.positive()?;
    let (popped, emptied) = take(ctx, key, count)?;
    match emptied {
        true => ctx.effects.push(&[b"DEL", key]),
        false => log_removed(ctx, key, &popped),
    }
    ctx.reply.set(popped.len());
    popped.iter().for_each(|member| ctx.reply.bulk(member));
    Ok(())
}

/// Takes members out and says which, as what is repeated elsewhere must not be left to chance; and
/// whether they were the last.
fn take(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    count: usize,
) -> Result<(Vec<Vec<u8>>, bool), Error> {
    let popped = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |set: &mut Set| {
            let count = count.min(set.as_ref().len());
            let popped: Vec<_> = (0..count).map_while(|_| set.pop_random(ctx.rng)).collect();
            (popped, set.as_ref().is_empty())
        })?;
    let (popped, emptied) = popped.unwrap_or_default();
    if !popped.is_empty() {
        ctx.event_shrunk(EventClass::SET, "spop", key);
    }
    Ok((popped, emptied))
}

/// SREM commands of a bounded number of members each; none for none.
fn log_removed(ctx: &mut Context<'_, '_>, key: &[u8], members: &[Vec<u8>]) {
    for members in members.chunks(1024) {
        let mut argv: Vec<&[u8]> = vec![b"SREM", key];
        argv.extend(members.iter().map(Vec::as_slice));
        ctx.effects.push(&argv);
    }
}

pub(super) fn srandmember(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    if ctx.args.left() > 1 {
        return Err(Error::Syntax);
    }
    if ctx.args.is_done() {
        let set = ctx.keys.set(ctx.db, key)?;
        match set.and_then(|set| set.random(ctx.rng)) {
            Some(member) => ctx.reply.element(member),
            None => ctx.reply.null(),
        }
        return Ok(());
    }
    let picks = Picks::parse(&mut ctx.args)?;
    draw(ctx, key, picks)
}

fn draw(ctx: &mut Context<'_, '_>, key: &[u8], picks: Picks) -> Outcome {
    let Some(set) = ctx.keys.set(ctx.db, key)? else {
        ctx.reply.array(0);
        return Ok(());
    };
    match picks {
        Picks::Distinct(count) => {
            let random = |rng: &mut fastrand::Rng| set.random(rng);
            let drawn = distinct(ctx.rng, count, set.len(), set.iter(), random, |member| {
                member.to_vec()
            });
            ctx.reply.array(drawn.len());
            drawn.iter().for_each(|&member| ctx.reply.element(member));
        }
        Picks::Repeated(count) => {
            ctx.reply.array(count);
            for _ in 0..count {
                match set.random(ctx.rng) {
                    Some(member) => ctx.reply.element(member),
                    None => ctx.reply.null(),
                }
            }
        }
    }
    Ok(())
}

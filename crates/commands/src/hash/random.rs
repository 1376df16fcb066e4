use super::field_now;
use crate::picks::{Picks, distinct};
use crate::{Context, Error, Outcome, Protocol, ReplySink};
use keyspace::{HashRef, StringRef};
use packed::Element;
use units::UnixMillis;

/// A field and its value.
type Pair<'h> = (Element<'h>, StringRef<'h>);

pub(super) fn hrandfield(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let now = field_now(ctx);
    if ctx.args.is_done() {
        let hash = ctx.keys.hash(ctx.db, key)?;
        match hash.and_then(|hash| hash.random(ctx.rng, now)) {
            Some((field, _)) => ctx.reply.element(field),
            None => ctx.reply.null(),
        }
        return Ok(());
    }
    let mut picks = Picks::parse(&mut ctx.args)?;
    let with_values = !ctx.args.is_done();
    if with_values {
        if !ctx.args.keyword("WITHVALUES") {
            return Err(Error::Syntax);
        }
        ctx.args.done()?;
        picks = picks.in_pairs()?;
    }
    let hash = ctx.keys.hash(ctx.db, key)?;
    let drawn = hash.map_or(Vec::new(), |hash| draw(ctx.rng, hash, picks, now));
    reply_pairs(ctx.reply, &drawn, with_values);
    Ok(())
}

fn draw<'h>(
    rng: &mut fastrand::Rng,
    hash: HashRef<'h>,
    picks: Picks,
    now: UnixMillis,
) -> Vec<Pair<'h>> {
    match picks {
        Picks::Repeated(count) => (0..count).map_while(|_| hash.random(rng, now)).collect(),
        Picks::Distinct(count) => {
            let all = hash.iter(now).map(|(field, value, _)| (field, value));
            let random = |rng: &mut fastrand::Rng| hash.random(rng, now);
            distinct(rng, count, hash.len(), all, random, |(field, _)| {
                field.to_vec()
            })
        }
    }
}

/// Pairs are flat in RESP2 and arrays of two in RESP3.
fn reply_pairs(reply: &mut dyn ReplySink, pairs: &[Pair<'_>], with_values: bool) {
    let nested = with_values && reply.protocol() == Protocol::Resp3;
    let flat = with_values && !nested;
    reply.array(if flat { 2 * pairs.len() } else { pairs.len() });
    for &(field, value) in pairs {
        if nested {
            reply.array(2);
        }
        reply.element(field);
        if with_values {
            reply.string(value);
        }
    }
}

//! Commands that count.

use crate::float::LongDouble;
use crate::{Context, Error, EventClass, Outcome};
use keyspace::Ttl;

pub(super) fn incr(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    increase(ctx, key, 1)
}

pub(super) fn decr(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    increase(ctx, key, -1)
}

pub(super) fn incrby(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, increment) = (ctx.args.bytes()?, ctx.args.int()?);
    increase(ctx, key, increment)
}

pub(super) fn decrby(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, decrement) = (ctx.args.bytes()?, ctx.args.int()?);
    let increment = decrement
        .checked_neg()
        .ok_or_else(|| Error::err("decrement would overflow"))?;
    increase(ctx, key, increment)
}

fn increase(ctx: &mut Context<'_, '_>, key: &[u8], increment: i64) -> Outcome {
    let current = match ctx.keys.string(ctx.db, key)? {
        Some(string) => string.as_int().ok_or(Error::NotInteger)?,
        None => 0,
    };
    let sum = current.checked_add(increment).ok_or(Error::Overflow)?;
    ctx.keys.set_int(ctx.db, key, sum, Ttl::Keep);
    ctx.event(EventClass::STRING, "incrby", key);
    ctx.reply.integer(sum);
    Ok(())
}

pub(super) fn incrbyfloat(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, increment) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let current = match ctx.keys.string(ctx.db, key)? {
        Some(string) => LongDouble::parse(&string.as_cow()).ok_or(Error::NotFloat)?,
        None => LongDouble::ZERO,
    };
    let increment = LongDouble::parse(increment).ok_or(Error::NotFloat)?;
    let sum = current.checked_add(increment).ok_or(Error::NanOrInfinity)?;
    let text = sum.to_text();
    ctx.keys.set_string(ctx.db, key, &text, Ttl::Keep);
    ctx.event(EventClass::STRING, "incrbyfloat", key);
    ctx.effects.push(&[b"SET", key, &text, b"KEEPTTL"]);
    ctx.reply.bulk(&text);
    Ok(())
}

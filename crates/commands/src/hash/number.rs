use super::{drop_due, drop_due_and_repeat, field_now};
use crate::float::LongDouble;
use crate::{Context, Error, EventClass, Outcome};
use keyspace::{Hash, IfMissing, StringRef};
use packed::number;

pub(super) fn hincrby(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, field) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let increment = ctx.args.int()?;
    drop_due_and_repeat(ctx, key)?;
    let old = match value(ctx, key, field)? {
        None => 0,
        Some(text) => {
            number::parse_i64(&text).ok_or_else(|| Error::err("hash value is not an integer"))?
        }
    };
    let new = old.checked_add(increment).ok_or(Error::Overflow)?;
    store(ctx, key, field, itoa::Buffer::new().format(new).as_bytes())?;
    ctx.event(EventClass::HASH, "hincrby", key);
    ctx.reply.integer(new);
    Ok(())
}

/// Repeated as the value it came to: floating point sums differ from machine to machine.
pub(super) fn hincrbyfloat(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, field) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let increment = LongDouble::parse(ctx.args.bytes()?).ok_or(Error::NotFloat)?;
    if !increment.is_finite() {
        return Err(Error::err("value is NaN or Infinity"));
    }
    drop_due(ctx, key)?;
    let old = match value(ctx, key, field)? {
        None => LongDouble::ZERO,
        Some(text) => {
            LongDouble::parse(&text).ok_or_else(|| Error::err("hash value is not a float"))?
        }
    };
    let new = old
        .checked_add(increment)
        .ok_or(Error::NanOrInfinity)?
        .to_text();
    store(ctx, key, field, &new)?;
    ctx.event(EventClass::HASH, "hincrbyfloat", key);
    log_value(ctx, key, field, &new)?;
    ctx.reply.bulk(&new);
    Ok(())
}

fn value(ctx: &Context<'_, '_>, key: &[u8], field: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let hash = ctx.keys.hash(ctx.db, key)?;
    let value = hash.and_then(|hash| hash.get(field, field_now(ctx)));
    Ok(value.map(|value: StringRef<'_>| value.to_vec()))
}

/// Stores a new value and leaves the field its deadline.
fn store(ctx: &mut Context<'_, '_>, key: &[u8], field: &[u8], value: &[u8]) -> Outcome {
    let settings = ctx.keys.settings();
    ctx.keys
        .edit(ctx.db, key, IfMissing::Create, |hash: &mut Hash| {
            hash.set_keep_ttl(&settings, field, value)
        })?;
    Ok(())
}

/// HSET, or where that would drop a deadline, HSETEX that keeps it.
fn log_value(ctx: &mut Context<'_, '_>, key: &[u8], field: &[u8], value: &[u8]) -> Outcome {
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    if hash
        .and_then(|hash| hash.deadline(field, now))
        .flatten()
        .is_some()
    {
        let argv: [&[u8]; 7] = [b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, value];
        ctx.effects.push(&argv);
    } else {
        ctx.effects.push(&[b"HSET", key, field, value]);
    }
    Ok(())
}

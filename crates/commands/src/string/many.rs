//! Commands on several strings at once.

use super::condition::Condition;
use super::whole::event_set;
use super::write_options::{WriteOptions, push_set};
use crate::{Context, Error, EventClass, Outcome};
use keyspace::Ttl;

pub(super) fn mget(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = ctx.args.rest();
    ctx.reply.array(keys.len());
    for key in keys {
        // A key of another type holds no string, which is all that is asked here.
        match ctx.keys.string(ctx.db, key) {
            Ok(Some(string)) => ctx.reply.string(string),
            _ => ctx.reply.null(),
        }
    }
    Ok(())
}

pub(super) fn mset(ctx: &mut Context<'_, '_>) -> Outcome {
    let pairs = pairs(ctx, "mset")?;
    set_all(ctx, pairs);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn msetnx(ctx: &mut Context<'_, '_>) -> Outcome {
    let pairs = pairs(ctx, "msetnx")?;
    let none_exists = pairs.iter().all(|[key, _]| !ctx.keys.exists(ctx.db, key));
    if none_exists {
        set_all(ctx, pairs);
    }
    ctx.reply.integer(none_exists.into());
    Ok(())
}

fn pairs<'a>(ctx: &mut Context<'a, '_>, command: &str) -> Result<&'a [[&'a [u8]; 2]], Error> {
    match ctx.args.rest().as_chunks() {
        (pairs, []) => Ok(pairs),
        _ => Err(Error::WrongArity(command.to_owned())),
    }
}

/// Sets all of the keys or none of them; 1 or 0.
pub(super) fn msetex(ctx: &mut Context<'_, '_>) -> Outcome {
    let refusal = "invalid numkeys value or out of range";
    let count = ctx.args.int_in(1..=i64::from(i32::MAX), refusal)?;
    let words = ctx.args.take(count as usize * 2)?;
    let (pairs, _) = words.as_chunks();
    let mut options = WriteOptions::default();
    while !ctx.args.is_done() {
        if !options.parse_one(&mut ctx.args)? {
            return Err(Error::Syntax);
        }
    }
    let ttl = options.ttl(ctx.keys.now(), "msetex")?;
    let may_write = allow_all(ctx, options.condition, pairs)?;
    if may_write {
        set_until(ctx, pairs, ttl);
    }
    ctx.reply.integer(may_write.into());
    Ok(())
}

/// Repeated in words that every server knows.
fn set_until(ctx: &mut Context<'_, '_>, pairs: &[[&[u8]; 2]], ttl: Ttl) {
    for [key, value] in pairs {
        ctx.keys.set_string(ctx.db, key, value, ttl);
        event_set(ctx, key, ttl);
        push_set(ctx, key, value, ttl);
    }
}

/// Whether a condition holds for every key.
fn allow_all(
    ctx: &Context<'_, '_>,
    condition: Option<Condition<'_>>,
    pairs: &[[&[u8]; 2]],
) -> Result<bool, Error> {
    for [key, _] in pairs {
        if let Some(condition) = condition
            && !condition.holds(ctx, key)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn set_all(ctx: &mut Context<'_, '_>, pairs: &[[&[u8]; 2]]) {
    for [key, value] in pairs {
        ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
        ctx.event(EventClass::STRING, "set", key);
    }
}

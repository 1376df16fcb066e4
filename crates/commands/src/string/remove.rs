//! Strings that are removed only if they are what somebody thinks they are.

use super::condition::{Condition, digest};
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::ValueRef;

/// What DELEX asks of the value.
fn condition<'a>(args: &mut Args<'a>) -> Result<Condition<'a>, Error> {
    Condition::comparison(args)?
        .ok_or_else(|| Error::err("Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"))
}

/// Without a condition this is DEL of one key, of any type. A key that is missing ends it before
/// the condition is looked at, as in Redis.
pub(super) fn delex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    if !matches!(ctx.args.left(), 0 | 2) {
        return Err(Error::WrongArity("delex".to_owned()));
    }
    let is_string = ctx
        .keys
        .peek(ctx.db, key)
        .map(|entry| matches!(entry.value(), ValueRef::String(_)));
    let may_remove = match is_string {
        None => false,
        Some(_) if ctx.args.is_done() => true,
        Some(true) => condition(&mut ctx.args)?.holds(ctx, key)?,
        Some(false) => {
            let refusal = "Key should be of string type if conditions are specified";
            return Err(Error::err(refusal));
        }
    };
    remove(ctx, key, may_remove);
    Ok(())
}

pub(super) fn delifeq(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let may_remove = Condition::Equal(value).holds(ctx, key)?;
    remove(ctx, key, may_remove);
    Ok(())
}

/// Removes the key if it may, and says whether it did.
fn remove(ctx: &mut Context<'_, '_>, key: &[u8], may_remove: bool) {
    if may_remove && ctx.keys.remove(ctx.db, key) {
        ctx.effects.push(&[b"DEL", key]);
        ctx.event(EventClass::GENERIC, "del", key);
        if ctx.keys.lazy_free().user_del {
            ctx.keys.leave_garbage();
        }
    }
    ctx.reply.integer(may_remove.into());
}

/// The digest that IFDEQ and IFDNE compare with.
pub(super) fn digest_of(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    match ctx.keys.string(ctx.db, key)? {
        Some(string) => ctx.reply.bulk(digest(string).as_bytes()),
        None => ctx.reply.null(),
    }
    Ok(())
}

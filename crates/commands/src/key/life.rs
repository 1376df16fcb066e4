//! What there is, and doing away with it.

use crate::{Context, Error, EventClass, Outcome};
use keyspace::ValueRef;
use std::borrow::Cow;
use units::DbIndex;

pub(super) fn del(ctx: &mut Context<'_, '_>) -> Outcome {
    let lazy = ctx.keys.lazy_free().user_del;
    remove(ctx, lazy)
}

pub(super) fn unlink(ctx: &mut Context<'_, '_>) -> Outcome {
    remove(ctx, true)
}

/// Removes keys; what is big in them is freed in the background if `lazy`, else after the locks.
fn remove(ctx: &mut Context<'_, '_>, lazy: bool) -> Outcome {
    let keys = ctx.args.rest();
    let mut removed = 0;
    for key in keys {
        if ctx.keys.remove(ctx.db, key) {
            ctx.event(EventClass::GENERIC, "del", key);
            removed += 1;
        }
    }
    if lazy {
        ctx.keys.leave_garbage();
    }
    ctx.reply.integer(removed);
    Ok(())
}

pub(super) fn exists(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = ctx.args.rest();
    let found = keys.iter().filter(|key| ctx.keys.exists(ctx.db, key));
    let found = found.count();
    ctx.reply.integer(found as i64);
    Ok(())
}

pub(super) fn touch(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = ctx.args.rest();
    let found = keys
        .iter()
        .filter(|key| ctx.keys.get(ctx.db, key).is_some());
    let found = found.count();
    ctx.reply.integer(found as i64);
    Ok(())
}

pub(super) fn type_of(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    match ctx.keys.peek(ctx.db, key) {
        Some(entry) => ctx.reply.simple(&type_name(entry.value())),
        None => ctx.reply.simple("none"),
    }
    Ok(())
}

pub(super) fn dbsize(ctx: &mut Context<'_, '_>) -> Outcome {
    ctx.reply.integer(ctx.keys.len(ctx.db) as i64);
    Ok(())
}

pub(super) fn flushdb(ctx: &mut Context<'_, '_>) -> Outcome {
    let lazy = parse_flush(ctx)?;
    ctx.keys.clear(ctx.db);
    end_flush(ctx, lazy);
    Ok(())
}

pub(super) fn flushall(ctx: &mut Context<'_, '_>) -> Outcome {
    let lazy = parse_flush(ctx)?;
    ctx.keys.clear_all();
    end_flush(ctx, lazy);
    Ok(())
}

/// Whether what was held is freed in the background.
fn parse_flush(ctx: &mut Context<'_, '_>) -> Result<bool, Error> {
    let lazy = if ctx.args.keyword("ASYNC") {
        true
    } else {
        !ctx.args.keyword("SYNC") && ctx.keys.lazy_free().user_flush
    };
    ctx.args.done()?;
    Ok(lazy)
}

/// A flush is repeated even if there was nothing to remove: a copy may hold what this side has
/// already expired.
fn end_flush(ctx: &mut Context<'_, '_>, lazy: bool) {
    if lazy {
        ctx.keys.leave_garbage();
    }
    ctx.effects.push(ctx.args.argv());
    ctx.reply.ok();
}

/// The name of a value's type; a module's types have names of their own.
pub(super) fn type_name(value: ValueRef<'_>) -> Cow<'static, str> {
    match value {
        ValueRef::Module(module) => Cow::Owned(module.name()),
        _ => Cow::Borrowed(value.ty().name()),
    }
}

/// A database that exists, from its number's text; `wrong` is said of what is no number.
pub(super) fn database(
    ctx: &Context<'_, '_>,
    text: &[u8],
    wrong: &'static str,
) -> Result<DbIndex, Error> {
    let number = packed::number::parse_i64(text).ok_or_else(|| Error::err(wrong))?;
    let exists = |number: &u32| *number < ctx.keys.databases();
    let number = u32::try_from(number).ok().filter(exists);
    number.map(DbIndex).ok_or(Error::DbOutOfRange)
}

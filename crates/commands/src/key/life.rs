//! What there is, and doing away with it.

use crate::{Context, Error, Outcome};
use keyspace::ValueRef;
use std::borrow::Cow;
use units::DbIndex;

/// DEL and UNLINK. Freeing is cheap for whoever asks in both cases: big values are shared and freed
/// elsewhere.
pub(super) fn del(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = ctx.args.rest();
    let removed = keys.iter().filter(|key| ctx.keys.remove(ctx.db, key));
    let removed = removed.count();
    ctx.reply.integer(removed as i64);
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
    parse_flush(ctx)?;
    ctx.keys.clear(ctx.db);
    repeat_flush(ctx);
    Ok(())
}

pub(super) fn flushall(ctx: &mut Context<'_, '_>) -> Outcome {
    parse_flush(ctx)?;
    ctx.keys.clear_all();
    repeat_flush(ctx);
    Ok(())
}

fn parse_flush(ctx: &mut Context<'_, '_>) -> Outcome {
    let _ = ctx.args.keyword("ASYNC") || ctx.args.keyword("SYNC");
    ctx.args.done()
}

/// A flush is repeated even if there was nothing to remove: a copy may hold what this side has
/// already expired.
fn repeat_flush(ctx: &mut Context<'_, '_>) {
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

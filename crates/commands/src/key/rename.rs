//! Other names and other databases.

use super::life::database;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::Ttl;
use units::{DbIndex, UnixMillis};

pub(super) fn rename(ctx: &mut Context<'_, '_>) -> Outcome {
    let (from, to) = (ctx.args.bytes()?, ctx.args.bytes()?);
    require(ctx, from)?;
    if from != to {
        give(ctx, (ctx.db, from), (ctx.db, to), RENAMED);
    }
    ctx.reply.ok();
    Ok(())
}

pub(super) fn renamenx(ctx: &mut Context<'_, '_>) -> Outcome {
    let (from, to) = (ctx.args.bytes()?, ctx.args.bytes()?);
    require(ctx, from)?;
    let free = !ctx.keys.exists(ctx.db, to);
    if free {
        give(ctx, (ctx.db, from), (ctx.db, to), RENAMED);
    }
    ctx.reply.integer(free.into());
    Ok(())
}

fn require(ctx: &Context<'_, '_>, key: &[u8]) -> Outcome {
    if ctx.keys.exists(ctx.db, key) {
        Ok(())
    } else {
        Err(Error::NoSuchKey)
    }
}

type Place<'k> = (DbIndex, &'k [u8]);

/// What is told of the old place and of the new one.
type Names = (&'static str, &'static str);

const RENAMED: Names = ("rename_from", "rename_to");
const MOVED: Names = ("move_from", "move_to");

/// Takes the value with its deadline from one place to another.
fn give(ctx: &mut Context<'_, '_>, from: Place<'_>, to: Place<'_>, events: Names) -> bool {
    let Some((value, deadline)) = ctx.keys.take(from.0, from.1) else {
        return false;
    };
    ctx.keys.insert(to.0, to.1, value, ttl(deadline));
    ctx.event_in(to.0, EventClass::NEW, "new", to.1);
    ctx.event_in(from.0, EventClass::GENERIC, events.0, from.1);
    ctx.event_in(to.0, EventClass::GENERIC, events.1, to.1);
    true
}

fn ttl(deadline: Option<UnixMillis>) -> Ttl {
    deadline.map_or(Ttl::Clear, Ttl::At)
}

pub(super) fn move_to(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, to) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let to = database(ctx, to, "value is not an integer or out of range")?;
    if to == ctx.db {
        return Err(Error::err("source and destination objects are the same"));
    }
    let moved = !ctx.keys.exists(to, key) && give(ctx, (ctx.db, key), (to, key), MOVED);
    ctx.reply.integer(moved.into());
    Ok(())
}

struct CopyOptions {
    db: DbIndex,
    replace: bool,
}

impl CopyOptions {
    fn parse<'a>(ctx: &Context<'a, '_>, args: &mut Args<'a>) -> Result<CopyOptions, Error> {
        let mut options = CopyOptions {
            db: ctx.db,
            replace: false,
        };
        while !args.is_done() {
            if args.keyword("REPLACE") {
                options.replace = true;
            } else if args.keyword("DB") {
                let wrong = "value is not an integer or out of range";
                options.db = database(ctx, args.bytes()?, wrong)?;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(options)
    }
}

pub(super) fn copy(ctx: &mut Context<'_, '_>) -> Outcome {
    let (from, to) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let mut args = ctx.args.clone();
    let options = CopyOptions::parse(ctx, &mut args)?;
    if options.db == ctx.db && from == to {
        return Err(Error::err("source and destination objects are the same"));
    }
    let source = ctx.keys.get(ctx.db, from);
    let found = source.map(|entry| (entry.value().to_value(), entry.deadline()));
    let free = options.replace || !ctx.keys.exists(options.db, to);
    ctx.event_if_missing(from);
    let copied = match found {
        Some((value, deadline)) if free => {
            ctx.keys.insert(options.db, to, value, ttl(deadline));
            ctx.event_in(options.db, EventClass::NEW, "new", to);
            ctx.event_in(options.db, EventClass::GENERIC, "copy_to", to);
            true
        }
        _ => false,
    };
    ctx.reply.integer(copied.into());
    Ok(())
}

pub(super) fn swapdb(ctx: &mut Context<'_, '_>) -> Outcome {
    let (a, b) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let a = database(ctx, a, "invalid first DB index");
    let b = database(ctx, b, "invalid second DB index");
    // Whether both are numbers is asked before whether there are such databases.
    let (a, b) = match (a, b) {
        (Err(Error::DbOutOfRange), Err(error)) => return Err(error),
        (a, b) => (a?, b?),
    };
    if a != b {
        ctx.keys.swap(a, b);
    }
    ctx.effects.push(ctx.args.argv());
    ctx.reply.ok();
    Ok(())
}

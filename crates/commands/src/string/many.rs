//! Commands on several strings at once.

use crate::{Context, Error, Outcome};
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

fn set_all(ctx: &mut Context<'_, '_>, pairs: &[[&[u8]; 2]]) {
    for [key, value] in pairs {
        ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
    }
}

use super::{End, pop_many};
use crate::numkeys::numkeys;
use crate::{Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, List};

pub(super) fn lmove(ctx: &mut Context<'_, '_>) -> Outcome {
    let (source, destination) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let from = End::parse(&mut ctx.args)?;
    let to = End::parse(&mut ctx.args)?;
    transfer(ctx, source, destination, from, to)
}

pub(super) fn rpoplpush(ctx: &mut Context<'_, '_>) -> Outcome {
    let (source, destination) = (ctx.args.bytes()?, ctx.args.bytes()?);
    transfer(ctx, source, destination, End::Right, End::Left)
}

/// Replies with the element that moved. Both types are checked before either list is touched.
fn transfer(
    ctx: &mut Context<'_, '_>,
    source: &[u8],
    destination: &[u8],
    from: End,
    to: End,
) -> Outcome {
    if ctx.keys.list(ctx.db, source)?.is_none() {
        ctx.reply.null();
        return Ok(());
    }
    ctx.keys.list(ctx.db, destination)?;
    let moved = if source == destination {
        rotate(ctx, source, from, to)?
    } else {
        hand_over(ctx, source, destination, from, to)?
    };
    if moved.is_some() {
        ctx.event(EventClass::LIST, to.push_event(), destination);
        ctx.event_shrunk(EventClass::LIST, from.pop_event(), source);
    }
    match moved {
        Some(element) => ctx.reply.bulk(&element),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// One edit, so that a list of one element is never empty in between and keeps its deadline.
fn rotate(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    from: End,
    to: End,
) -> Result<Option<Vec<u8>>, Error> {
    let settings = ctx.keys.settings();
    let moved = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |list: &mut List| {
            let element = from.pop(list)?;
            to.push(list, &settings, &element);
            Some(element)
        })?;
    Ok(moved.flatten())
}

fn hand_over(
    ctx: &mut Context<'_, '_>,
    source: &[u8],
    destination: &[u8],
    from: End,
    to: End,
) -> Result<Option<Vec<u8>>, Error> {
    let settings = ctx.keys.settings();
    let popped = ctx
        .keys
        .edit(ctx.db, source, IfMissing::Skip, |list| from.pop(list))?;
    let Some(element) = popped.flatten() else {
        return Ok(None);
    };
    ctx.keys
        .edit(ctx.db, destination, IfMissing::Create, |list: &mut List| {
            to.push(list, &settings, &element);
        })?;
    Ok(Some(element))
}

/// Replies with the key and its elements. Repeated as an LPOP or RPOP of what was taken, since
/// that names the key.
pub(super) fn lmpop(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = numkeys(&mut ctx.args)?;
    let end = End::parse(&mut ctx.args)?;
    let count = if ctx.args.keyword("COUNT") {
        let text = "count should be greater than 0";
        ctx.args.int_in(1..=i64::MAX, text)? as usize
    } else {
        1
    };
    ctx.args.done()?;
    for key in keys {
        if ctx.keys.list(ctx.db, key)?.is_none() {
            continue;
        }
        let popped = pop_many(ctx, key, end, count)?;
        log_pop(ctx, key, end, popped.len());
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        super::reply_all(ctx, &popped);
        return Ok(());
    }
    ctx.reply.null_array();
    Ok(())
}

fn log_pop(ctx: &mut Context<'_, '_>, key: &[u8], end: End, count: usize) {
    let name: &[u8] = match end {
        End::Left => b"LPOP",
        End::Right => b"RPOP",
    };
    let count = itoa::Buffer::new().format(count).to_owned();
    ctx.effects.push(&[name, key, count.as_bytes()]);
}

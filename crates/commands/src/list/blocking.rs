//! Lists that are waited for. Each command is repeated as the one that does not wait.

use super::transfer::{MultiPop, Transfer};
use super::{End, pop_many};
use crate::wait::{Otherwise, Wait, timeout_secs};
use crate::{Context, Outcome};
use keyspace::Type;

pub(super) fn blpop(ctx: &mut Context<'_, '_>) -> Outcome {
    pop_first(ctx, End::Left, b"LPOP")
}

pub(super) fn brpop(ctx: &mut Context<'_, '_>) -> Outcome {
    pop_first(ctx, End::Right, b"RPOP")
}

/// Replies with key and element of the first list that has any.
fn pop_first(ctx: &mut Context<'_, '_>, end: End, name: &[u8]) -> Outcome {
    let keys = ctx.args.take(ctx.args.left() - 1)?;
    let until = timeout_secs(&mut ctx.args, ctx.keys.now())?;
    for &key in keys {
        if let Some(element) = pop_many(ctx, key, end, 1)?.first() {
            ctx.effects.push(&[name, key]);
            ctx.reply.array(2);
            ctx.reply.bulk(key);
            ctx.reply.bulk(element);
            return Ok(());
        }
    }
    ctx.wait_for(Wait::for_keys(keys, Type::List, until));
    Ok(())
}

pub(super) fn blmove(ctx: &mut Context<'_, '_>) -> Outcome {
    let transfer = Transfer::parse(&mut ctx.args)?;
    transfer_or_wait(ctx, transfer)
}

pub(super) fn brpoplpush(ctx: &mut Context<'_, '_>) -> Outcome {
    let transfer = Transfer::tail_to_head(&mut ctx.args)?;
    transfer_or_wait(ctx, transfer)
}

/// Replies with the element that moved.
fn transfer_or_wait(ctx: &mut Context<'_, '_>, what: Transfer<'_>) -> Outcome {
    let until = timeout_secs(&mut ctx.args, ctx.keys.now())?;
    if ctx.keys.list(ctx.db, what.source)?.is_none() {
        ctx.wait_for(Wait {
            at_once: Otherwise::Null,
            ..Wait::for_keys(&[what.source], Type::List, until)
        });
        return Ok(());
    }
    what.run(ctx)?;
    let (from, to) = (what.from.name(), what.to.name());
    let argv: [&[u8]; 5] = [b"LMOVE", what.source, what.destination, from, to];
    ctx.effects.push(&argv);
    Ok(())
}

pub(super) fn blmpop(ctx: &mut Context<'_, '_>) -> Outcome {
    let mut timeout = ctx.args.clone();
    ctx.args.bytes()?;
    let pop = MultiPop::parse(&mut ctx.args)?;
    let until = timeout_secs(&mut timeout, ctx.keys.now())?;
    if !pop.run(ctx)? {
        ctx.wait_for(Wait::for_keys(pop.keys, Type::List, until));
    }
    Ok(())
}

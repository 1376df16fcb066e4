use super::{reply_score, score_text};
use crate::scan_options::{ScanOf, ScanOptions, parse_cursor, reply_scan};
use crate::{Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, Zset};
use packed::IntText;

pub(super) fn zrem(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let removed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |zset: &mut Zset| {
            members.iter().filter(|member| zset.remove(member)).count()
        })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.event_shrunk(EventClass::ZSET, "zrem", key);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}

pub(super) fn zscore(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, member) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let zset = ctx.keys.zset(ctx.db, key)?;
    match zset.and_then(|zset| zset.score(member)) {
        Some(score) => reply_score(ctx.reply, ctx.settings.compat, score),
        None => ctx.reply.null(),
    }
    Ok(())
}

pub(super) fn zmscore(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let zset = ctx.keys.zset(ctx.db, key)?;
    ctx.reply.array(members.len());
    for member in members {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => reply_score(ctx.reply, ctx.settings.compat, score),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

pub(super) fn zcard(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let len = ctx.keys.zset(ctx.db, key)?.map_or(0, |zset| zset.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

pub(super) fn zrank(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_rank(ctx, "zrank", false)
}

pub(super) fn zrevrank(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_rank(ctx, "zrevrank", true)
}

fn reply_rank(ctx: &mut Context<'_, '_>, name: &str, rev: bool) -> Outcome {
    let (key, member) = (ctx.args.bytes()?, ctx.args.bytes()?);
    if ctx.args.left() > 1 {
        return Err(Error::WrongArity(name.to_owned()));
    }
    let with_score = ctx.args.keyword("WITHSCORE");
    ctx.args.done()?;
    let zset = ctx.keys.zset(ctx.db, key)?;
    let found = zset.and_then(|zset| zset.rank(member, rev).zip(zset.score(member)));
    match found {
        Some((rank, score)) if with_score => {
            ctx.reply.array(2);
            ctx.reply.integer(rank as i64);
            reply_score(ctx.reply, ctx.settings.compat, score);
        }
        Some((rank, _)) => ctx.reply.integer(rank as i64),
        None if with_score => ctx.reply.null_array(),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// A missing key is answered before the options are looked at, as Redis does.
pub(super) fn zscan(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let cursor = parse_cursor(&mut ctx.args)?;
    let Some(zset) = ctx.keys.zset(ctx.db, key)? else {
        reply_scan(ctx.reply, 0, &[]);
        return Ok(());
    };
    let options = ScanOptions::parse(&mut ctx.args, ScanOf::SortedSet)?;
    let mut found = Vec::new();
    let next = zset.scan(cursor, options.count, &mut |member, score| {
        let mut buffer = IntText::default();
        let member = member.text(&mut buffer);
        if options.wants(member) {
            found.push(member.to_vec());
            if !options.names_only {
                found.push(score_text(score, ctx.settings.compat));
            }
        }
    });
    reply_scan(ctx.reply, next, &found);
    Ok(())
}

//! Commands that read or replace a whole string.

use super::condition::Condition;
use super::write_options::{WriteOptions, push_set};
use crate::expire_time::ExpireUnit;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::Ttl;
use units::UnixMillis;

pub(super) fn get(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    reply_string(ctx, key)
}

/// Answers with the string at `key`, or null.
fn reply_string(ctx: &mut Context<'_, '_>, key: &[u8]) -> Outcome {
    match ctx.keys.string(ctx.db, key)? {
        Some(string) => ctx.reply.string(string),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// What SET was told behind its value.
#[derive(Default)]
struct SetOptions<'a> {
    write: WriteOptions<'a>,
    get: bool,
}

impl<'a> SetOptions<'a> {
    fn parse(args: &mut Args<'a>) -> Result<SetOptions<'a>, Error> {
        let mut options = SetOptions::default();
        while !args.is_done() {
            if args.keyword("GET") {
                options.get = true;
            } else if !options.write.parse_one(args)? && !options.write.parse_comparison(args)? {
                return Err(Error::Syntax);
            }
        }
        Ok(options)
    }

    /// Has other copies of the data do the same: with the time made absolute, and without what is
    /// asked by GET or about the string that was there.
    fn repeat(&self, ctx: &mut Context<'_, '_>, key: &[u8], value: &[u8], ttl: Ttl) {
        let compares = self.write.condition.is_some_and(Condition::compares);
        if compares || matches!(ttl, Ttl::At(_)) {
            push_set(ctx, key, value, ttl);
        } else if self.get {
            let (fixed, options) = ctx.args.argv().split_at(3);
            let kept = options
                .iter()
                .filter(|word| !word.eq_ignore_ascii_case(b"GET"));
            let argv: Vec<&[u8]> = fixed.iter().chain(kept).copied().collect();
            ctx.effects.push(&argv);
        }
    }
}

pub(super) fn set(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let options = SetOptions::parse(&mut ctx.args)?;
    let ttl = options.write.ttl(ctx.keys.now(), "set")?;
    let may_write = match options.write.condition {
        Some(condition) => condition.holds(ctx, key)?,
        None => true,
    };
    if options.get {
        ctx.event_if_missing(key);
        reply_string(ctx, key)?;
    } else if may_write {
        ctx.reply.ok();
    } else {
        ctx.reply.null();
    }
    if may_write {
        ctx.keys.set_string(ctx.db, key, value, ttl);
        event_set(ctx, key, ttl);
        options.repeat(ctx, key, value, ttl);
    }
    Ok(())
}

pub(super) fn event_set(ctx: &mut Context<'_, '_>, key: &[u8], ttl: Ttl) {
    ctx.event(EventClass::STRING, "set", key);
    if let Ttl::At(_) = ttl {
        ctx.event(EventClass::GENERIC, "expire", key);
    }
}

pub(super) fn setnx(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let missing = !ctx.keys.exists(ctx.db, key);
    if missing {
        ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
        event_set(ctx, key, Ttl::Clear);
    }
    ctx.reply.integer(missing.into());
    Ok(())
}

pub(super) fn setex(ctx: &mut Context<'_, '_>) -> Outcome {
    set_for(ctx, ExpireUnit::Ex, "setex")
}

pub(super) fn psetex(ctx: &mut Context<'_, '_>) -> Outcome {
    set_for(ctx, ExpireUnit::Px, "psetex")
}

fn set_for(ctx: &mut Context<'_, '_>, unit: ExpireUnit, command: &'static str) -> Outcome {
    let (key, time, value) = (ctx.args.bytes()?, ctx.args.bytes()?, ctx.args.bytes()?);
    let deadline = unit.positive_deadline(time, ctx.keys.now(), command)?;
    ctx.keys.set_string(ctx.db, key, value, Ttl::At(deadline));
    event_set(ctx, key, Ttl::At(deadline));
    push_set(ctx, key, value, Ttl::At(deadline));
    ctx.reply.ok();
    Ok(())
}

pub(super) fn getset(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    ctx.event_if_missing(key);
    reply_string(ctx, key)?;
    ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
    event_set(ctx, key, Ttl::Clear);
    ctx.effects.push(&[b"SET", key, value]);
    Ok(())
}

pub(super) fn getdel(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    ctx.event_if_missing(key);
    reply_string(ctx, key)?;
    if ctx.keys.remove(ctx.db, key) {
        ctx.event(EventClass::GENERIC, "del", key);
        ctx.effects.push(&[b"DEL", key]);
    }
    Ok(())
}

/// What GETEX does to the time of its key.
enum NewExpire<'a> {
    Unchanged,
    Persist,
    At(ExpireUnit, &'a [u8]),
}

impl<'a> NewExpire<'a> {
    fn parse(args: &mut Args<'a>) -> Result<NewExpire<'a>, Error> {
        let expire = if args.keyword("PERSIST") {
            NewExpire::Persist
        } else if let Some(unit) = ExpireUnit::keyword(args) {
            NewExpire::At(unit, args.bytes()?)
        } else {
            NewExpire::Unchanged
        };
        args.done()?;
        Ok(expire)
    }
}

pub(super) fn getex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let expire = NewExpire::parse(&mut ctx.args)?;
    if ctx.keys.string(ctx.db, key)?.is_none() {
        ctx.event_if_missing(key);
        ctx.reply.null();
        return Ok(());
    }
    let deadline = match expire {
        NewExpire::At(unit, text) => Some(unit.positive_deadline(text, ctx.keys.now(), "getex")?),
        _ => None,
    };
    reply_string(ctx, key)?;
    match deadline {
        Some(deadline) => expire_or_remove(ctx, key, deadline),
        None if matches!(expire, NewExpire::Persist) => persist(ctx, key),
        None => {}
    }
    Ok(())
}

fn expire_or_remove(ctx: &mut Context<'_, '_>, key: &[u8], deadline: UnixMillis) {
    if ctx.is_past(deadline) {
        ctx.keys.remove(ctx.db, key);
        ctx.event(EventClass::GENERIC, "del", key);
        ctx.effects.push(&[b"DEL", key]);
    } else {
        ctx.keys.set_deadline(ctx.db, key, Some(deadline));
        ctx.event(EventClass::GENERIC, "expire", key);
        ctx.push_pexpireat(key, deadline);
    }
}

fn persist(ctx: &mut Context<'_, '_>, key: &[u8]) {
    let entry = ctx.keys.peek(ctx.db, key);
    if entry.is_some_and(|entry| entry.deadline().is_some()) {
        ctx.keys.set_deadline(ctx.db, key, None);
        ctx.event(EventClass::GENERIC, "persist", key);
        ctx.effects.push(&[b"PERSIST", key]);
    }
}

//! Commands that read or replace a whole string.

use crate::expire_time::ExpireUnit;
use crate::{Args, Context, Error, Outcome};
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

/// The options of SET. The time is read once everything else is known to be right.
#[derive(Default)]
struct SetOptions<'a> {
    only_missing: bool,
    only_existing: bool,
    get: bool,
    keep_ttl: bool,
    expire: Option<(ExpireUnit, &'a [u8])>,
}

impl<'a> SetOptions<'a> {
    fn parse(args: &mut Args<'a>) -> Result<SetOptions<'a>, Error> {
        let mut options = SetOptions::default();
        while !args.is_done() {
            if args.keyword("NX") {
                options.only_missing = true;
            } else if args.keyword("XX") {
                options.only_existing = true;
            } else if args.keyword("GET") {
                options.get = true;
            } else if args.keyword("KEEPTTL") {
                options.keep_ttl = true;
            } else if let Some(unit) = ExpireUnit::keyword(args) {
                if options.expire.is_some() {
                    return Err(Error::Syntax);
                }
                options.expire = Some((unit, args.bytes()?));
            } else {
                return Err(Error::Syntax);
            }
        }
        let contradicts = options.only_missing && options.only_existing
            || options.keep_ttl && options.expire.is_some();
        if contradicts {
            return Err(Error::Syntax);
        }
        Ok(options)
    }

    fn ttl(&self, now: UnixMillis) -> Result<Ttl, Error> {
        match self.expire {
            Some((unit, text)) => Ok(Ttl::At(unit.positive_deadline(text, now, "set")?)),
            None if self.keep_ttl => Ok(Ttl::Keep),
            None => Ok(Ttl::Clear),
        }
    }
}

pub(super) fn set(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let options = SetOptions::parse(&mut ctx.args)?;
    let ttl = options.ttl(ctx.keys.now())?;
    if options.get {
        reply_string(ctx, key)?;
    }
    let conditional = options.only_missing || options.only_existing;
    if conditional && ctx.keys.exists(ctx.db, key) != options.only_existing {
        if !options.get {
            ctx.reply.null();
        }
        return Ok(());
    }
    ctx.keys.set_string(ctx.db, key, value, ttl);
    if !options.get {
        ctx.reply.ok();
    }
    repeat_set(ctx, key, value, ttl, options.get);
    Ok(())
}

/// Repeats a SET with its time made absolute, or without the GET that only asked for a reply.
fn repeat_set(ctx: &mut Context<'_, '_>, key: &[u8], value: &[u8], ttl: Ttl, get: bool) {
    if let Ttl::At(deadline) = ttl {
        push_set_pxat(ctx, key, value, deadline);
    } else if get {
        let (fixed, options) = ctx.args.argv().split_at(3);
        let kept = options
            .iter()
            .filter(|word| !word.eq_ignore_ascii_case(b"GET"));
        let argv: Vec<&[u8]> = fixed.iter().chain(kept).copied().collect();
        ctx.effects.push(&argv);
    }
}

fn push_set_pxat(ctx: &mut Context<'_, '_>, key: &[u8], value: &[u8], deadline: UnixMillis) {
    let mut buffer = itoa::Buffer::new();
    let ms = buffer.format(deadline.0).as_bytes();
    ctx.effects.push(&[b"SET", key, value, b"PXAT", ms]);
}

pub(super) fn setnx(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let missing = !ctx.keys.exists(ctx.db, key);
    if missing {
        ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
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
    push_set_pxat(ctx, key, value, deadline);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn getset(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    reply_string(ctx, key)?;
    ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
    ctx.effects.push(&[b"SET", key, value]);
    Ok(())
}

pub(super) fn getdel(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    reply_string(ctx, key)?;
    if ctx.keys.remove(ctx.db, key) {
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
        ctx.effects.push(&[b"DEL", key]);
    } else {
        ctx.keys.set_deadline(ctx.db, key, Some(deadline));
        ctx.push_pexpireat(key, deadline);
    }
}

fn persist(ctx: &mut Context<'_, '_>, key: &[u8]) {
    let entry = ctx.keys.peek(ctx.db, key);
    if entry.is_some_and(|entry| entry.deadline().is_some()) {
        ctx.keys.set_deadline(ctx.db, key, None);
        ctx.effects.push(&[b"PERSIST", key]);
    }
}

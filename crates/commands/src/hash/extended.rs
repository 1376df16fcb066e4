//! HGETEX, HSETEX and HGETDEL: values together with deadlines or removal.

use super::deadline::parse_fields;
use super::expire::{TimeForm, log_deadline};
use super::{drop_due, field_now, log_removed, reply_field};
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{Hash, IfMissing, Settings};
use units::UnixMillis;

/// What becomes of the deadlines of the fields that a command names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadline {
    /// Nothing was said.
    Unsaid,
    /// It stays (`KEEPTTL`).
    Keep,
    /// It goes (`PERSIST`).
    Persist,
    /// It becomes this.
    At(UnixMillis),
}

/// Takes `EX seconds` and its like, if one stands next.
fn parse_time(ctx: &mut Context<'_, '_>, name: &'static str) -> Result<Option<Deadline>, Error> {
    let forms = [
        ("EX", true, false),
        ("PX", false, false),
        ("EXAT", true, true),
        ("PXAT", false, true),
    ];
    for (word, secs, absolute) in forms {
        if ctx.args.keyword(word) {
            let form = TimeForm { secs, absolute };
            let replaying = ctx.settings.replaying;
            let deadline = form.parse(&mut ctx.args, ctx.keys.now(), replaying, name)?;
            return Ok(Some(Deadline::At(deadline)));
        }
    }
    Ok(None)
}

pub(super) fn hgetex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let deadline = match parse_time(ctx, "hgetex")? {
        Some(deadline) => deadline,
        None if ctx.args.keyword("PERSIST") => Deadline::Persist,
        None => Deadline::Unsaid,
    };
    let fields = parse_fields(&mut ctx.args)?;
    drop_due(ctx, key)?;
    match deadline {
        Deadline::At(deadline) if deadline <= field_now(ctx) => take_fields(ctx, key, fields),
        deadline => {
            reply_fields(ctx, key, fields)?;
            change_deadlines(ctx, key, fields, deadline)
        }
    }
}

/// The values of fields, null for those that are missing.
fn reply_fields(ctx: &mut Context<'_, '_>, key: &[u8], fields: &[&[u8]]) -> Outcome {
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    ctx.reply.array(fields.len());
    for field in fields {
        reply_field(ctx.reply, hash, field, now);
    }
    Ok(())
}

fn change_deadlines(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    fields: &[&[u8]],
    deadline: Deadline,
) -> Outcome {
    match deadline {
        Deadline::Unsaid | Deadline::Keep => Ok(()),
        Deadline::Persist => persist(ctx, key, fields),
        Deadline::At(deadline) => set_deadlines(ctx, key, fields, deadline),
    }
}

fn persist(ctx: &mut Context<'_, '_>, key: &[u8], fields: &[&[u8]]) -> Outcome {
    let settings = ctx.keys.settings();
    let changed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
            let changed = fields
                .iter()
                .filter(|field| hash.set_deadline(&settings, field, None));
            changed.copied().collect::<Vec<_>>()
        })?;
    let changed = changed.unwrap_or_default();
    if !changed.is_empty() {
        ctx.event(EventClass::HASH, "hpersist", key);
        let count = changed.len().to_string();
        let mut argv: Vec<&[u8]> = vec![b"HPERSIST", key, b"FIELDS", count.as_bytes()];
        argv.extend(changed);
        ctx.effects.push(&argv);
    }
    Ok(())
}

fn set_deadlines(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    fields: &[&[u8]],
    deadline: UnixMillis,
) -> Outcome {
    let now = field_now(ctx);
    let settings = ctx.keys.settings();
    let there = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
            let there = |field: &&&[u8]| hash.as_ref().get(field, now).is_some();
            let there: Vec<&[u8]> = fields.iter().filter(there).copied().collect();
            for field in &there {
                hash.set_deadline(&settings, field, Some(deadline));
            }
            there
        })?;
    log_deadline(ctx, key, &there.unwrap_or_default(), deadline);
    Ok(())
}

/// `HSETEX` behind its key.
struct SetRequest<'a> {
    /// `Some(false)`: only if no field exists; `Some(true)`: only if all do.
    if_all_exist: Option<bool>,
    /// Valkey's `NX` and `XX`: whether there has to be a hash.
    if_key_exists: Option<bool>,
    deadline: Deadline,
    pairs: &'a [[&'a [u8]; 2]],
}

impl<'a> SetRequest<'a> {
    fn parse(ctx: &mut Context<'a, '_>) -> Result<SetRequest<'a>, Error> {
        let mut request = SetRequest {
            if_all_exist: None,
            if_key_exists: None,
            deadline: Deadline::Unsaid,
            pairs: &[],
        };
        while !ctx.args.keyword("FIELDS") {
            if !request.parse_condition(&mut ctx.args)? && !request.parse_deadline(ctx)? {
                let word = String::from_utf8_lossy(ctx.args.bytes()?).into_owned();
                return Err(Error::err(format_args!("unknown argument: {word}")));
            }
        }
        request.pairs = parse_pairs(&mut ctx.args)?;
        Ok(request)
    }

    fn parse_condition(&mut self, args: &mut Args<'_>) -> Result<bool, Error> {
        let key_exists = args.keyword("XX");
        if key_exists || args.keyword("NX") {
            let said = self.if_key_exists.replace(key_exists);
            return match said {
                Some(other) if other != key_exists => Err(Error::Syntax),
                _ => Ok(true),
            };
        }
        let all = args.keyword("FXX");
        if !all && !args.keyword("FNX") {
            return Ok(false);
        }
        if self.if_all_exist.replace(all).is_some() {
            let text = "Only one of FXX or FNX arguments can be specified";
            return Err(Error::err(text));
        }
        Ok(true)
    }

    fn parse_deadline(&mut self, ctx: &mut Context<'_, '_>) -> Result<bool, Error> {
        let deadline = match parse_time(ctx, "hsetex")? {
            Some(deadline) => deadline,
            None if ctx.args.keyword("KEEPTTL") => Deadline::Keep,
            None => return Ok(false),
        };
        if self.deadline != Deadline::Unsaid {
            let text = "Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
            return Err(Error::err(text));
        }
        self.deadline = deadline;
        Ok(true)
    }

    /// Whether the fields are gone as soon as they are set.
    fn has_passed(&self, now: UnixMillis) -> bool {
        matches!(self.deadline, Deadline::At(deadline) if deadline <= now)
    }

    /// Sets the fields, or removes them if their deadline has passed; those that were removed.
    fn apply(&self, ctx: &mut Context<'_, '_>, key: &[u8]) -> Result<Vec<&'a [u8]>, Error> {
        let fields = self.pairs.iter().map(|[field, _]| *field);
        if self.has_passed(field_now(ctx)) {
            let removed = ctx
                .keys
                .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
                    fields.filter(|field| hash.remove(field)).collect()
                })?;
            return Ok(removed.unwrap_or_default());
        }
        let settings = ctx.keys.settings();
        ctx.keys
            .edit(ctx.db, key, IfMissing::Create, |hash: &mut Hash| {
                let pairs = self.pairs.iter();
                pairs.for_each(|&[field, value]| self.set_one(hash, &settings, field, value));
            })?;
        Ok(Vec::new())
    }

    fn set_one(&self, hash: &mut Hash, settings: &Settings, field: &[u8], value: &[u8]) {
        if self.deadline == Deadline::Keep {
            hash.set_keep_ttl(settings, field, value);
            return;
        }
        hash.set(settings, field, value);
        if let Deadline::At(deadline) = self.deadline {
            hash.set_deadline(settings, field, Some(deadline));
        }
    }

    /// Fields that are gone as soon as they are set have been set all the same.
    fn tell(&self, ctx: &mut Context<'_, '_>, key: &[u8]) {
        ctx.event(EventClass::HASH, "hset", key);
        if self.has_passed(field_now(ctx)) {
            ctx.event_shrunk(EventClass::HASH, "hdel", key);
        } else if let Deadline::At(_) = self.deadline {
            ctx.event(EventClass::HASH, "hexpire", key);
        }
    }

    /// Repeated with the time itself and without a condition.
    fn log(&self, ctx: &mut Context<'_, '_>, key: &[u8], removed: &[&[u8]]) {
        let count = self.pairs.len().to_string();
        let mut argv: Vec<&[u8]> = vec![b"HSETEX", key];
        let ms;
        if self.has_passed(field_now(ctx)) {
            return log_removed(ctx, key, removed.iter().copied());
        }
        match self.deadline {
            Deadline::At(deadline) => {
                ms = deadline.to_string();
                argv.extend([&b"PXAT"[..], ms.as_bytes()]);
            }
            Deadline::Keep => argv.push(b"KEEPTTL"),
            Deadline::Unsaid | Deadline::Persist => {}
        }
        argv.extend([&b"FIELDS"[..], count.as_bytes()]);
        argv.extend(self.pairs.as_flattened());
        ctx.effects.push(&argv);
    }
}

/// Takes `numfields field value [field value ...]`, which must be all that is left.
fn parse_pairs<'a>(args: &mut Args<'a>) -> Result<&'a [[&'a [u8]; 2]], Error> {
    let count = args.int_in(1..=i64::MAX, "invalid number of fields")? as usize;
    let (pairs, odd) = args.rest().as_chunks::<2>();
    if pairs.len() != count || !odd.is_empty() {
        return Err(Error::WrongArity("hsetex".to_owned()));
    }
    Ok(pairs)
}

/// Replies 1 if the fields were set, 0 if the condition did not hold.
pub(super) fn hsetex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let request = SetRequest::parse(ctx)?;
    drop_due(ctx, key)?;
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    let exists = |field: &[u8]| hash.is_some_and(|hash| hash.get(field, now).is_some());
    let wanted = request.if_all_exist;
    let met = wanted.is_none_or(|all| request.pairs.iter().all(|pair| exists(pair[0]) == all))
        && request
            .if_key_exists
            .is_none_or(|wanted| hash.is_some() == wanted);
    if met {
        let removed = request.apply(ctx, key)?;
        request.tell(ctx, key);
        request.log(ctx, key, &removed);
    }
    ctx.reply.integer(met.into());
    Ok(())
}

pub(super) fn hgetdel(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let fields = parse_fields(&mut ctx.args)?;
    drop_due(ctx, key)?;
    take_fields(ctx, key, fields)
}

/// Removes fields and replies with what they held; one that is named twice is gone the second
/// time. Repeated as the removal of those that were there.
fn take_fields(ctx: &mut Context<'_, '_>, key: &[u8], fields: &[&[u8]]) -> Outcome {
    let now = field_now(ctx);
    let take = |hash: &mut Hash| {
        let taken = fields.iter().map(|field| {
            let value = hash.as_ref().get(field, now).map(|value| value.to_vec());
            value.filter(|_| hash.remove(field))
        });
        taken.collect::<Vec<Option<Vec<u8>>>>()
    };
    let taken = ctx.keys.edit(ctx.db, key, IfMissing::Skip, take)?;
    let taken = taken.unwrap_or_else(|| vec![None; fields.len()]);
    let removed = fields
        .iter()
        .zip(&taken)
        .filter(|(_, value)| value.is_some());
    if taken.iter().any(Option::is_some) {
        ctx.event_shrunk(EventClass::HASH, "hdel", key);
    }
    log_removed(ctx, key, removed.map(|(field, _)| *field));
    ctx.reply.array(taken.len());
    for value in &taken {
        match value {
            Some(value) => ctx.reply.bulk(value),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

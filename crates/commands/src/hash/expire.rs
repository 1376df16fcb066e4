use super::deadline::{NO_FIELD, parse_fields_or, reply_codes};
use super::{drop_due, field_now, log_removed};
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{Hash, IfMissing, Settings};
use units::UnixMillis;

/// How a command gives a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeForm {
    /// Whether the number counts seconds, not milliseconds.
    pub(super) secs: bool,
    /// Whether it counts from the epoch, not from now.
    pub(super) absolute: bool,
}

/// The latest deadline that a field can have, as in Redis: 46 bits of milliseconds. Valkey has
/// no such bound, so a replayed log may go beyond.
const DEADLINE_MAX: UnixMillis = UnixMillis((1 << 46) - 1);

impl TimeForm {
    /// Takes a time and makes a deadline of it; `name` is the command that is refused.
    pub(super) fn parse(
        self,
        args: &mut Args<'_>,
        now: UnixMillis,
        replaying: bool,
        name: &'static str,
    ) -> Result<UnixMillis, Error> {
        let number = args.int()?;
        if number < 0 && !replaying {
            return Err(Error::err("invalid expire time, must be >= 0"));
        }
        let ms = number.checked_mul(if self.secs { 1000 } else { 1 });
        let from = if self.absolute { UnixMillis(0) } else { now };
        ms.and_then(|ms| from.checked_add(ms))
            .filter(|&deadline| replaying || deadline <= DEADLINE_MAX)
            .ok_or(Error::InvalidExpire(name))
    }
}

pub(super) fn hexpire(ctx: &mut Context<'_, '_>) -> Outcome {
    expire(
        ctx,
        "hexpire",
        TimeForm {
            secs: true,
            absolute: false,
        },
    )
}

pub(super) fn hpexpire(ctx: &mut Context<'_, '_>) -> Outcome {
    expire(
        ctx,
        "hpexpire",
        TimeForm {
            secs: false,
            absolute: false,
        },
    )
}

pub(super) fn hexpireat(ctx: &mut Context<'_, '_>) -> Outcome {
    expire(
        ctx,
        "hexpireat",
        TimeForm {
            secs: true,
            absolute: true,
        },
    )
}

pub(super) fn hpexpireat(ctx: &mut Context<'_, '_>) -> Outcome {
    expire(
        ctx,
        "hpexpireat",
        TimeForm {
            secs: false,
            absolute: true,
        },
    )
}

/// Which fields get the new deadline, judged by the one they have.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Always,
    IfNone,
    IfAny,
    /// No deadline counts as the latest.
    IfLater,
    IfEarlier,
}

impl Condition {
    fn parse(args: &mut Args<'_>) -> Condition {
        if args.keyword("NX") {
            Condition::IfNone
        } else if args.keyword("XX") {
            Condition::IfAny
        } else if args.keyword("GT") {
            Condition::IfLater
        } else if args.keyword("LT") {
            Condition::IfEarlier
        } else {
            Condition::Always
        }
    }

    fn holds(self, old: Option<UnixMillis>, new: UnixMillis) -> bool {
        match self {
            Condition::Always => true,
            Condition::IfNone => old.is_none(),
            Condition::IfAny => old.is_some(),
            Condition::IfLater => old.is_some_and(|old| new > old),
            Condition::IfEarlier => old.is_none_or(|old| new < old),
        }
    }
}

/// A field did not meet the condition, got its deadline, was removed as that has passed.
const REFUSED: i64 = 0;
const SET: i64 = 1;
const REMOVED: i64 = 2;

/// Repeated as an HPEXPIREAT of the fields that changed, or as their removal.
fn expire(ctx: &mut Context<'_, '_>, name: &'static str, form: TimeForm) -> Outcome {
    let key = ctx.args.bytes()?;
    let replaying = ctx.settings.replaying;
    let deadline = form.parse(&mut ctx.args, ctx.keys.now(), replaying, name)?;
    let condition = Condition::parse(&mut ctx.args);
    let refusal = "Parameter `numFields` should be greater than 0";
    let fields = parse_fields_or(&mut ctx.args, refusal)?;
    drop_due(ctx, key)?;
    let now = field_now(ctx);
    let settings = ctx.keys.settings();
    let codes = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
            let codes = fields
                .iter()
                .map(|field| match hash.as_ref().deadline(field, now) {
                    None => NO_FIELD,
                    Some(old) if !condition.holds(old, deadline) => REFUSED,
                    Some(_) => set_or_remove(hash, &settings, field, deadline, now),
                });
            codes.collect::<Vec<i64>>()
        })?;
    if let Some(codes) = &codes {
        let changed = fields.iter().zip(codes).filter(|(_, code)| **code >= SET);
        let changed: Vec<&[u8]> = changed.map(|(field, _)| *field).collect();
        log_deadline(ctx, key, &changed, deadline);
    }
    reply_codes(ctx, codes, fields.len());
    Ok(())
}

/// Gives a field its deadline, or removes it if that has passed; the code for the reply.
fn set_or_remove(
    hash: &mut Hash,
    settings: &Settings,
    field: &[u8],
    deadline: UnixMillis,
    now: UnixMillis,
) -> i64 {
    if deadline <= now {
        hash.remove(field);
        REMOVED
    } else {
        hash.set_deadline(settings, field, Some(deadline));
        SET
    }
}

/// What is repeated elsewhere where `fields` got a deadline: the time itself, or their removal.
pub(super) fn log_deadline(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    fields: &[&[u8]],
    deadline: UnixMillis,
) {
    if fields.is_empty() {
        return;
    }
    if deadline <= field_now(ctx) {
        ctx.event_shrunk(EventClass::HASH, "hdel", key);
        log_removed(ctx, key, fields.iter().copied());
    } else {
        ctx.event(EventClass::HASH, "hexpire", key);
        let ms = deadline.to_string();
        let count = fields.len().to_string();
        let mut argv: Vec<&[u8]> = vec![b"HPEXPIREAT", key, ms.as_bytes()];
        argv.extend([&b"FIELDS"[..], count.as_bytes()]);
        argv.extend(fields);
        ctx.effects.push(&argv);
    }
}

use super::{drop_due, field_now};
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{Hash, IfMissing};
use units::UnixMillis;

/// Replies about a field that does not exist, and about one that never expires.
pub(super) const NO_FIELD: i64 = -2;
const NO_DEADLINE: i64 = -1;

/// Takes `FIELDS numfields field [field ...]`, which must be all that is left.
pub(super) fn parse_fields<'a>(args: &mut Args<'a>) -> Result<&'a [&'a [u8]], Error> {
    parse_fields_or(args, "Number of fields must be a positive integer")
}

/// The same, where a bad number of fields is refused in other words.
pub(super) fn parse_fields_or<'a>(
    args: &mut Args<'a>,
    refusal: &str,
) -> Result<&'a [&'a [u8]], Error> {
    if !args.keyword("FIELDS") {
        let text = "Mandatory argument FIELDS is missing or not at the right position";
        return Err(Error::err(text));
    }
    let count = args.int_in(1..=i64::MAX, refusal)?;
    if count as usize != args.left() {
        let text = "The `numfields` parameter must match the number of arguments";
        return Err(Error::err(text));
    }
    Ok(args.rest())
}

pub(super) fn httl(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_deadlines(ctx, |deadline, now| (deadline.since(now) + 999) / 1000)
}

pub(super) fn hpttl(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_deadlines(ctx, UnixMillis::since)
}

pub(super) fn hexpiretime(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_deadlines(ctx, |deadline, _| deadline.0.saturating_add(999) / 1000)
}

pub(super) fn hpexpiretime(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_deadlines(ctx, |deadline, _| deadline.0)
}

fn reply_deadlines(ctx: &mut Context<'_, '_>, told: fn(UnixMillis, UnixMillis) -> i64) -> Outcome {
    let key = ctx.args.bytes()?;
    let fields = parse_fields(&mut ctx.args)?;
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    ctx.reply.array(fields.len());
    for field in fields {
        ctx.reply
            .integer(match hash.and_then(|hash| hash.deadline(field, now)) {
                None => NO_FIELD,
                Some(None) => NO_DEADLINE,
                Some(Some(deadline)) => told(deadline, ctx.keys.now()),
            });
    }
    Ok(())
}

pub(super) fn hpersist(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let fields = parse_fields(&mut ctx.args)?;
    let due = drop_due(ctx, key)?;
    let now = field_now(ctx);
    let settings = ctx.keys.settings();
    let told = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
            let told = fields
                .iter()
                .map(|field| match hash.as_ref().deadline(field, now) {
                    None => NO_FIELD,
                    Some(None) => NO_DEADLINE,
                    Some(Some(_)) => {
                        hash.set_deadline(&settings, field, None);
                        1
                    }
                });
            told.collect::<Vec<i64>>()
        })?;
    if told.iter().flatten().any(|&code| code == 1) {
        ctx.event(EventClass::HASH, "hpersist", key);
    }
    if due {
        ctx.effects.push(ctx.args.argv());
    }
    reply_codes(ctx, told, fields.len());
    Ok(())
}

/// A code for each field; a missing key has none of them.
pub(super) fn reply_codes(ctx: &mut Context<'_, '_>, codes: Option<Vec<i64>>, fields: usize) {
    let codes = codes.unwrap_or_else(|| vec![NO_FIELD; fields]);
    ctx.reply.array(codes.len());
    codes.iter().for_each(|&code| ctx.reply.integer(code));
}

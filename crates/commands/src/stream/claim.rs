//! XCLAIM and XAUTOCLAIM: pending entries change hands.

use super::entries::{reply_entry, reply_id};
use super::ids::{parse_id, parse_start};
use super::{is_new_consumer, log_consumer, log_pending, log_progress, no_key_or_group};
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{AutoClaimed, Claim, Claimed, IfMissing, Stream};
use packed::number;
use units::{StreamId, UnixMillis};

/// Who claims, and how.
struct Request<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    claim: Claim,
}

/// What came of a claim.
#[derive(Debug, Default)]
struct Outcomes {
    taken: Vec<StreamId>,
    gone: Vec<StreamId>,
}

impl<'a> Request<'a> {
    /// Takes what both commands begin with. XCLAIM looks for the group before it looks at the time.
    fn parse(ctx: &mut Context<'a, '_>, name: &str) -> Result<Request<'a>, Error> {
        let (key, group) = (ctx.args.bytes()?, ctx.args.bytes()?);
        let consumer = ctx.args.bytes()?;
        if name == "XCLAIM" {
            check_group(ctx, key, group)?;
        }
        let refusal = format!("Invalid min-idle-time argument for {name}");
        let min_idle = ctx.args.int_in(i64::MIN..=i64::MAX, &refusal)?;
        let delivered = ctx.keys.now();
        let claim = Claim {
            min_idle,
            delivered,
            count: None,
            force: false,
            just_id: false,
        };
        Ok(Request {
            key,
            group,
            consumer,
            claim,
        })
    }

    /// Takes over what can be of `ids`.
    fn take(&self, stream: &mut Stream, ids: &[StreamId], now: UnixMillis) -> Outcomes {
        let mut result = Outcomes::default();
        stream.edit_group(self.group, |group| group.touch_consumer(self.consumer, now));
        for &id in ids {
            match stream.claim(self.group, self.consumer, id, &self.claim, now) {
                Ok(Claimed::Taken) => result.taken.push(id),
                Ok(Claimed::Gone) => result.gone.push(id),
                Ok(Claimed::Left) | Err(_) => {}
            }
        }
        result
    }

    /// Repeats elsewhere what came of each entry; the new consumer by itself if it got nothing.
    fn log(&self, ctx: &mut Context<'_, '_>, result: &Outcomes, is_new: bool) -> Outcome {
        ctx.effects.suppress();
        if is_new {
            ctx.event(EventClass::STREAM, "xgroup-createconsumer", self.key);
        }
        if is_new && result.taken.is_empty() {
            log_consumer(ctx, self.key, self.group, self.consumer);
        }
        for id in &result.gone {
            let id = id.to_string();
            ctx.effects
                .push(&[b"XACK", self.key, self.group, id.as_bytes()]);
        }
        for &id in &result.taken {
            let stream = ctx.keys.stream(ctx.db, self.key)?;
            let group = stream.and_then(|stream| stream.group(self.group));
            let pending =
                group.and_then(|group| Some((group.pending_entry(id)?.clone(), group.last_id())));
            if let Some((pending, last_id)) = pending {
                log_pending(ctx, self.key, self.group, id, &pending, last_id);
            }
        }
        Ok(())
    }

    fn reply_taken(&self, ctx: &mut Context<'_, '_>, taken: &[StreamId]) -> Outcome {
        let stream = ctx.keys.stream(ctx.db, self.key)?;
        let entries = taken.iter().filter_map(|id| stream?.get(*id));
        let entries: Vec<_> = entries.collect();
        ctx.reply.array(entries.len());
        for entry in &entries {
            if self.claim.just_id {
                reply_id(ctx.reply, entry.id);
            } else {
                reply_entry(ctx.reply, entry);
            }
        }
        Ok(())
    }
}

fn check_group(ctx: &Context<'_, '_>, key: &[u8], group: &[u8]) -> Result<(), Error> {
    let stream = ctx.keys.stream(ctx.db, key)?;
    let found = stream.and_then(|stream| stream.group(group));
    found.map(|_| ()).ok_or_else(|| no_key_or_group(key, group))
}

/// Replies with the entries that changed hands. Repeated entry by entry, with the time and the
/// count that came about.
pub(super) fn xclaim(ctx: &mut Context<'_, '_>) -> Outcome {
    let mut request = Request::parse(ctx, "XCLAIM")?;
    let ids = parse_ids(&mut ctx.args);
    let last_id = parse_options(ctx, &mut request.claim)?;
    let is_new = is_new_consumer(ctx, request.key, request.group, request.consumer)?;
    let now = ctx.keys.now();
    let done = ctx.keys.edit(
        ctx.db,
        request.key,
        IfMissing::Skip,
        |stream: &mut Stream| {
            let raised = stream.edit_group(request.group, |group| group.raise_last_id(last_id));
            (request.take(stream, &ids, now), raised == Some(true))
        },
    )?;
    let (result, raised) = done.unwrap_or_default();
    request.log(ctx, &result, is_new)?;
    if raised && result.taken.is_empty() {
        log_raised(ctx, &request)?;
    }
    request.reply_taken(ctx, &result.taken)
}

/// Repeats elsewhere a last id that no entry brings along.
fn log_raised(ctx: &mut Context<'_, '_>, request: &Request<'_>) -> Outcome {
    let stream = ctx.keys.stream(ctx.db, request.key)?;
    if let Some(group) = stream.and_then(|stream| stream.group(request.group)) {
        let (last_id, entries_read) = (group.last_id(), group.entries_read());
        log_progress(ctx, request.key, request.group, last_id, entries_read);
    }
    Ok(())
}

/// Takes ids up to the first word that is none.
fn parse_ids(args: &mut Args<'_>) -> Vec<StreamId> {
    let mut ids = Vec::new();
    while let Some(id) = args.peek().and_then(|text| parse_id(text, 0).ok()) {
        ids.push(id);
        let _ = args.bytes();
    }
    ids
}

/// Takes the options to the end; the id of LASTID, 0-0 if there is none.
fn parse_options(ctx: &mut Context<'_, '_>, claim: &mut Claim) -> Result<StreamId, Error> {
    let now = ctx.keys.now();
    let args = &mut ctx.args;
    let mut last_id = StreamId::MIN;
    let mut delivered = None;
    while let Some(word) = args.peek() {
        let more = args.left() >= 2;
        if args.keyword("FORCE") {
            claim.force = true;
        } else if args.keyword("JUSTID") {
            claim.just_id = true;
        } else if more && args.keyword("IDLE") {
            delivered = Some(UnixMillis(
                now.0.saturating_sub(parse_option(args, "IDLE")?),
            ));
        } else if more && args.keyword("TIME") {
            delivered = Some(UnixMillis(parse_option(args, "TIME")?));
        } else if more && args.keyword("RETRYCOUNT") {
            claim.count = u64::try_from(parse_option(args, "RETRYCOUNT")?).ok();
        } else if more && args.keyword("LASTID") {
            last_id = parse_id(args.bytes()?, 0)?;
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(Error::err(format_args!(
                "Unrecognized XCLAIM option '{word}'"
            )));
        }
    }
    // A time that makes no sense stands for now; that of a log may be ahead of the clock.
    let sensible = |time: &UnixMillis| time.0 >= 0 && (*time <= now || ctx.settings.replaying);
    claim.delivered = delivered.filter(sensible).unwrap_or(now);
    Ok(last_id)
}

fn parse_option(args: &mut Args<'_>, name: &str) -> Result<i64, Error> {
    number::parse_i64(args.bytes()?)
        .ok_or_else(|| Error::err(format_args!("Invalid {name} option argument for XCLAIM")))
}

/// Replies with the id to go on from, the entries that changed hands, and the ids of those that
/// no longer exist. Repeated entry by entry.
pub(super) fn xautoclaim(ctx: &mut Context<'_, '_>) -> Outcome {
    let mut request = Request::parse(ctx, "XAUTOCLAIM")?;
    let start = parse_start(ctx.args.bytes()?)?;
    let mut count = 100;
    while !ctx.args.is_done() {
        if ctx.args.left() >= 2 && ctx.args.keyword("COUNT") {
            count = ctx.args.int_in(1..=COUNT_MAX, "COUNT must be > 0")? as usize;
        } else if ctx.args.keyword("JUSTID") {
            request.claim.just_id = true;
        } else {
            return Err(Error::Syntax);
        }
    }
    check_group(ctx, request.key, request.group)?;
    let is_new = is_new_consumer(ctx, request.key, request.group, request.consumer)?;
    let AutoClaimed { next, taken, gone } = auto_claim(ctx, &request, start, count)?;
    let result = Outcomes { taken, gone };
    request.log(ctx, &result, is_new)?;
    ctx.reply.array(3);
    reply_id(ctx.reply, next);
    request.reply_taken(ctx, &result.taken)?;
    ctx.reply.array(result.gone.len());
    result.gone.iter().for_each(|&id| reply_id(ctx.reply, id));
    Ok(())
}

/// The largest COUNT, for which ids and ten attempts each can still be counted.
const COUNT_MAX: i64 = i64::MAX / 16;

fn auto_claim(
    ctx: &mut Context<'_, '_>,
    request: &Request<'_>,
    start: StreamId,
    count: usize,
) -> Result<AutoClaimed, Error> {
    let now = ctx.keys.now();
    let Claim {
        min_idle, just_id, ..
    } = request.claim;
    let (group, consumer) = (request.group, request.consumer);
    let claimed = ctx.keys.edit(
        ctx.db,
        request.key,
        IfMissing::Skip,
        |stream: &mut Stream| {
            stream.auto_claim(group, consumer, start, count, min_idle, just_id, now)
        },
    )?;
    Ok(claimed.transpose().map_err(Error::err)?.unwrap_or_default())
}

use super::ids::{parse_end, parse_id, parse_start};
use crate::{Context, Error, EventClass, Outcome, ReplySink};
use keyspace::{Entry, IfMissing, Stream};
use packed::Element;
use units::StreamId;

/// An entry as every reply has it: its id, then its fields and values.
pub(super) fn reply_entry(reply: &mut dyn ReplySink, entry: &Entry<'_>) {
    reply.array(2);
    reply_id(reply, entry.id);
    let fields: Vec<(Element<'_>, Element<'_>)> = entry.fields().collect();
    reply.array(2 * fields.len());
    for (field, value) in fields {
        reply.element(field);
        reply.element(value);
    }
}

pub(super) fn reply_entries(reply: &mut dyn ReplySink, entries: &[Entry<'_>]) {
    reply.array(entries.len());
    entries.iter().for_each(|entry| reply_entry(reply, entry));
}

pub(super) fn reply_id(reply: &mut dyn ReplySink, id: StreamId) {
    reply.bulk(id.to_string().as_bytes());
}

pub(super) fn xlen(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let stream = ctx.keys.stream(ctx.db, key)?;
    ctx.reply
        .integer(stream.map_or(0, |stream| stream.len()) as i64);
    Ok(())
}

pub(super) fn xrange(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let start = parse_start(ctx.args.bytes()?)?;
    let end = parse_end(ctx.args.bytes()?)?;
    reply_range(ctx, key, start, end, false)
}

pub(super) fn xrevrange(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (end, start) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let (start, end) = (parse_start(start)?, parse_end(end)?);
    reply_range(ctx, key, start, end, true)
}

/// A count of 0 or less is answered with a null, as Redis does.
fn reply_range(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    start: StreamId,
    end: StreamId,
    rev: bool,
) -> Outcome {
    let mut limit = usize::MAX;
    while !ctx.args.is_done() {
        if !ctx.args.keyword("COUNT") {
            return Err(Error::Syntax);
        }
        limit = usize::try_from(ctx.args.int()?).unwrap_or(0);
    }
    match ctx.keys.stream(ctx.db, key)? {
        None => ctx.reply.array(0),
        Some(_) if limit == 0 => ctx.reply.null_array(),
        Some(stream) => {
            let entries: Vec<Entry<'_>> = stream.range(start, end, rev).take(limit).collect();
            reply_entries(ctx.reply, &entries);
        }
    }
    Ok(())
}

pub(super) fn xdel(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let ids = ctx.args.rest();
    if ctx.keys.stream(ctx.db, key)?.is_none() {
        ctx.reply.integer(0);
        return Ok(());
    }
    let ids = ids.iter().map(|id| parse_id(id, 0));
    let ids: Vec<StreamId> = ids.collect::<Result<_, _>>()?;
    let removed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            ids.iter().filter(|id| stream.delete(**id)).count()
        })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.event(EventClass::STREAM, "xdel", key);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}

/// `XSETID` behind its key.
struct SetIdRequest {
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

pub(super) fn xsetid(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let request = SetIdRequest::parse(ctx)?;
    let stream = ctx.keys.stream(ctx.db, key)?.ok_or(Error::NoSuchKey)?;
    request.check(stream)?;
    ctx.keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.set_id(
                request.last_id,
                request.entries_added,
                request.max_deleted_id,
            );
        })?;
    ctx.event(EventClass::STREAM, "xsetid", key);
    ctx.reply.ok();
    Ok(())
}

impl SetIdRequest {
    fn parse(ctx: &mut Context<'_, '_>) -> Result<SetIdRequest, Error> {
        let mut request = SetIdRequest {
            last_id: parse_id(ctx.args.bytes()?, 0)?,
            entries_added: None,
            max_deleted_id: None,
        };
        while !ctx.args.is_done() {
            if ctx.args.keyword("ENTRIESADDED") {
                let added = u64::try_from(ctx.args.int()?);
                let added = added.map_err(|_| Error::err("entries_added must be positive"))?;
                request.entries_added = Some(added);
            } else if ctx.args.keyword("MAXDELETEDID") {
                let id = parse_id(ctx.args.bytes()?, 0)?;
                if request.last_id < id {
                    return Err(deleted_beyond_last());
                }
                request.max_deleted_id = Some(id);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(request)
    }

    /// What the stream holds limits what its ids can be.
    fn check(&self, stream: &Stream) -> Result<(), Error> {
        if self.last_id < stream.max_deleted_id() {
            return Err(Error::err(
                "The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ));
        }
        let top = stream.range(StreamId::MIN, StreamId::MAX, true).next();
        if top.is_some_and(|top| self.last_id < top.id) {
            return Err(Error::err(
                "The ID specified in XSETID is smaller than the target stream top item",
            ));
        }
        if self
            .entries_added
            .is_some_and(|added| added < stream.len() as u64)
        {
            return Err(Error::err(
                "The entries_added specified in XSETID is smaller than the target stream length",
            ));
        }
        Ok(())
    }
}

fn deleted_beyond_last() -> Error {
    Error::err("The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
}

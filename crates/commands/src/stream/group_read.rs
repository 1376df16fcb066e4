//! XREADGROUP: delivering entries to a consumer, and showing it again what it has pending.

use super::entries::{reply_entries, reply_entry, reply_id};
use super::ids::parse_id;
use super::read::{ReadRequest, reply_header, reply_stream};
use super::{is_new_consumer, log_consumer, log_pending, log_progress};
use crate::wait::Wait;
use crate::{Context, Error, EventClass, Outcome};
use keyspace::{Entry, IfMissing, Pending, Stream};
use units::{StreamId, UnixMillis};

/// What is read from one stream.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// `>`: what was delivered to nobody yet.
    New,
    /// What the consumer has pending behind an id.
    History(StreamId),
}

/// One stream of the request, checked.
struct Source<'a> {
    key: &'a [u8],
    wanted: Wanted,
    /// The ids that the reply shows.
    ids: Vec<StreamId>,
}

/// Who reads.
#[derive(Clone, Copy)]
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    no_ack: bool,
    now: UnixMillis,
}

/// Replies with what is new for the group, and for an explicit id with what the consumer has
/// pending, even if that is nothing. Repeated entry by entry as XCLAIM, which says to whom each
/// went and when.
pub(super) fn xreadgroup(ctx: &mut Context<'_, '_>) -> Outcome {
    let request = ReadRequest::parse(&mut ctx.args, true, ctx.keys.now())?;
    request.refuse_in_script("xreadgroup", ctx.settings)?;
    let Some((group, consumer)) = request.group else {
        return Err(Error::Syntax);
    };
    let now = ctx.keys.now();
    let reader = Reader {
        group,
        consumer,
        no_ack: request.no_ack,
        now,
    };
    let mut sources = check_sources(ctx, &request, reader)?;
    ctx.effects.suppress();
    for source in &mut sources {
        source.ids = match source.wanted {
            Wanted::New => deliver(ctx, source.key, reader, request.limit)?,
            Wanted::History(behind) => show_again(ctx, source.key, reader, behind, request.limit)?,
        };
    }
    sources.retain(|source| !source.ids.is_empty() || matches!(source.wanted, Wanted::History(_)));
    if let (true, Some(wait)) = (sources.is_empty(), request.wait()) {
        ctx.wait_for(Wait {
            needs_key: true,
            ..wait
        });
        return Ok(());
    }
    reply_header(ctx.reply, sources.len());
    sources
        .iter()
        .try_for_each(|source| reply_source(ctx, source))
}

/// Every stream has to have the group, and every id has to be good, before anything is delivered.
fn check_sources<'a>(
    ctx: &Context<'_, '_>,
    request: &ReadRequest<'a>,
    reader: Reader<'_>,
) -> Result<Vec<Source<'a>>, Error> {
    let pairs = request.keys.iter().zip(request.ids);
    let sources = pairs.map(|(&key, &id)| {
        let stream = ctx.keys.stream(ctx.db, key)?;
        if stream
            .and_then(|stream| stream.group(reader.group))
            .is_none()
        {
            return Err(no_group_to_read(key, reader.group));
        }
        let wanted = match id {
            b">" => Wanted::New,
            b"$" => return Err(dollar_is_meaningless()),
            id => Wanted::History(parse_id(id, 0)?),
        };
        Ok(Source {
            key,
            wanted,
            ids: Vec::new(),
        })
    });
    sources.collect()
}

fn no_group_to_read(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    Error::Text(
        format!(
            "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP \
             option"
        )
        .into(),
    )
}

fn dollar_is_meaningless() -> Error {
    Error::err(
        "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of \
         this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID \
         would just return an empty result set.",
    )
}

/// Gives the consumer what comes behind the group's last id; the ids.
fn deliver(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    reader: Reader<'_>,
    limit: usize,
) -> Result<Vec<StreamId>, Error> {
    let Reader {
        group,
        consumer,
        no_ack,
        now,
    } = reader;
    let is_new = is_new_consumer(ctx, key, group, consumer)?;
    if is_new && !ctx.settings.compat.idle_reads_create_consumers() && !has_new(ctx, key, group)? {
        return Ok(Vec::new());
    }
    let ids = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.deliver(group, consumer, limit, no_ack, now)
        })?;
    let ids = ids.transpose().map_err(Error::err)?.unwrap_or_default();
    if is_new {
        ctx.event(EventClass::STREAM, "xgroup-createconsumer", key);
    }
    if is_new && (ids.is_empty() || no_ack) {
        log_consumer(ctx, key, group, consumer);
    }
    if !ids.is_empty() {
        log_delivery(ctx, key, reader, &ids)?;
    }
    Ok(ids)
}

/// Whether the stream has entries behind the group's last id.
fn has_new(ctx: &Context<'_, '_>, key: &[u8], group: &[u8]) -> Result<bool, Error> {
    let stream = ctx.keys.stream(ctx.db, key)?;
    let behind = |stream: &Stream| Some(stream.last_id() > stream.group(group)?.last_id());
    Ok(stream.and_then(behind).unwrap_or(false))
}

fn log_delivery(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    reader: Reader<'_>,
    ids: &[StreamId],
) -> Outcome {
    let stream = ctx.keys.stream(ctx.db, key)?;
    let Some(group) = stream.and_then(|stream| stream.group(reader.group)) else {
        return Ok(());
    };
    let (last_id, entries_read) = (group.last_id(), group.entries_read());
    let pending = |&id: &StreamId| Some((id, group.pending_entry(id)?.clone()));
    let pending: Vec<(StreamId, Pending)> = match reader.no_ack {
        true => Vec::new(),
        false => ids.iter().filter_map(pending).collect(),
    };
    for (id, pending) in pending {
        log_pending(ctx, key, reader.group, id, &pending, last_id);
    }
    log_progress(ctx, key, reader.group, last_id, entries_read);
    Ok(())
}

/// What the consumer has pending behind an id. One more delivery is counted, except of entries
/// that are gone.
fn show_again(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    reader: Reader<'_>,
    behind: StreamId,
    limit: usize,
) -> Result<Vec<StreamId>, Error> {
    let Reader {
        group,
        consumer,
        now,
        ..
    } = reader;
    let is_new = is_new_consumer(ctx, key, group, consumer)?;
    let (ids, alive) = pending_ids(ctx, key, reader, behind, limit)?;
    ctx.keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.edit_group(group, |group| {
                group.touch_consumer(consumer, now);
                for id in alive {
                    group.redeliver(consumer, id, 1, now);
                }
            })
        })?;
    if is_new {
        ctx.event(EventClass::STREAM, "xgroup-createconsumer", key);
        log_consumer(ctx, key, group, consumer);
    }
    Ok(ids)
}

/// The ids that the consumer has pending behind one, and those of them whose entries exist.
fn pending_ids(
    ctx: &Context<'_, '_>,
    key: &[u8],
    reader: Reader<'_>,
    behind: StreamId,
    limit: usize,
) -> Result<(Vec<StreamId>, Vec<StreamId>), Error> {
    let Some(stream) = ctx.keys.stream(ctx.db, key)? else {
        return Ok(Default::default());
    };
    let group = stream.group(reader.group);
    let consumer = group.and_then(|group| group.consumer(reader.consumer));
    let pending = consumer.zip(behind.next());
    let ids = pending.into_iter().flat_map(|(consumer, start)| {
        let ids = consumer.pending_range(start, StreamId::MAX);
        ids.take(limit)
    });
    let ids: Vec<StreamId> = ids.collect();
    let alive = ids.iter().copied().filter(|id| stream.contains(*id));
    let alive = alive.collect();
    Ok((ids, alive))
}

/// Entries that were removed since they became pending are shown as their id and null.
fn reply_source(ctx: &mut Context<'_, '_>, source: &Source<'_>) -> Outcome {
    let Some(stream) = ctx.keys.stream(ctx.db, source.key)? else {
        return Err(Error::NoSuchKey);
    };
    reply_stream(ctx.reply, source.key);
    if matches!(source.wanted, Wanted::New) {
        let entries: Vec<Entry<'_>> = source.ids.iter().filter_map(|id| stream.get(*id)).collect();
        reply_entries(ctx.reply, &entries);
        return Ok(());
    }
    ctx.reply.array(source.ids.len());
    for &id in &source.ids {
        match stream.get(id) {
            Some(entry) => reply_entry(ctx.reply, &entry),
            None => {
                ctx.reply.array(2);
                reply_id(ctx.reply, id);
                ctx.reply.null_array();
            }
        }
    }
    Ok(())
}

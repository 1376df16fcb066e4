//! XINFO.

use super::entries::{reply_entries, reply_entry, reply_id};
use super::no_group;
use crate::{Context, Error, Outcome, ReplySink};
use keyspace::{Consumer, Entry, Group, Stream};
use units::{StreamId, UnixMillis};

/// How much XINFO STREAM tells.
#[derive(Debug, Clone, Copy)]
enum Detail {
    Short,
    /// Entries and pending entries of each kind at most.
    Full(usize),
}

pub(super) fn stream(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_stream, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let stream = ctx.keys.stream(ctx.db, key)?.ok_or(Error::NoSuchKey)?;
    match parse_detail(&mut ctx.args)? {
        Detail::Short => reply_short(ctx.reply, stream),
        Detail::Full(limit) => reply_full(ctx.reply, stream, limit),
    }
    Ok(())
}

fn parse_detail(args: &mut crate::Args<'_>) -> Result<Detail, Error> {
    if args.is_done() {
        return Ok(Detail::Short);
    }
    let full = args.keyword("FULL");
    let limit = match (full, args.left()) {
        (true, 0) => 10,
        (true, 2) if args.keyword("COUNT") => args.int()?,
        _ => {
            let said = String::from_utf8_lossy(args.argv()[1]);
            return Err(Error::err(format_args!(
                "unknown subcommand or wrong number of arguments for '{said}'. Try XINFO HELP."
            )));
        }
    };
    Ok(Detail::Full(match usize::try_from(limit) {
        Ok(0) => usize::MAX,
        Ok(limit) => limit,
        Err(_) => 10,
    }))
}

/// What both forms begin with: seven pairs.
fn reply_common(reply: &mut dyn ReplySink, stream: &Stream) {
    pair_int(reply, "length", stream.len() as u64);
    pair_int(reply, "radix-tree-keys", stream.nodes().count() as u64);
    pair_int(reply, "radix-tree-nodes", stream.nodes().count() as u64 + 1);
    pair_id(reply, "last-generated-id", stream.last_id());
    pair_id(reply, "max-deleted-entry-id", stream.max_deleted_id());
    pair_int(reply, "entries-added", stream.entries_added());
    pair_id(reply, "recorded-first-entry-id", stream.first_id());
}

fn reply_short(reply: &mut dyn ReplySink, stream: &Stream) {
    reply.map(10);
    reply_common(reply, stream);
    pair_int(reply, "groups", stream.groups().count() as u64);
    for (name, rev) in [("first-entry", false), ("last-entry", true)] {
        reply.bulk(name.as_bytes());
        match stream.range(StreamId::MIN, StreamId::MAX, rev).next() {
            Some(entry) => reply_entry(reply, &entry),
            None => reply.null(),
        }
    }
}

fn reply_full(reply: &mut dyn ReplySink, stream: &Stream, limit: usize) {
    reply.map(9);
    reply_common(reply, stream);
    reply.bulk(b"entries");
    let entries = stream.range(StreamId::MIN, StreamId::MAX, false);
    let entries: Vec<Entry<'_>> = entries.take(limit).collect();
    reply_entries(reply, &entries);
    reply.bulk(b"groups");
    reply.array(stream.groups().count());
    for (name, group) in stream.groups() {
        reply_full_group(reply, stream, name, group, limit);
    }
}

fn reply_full_group(
    reply: &mut dyn ReplySink,
    stream: &Stream,
    name: &[u8],
    group: &Group,
    limit: usize,
) {
    reply.map(7);
    pair_bulk(reply, "name", name);
    reply_progress(reply, stream, group);
    pair_int(reply, "pel-count", group.pending().len() as u64);
    reply.bulk(b"pending");
    reply.array(group.pending().len().min(limit));
    for (id, pending) in group.pending().take(limit) {
        reply.array(4);
        reply_id(reply, id);
        reply.bulk(&pending.consumer);
        reply.integer(pending.delivered.0);
        reply.integer(pending.count as i64);
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        reply_full_consumer(reply, group, name, consumer, limit);
    }
}

/// How far a group has read: three pairs.
fn reply_progress(reply: &mut dyn ReplySink, stream: &Stream, group: &Group) {
    pair_id(reply, "last-delivered-id", group.last_id());
    reply.bulk(b"entries-read");
    reply_or_null(reply, group.entries_read());
    reply.bulk(b"lag");
    reply_or_null(reply, stream.lag(group));
}

fn reply_or_null(reply: &mut dyn ReplySink, number: Option<u64>) {
    match number {
        Some(number) => reply.integer(number as i64),
        None => reply.null(),
    }
}

fn reply_full_consumer(
    reply: &mut dyn ReplySink,
    group: &Group,
    name: &[u8],
    consumer: &Consumer,
    limit: usize,
) {
    reply.map(5);
    pair_bulk(reply, "name", name);
    reply.bulk(b"seen-time");
    reply.integer(consumer.seen.0);
    reply.bulk(b"active-time");
    reply.integer(consumer.active.map_or(-1, |active| active.0));
    pair_int(reply, "pel-count", consumer.pending().len() as u64);
    reply.bulk(b"pending");
    reply.array(consumer.pending().len().min(limit));
    for id in consumer.pending().take(limit) {
        let pending = group.pending_entry(id);
        reply.array(3);
        reply_id(reply, id);
        reply.integer(pending.map_or(0, |pending| pending.delivered.0));
        reply.integer(pending.map_or(0, |pending| pending.count) as i64);
    }
}

pub(super) fn groups(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_groups, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let stream = ctx.keys.stream(ctx.db, key)?.ok_or(Error::NoSuchKey)?;
    ctx.reply.array(stream.groups().count());
    for (name, group) in stream.groups() {
        ctx.reply.map(6);
        pair_bulk(ctx.reply, "name", name);
        pair_int(ctx.reply, "consumers", group.consumers().len() as u64);
        pair_int(ctx.reply, "pending", group.pending().len() as u64);
        reply_progress(ctx.reply, stream, group);
    }
    Ok(())
}

pub(super) fn consumers(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_consumers, key, name) = (ctx.args.bytes()?, ctx.args.bytes()?, ctx.args.bytes()?);
    let now = ctx.keys.now();
    let stream = ctx.keys.stream(ctx.db, key)?.ok_or(Error::NoSuchKey)?;
    let group = stream.group(name).ok_or_else(|| no_group(key, name))?;
    ctx.reply.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        let since = |then: UnixMillis| now.since(then).max(0);
        ctx.reply.map(4);
        pair_bulk(ctx.reply, "name", name);
        pair_int(ctx.reply, "pending", consumer.pending().len() as u64);
        ctx.reply.bulk(b"idle");
        ctx.reply.integer(since(consumer.seen));
        ctx.reply.bulk(b"inactive");
        ctx.reply.integer(consumer.active.map_or(-1, since));
    }
    Ok(())
}

fn pair_int(reply: &mut dyn ReplySink, name: &str, number: u64) {
    reply.bulk(name.as_bytes());
    reply.integer(number as i64);
}

fn pair_id(reply: &mut dyn ReplySink, name: &str, id: StreamId) {
    reply.bulk(name.as_bytes());
    reply_id(reply, id);
}

fn pair_bulk(reply: &mut dyn ReplySink, name: &str, bytes: &[u8]) {
    reply.bulk(name.as_bytes());
    reply.bulk(bytes);
}

pub(super) fn help(ctx: &mut Context<'_, '_>) -> Outcome {
    const LINES: [&str; 9] = [
        "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CONSUMERS <key> <group>",
        "    The consumers of a group.",
        "GROUPS <key>",
        "    The groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    The stream itself, on demand with all that it holds.",
        "HELP",
        "    This list.",
    ];
    ctx.reply.array(LINES.len());
    LINES.iter().for_each(|line| ctx.reply.simple(line));
    Ok(())
}

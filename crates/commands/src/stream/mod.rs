//! Streams: entries of fields and values under growing ids, and groups of consumers that read
//! them in turn.

mod add;
mod claim;
mod entries;
mod group;
mod group_read;
mod ids;
mod info;
mod pending;
mod read;
mod references;

use crate::{Command, Context, Error, Flags, Group, KeyAccess, KeySpec, Spec, tips};
use keyspace::Pending;
use units::StreamId;

const WRITE: Flags = Flags::WRITE;
const FAST: Flags = Flags::FAST;
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);
const READ: Flags = Flags::READONLY;
const MAY_WAIT: Flags = Flags::BLOCKING.union(Flags::MOVABLEKEYS);
const HELP: Flags = Flags::LOADING.union(Flags::STALE);

/// One key behind a subcommand.
const SECOND: KeySpec = KeySpec::Range {
    first: 2,
    last: 2,
    step: 1,
};

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Stream, flags).keys(KeySpec::FIRST)
}

/// The streams' rows of the table.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(spec("xadd", -5, GROW.union(FAST)).tips(tips::VARIES)
        .doc("5.0.0", "O(1), or O(N) when N entries are trimmed", "key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]", "Appends an entry to a stream, and makes the stream if there is none."), add::xadd),
    Command::new(spec("xlen", 2, READ.union(FAST)).access(&[KeyAccess::LOOK])
        .doc("5.0.0", "O(1)", "key", "Counts the entries of a stream."), entries::xlen),
    Command::new(spec("xrange", -4, READ)
        .doc("5.0.0", "O(log N + M) for M entries", "key start end [COUNT count]", "Returns entries within a range of ids."), entries::xrange),
    Command::new(spec("xrevrange", -4, READ)
        .doc("5.0.0", "O(log N + M) for M entries", "key end start [COUNT count]", "Returns entries within a range of ids, last first."), entries::xrevrange),
    Command::new(spec("xdel", -3, WRITE.union(FAST)).access(&[KeyAccess::SHRINK])
        .doc("5.0.0", "O(1) an entry", "key id [id ...]", "Removes entries."), entries::xdel),
    Command::new(spec("xdelex", -5, WRITE.union(FAST)).access(&[KeyAccess::SHRINK])
        .doc("8.2.0", "O(1) an entry", "key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]", "Removes entries, and minds what groups have pending."), references::xdelex),
    Command::new(spec("xtrim", -4, WRITE).access(&[KeyAccess::SHRINK]).tips(tips::VARIES)
        .doc("5.0.0", "O(N) for N trimmed entries", "key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]", "Removes the oldest entries."), add::xtrim),
    Command::new(spec("xsetid", -3, GROW.union(FAST))
        .doc("5.0.0", "O(1)", "key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]", "Sets the last id of a stream; for replication and restores."), entries::xsetid),
    Command::new(spec("xread", -4, READ.union(MAY_WAIT)).keys(KeySpec::Streams)
        .doc("5.0.0", "O(log N + M) for M entries", "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]", "Returns the entries behind given ids of several streams."), read::xread),
    Command::new(spec("xgroup|create", -5, GROW).keys(SECOND).access(&[KeyAccess::GROW])
        .doc("5.0.0", "O(1)", "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]", "Makes a consumer group."), group::create),
    Command::new(spec("xgroup|setid", -5, WRITE).keys(SECOND)
        .doc("5.0.0", "O(1)", "key group <id | $> [ENTRIESREAD entries-read]", "Sets the id that a group has been delivered last."), group::setid),
    Command::new(spec("xgroup|destroy", 4, WRITE).keys(SECOND).access(&[KeyAccess::SHRINK])
        .doc("5.0.0", "O(N) for N pending entries", "key group", "Removes a consumer group."), group::destroy),
    Command::new(spec("xgroup|createconsumer", 5, GROW).keys(SECOND).access(&[KeyAccess::GROW])
        .doc("6.2.0", "O(1)", "key group consumer", "Makes a consumer in a group."), group::createconsumer),
    Command::new(spec("xgroup|delconsumer", 5, WRITE).keys(SECOND).access(&[KeyAccess::SHRINK])
        .doc("5.0.0", "O(1)", "key group consumer", "Removes a consumer and what it has pending."), group::delconsumer),
    Command::new(spec("xgroup|help", 2, HELP).keys(KeySpec::None)
        .doc("5.0.0", "O(1)", "", "Lists the subcommands."), group::help),
    Command::new(spec("xreadgroup", -7, WRITE.union(MAY_WAIT)).keys(KeySpec::Streams).access(&[KeyAccess::READ])
        .doc("5.0.0", "O(M) for M entries", "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]", "Delivers entries of several streams to a consumer of a group."), group_read::xreadgroup),
    Command::new(spec("xack", -4, WRITE.union(FAST))
        .doc("5.0.0", "O(1) an id", "key group id [id ...]", "Takes entries off what a group has pending."), pending::xack),
    Command::new(spec("xackdel", -6, WRITE.union(FAST)).access(&[KeyAccess::SHRINK.union(KeyAccess::UPDATE)])
        .doc("8.2.0", "O(1) an id", "key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]", "Takes entries off what a group has pending, and removes them."), references::xackdel),
    Command::new(spec("xpending", -3, READ).tips(tips::VARIES)
        .doc("5.0.0", "O(N) for N pending entries", "key group [[IDLE min-idle-time] start end count [consumer]]", "Tells what a group has pending."), pending::xpending),
    Command::new(spec("xclaim", -6, WRITE.union(FAST)).tips(tips::VARIES)
        .doc("5.0.0", "O(log N) for N pending entries", "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]", "Hands pending entries to a consumer."), claim::xclaim),
    Command::new(spec("xautoclaim", -6, WRITE.union(FAST)).access(&[KeyAccess::SHRINK]).tips(tips::VARIES)
        .doc("6.2.0", "O(1) for a small count", "key group consumer min-idle-time start [COUNT count] [JUSTID]", "Hands entries that have been pending for long to a consumer."), claim::xautoclaim),
    Command::new(spec("xinfo|stream", -3, READ).keys(SECOND)
        .doc("5.0.0", "O(1)", "key [FULL [COUNT count]]", "Tells about a stream."), info::stream),
    Command::new(spec("xinfo|groups", 3, READ).keys(SECOND)
        .doc("5.0.0", "O(1)", "key", "Tells about the groups of a stream."), info::groups),
    Command::new(spec("xinfo|consumers", 4, READ).keys(SECOND).tips(tips::VARIES)
        .doc("5.0.0", "O(1)", "key group", "Tells about the consumers of a group."), info::consumers),
    Command::new(spec("xinfo|help", 2, HELP).keys(KeySpec::None)
        .doc("5.0.0", "O(1)", "", "Lists the subcommands."), info::help),
];

/// The group does not exist, or its stream does not.
fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    Error::Text(format!("NOGROUP No such key '{key}' or consumer group '{group}'").into())
}

/// The stream exists, the group does not.
fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    Error::Text(format!("NOGROUP No such consumer group '{group}' for key name '{key}'").into())
}

/// Repeats elsewhere what a pending entry came to: whose it is, since when, and how often it was
/// delivered.
fn log_pending(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    group: &[u8],
    id: StreamId,
    pending: &Pending,
    last_id: StreamId,
) {
    let (id, last_id) = (id.to_string(), last_id.to_string());
    let (time, count) = (pending.delivered.to_string(), pending.count.to_string());
    ctx.effects.push(&[
        b"XCLAIM",
        key,
        group,
        &pending.consumer,
        b"0",
        id.as_bytes(),
        b"TIME",
        time.as_bytes(),
        b"RETRYCOUNT",
        count.as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last_id.as_bytes(),
    ]);
}

/// Repeats elsewhere that a consumer was made.
fn log_consumer(ctx: &mut Context<'_, '_>, key: &[u8], group: &[u8], consumer: &[u8]) {
    ctx.effects
        .push(&[b"XGROUP", b"CREATECONSUMER", key, group, consumer]);
}

/// Whether the group has no consumer of that name yet.
fn is_new_consumer(
    ctx: &Context<'_, '_>,
    key: &[u8],
    group: &[u8],
    consumer: &[u8],
) -> Result<bool, Error> {
    let stream = ctx.keys.stream(ctx.db, key)?;
    let group = stream.and_then(|stream| stream.group(group));
    Ok(group.is_some_and(|group| group.consumer(consumer).is_none()))
}

/// Repeats elsewhere how far a group has read.
fn log_progress(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    group: &[u8],
    last_id: StreamId,
    entries_read: Option<u64>,
) {
    let last_id = last_id.to_string();
    let read = entries_read.map_or("-1".to_owned(), |read| read.to_string());
    let argv: [&[u8]; 7] = [
        b"XGROUP",
        b"SETID",
        key,
        group,
        last_id.as_bytes(),
        b"ENTRIESREAD",
        read.as_bytes(),
    ];
    ctx.effects.push(&argv);
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("stream");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("stream");
    }
}

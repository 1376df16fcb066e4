//! XACK and XPENDING.

use super::entries::reply_id;
use super::ids::{parse_end, parse_id, parse_start};
use super::no_key_or_group;
use crate::{Args, Context, Error, Outcome};
use keyspace::{Group, IfMissing, Stream};
use units::{StreamId, UnixMillis};

/// Replies with the number of entries that were pending.
pub(super) fn xack(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, group) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let ids = ctx.args.rest();
    let known = ctx.keys.stream(ctx.db, key)?;
    if known.is_none_or(|stream| stream.group(group).is_none()) {
        ctx.reply.integer(0);
        return Ok(());
    }
    let ids: Vec<StreamId> = ids
        .iter()
        .map(|id| parse_id(id, 0))
        .collect::<Result<_, _>>()?;
    let acked = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.edit_group(group, |group| {
                ids.iter().filter(|id| group.ack(**id)).count()
            })
        })?;
    ctx.reply.integer(acked.flatten().unwrap_or(0) as i64);
    Ok(())
}

pub(super) fn xpending(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, name) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let search = match ctx.args.is_done() {
        true => None,
        false => Some(Search::parse(&mut ctx.args)?),
    };
    let stream = ctx.keys.stream(ctx.db, key)?;
    let group = stream
        .and_then(|stream| stream.group(name))
        .ok_or_else(|| no_key_or_group(key, name))?;
    match search {
        None => reply_summary(ctx.reply, group),
        Some(search) => search.reply(ctx.reply, group, ctx.keys.now()),
    }
    Ok(())
}

/// How many entries are pending, from which id to which, and how many each consumer has.
fn reply_summary(reply: &mut dyn crate::ReplySink, group: &Group) {
    let mut ids = group.pending().map(|(id, _)| id);
    reply.array(4);
    reply.integer(ids.len() as i64);
    let Some(first) = ids.next() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply_id(reply, first);
    reply_id(reply, ids.next_back().unwrap_or(first));
    let consumers = group.consumers();
    let busy: Vec<_> = consumers
        .filter(|(_, consumer)| consumer.pending().len() > 0)
        .collect();
    reply.array(busy.len());
    for (name, consumer) in busy {
        reply.array(2);
        reply.bulk(name);
        reply.bulk_int(consumer.pending().len() as i64);
    }
}

/// Which pending entries XPENDING is to list.
struct Search<'a> {
    idle_min: i64,
    start: StreamId,
    end: StreamId,
    limit: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Search<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Search<'a>, Error> {
        if !(3..=6).contains(&args.left()) {
            return Err(Error::Syntax);
        }
        let mut idle_min = 0;
        if args.keyword("IDLE") {
            idle_min = args.int()?;
        }
        if !(3..=4).contains(&args.left()) {
            return Err(Error::Syntax);
        }
        let (start, end) = (args.bytes()?, args.bytes()?);
        let limit = usize::try_from(args.int()?).unwrap_or(0);
        let (start, end) = (parse_start(start)?, parse_end(end)?);
        let consumer = args.peek();
        Ok(Search {
            idle_min,
            start,
            end,
            limit,
            consumer,
        })
    }

    fn reply(&self, reply: &mut dyn crate::ReplySink, group: &Group, now: UnixMillis) {
        let found = self.run(group, now);
        reply.array(found.len());
        for (id, consumer, idle, count) in found {
            reply.array(4);
            reply_id(reply, id);
            reply.bulk(consumer);
            reply.integer(idle);
            reply.integer(count as i64);
        }
    }

    /// Id, consumer, idle milliseconds and deliveries of each entry.
    fn run<'g>(&self, group: &'g Group, now: UnixMillis) -> Vec<(StreamId, &'g [u8], i64, u64)> {
        group
            .pending_range(self.start, self.end)
            .filter(|(_, pending)| {
                self.consumer
                    .is_none_or(|wanted| *pending.consumer == *wanted)
            })
            .map(|(id, pending)| {
                let idle = now.since(pending.delivered).max(0);
                (id, &*pending.consumer, idle, pending.count)
            })
            .filter(|(_, _, idle, _)| *idle >= self.idle_min)
            .take(self.limit)
            .collect()
    }
}

//! ACL LOG.

use super::too_many;
use crate::session::Session;
use acl::LogEntry;
use commands::{Args, Compat, Outcome, ReplySink};
use units::UnixMillis;

/// How many entries are told if nobody says.
const TOLD: i64 = 10;

pub(super) fn log(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let access = session.engine.access();
    if args.left() > 1 {
        return Err(too_many(args));
    }
    if args.keyword("RESET") {
        access.with_refusals(|log| log.clear());
        reply.ok();
        return Ok(());
    }
    let count = match args.is_done() {
        true => TOLD,
        false => args.int()?.max(0),
    };
    let (now, compat) = (session.engine.now(), session.engine.inner().compat());
    access.with_refusals(|log| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let entries: Vec<&LogEntry> = log.entries().take(count).collect();
        reply.array(entries.len());
        entries
            .iter()
            .for_each(|entry| write(entry, now, compat, reply));
    });
    Ok(())
}

fn write(entry: &LogEntry, now: UnixMillis, compat: Compat, reply: &mut dyn ReplySink) {
    let has_numbers = compat.numbers_access_log();
    reply.map(if has_numbers { 10 } else { 7 });
    reply.bulk(b"count");
    reply.integer(entry.count as i64);
    let refusal = &entry.refusal;
    let texts = [
        ("reason", refusal.reason.name().as_bytes()),
        ("context", refusal.context.name().as_bytes()),
        ("object", &refusal.object),
        ("username", &refusal.user),
    ];
    for (name, text) in texts {
        reply.bulk(name.as_bytes());
        reply.bulk(text);
    }
    reply.bulk(b"age-seconds");
    let now = u64::try_from(now.0).unwrap_or(0);
    reply.double(now.saturating_sub(entry.updated) as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(entry.client.trim_end().as_bytes());
    if has_numbers {
        let numbers = [
            ("entry-id", entry.id),
            ("timestamp-created", entry.created),
            ("timestamp-last-updated", entry.updated),
        ];
        for (name, number) in numbers {
            reply.bulk(name.as_bytes());
            reply.integer(number as i64);
        }
    }
}

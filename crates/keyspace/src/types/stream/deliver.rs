//! Groups and entries together: delivering and claiming.

use super::{Group, Stream, StreamError};
use crate::account::own;
use std::sync::Arc;
use units::{StreamId, UnixMillis};

/// How XCLAIM takes an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Leave entries alone that were delivered less than that many milliseconds ago.
    pub min_idle: i64,
    /// When the entry is to count as delivered.
    pub delivered: UnixMillis,
    /// How often it is to count as delivered (RETRYCOUNT); else once more than so far.
    pub count: Option<u64>,
    /// Take entries that are not pending, too (FORCE).
    pub force: bool,
    /// Without a count, leave that as it is (JUSTID).
    pub just_id: bool,
}

/// What XCLAIM did with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The consumer owns it now.
    Taken,
    /// It is not in the stream any more, and so not pending either: it was acknowledged.
    Gone,
    /// Nothing: it is not pending, or not idle for long enough.
    Left,
}

/// What XAUTOCLAIM did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AutoClaimed {
    /// Where to go on, 0-0 at the end.
    pub next: StreamId,
    /// What the consumer owns now.
    pub taken: Vec<StreamId>,
    /// What was pending and not in the stream any more; not pending now.
    pub gone: Vec<StreamId>,
}

/// Whether an entry has been left alone for long enough. Without a minimum even one delivered in
/// the future has.
fn is_idle(delivered: UnixMillis, min_idle: i64, now: UnixMillis) -> bool {
    min_idle <= 0 || now.since(delivered) >= min_idle
}

impl Stream {
    /// The group, and the stream without it: its other parts are read while the group changes.
    fn with_group<R>(
        &mut self,
        name: &[u8],
        f: impl FnOnce(&Stream, &mut Group) -> R,
    ) -> Result<R, StreamError> {
        let mut group = match self.groups.get_mut(name) {
            // A stand-in takes no memory of its own to speak of and is gone in a moment.
            Some(place) => std::mem::replace(place, Arc::new(Group::new(StreamId::MIN, None))),
            None => return Err(StreamError::NoGroup),
        };
        let before = group.changes;
        let result = f(self, own(&mut group));
        self.changes += group.changes.wrapping_sub(before);
        if let Some(place) = self.groups.get_mut(name) {
            *place = group;
        }
        Ok(result)
    }

    /// Delivers entries behind the group's last one to a consumer, at most `count` (XREADGROUP with
    /// `>`): their ids. The consumer is made if there is none. They become pending with it unless
    /// `noack`.
    pub fn deliver(
        &mut self,
        group: &[u8],
        consumer: &[u8],
        count: usize,
        noack: bool,
        now: UnixMillis,
    ) -> Result<Vec<StreamId>, StreamError> {
        self.with_group(group, |stream, group| {
            group.touch_consumer(consumer, now);
            let Some(start) = group.last_id().next() else {
                return Vec::new();
            };
            let entries = stream.range(start, StreamId::MAX, false).take(count);
            let ids: Vec<StreamId> = entries.map(|entry| entry.id).collect();
            for &id in &ids {
                let read = match group.entries_read() {
                    Some(read) if !stream.has_tombstone_from(id) => read.checked_add(1),
                    _ if stream.entries_added > 0 => stream.entries_read_at(id),
                    read => read,
                };
                group.advance(id, read);
                if !noack {
                    group.assign(id, consumer, now, 1);
                }
            }
            if !ids.is_empty() && !noack {
                group.set_active(consumer, now);
            }
            ids
        })
    }

    /// Makes a consumer the owner of a pending entry (XCLAIM). The consumer is made if there is
    /// none.
    pub fn claim(
        &mut self,
        group: &[u8],
        consumer: &[u8],
        id: StreamId,
        claim: &Claim,
        now: UnixMillis,
    ) -> Result<Claimed, StreamError> {
        self.with_group(group, |stream, group| {
            group.touch_consumer(consumer, now);
            if !stream.contains(id) {
                return if group.ack(id) {
                    Claimed::Gone
                } else {
                    Claimed::Left
                };
            }
            let count = match group.pending_entry(id) {
                Some(pending) if !is_idle(pending.delivered, claim.min_idle, now) => {
                    return Claimed::Left;
                }
                Some(pending) => pending.count,
                None if claim.force => 1,
                None => return Claimed::Left,
            };
            let once_more = count.saturating_add(u64::from(!claim.just_id));
            group.assign(
                id,
                consumer,
                claim.delivered,
                claim.count.unwrap_or(once_more),
            );
            group.set_active(consumer, now);
            Claimed::Taken
        })
    }

    /// Makes a consumer the owner of pending entries from `start` on that have been idle for
    /// `min_idle` milliseconds, at most `count` together with those that are gone (XAUTOCLAIM). The
    /// consumer is made if there is none. Ten times as many are looked at.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the command")]
    pub fn auto_claim(
        &mut self,
        group: &[u8],
        consumer: &[u8],
        start: StreamId,
        count: usize,
        min_idle: i64,
        just_id: bool,
        now: UnixMillis,
    ) -> Result<AutoClaimed, StreamError> {
        const LOOKED_AT_EACH: usize = 10;
        self.with_group(group, |stream, group| {
            group.touch_consumer(consumer, now);
            let looked_at = group
                .pending_range(start, StreamId::MAX)
                .take(count.saturating_mul(LOOKED_AT_EACH))
                .map(|(id, pending)| (id, pending.delivered, pending.count));
            let mut result = AutoClaimed::default();
            let mut last = None;
            for (id, delivered, times) in looked_at.collect::<Vec<_>>() {
                if result.taken.len() + result.gone.len() == count {
                    break;
                }
                last = Some(id);
                if !stream.contains(id) {
                    group.ack(id);
                    result.gone.push(id);
                } else if is_idle(delivered, min_idle, now) {
                    group.assign(id, consumer, now, times.saturating_add(u64::from(!just_id)));
                    group.set_active(consumer, now);
                    result.taken.push(id);
                }
            }
            let next = last.map_or(Some(start), StreamId::next);
            let next = next.and_then(|next| group.pending_range(next, StreamId::MAX).next());
            result.next = next.map_or(StreamId::MIN, |(id, _)| id);
            result
        })
    }
}

//! A consumer group: what was delivered to whom and not acknowledged.
//!
//! Invariant: an entry is pending in the group exactly if it is pending with the one consumer that
//! owns it.

use crate::account::Block;
use crate::usable_size;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{StreamId, UnixMillis};

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    last_id: StreamId,
    entries_read: Option<u64>,
    pending: BTreeMap<StreamId, Pending>,
    consumers: BTreeMap<Arc<[u8]>, Consumer>,
    name_bytes: usize,
    pub(super) changes: u64,
}

/// An entry delivered and not acknowledged. The entry itself may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// When it was delivered last.
    pub delivered: UnixMillis,
    /// How often it was delivered.
    pub count: u64,
    /// The name of the consumer that owns it.
    pub consumer: Arc<[u8]>,
}

/// A consumer of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// When it was last heard of.
    pub seen: UnixMillis,
    /// When it last got something, `None` if never.
    pub active: Option<UnixMillis>,
    pending: BTreeSet<StreamId>,
}

impl Consumer {
    /// The entries it owns.
    pub fn pending(&self) -> impl DoubleEndedIterator<Item = StreamId> + ExactSizeIterator {
        self.pending.iter().copied()
    }

    /// The entries it owns from `start` to `end`, both included.
    pub fn pending_range(&self, start: StreamId, end: StreamId) -> impl Iterator<Item = StreamId> {
        let range = (start <= end).then(|| self.pending.range(start..=end));
        range.into_iter().flatten().copied()
    }
}

/// What a group costs besides what it holds; what an entry costs in both maps; what a consumer
/// costs. Nodes of the maps are counted as two thirds full.
pub(super) const GROUP_BYTES: usize = usable_size(size_of::<Group>() + 2 * size_of::<usize>()) + 60;
const PENDING_BYTES: usize = (2 * size_of::<StreamId>() + size_of::<Pending>()) * 3 / 2;
const CONSUMER_BYTES: usize = (2 * size_of::<usize>() + size_of::<Consumer>()) * 3 / 2;

impl Block for Group {
    fn block_bytes(&self) -> usize {
        GROUP_BYTES + self.heap_bytes()
    }
}

impl Group {
    pub(super) fn new(last_id: StreamId, entries_read: Option<u64>) -> Group {
        Group {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            consumers: BTreeMap::new(),
            name_bytes: 0,
            changes: 0,
        }
    }

    /// The last id delivered.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries it has read, `None` if unknown.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// The pending entries in order of their ids.
    pub fn pending(
        &self,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &Pending)> + ExactSizeIterator {
        self.pending.iter().map(|(id, pending)| (*id, pending))
    }

    /// The pending entries from `start` to `end`, both included.
    pub fn pending_range(
        &self,
        start: StreamId,
        end: StreamId,
    ) -> impl Iterator<Item = (StreamId, &Pending)> {
        let range = (start <= end).then(|| self.pending.range(start..=end));
        range
            .into_iter()
            .flatten()
            .map(|(id, pending)| (*id, pending))
    }

    /// The pending entry with this id.
    pub fn pending_entry(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// The consumers in order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (&[u8], &Consumer)> {
        self.consumers
            .iter()
            .map(|(name, consumer)| (&**name, consumer))
    }

    /// The consumer of this name.
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.get(name)
    }

    /// Bytes taken of an allocator, outside of itself; an estimate.
    pub fn heap_bytes(&self) -> usize {
        self.pending.len() * PENDING_BYTES + self.consumers.len() * CONSUMER_BYTES + self.name_bytes
    }

    /// What consumers have, then what is pending, to be freed one by one: the bytes of each. What
    /// others share is left to them and does not count.
    pub(super) fn into_parts(group: Arc<Group>) -> impl Iterator<Item = usize> + Send {
        let owned = Arc::into_inner(group).into_iter();
        owned.flat_map(|group| {
            let own = group.block_bytes() - group.pending.len() * PENDING_BYTES;
            let pending = group.pending.into_iter().map(|_| PENDING_BYTES);
            let owned = |consumer: Consumer| consumer.pending.into_iter().map(|_| 0);
            let consumers = group.consumers.into_values().flat_map(owned);
            std::iter::once(own).chain(consumers).chain(pending)
        })
    }

    /// Sets what XGROUP SETID sets.
    pub fn set_id(&mut self, last: StreamId, entries_read: Option<u64>) {
        self.last_id = last;
        self.entries_read = entries_read;
        self.changes += 1;
    }

    /// Raises the last id delivered (XCLAIM LASTID); whether it was below.
    pub fn raise_last_id(&mut self, last: StreamId) -> bool {
        let raised = last > self.last_id;
        if raised {
            self.last_id = last;
            self.changes += 1;
        }
        raised
    }

    /// Notes that the entry `id` was delivered, behind the last one.
    pub(super) fn advance(&mut self, id: StreamId, entries_read: Option<u64>) {
        self.last_id = id;
        self.entries_read = entries_read;
        self.changes += 1;
    }

    /// Makes a consumer (XGROUP CREATECONSUMER); whether there was none of this name.
    pub fn create_consumer(&mut self, name: &[u8], seen: UnixMillis) -> bool {
        if self.consumers.contains_key(name) {
            return false;
        }
        let name: Arc<[u8]> = Arc::from(name);
        self.name_bytes += usable_size(name.len() + 2 * size_of::<usize>());
        let consumer = Consumer {
            seen,
            active: None,
            pending: BTreeSet::new(),
        };
        self.consumers.insert(name, consumer);
        self.changes += 1;
        true
    }

    /// Removes a consumer and its pending entries (XGROUP DELCONSUMER); how many those were, `None`
    /// if there was no such consumer.
    pub fn delete_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(name)?;
        self.name_bytes -= usable_size(name.len() + 2 * size_of::<usize>());
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        self.changes += 1;
        Some(consumer.pending.len())
    }

    /// Notes that a consumer was heard of, and makes it if there is none; whether it was made.
    /// Does not count as a change unless it was.
    pub fn touch_consumer(&mut self, name: &[u8], now: UnixMillis) -> bool {
        let created = self.create_consumer(name, now);
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.seen = now;
        }
        created
    }

    /// Sets the times of a consumer: for loading, and for what comes from another server.
    pub fn set_consumer_times(
        &mut self,
        name: &[u8],
        seen: UnixMillis,
        active: Option<UnixMillis>,
    ) -> bool {
        match self.consumers.get_mut(name) {
            Some(consumer) => {
                (consumer.seen, consumer.active) = (seen, active);
                true
            }
            None => false,
        }
    }

    pub(super) fn set_active(&mut self, name: &[u8], now: UnixMillis) {
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.active = Some(now);
        }
    }

    /// Acknowledges an entry (XACK); whether it was pending.
    pub fn ack(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(&id) else {
            return false;
        };
        if let Some(consumer) = self.consumers.get_mut(&pending.consumer) {
            consumer.pending.remove(&id);
        }
        self.changes += 1;
        true
    }

    /// Makes an entry pending with a consumer, whoever had it; whether there is such a consumer.
    pub fn assign(
        &mut self,
        id: StreamId,
        consumer: &[u8],
        delivered: UnixMillis,
        count: u64,
    ) -> bool {
        let Some((name, owner)) = self.consumers.get_key_value(consumer) else {
            return false;
        };
        let is_owned = owner.pending.contains(&id);
        let pending = Pending {
            delivered,
            count,
            consumer: name.clone(),
        };
        let old = self.pending.insert(id, pending);
        if !is_owned {
            if let Some(old) = old.and_then(|old| self.consumers.get_mut(&old.consumer)) {
                old.pending.remove(&id);
            }
            if let Some(owner) = self.consumers.get_mut(consumer) {
                owner.pending.insert(id);
            }
        }
        self.changes += 1;
        true
    }

    /// Delivers a consumer's own pending entries from `start` on once more, at most `count`
    /// (XREADGROUP with an id): their ids. Entries that are gone are among them. As in Redis this
    /// is not a change that others are told of.
    pub fn redeliver(
        &mut self,
        consumer: &[u8],
        start: StreamId,
        count: usize,
        now: UnixMillis,
    ) -> Vec<StreamId> {
        let Some(consumer) = self.consumers.get(consumer) else {
            return Vec::new();
        };
        let range = consumer.pending.range(start..);
        let ids: Vec<StreamId> = range.take(count).copied().collect();
        for id in &ids {
            if let Some(pending) = self.pending.get_mut(id) {
                pending.delivered = now;
                pending.count = pending.count.saturating_add(1);
            }
        }
        ids
    }

    pub(super) fn check(&self) {
        let owned: usize = self
            .consumers
            .values()
            .map(|consumer| consumer.pending.len())
            .sum();
        assert_eq!(owned, self.pending.len());
        for (id, pending) in &self.pending {
            let owner = self.consumers.get(&pending.consumer);
            assert!(owner.is_some_and(|owner| owner.pending.contains(id)));
        }
    }
}

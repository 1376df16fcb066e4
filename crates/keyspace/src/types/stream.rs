//! Streams: entries in nodes as on disk, and consumer groups.
//!
//! Group methods live in `group.rs` (one group by itself) and `deliver.rs` (what needs the entries
//! too). Cloning copies references to nodes and groups; writing after that copies one node, or one
//! group.

mod deliver;
mod entry;
mod group;
mod lag;
mod load;
mod node;
mod reference;
mod trim;

pub use deliver::{AutoClaimed, Claim, Claimed};
pub use entry::{Entry, Fields, StreamIter};
pub use group::{Consumer, Group, Pending};
pub use reference::References;
pub use trim::Trim;

use crate::Settings;
use crate::account::{Block, free, let_go_parts, own};
use crate::limits::LISTPACK_BYTES_MAX;
use crate::value::arc_bytes;
use node::{Node, NodeRef};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use units::StreamId;

/// Why a stream refused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError {
    /// The id of an entry is not above the last one given.
    IdNotAbove {
        /// The id.
        id: StreamId,
        /// The last one given.
        last: StreamId,
    },
    /// The fields and values of an entry are larger together than a node may ever be.
    TooLarge {
        /// Their bytes.
        bytes: usize,
    },
    /// There is no group of that name.
    NoGroup,
    /// A node does not hold what a node must.
    BadNode {
        /// The id it is filed under.
        master: StreamId,
    },
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamError::IdNotAbove { id, last } => write!(f, "id {id} is not above {last}"),
            StreamError::TooLarge { bytes } => {
                write!(
                    f,
                    "an entry of {bytes} bytes, at most {LISTPACK_BYTES_MAX} expected"
                )
            }
            StreamError::NoGroup => f.write_str("no group of that name"),
            StreamError::BadNode { master } => {
                write!(
                    f,
                    "node {master} holds no entries, or does not follow the one before"
                )
            }
        }
    }
}

impl std::error::Error for StreamError {}

/// A log of entries with rising ids, and the groups that read it.
///
/// Invariants: every node has at least one entry that is not deleted; ids rise from node to node
/// and within each; `length` is the number of entries alive; `first_id` is the first of them, 0-0
/// if there is none.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// By the id to which the node's entries are relative.
    nodes: BTreeMap<StreamId, Arc<Node>>,
    groups: BTreeMap<Arc<[u8]>, Arc<Group>>,
    length: usize,
    first_id: StreamId,
    last_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
    /// Of the nodes, as an allocator counts.
    node_bytes: usize,
    pub(crate) changes: u64,
}

/// What a node costs in the map besides itself.
const NODE_SLOT_BYTES: usize = 40;

impl Block for Stream {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Stream>() + self.nodes.len() * NODE_SLOT_BYTES
    }
}

impl Block for Node {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Node>() + self.heap_bytes()
    }
}

impl Stream {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no entries. The stream may have groups all the same.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The first entry, 0-0 if there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The last id ever given.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The largest id ever deleted, 0-0 if none was.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// The nodes as an RDB holds them: master id and listpack.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, &[u8])> {
        self.nodes
            .iter()
            .map(|(master, node)| (*master, node.bytes()))
    }

    /// Bytes taken of an allocator, behind an `Arc`.
    pub fn heap_bytes(&self) -> usize {
        let groups = self.groups.values().map(|group| group.block_bytes());
        let nodes = self.node_bytes + self.nodes.len() * arc_bytes::<Node>();
        self.block_bytes() + nodes + groups.sum::<usize>()
    }

    /// Nodes, groups, and what groups have pending: how much there is to free.
    pub(crate) fn free_effort(&self) -> usize {
        let groups = self.groups.values().map(|group| 1 + group.pending().len());
        self.nodes.len() + groups.sum::<usize>()
    }

    /// Nodes and groups, to be freed one by one: the bytes of each. What others share is left to
    /// them and does not count.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let own = self.block_bytes();
        let nodes = self.nodes.into_values().map(free);
        let nodes = nodes.map(|node| node.map_or(0, |(bytes, _)| bytes));
        let groups = self.groups.into_values().flat_map(Group::into_parts);
        std::iter::once(own).chain(nodes).chain(groups)
    }

    /// The id that `XADD *` gives at `now_ms`; `None` if there is no larger one.
    pub fn next_id(&self, now_ms: u64) -> Option<StreamId> {
        if now_ms > self.last_id.ms {
            Some(StreamId::new(now_ms, 0))
        } else {
            self.last_id.next()
        }
    }

    /// The id that `XADD ms-*` gives; `None` if there is none above the last one.
    pub fn next_id_in(&self, ms: u64) -> Option<StreamId> {
        if ms > self.last_id.ms {
            return Some(StreamId::new(ms, 0));
        }
        self.last_id.next().filter(|next| next.ms == ms)
    }

    /// Adds an entry (XADD). Its id must be above the last one.
    ///
    /// The last node takes it unless it has `stream-node-max-entries`, deleted ones included, or
    /// would reach `stream-node-max-bytes`.
    pub fn append(
        &mut self,
        settings: &Settings,
        id: StreamId,
        fields: &[[&[u8]; 2]],
    ) -> Result<(), StreamError> {
        if id <= self.last_id {
            return Err(StreamError::IdNotAbove {
                id,
                last: self.last_id,
            });
        }
        let bytes = fields.iter().flatten().map(|text| text.len()).sum();
        if bytes > LISTPACK_BYTES_MAX {
            return Err(StreamError::TooLarge { bytes });
        }
        match self.nodes.last_entry() {
            Some(mut last) if last.get().has_room(settings, bytes) => {
                let master = *last.key();
                self.node_bytes -= last.get().heap_bytes();
                let node = own(last.get_mut());
                node.push(master, id, fields);
                self.node_bytes += node.heap_bytes();
            }
            last => {
                if let Some(mut last) = last
                    && let Some(node) = Arc::get_mut(last.get_mut())
                {
                    node.shrink_to_fit();
                }
                let node = Node::of_entry(id, fields);
                self.node_bytes += node.heap_bytes();
                self.nodes.insert(id, Arc::new(node));
            }
        }
        if self.length == 0 {
            self.first_id = id;
        }
        self.length += 1;
        self.entries_added += 1;
        self.last_id = id;
        self.changes += 1;
        Ok(())
    }

    /// The master id of the node that could hold `id`.
    fn master_of(&self, id: StreamId) -> Option<StreamId> {
        self.nodes
            .range(..=id)
            .next_back()
            .map(|(master, _)| *master)
    }

    /// The entry with this id.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        let master = self.master_of(id)?;
        NodeRef::new(master, self.nodes.get(&master)?.listpack())?.find(id)
    }

    /// Whether there is an entry with this id.
    pub fn contains(&self, id: StreamId) -> bool {
        self.get(id).is_some()
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> StreamIter<'_> {
        self.range(StreamId::MIN, StreamId::MAX, false)
    }

    /// The entries from `start` to `end`, both included; with `rev`, the newest first.
    pub fn range(&self, start: StreamId, end: StreamId, rev: bool) -> StreamIter<'_> {
        StreamIter::new(self, start, end, rev)
    }

    /// The node that could hold `start` and those behind it up to `end`.
    fn nodes_between(
        &self,
        start: StreamId,
        end: StreamId,
    ) -> Option<std::collections::btree_map::Range<'_, StreamId, Arc<Node>>> {
        let first = self.master_of(start).unwrap_or(start);
        (first <= end).then(|| self.nodes.range(first..=end))
    }

    /// Deletes an entry (XDEL); whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(pos) = self.get(id).map(|entry| entry.pos()) else {
            return false;
        };
        let Some(master) = self.master_of(id) else {
            return false;
        };
        self.change_node(master, |node| node.mark_deleted(&[pos]));
        self.length -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id {
            self.find_first();
        }
        self.changes += 1;
        true
    }

    /// Changes a node, and drops it if nothing in it is alive then.
    fn change_node(&mut self, master: StreamId, change: impl FnOnce(&mut Node)) {
        let Some(node) = self.nodes.get_mut(&master) else {
            return;
        };
        self.node_bytes -= node.heap_bytes();
        let changed = own(node);
        change(changed);
        if changed.live() == 0 {
            self.nodes.remove(&master);
        } else {
            self.node_bytes += changed.heap_bytes();
        }
    }

    fn find_first(&mut self) {
        self.first_id = self.iter().next().map_or(StreamId::MIN, |entry| entry.id);
    }

    /// Sets what XSETID sets: the last id, and the others where they are given. That the last id is
    /// not below any entry is for the caller to check.
    pub fn set_id(
        &mut self,
        last: StreamId,
        entries_added: Option<u64>,
        max_deleted: Option<StreamId>,
    ) {
        self.last_id = last;
        self.entries_added = entries_added.unwrap_or(self.entries_added);
        self.max_deleted_id = max_deleted.unwrap_or(self.max_deleted_id);
        self.changes += 1;
    }

    /// The groups by name, in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|(name, group)| (&**name, &**group))
    }

    /// The group of this name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name).map(|group| &**group)
    }

    /// Makes a group that has read up to `last` (XGROUP CREATE); whether there was none of this
    /// name. `entries_read` is how many entries that is, `None` if unknown.
    pub fn create_group(&mut self, name: &[u8], last: StreamId, entries_read: Option<u64>) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        let group = Group::new(last, entries_read);
        self.groups.insert(Arc::from(name), Arc::new(group));
        self.changes += 1;
        true
    }

    /// Removes a group (XGROUP DESTROY); whether there was one.
    pub fn destroy_group(&mut self, name: &[u8]) -> bool {
        let Some(group) = self.groups.remove(name) else {
            return false;
        };
        let_go_parts(group.block_bytes(), Group::into_parts(group));
        self.changes += 1;
        true
    }

    /// Changes a group by itself; `None` if there is none of this name.
    pub fn edit_group<R>(&mut self, name: &[u8], f: impl FnOnce(&mut Group) -> R) -> Option<R> {
        let group = own(self.groups.get_mut(name)?);
        let before = group.changes;
        let result = f(group);
        self.changes += group.changes.wrapping_sub(before);
        Some(result)
    }

    /// Walks the invariants; panics where one does not hold.
    pub fn check(&self) {
        let alive: usize = self.nodes.values().map(|node| node.live()).sum();
        assert_eq!(alive, self.length);
        let ids: Vec<StreamId> = self.iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), self.length);
        assert!(ids.is_sorted_by(|left, right| left < right));
        assert_eq!(ids.first().copied().unwrap_or_default(), self.first_id);
        assert!(self.nodes.values().all(|node| node.live() > 0));
        let bytes: usize = self.nodes.values().map(|node| node.heap_bytes()).sum();
        assert_eq!(bytes, self.node_bytes);
        self.groups.values().for_each(|group| group.check());
    }
}

#[cfg(test)]
mod tests;

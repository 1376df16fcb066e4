//! A stream piece by piece, as a file holds it.
//!
//! Nodes in order, then the numbers, then groups: each with its consumers
//! ([`Group::create_consumer`], [`Group::set_consumer_times`]) and then what is pending with them
//! ([`Group::assign`]), through [`Stream::edit_group`].

use super::node::{Node, NodeRef};
use super::{Stream, StreamError};
use packed::listpack::ListpackBuf;
use std::sync::Arc;
use units::StreamId;

impl Stream {
    /// Adds a node behind all others. The listpack must be whole; its ids must rise, above those
    /// before it. A node whose entries are all deleted is left out.
    pub fn push_node(
        &mut self,
        master: StreamId,
        listpack: ListpackBuf,
    ) -> Result<(), StreamError> {
        let bad = Err(StreamError::BadNode { master });
        let node = Node::from_listpack(listpack);
        let Some(view) = NodeRef::new(master, node.listpack()) else {
            return bad;
        };
        let (Some(first), Some(last)) = (view.first(), view.last()) else {
            return bad;
        };
        let follows = self
            .nodes
            .last_key_value()
            .is_none_or(|(before, _)| *before < master);
        let present = view.entries().count();
        let alive = view.entries().filter(|entry| !entry.is_deleted).count();
        if !follows || first.id < master || present != node.live() + node.deleted() {
            return bad;
        }
        if alive != node.live() {
            return bad;
        }
        self.last_id = self.last_id.max(last.id);
        if alive == 0 {
            return Ok(());
        }
        let first_alive = view
            .entries()
            .find(|entry| !entry.is_deleted)
            .map(|entry| entry.id);
        if self.length == 0 {
            self.first_id = first_alive.unwrap_or_default();
        }
        self.length += alive;
        self.entries_added += alive as u64;
        self.node_bytes += node.heap_bytes();
        self.nodes.insert(master, Arc::new(node));
        self.changes += 1;
        Ok(())
    }
}

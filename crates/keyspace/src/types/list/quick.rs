//! A list of nodes. Counts lie next to each other, so that an index is found without a look into
//! the nodes.

use super::iter::ListIter;
use super::node::{self, Body, Node, NodeLimit};
use crate::account::{Block, free, let_go, own};
use crate::usable_size;
use crate::value::arc_bytes;
use packed::Element;
use packed::listpack::{Listpack, ListpackBuf};
use std::collections::VecDeque;
use std::sync::Arc;

/// A list as nodes.
///
/// Invariants: `len` is the sum of the counts; no node is empty; a plain node counts 1.
#[derive(Debug, Clone)]
pub(super) struct Quicklist {
    slots: VecDeque<Slot>,
    len: usize,
    /// Of the nodes, as an allocator counts.
    node_bytes: usize,
    limit: NodeLimit,
}

#[derive(Debug, Clone)]
struct Slot {
    count: usize,
    body: Arc<Body>,
}

/// From so many nodes on, a new one has all the room it may need at once: a node that grows through
/// the classes of an allocator leaves blocks of each behind. What is open then is little of the whole.
const MANY_NODES: usize = 8;

/// An element is estimated to take this much besides its bytes, as Redis does.
const ELEMENT_OVERHEAD: usize = 8;

impl Block for Quicklist {
    fn block_bytes(&self) -> usize {
        self.own_bytes()
    }
}

impl Quicklist {
    pub(super) fn new(limit: NodeLimit) -> Quicklist {
        Quicklist {
            slots: VecDeque::new(),
            len: 0,
            node_bytes: 0,
            limit,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn limit(&self) -> NodeLimit {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: NodeLimit) {
        self.limit = limit;
    }

    /// Bytes taken of an allocator, behind an `Arc`.
    pub(super) fn heap_bytes(&self) -> usize {
        self.own_bytes() + self.node_bytes
    }

    pub(super) fn nodes_len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of the list of nodes, behind an `Arc`.
    fn own_bytes(&self) -> usize {
        arc_bytes::<Quicklist>() + usable_size(self.slots.capacity() * size_of::<Slot>())
    }

    /// The nodes, to be freed one by one: the bytes of each. What others share is left to them and
    /// does not count.
    pub(super) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let own = self.own_bytes();
        let nodes = self.slots.into_iter().map(|slot| free(slot.body));
        std::iter::once(own).chain(nodes.map(|node| node.map_or(0, |(bytes, _)| bytes)))
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.slots.iter().map(|slot| slot.body.as_node())
    }

    pub(super) fn node(&self, number: usize) -> Option<Node<'_>> {
        Some(self.slots.get(number)?.body.as_node())
    }

    /// Number of elements in a node.
    pub(super) fn count(&self, number: usize) -> usize {
        self.slots.get(number).map_or(0, |slot| slot.count)
    }

    /// The node that holds `index`, and the place of the element in it. Counts from the nearer end.
    pub(super) fn locate(&self, index: usize) -> (usize, usize) {
        if index <= self.len / 2 {
            let mut start = 0;
            for (number, slot) in self.slots.iter().enumerate() {
                if index < start + slot.count {
                    return (number, index - start);
                }
                start += slot.count;
            }
        } else {
            let mut start = self.len;
            for (number, slot) in self.slots.iter().enumerate().rev() {
                start -= slot.count;
                if index >= start {
                    return (number, index - start);
                }
            }
        }
        (self.slots.len(), 0)
    }

    pub(super) fn get(&self, index: usize) -> Option<Element<'_>> {
        let (number, offset) = self.locate(index);
        match self.node(number)? {
            Node::Plain(element) => Some(Element::Bytes(element)),
            Node::Packed(blob) => Listpack::new(blob).get(offset as isize),
        }
    }

    pub(super) fn range(&self, start: usize, stop: usize) -> ListIter<'_> {
        ListIter::of_quick(self, start, stop)
    }

    /// The only node, if that is a listpack of at most half the size of one.
    pub(super) fn as_half_node(&self) -> Option<&ListpackBuf> {
        let (1, Some(slot)) = (self.slots.len(), self.slots.front()) else {
            return None;
        };
        match &*slot.body {
            Body::Packed(listpack) => {
                let fits = self.limit.is_within_half(listpack.byte_len(), slot.count);
                fits.then_some(listpack)
            }
            Body::Plain(_) => None,
        }
    }

    /// Whether an element of `size` bytes may go into a node.
    fn allows(&self, number: usize, size: usize) -> bool {
        let Some(slot) = self.slots.get(number) else {
            return false;
        };
        let bytes = slot.body.byte_len() + size + ELEMENT_OVERHEAD;
        matches!(*slot.body, Body::Packed(_))
            && !self.limit.is_large(size)
            && !self.limit.is_exceeded(bytes, slot.count + 1)
    }

    fn insert_slot(&mut self, number: usize, body: Body, count: usize) {
        self.len += count;
        self.node_bytes += body.heap_bytes();
        self.slots.insert(
            number,
            Slot {
                count,
                body: Arc::new(body),
            },
        );
    }

    fn remove_slot(&mut self, number: usize) {
        if let Some(slot) = self.slots.remove(number) {
            self.len -= slot.count;
            self.node_bytes -= slot.body.heap_bytes();
            let_go(slot.body);
        }
    }

    /// Changes a packed node; its count changes by what `change` says.
    fn change(&mut self, number: usize, change: impl FnOnce(&mut ListpackBuf) -> isize) {
        let Some(slot) = self.slots.get_mut(number) else {
            return;
        };
        self.node_bytes -= slot.body.heap_bytes();
        if let Body::Packed(listpack) = own(&mut slot.body) {
            let by = change(listpack);
            slot.count = slot.count.saturating_add_signed(by);
            self.len = self.len.saturating_add_signed(by);
        }
        self.node_bytes += slot.body.heap_bytes();
    }

    /// A node of one element, put before the node `number`.
    fn insert_alone(&mut self, number: usize, element: &[u8]) {
        let body = if self.limit.is_large(element.len()) {
            Body::Plain(element.into())
        } else {
            let mut listpack = ListpackBuf::with_capacity(self.first_room(number));
            listpack.push_back(element);
            Body::Packed(listpack)
        };
        self.insert_slot(number, body, 1);
    }

    /// Bytes that a new node `number` has room for.
    fn first_room(&self, number: usize) -> usize {
        let is_end = number == 0 || number == self.slots.len();
        match self.limit.bytes() {
            Some(bytes) if is_end && self.slots.len() >= MANY_NODES => bytes,
            _ => 0,
        }
    }

    /// Gives back the room that a node will not need any more.
    fn close(&mut self, number: usize) {
        if let Some(slot) = self.slots.get_mut(number)
            && let Some(Body::Packed(listpack)) = Arc::get_mut(&mut slot.body)
        {
            listpack.shrink_to_fit();
        }
    }

    pub(super) fn push_node(&mut self, listpack: ListpackBuf) {
        let count = listpack.len();
        if count > 0 {
            self.insert_slot(self.slots.len(), Body::Packed(listpack), count);
        }
    }

    pub(super) fn push_front(&mut self, element: &[u8]) {
        if self.allows(0, element.len()) {
            self.change(0, |listpack| {
                listpack.push_front(element);
                1
            });
        } else {
            self.close(0);
            self.insert_alone(0, element);
        }
    }

    pub(super) fn push_back(&mut self, element: &[u8]) {
        let last = self.slots.len().wrapping_sub(1);
        if self.allows(last, element.len()) {
            self.change(last, |listpack| {
                listpack.push_back(element);
                1
            });
        } else {
            self.close(last);
            self.insert_alone(self.slots.len(), element);
        }
    }

    /// Inserts before the element at `index`, or at the end.
    pub(super) fn insert(&mut self, index: usize, element: &[u8]) {
        if index >= self.len {
            return self.push_back(element);
        }
        let (number, offset) = self.locate(index);
        if self.allows(number, element.len()) {
            self.change(number, |listpack| {
                if let Some(pos) = listpack.as_ref().seek(offset as isize) {
                    listpack.insert_before(pos, element);
                }
                1
            });
        } else if offset > 0 {
            self.split(number, offset);
            self.insert_between(number + 1, element);
        } else {
            self.insert_between(number, element);
        }
    }

    /// Inserts before the first element of a node that has no room: at the end of the node before,
    /// or alone.
    fn insert_between(&mut self, number: usize, element: &[u8]) {
        match number.checked_sub(1) {
            Some(before) if self.allows(before, element.len()) => {
                self.change(before, |listpack| {
                    listpack.push_back(element);
                    1
                });
            }
            _ => self.insert_alone(number, element),
        }
    }

    /// Splits a packed node before the element at `offset`, which is not its first.
    fn split(&mut self, number: usize, offset: usize) {
        let mut tail = ListpackBuf::new();
        let count = self.count(number) - offset;
        self.change(number, |listpack| {
            tail = listpack.clone();
            listpack.remove_range(offset as isize, count);
            listpack.shrink_to_fit();
            -(count as isize)
        });
        tail.remove_range(0, offset);
        self.insert_slot(number + 1, Body::Packed(tail), count);
    }

    pub(super) fn set(&mut self, index: usize, element: &[u8]) {
        let (number, offset) = self.locate(index);
        if self.allows(number, element.len()) {
            self.change(number, |listpack| {
                if let Some(pos) = listpack.as_ref().seek(offset as isize) {
                    listpack.replace(pos, element);
                }
                0
            });
        } else {
            self.remove_range(index, 1);
            self.insert(index, element);
        }
    }

    pub(super) fn remove_range(&mut self, start: usize, mut count: usize) {
        while count > 0 && start < self.len {
            let (number, offset) = self.locate(start);
            let held = self.count(number);
            let taken = count.min(held - offset);
            if taken == held {
                self.remove_slot(number);
            } else {
                self.change(number, |listpack| {
                    listpack.remove_range(offset as isize, taken);
                    -(taken as isize)
                });
            }
            count -= taken;
        }
    }

    /// Removes the first `most` elements that equal `element`, or the last; how many.
    pub(super) fn remove_matching(&mut self, element: &[u8], most: usize, last: bool) -> usize {
        let mut removed = 0;
        let mut left = self.slots.len();
        let mut number = if last { left.wrapping_sub(1) } else { 0 };
        while left > 0 && removed < most {
            let taken = self.remove_matching_in(number, element, most - removed, last);
            removed += taken;
            left -= 1;
            let emptied = self.count(number) == 0 && taken > 0;
            if emptied {
                self.remove_slot(number);
            }
            number = match last {
                true => number.wrapping_sub(1),
                false => number + usize::from(!emptied),
            };
        }
        removed
    }

    /// Leaves an empty node behind if all its elements match.
    fn remove_matching_in(
        &mut self,
        number: usize,
        element: &[u8],
        most: usize,
        last: bool,
    ) -> usize {
        match self.node(number) {
            Some(Node::Plain(own)) if own == element => {
                self.remove_slot(number);
                self.insert_slot(number, Body::Packed(ListpackBuf::new()), 0);
                1
            }
            Some(Node::Packed(blob)) => {
                let found = node::matches(Listpack::new(blob), element, most, last);
                if !found.is_empty() {
                    self.change(number, |listpack| {
                        node::remove_all(listpack, &found);
                        -(found.len() as isize)
                    });
                }
                found.len()
            }
            _ => 0,
        }
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(
            self.len,
            self.slots.iter().map(|slot| slot.count).sum::<usize>()
        );
        let bytes: usize = self.slots.iter().map(|slot| slot.body.heap_bytes()).sum();
        assert_eq!(self.node_bytes, bytes);
        for slot in &self.slots {
            match &*slot.body {
                Body::Plain(_) => assert_eq!(slot.count, 1),
                Body::Packed(listpack) => {
                    assert_eq!(slot.count, listpack.as_ref().iter().count());
                    assert!(slot.count > 0);
                    assert!(packed::listpack::validate(listpack.bytes()).is_ok());
                }
            }
        }
    }
}

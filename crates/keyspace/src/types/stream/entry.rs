use super::Stream;
use super::node::{Node, NodeRef, RawEntry};
use packed::Element;
use packed::listpack::{Listpack, Pos};
use std::collections::btree_map;
use std::sync::Arc;
use units::StreamId;

/// An entry of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    raw: RawEntry<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(raw: RawEntry<'a>) -> Entry<'a> {
        Entry { id: raw.id, raw }
    }

    pub(super) fn pos(&self) -> Pos {
        self.raw.pos
    }

    /// Its fields and their values, in the order in which they were given.
    pub fn fields(&self) -> Fields<'a> {
        Fields {
            listpack: self.raw.node.listpack,
            names: self.raw.same_fields.then_some(self.raw.node.first_field),
            data: Some(self.raw.data),
            left: self.raw.fields,
        }
    }
}

/// Fields of an entry and their values.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    listpack: Listpack<'a>,
    /// The next name, if those are the master entry's.
    names: Option<Pos>,
    /// The next value, with its name in front if that is the entry's own.
    data: Option<Pos>,
    left: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self) -> Option<Element<'a>> {
        let pos = self.data?;
        self.data = self.listpack.next(pos);
        Some(self.listpack.at(pos))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Element<'a>, Element<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match self.names {
            Some(pos) => {
                self.names = self.listpack.next(pos);
                self.listpack.at(pos)
            }
            None => self.take()?,
        };
        Some((name, self.take()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// Entries of a stream that are not deleted, within a range of ids.
#[derive(Debug, Clone)]
pub struct StreamIter<'a> {
    nodes: Option<btree_map::Range<'a, StreamId, Arc<Node>>>,
    /// The next entry of the node at hand, deleted or not.
    next: Option<RawEntry<'a>>,
    start: StreamId,
    end: StreamId,
    /// Whether the newest comes first.
    rev: bool,
}

impl<'a> StreamIter<'a> {
    pub(super) fn new(stream: &'a Stream, start: StreamId, end: StreamId, rev: bool) -> Self {
        StreamIter {
            nodes: stream.nodes_between(start, end),
            next: None,
            start,
            end,
            rev,
        }
    }

    /// The next entry, deleted or not, in the range or not.
    fn step(&mut self) -> Option<RawEntry<'a>> {
        while self.next.is_none() {
            let nodes = self.nodes.as_mut()?;
            let (master, node) = if self.rev {
                nodes.next_back()
            } else {
                nodes.next()
            }?;
            let node = NodeRef::new(*master, node.listpack());
            self.next = node.and_then(|node| if self.rev { node.last() } else { node.first() });
        }
        let entry = self.next?;
        self.next = if self.rev {
            entry.node.before(&entry)
        } else {
            entry.node.after(&entry)
        };
        Some(entry)
    }
}

impl<'a> Iterator for StreamIter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let entry = self.step()?;
            let is_past = if self.rev {
                entry.id < self.start
            } else {
                entry.id > self.end
            };
            if is_past {
                (self.nodes, self.next) = (None, None);
                return None;
            }
            if !entry.is_deleted && self.start <= entry.id && entry.id <= self.end {
                return Some(Entry::new(entry));
            }
        }
    }
}

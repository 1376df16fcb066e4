//! One node: a listpack as on disk.
//!
//! First the master entry `count, deleted, nfields, field1 .. fieldN, 0`, then the entries: `flags,
//! ms - master.ms, seq - master.seq, [nfields, f1, v1, f2, v2 ...] or [v1 .. vN], k`, where k is the
//! number of pieces before it in the entry.

use super::entry::Entry;
use crate::{Settings, usable_size};
use packed::Element;
use packed::listpack::{Listpack, ListpackBuf, Pos};
use units::StreamId;

/// The entry is deleted.
const DELETED: i64 = 1;
/// The entry has the fields of the master entry, and so only values.
const SAME_FIELDS: i64 = 2;

/// An owned node.
#[derive(Debug, Clone)]
pub(super) struct Node(ListpackBuf);

impl Node {
    /// A node that begins with this entry, which is its master.
    pub(super) fn of_entry(id: StreamId, fields: &[[&[u8]; 2]]) -> Node {
        let mut listpack = ListpackBuf::new();
        for number in [0, 0, fields.len() as i64] {
            listpack.push_back_int(number);
        }
        fields
            .iter()
            .for_each(|[field, _]| listpack.push_back(field));
        listpack.push_back_int(0);
        let mut node = Node(listpack);
        node.push(id, id, fields);
        node
    }

    /// A node from disk.
    pub(super) fn from_listpack(listpack: ListpackBuf) -> Node {
        Node(listpack)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    pub(super) fn listpack(&self) -> Listpack<'_> {
        self.0.as_ref()
    }

    /// Bytes that the listpack takes of an allocator.
    pub(super) fn heap_bytes(&self) -> usize {
        usable_size(self.0.byte_len())
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    fn header(&self, index: isize) -> usize {
        let number = self
            .0
            .as_ref()
            .get(index)
            .and_then(|element| element.as_int());
        number
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(0)
    }

    /// Entries that are not deleted.
    pub(super) fn live(&self) -> usize {
        self.header(0)
    }

    /// Entries that are deleted and still there.
    pub(super) fn deleted(&self) -> usize {
        self.header(1)
    }

    fn set_header(&mut self, index: isize, number: usize) {
        if let Some(pos) = self.0.as_ref().seek(index) {
            self.0.replace_element(pos, Element::Int(number as i64));
        }
    }

    /// Whether an entry whose fields and values have that many bytes may go in.
    pub(super) fn has_room(&self, settings: &Settings, bytes: usize) -> bool {
        let limits = &settings.limits;
        let bytes_max = match limits.stream_node_max_bytes {
            0 => crate::limits::LISTPACK_BYTES_MAX,
            max => max.min(crate::limits::LISTPACK_BYTES_MAX),
        };
        let entries_max = match limits.stream_node_max_entries {
            0 => usize::MAX,
            max => max,
        };
        self.0.byte_len() + bytes < bytes_max && self.live() + self.deleted() < entries_max
    }

    /// Adds an entry at the end.
    pub(super) fn push(&mut self, master: StreamId, id: StreamId, fields: &[[&[u8]; 2]]) {
        let same =
            NodeRef::new(master, self.0.as_ref()).is_some_and(|node| node.has_fields(fields));
        let listpack = &mut self.0;
        listpack.push_back_int(if same { SAME_FIELDS } else { 0 });
        listpack.push_back_int(id.ms.wrapping_sub(master.ms) as i64);
        listpack.push_back_int(id.seq.wrapping_sub(master.seq) as i64);
        let pieces = if same {
            fields
                .iter()
                .for_each(|[_, value]| listpack.push_back(value));
            fields.len() + 3
        } else {
            listpack.push_back_int(fields.len() as i64);
            fields
                .iter()
                .flatten()
                .for_each(|text| listpack.push_back(text));
            2 * fields.len() + 4
        };
        listpack.push_back_int(pieces as i64);
        self.set_header(0, self.live() + 1);
    }

    /// Marks entries as deleted that are alive at these positions.
    pub(super) fn mark_deleted(&mut self, entries: &[Pos]) {
        for &pos in entries {
            let flags = self.0.as_ref().at(pos).as_int().unwrap_or(0);
            // Flags are one byte, so positions behind them stay.
            self.0.replace_element(pos, Element::Int(flags | DELETED));
        }
        // The counts lie in front and may change their width: they come last.
        let (live, deleted) = (self.live(), self.deleted());
        self.set_header(1, deleted + entries.len());
        self.set_header(0, live.saturating_sub(entries.len()));
    }
}

/// A node to read: its listpack and where its parts are.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeRef<'a> {
    pub(super) listpack: Listpack<'a>,
    master: StreamId,
    /// Fields of the master entry.
    pub(super) fields: usize,
    /// The first of them, or the 0 that ends the master entry.
    pub(super) first_field: Pos,
    first_entry: Option<Pos>,
}

impl<'a> NodeRef<'a> {
    /// `None` if there is no whole master entry.
    pub(super) fn new(master: StreamId, listpack: Listpack<'a>) -> Option<NodeRef<'a>> {
        let fields = listpack.seek(2)?;
        let first_field = listpack.next(fields)?;
        let fields = usize::try_from(listpack.at(fields).as_int()?).ok()?;
        let end = skip(listpack, first_field, fields)?;
        Some(NodeRef {
            listpack,
            master,
            fields,
            first_field,
            first_entry: listpack.next(end),
        })
    }

    /// Whether these are the master entry's fields.
    fn has_fields(&self, fields: &[[&[u8]; 2]]) -> bool {
        let mut pos = Some(self.first_field);
        fields.len() == self.fields
            && fields.iter().all(|[field, _]| match pos {
                Some(at) => {
                    pos = self.listpack.next(at);
                    self.listpack.at(at).eq_text(field)
                }
                None => false,
            })
    }

    /// The first entry, deleted or not.
    pub(super) fn first(&self) -> Option<RawEntry<'a>> {
        self.entry_at(self.first_entry?)
    }

    /// The last entry, deleted or not.
    pub(super) fn last(&self) -> Option<RawEntry<'a>> {
        self.entry_that_ends_at(self.listpack.last_pos()?)
    }

    /// The entry behind this one.
    pub(super) fn after(&self, entry: &RawEntry<'a>) -> Option<RawEntry<'a>> {
        self.entry_at(self.listpack.next(entry.end)?)
    }

    /// The entry in front of this one.
    pub(super) fn before(&self, entry: &RawEntry<'a>) -> Option<RawEntry<'a>> {
        self.entry_that_ends_at(self.listpack.prev(entry.pos)?)
    }

    /// The entry whose number of pieces is at `end`.
    fn entry_that_ends_at(&self, end: Pos) -> Option<RawEntry<'a>> {
        let first = self.first_entry?;
        if end < first {
            return None;
        }
        let pieces = usize::try_from(self.listpack.at(end).as_int()?).ok()?;
        let mut pos = end;
        for _ in 0..pieces {
            pos = self.listpack.prev(pos)?;
        }
        (first <= pos && pos < end)
            .then(|| self.entry_at(pos))
            .flatten()
    }

    fn entry_at(&self, pos: Pos) -> Option<RawEntry<'a>> {
        let listpack = self.listpack;
        let flags = listpack.at(pos).as_int()?;
        let ms_pos = listpack.next(pos)?;
        let seq_pos = listpack.next(ms_pos)?;
        let number = |pos: Pos| Some(listpack.at(pos).as_int()? as u64);
        let mut data = listpack.next(seq_pos)?;
        let same_fields = flags & SAME_FIELDS != 0;
        let mut fields = self.fields;
        if !same_fields {
            fields = usize::try_from(number(data)?).ok()?;
            data = listpack.next(data)?;
        }
        let pieces = if same_fields {
            fields
        } else {
            fields.checked_mul(2)?
        };
        Some(RawEntry {
            node: *self,
            pos,
            id: StreamId {
                ms: self.master.ms.wrapping_add(number(ms_pos)?),
                seq: self.master.seq.wrapping_add(number(seq_pos)?),
            },
            is_deleted: flags & DELETED != 0,
            same_fields,
            fields,
            data,
            end: skip(listpack, data, pieces)?,
        })
    }

    /// The entries in order, deleted ones included.
    pub(super) fn entries(self) -> impl Iterator<Item = RawEntry<'a>> {
        std::iter::successors(self.first(), move |entry| self.after(entry))
    }

    /// The entry with this id, if it is alive.
    pub(super) fn find(self, id: StreamId) -> Option<Entry<'a>> {
        let entry = self.entries().find(|entry| entry.id >= id)?;
        (entry.id == id && !entry.is_deleted).then(|| Entry::new(entry))
    }
}

/// The position `count` elements behind `pos`; nothing is skipped that is not there.
fn skip(listpack: Listpack<'_>, mut pos: Pos, count: usize) -> Option<Pos> {
    for _ in 0..count {
        pos = listpack.next(pos)?;
    }
    Some(pos)
}

/// An entry where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawEntry<'a> {
    pub(super) node: NodeRef<'a>,
    /// Of its flags.
    pub(super) pos: Pos,
    pub(super) id: StreamId,
    pub(super) is_deleted: bool,
    /// Whether it has only values.
    pub(super) same_fields: bool,
    pub(super) fields: usize,
    /// Of its first value, or field.
    pub(super) data: Pos,
    /// Of the number of pieces that ends it.
    pub(super) end: Pos,
}

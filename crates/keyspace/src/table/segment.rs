//! A segment: some hundreds of entries with their own index, pages and slab.

use super::bounds::Bounds;
use super::entry::{Draft, Entry, LARGE, Placement, has_key, overwrite_deadline, overwrite_value};
use super::index::Index;
use super::page::{At, MAX_ENTRY, Pages};
use super::slab::Slab;
use super::stamp::Mark;
use crate::access::Touch;
use crate::{Form, KeyHasher, Ttl, Value, ValueRef};
use std::hint::black_box;
use units::UnixMillis;

const _: () = assert!(size_of::<Segment<super::stamp::Stamp>>() == 128);

/// Garbage that is never worth a compaction, in bytes.
const SMALL_GARBAGE: usize = 512;

/// Entries whose hashes share their first `depth` directory bits.
///
/// What a search reads comes first, in one cache line; the rest is in the next.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Segment<M: Mark> {
    pub(super) index: Index<M::Line>,
    pub(super) pages: Pages,
    pub(super) slab: Slab,
    /// When something in each page will be due.
    pub(super) bounds: Bounds,
    /// When this segment was last known to be in every view that needs it; see `inline.rs`.
    pub(super) epoch: u64,
    /// Bytes of pages that no entry uses, ends of closed pages apart.
    pub(super) garbage: u32,
    /// Entries that have a deadline.
    pub(super) deadlines: u16,
    /// Directory bits that all its entries share.
    pub(super) depth: u8,
}

/// An entry as its readers see it.
pub(crate) struct Item<'a, M> {
    pub(crate) key: &'a [u8],
    pub(crate) value: ValueRef<'a>,
    pub(crate) deadline: Option<UnixMillis>,
    pub(crate) mark: &'a M,
}

/// A value to be stored.
pub(crate) enum Payload<'a> {
    /// Bytes in one of the forms that may live in a page.
    Inline(Form, &'a [u8]),
    /// Any value; it goes where it fits.
    Value(Value),
}

/// What an operation changed of the sums that a table keeps over its segments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) len: usize,
    pub(crate) deadlines: usize,
    pub(crate) bytes: usize,
    pub(crate) earliest: i64,
}

impl<M: Mark> Segment<M> {
    /// An empty segment.
    pub(crate) fn new(depth: u8, epoch: u64) -> Segment<M> {
        Segment {
            index: Index::with_room(0),
            pages: Pages::default(),
            slab: Slab::default(),
            bounds: Bounds::default(),
            epoch,
            garbage: 0,
            deadlines: 0,
            depth,
        }
    }

    /// Number of entries.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Bytes the segment and all it holds take of an allocator.
    #[inline]
    pub(crate) fn heap_bytes(&self) -> usize {
        self.index.heap_bytes()
            + self.pages.heap_bytes()
            + self.slab.heap_bytes()
            + self.bounds.heap_bytes()
    }

    /// Bytes that are not behind counted references: what a clone takes of an allocator.
    pub(crate) fn list_bytes(&self) -> usize {
        let lists = self.pages.list_bytes() + self.slab.list_bytes();
        self.index.heap_bytes() + self.bounds.heap_bytes() + lists
    }

    /// Its pages and index, then the values of its slab, to be freed one by one: the bytes of each.
    /// What others share is left to them and does not count.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let (slab, values) = self.slab.into_parts();
        let own = self.index.heap_bytes() + self.bounds.heap_bytes();
        let own = own + self.pages.free() + slab;
        let values = values.into_iter().flat_map(Value::into_parts);
        std::iter::once(own).chain(values)
    }

    /// Its part of the sums of its table.
    #[inline]
    pub(crate) fn sums(&self) -> Sums {
        Sums {
            len: self.len(),
            deadlines: usize::from(self.deadlines),
            bytes: self.heap_bytes(),
            earliest: self.earliest(),
        }
    }

    #[inline]
    pub(super) fn entry(&self, at: At) -> Entry<'_> {
        Entry::parse(self.pages.bytes(at))
    }

    #[inline]
    fn key_of<'a>(entry: &Entry<'a>, slab: &'a Slab) -> &'a [u8] {
        match entry.key_number() {
            None => entry.key,
            Some(number) => slab.key(number),
        }
    }

    #[inline]
    fn is_key(&self, at: At, key: &[u8]) -> bool {
        match has_key(self.pages.bytes(at), key) {
            Some(is) => is,
            None => self.is_large_key(at, key),
        }
    }

    #[cold]
    fn is_large_key(&self, at: At, key: &[u8]) -> bool {
        Self::key_of(&self.entry(at), &self.slab) == key
    }

    /// The key of the entry at a place.
    #[inline]
    pub(super) fn key(&self, at: At) -> &[u8] {
        Self::key_of(&self.entry(at), &self.slab)
    }

    /// The entry of `key`.
    #[inline]
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<Item<'_, M>> {
        self.at_slot(self.find(hash, key)?)
    }

    /// Where the entry of `hash` lies, probably.
    #[inline]
    pub(crate) fn guess(&self, hash: u64) -> Option<At> {
        self.pages.touch();
        self.index.guess(hash)
    }

    /// Reads from an entry's first cache line.
    #[inline]
    pub(crate) fn fetch(&self, at: At) {
        black_box(self.pages.bytes(at).first().copied());
    }

    /// The slot of `key` in the index, good until the next change.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.pages.touch();
        self.index.find(hash, |at| self.is_key(at, key))
    }

    /// The slot of `key`, as [`Segment::find`] tells, for an entry that is about to be overwritten.
    #[inline]
    pub(crate) fn find_to_change(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.pages.touch();
        self.index.find(hash, |at| {
            self.pages.touch_count(at);
            self.is_key(at, key)
        })
    }

    /// The entry in a slot of the index, or `None` if the slot is free.
    #[inline]
    pub(crate) fn at_slot(&self, slot: usize) -> Option<Item<'_, M>> {
        let (at, mark) = self.index.get(slot)?;
        Some(self.item(at, mark))
    }

    /// Number of slots of the index, for drawing one at random.
    pub(crate) fn slots(&self) -> usize {
        self.index.slots()
    }

    /// Every entry, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Item<'_, M>> {
        self.index.iter().map(|(at, mark)| self.item(at, mark))
    }

    /// The position of every entry, as `position` derives it from the key, and its slot.
    pub(crate) fn positions(
        &self,
        position: impl Fn(&[u8]) -> u64,
    ) -> impl Iterator<Item = (u64, usize)> {
        self.index.taken().filter_map(move |slot| {
            let (at, _) = self.index.get(slot)?;
            Some((position(self.key(at)), slot))
        })
    }

    #[inline]
    fn item<'a>(&'a self, at: At, mark: &'a M) -> Item<'a, M> {
        let entry = self.entry(at);
        Item {
            key: Self::key_of(&entry, &self.slab),
            value: self.value_of(&entry),
            deadline: entry.deadline(),
            mark,
        }
    }

    #[inline]
    fn value_of<'a>(&'a self, entry: &Entry<'a>) -> ValueRef<'a> {
        match entry.value_number() {
            Some(number) => self.slab.value(number).as_ref(),
            None => ValueRef::from_inline(form(entry.form()), entry.value),
        }
    }

    /// The bytes of an inline value as they lie there.
    pub(crate) fn raw(&self, hash: u64, key: &[u8]) -> Option<&[u8]> {
        let (at, _) = self.index.get(self.find(hash, key)?)?;
        Some(self.entry(at).value)
    }

    /// Whether the segment must split before it takes another key.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= Index::<M::Line>::FULL
    }

    /// Adds a key that is not there. The segment is not full.
    pub(crate) fn add(
        &mut self,
        hash: u64,
        key: &[u8],
        payload: Payload<'_>,
        deadline: Option<UnixMillis>,
        touch: &Touch,
        hasher: &KeyHasher,
    ) {
        let due = payload.due_time(deadline);
        let at = self.append(key, payload, deadline);
        let mark = M::fresh(touch);
        if self.index.must_grow() {
            self.resize_index(self.len() + 1, hasher);
        }
        self.index.insert(hash, at, mark);
        self.count_deadline(None, deadline);
        self.bounds.note(at, due);
    }

    /// Writes a new entry.
    fn append(&mut self, key: &[u8], payload: Payload<'_>, deadline: Option<UnixMillis>) -> At {
        self.with_draft(key, None, payload, deadline, |segment, draft| {
            let at = segment.allocate(draft.size());
            draft.write(segment.pages.bytes_mut(at));
            at
        })
    }

    /// Puts into the slab what belongs there and drafts the entry.
    fn with_draft<R>(
        &mut self,
        key: &[u8],
        key_number: Option<u16>,
        payload: Payload<'_>,
        deadline: Option<UnixMillis>,
        write: impl FnOnce(&mut Self, Draft<'_>) -> R,
    ) -> R {
        let inline_key = if key_number.is_some() { 2 } else { key.len() };
        let placed = |payload: &Payload<'_>| {
            let len = match payload {
                Payload::Inline(_, bytes) => Some(bytes.len()),
                Payload::Value(value) => value.inline().map(|(_, bytes)| bytes.as_ref().len()),
            };
            Placement::of(inline_key, len)
        };
        let placement = placed(&payload);
        let key_number =
            key_number.or_else(|| placement.key_in_slab.then(|| self.slab.insert_key(key)));
        let key_bytes = key_number.map(u16::to_le_bytes);
        let mut draft = Draft {
            form: LARGE,
            key_in_slab: key_number.is_some(),
            key: key_bytes.as_ref().map_or(key, |bytes| &bytes[..]),
            value: &[],
            deadline,
        };
        if placement.value_in_slab {
            let number = self.slab.insert_value(owned(payload)).to_le_bytes();
            draft.value = &number;
            return write(self, draft);
        }
        match payload {
            Payload::Inline(form, bytes) => {
                (draft.form, draft.value) = (form as u8, bytes);
                write(self, draft)
            }
            Payload::Value(value) => {
                let Some((form, bytes)) = value.inline() else {
                    unreachable!("values without an inline form are placed in the slab")
                };
                (draft.form, draft.value) = (form as u8, bytes.as_ref());
                write(self, draft)
            }
        }
    }

    /// Room for an entry; compacts if the pages have run out, after which two entries to a page
    /// always fit.
    fn allocate(&mut self, size: usize) -> At {
        if let Some(at) = self.pages.allocate(size) {
            return at;
        }
        self.compact();
        self.pages
            .allocate(size)
            .expect("a compacted segment has pages left")
    }

    /// Overwrites the value in a slot and returns the old one if it was in the slab.
    pub(crate) fn replace(
        &mut self,
        slot: usize,
        key: &[u8],
        payload: Payload<'_>,
        ttl: Ttl,
        touch: &Touch,
    ) -> Option<Value> {
        let at = self.touch(slot, touch)?;
        let (old_size, key_number, value_number, was) = {
            let old = self.entry(at);
            (
                old.size(),
                old.key_number(),
                old.value_number(),
                old.deadline(),
            )
        };
        let deadline = after(ttl, was);
        let due = payload.due_time(deadline);
        let old = value_number.and_then(|number| self.slab.remove(number));
        let moved = self.with_draft(key, key_number, payload, deadline, |segment, draft| {
            let size = draft.size();
            if size <= old_size {
                draft.write(segment.pages.bytes_mut(at));
                segment.garbage += (old_size - size) as u32;
                return at;
            }
            let to = segment.allocate(size);
            draft.write(segment.pages.bytes_mut(to));
            segment.garbage += old_size as u32;
            to
        });
        *self.index.at_mut(slot) = moved;
        self.bounds.note(moved, due);
        self.count_deadline(was, deadline);
        self.tidy();
        old
    }

    /// The hot path of SET: a value of the same length in the same page. `None` if it takes more
    /// than that.
    #[inline]
    pub(crate) fn overwrite(
        &mut self,
        slot: usize,
        form: Form,
        value: &[u8],
        ttl: Ttl,
        touch: &Touch,
    ) -> Option<()> {
        let at = self.touch(slot, touch)?;
        let old = self.entry(at);
        if old.form() == LARGE || old.value.len() != value.len() {
            return None;
        }
        match (old.deadline(), ttl) {
            (_, Ttl::Keep) | (None, Ttl::Clear) => {}
            (Some(_), Ttl::At(deadline)) => {
                overwrite_deadline(self.pages.bytes_mut(at), deadline);
                self.bounds.note(at, deadline.0);
            }
            _ => return None,
        }
        overwrite_value(self.pages.bytes_mut(at), form as u8, value);
        Some(())
    }

    #[inline]
    fn touch(&self, slot: usize, touch: &Touch) -> Option<At> {
        let (at, mark) = self.index.get(slot)?;
        mark.touch(touch);
        Some(at)
    }

    /// Sets or removes the deadline of the entry in a slot; its old one.
    pub(crate) fn set_deadline(
        &mut self,
        slot: usize,
        deadline: Option<UnixMillis>,
    ) -> Option<UnixMillis> {
        let at = self.index.get(slot)?.0;
        let was = self.entry(at).deadline();
        match (was, deadline) {
            (None, None) => return None,
            (Some(_), Some(deadline)) => overwrite_deadline(self.pages.bytes_mut(at), deadline),
            _ => self.rewrite_with(slot, at, deadline),
        }
        if let Some((at, _)) = self.index.get(slot) {
            self.note_due(at);
        }
        self.count_deadline(was, deadline);
        self.tidy();
        was
    }

    /// Writes the entry anew with a deadline it had not, or without the one it had.
    fn rewrite_with(&mut self, slot: usize, at: At, deadline: Option<UnixMillis>) {
        let mut copy = [0; MAX_ENTRY];
        let size = self.entry(at).size();
        copy[..size].copy_from_slice(&self.pages.bytes(at)[..size]);
        let mut draft = Entry::parse(&copy).draft();
        draft.deadline = deadline;
        let to = if draft.size() <= size {
            self.garbage += (size - draft.size()) as u32;
            at
        } else {
            let to = self.allocate(draft.size());
            self.garbage += size as u32;
            to
        };
        draft.write(self.pages.bytes_mut(to));
        *self.index.at_mut(slot) = to;
    }

    /// Removes the entry in a slot: its value and deadline.
    pub(crate) fn remove(&mut self, slot: usize, hash: u64) -> Option<(Value, Option<UnixMillis>)> {
        let entry = self.entry(self.index.get(slot)?.0);
        let inline = match entry.value_number() {
            Some(_) => None,
            None => Some(Value::from_inline(form(entry.form()), entry.value)),
        };
        let (large, deadline) = self.forget(slot, hash)?;
        Some((large.or(inline)?, deadline))
    }

    /// Removes the entry in a slot. Its value is returned if it was in the slab, for the caller
    /// to drop where that holds nobody up.
    pub(crate) fn discard(&mut self, slot: usize, hash: u64) -> Option<Value> {
        self.forget(slot, hash)?.0
    }

    fn forget(&mut self, slot: usize, hash: u64) -> Option<(Option<Value>, Option<UnixMillis>)> {
        let entry = self.entry(self.index.get(slot)?.0);
        let (size, deadline) = (entry.size(), entry.deadline());
        let (key, value) = (entry.key_number(), entry.value_number());
        if let Some(number) = key {
            self.slab.remove(number);
        }
        let value = value.and_then(|number| self.slab.remove(number));
        self.index.remove(slot, hash);
        self.garbage += size as u32;
        self.count_deadline(deadline, None);
        self.tidy();
        Some((value, deadline))
    }

    /// Takes the value in a slot out, to be edited; [`Segment::replace`] puts it back.
    ///
    /// From the slab it is moved, not cloned: a clone would make the edit copy what it touches.
    /// Until it is back, an empty string stands in its place.
    pub(crate) fn take_value(&mut self, slot: usize) -> Option<Value> {
        let entry = self.entry(self.index.get(slot)?.0);
        Some(match entry.value_number() {
            Some(number) => self.slab.take_value(number),
            None => Value::from_inline(form(entry.form()), entry.value),
        })
    }

    pub(super) fn count_deadline(&mut self, was: Option<UnixMillis>, is: Option<UnixMillis>) {
        self.deadlines -= u16::from(was.is_some());
        self.deadlines += u16::from(is.is_some());
    }

    /// Whether a sixteenth of what is used is garbage: too much when memory is short.
    pub(crate) fn is_loose(&self) -> bool {
        self.garbage as usize * 16 > self.pages.used()
    }

    /// After a change: frees everything if nothing is left, compacts if garbage has passed a
    /// quarter of what is used.
    fn tidy(&mut self) {
        self.slab.tidy();
        if self.index.is_empty() {
            let old = std::mem::replace(self, Segment::new(self.depth, self.epoch));
            old.pages.let_go();
            return;
        }
        if self.deadlines == 0 && self.slab.len() == 0 && !self.bounds.is_empty() {
            self.bounds = Bounds::default();
        }
        if self.garbage as usize > SMALL_GARBAGE && self.garbage as usize * 4 > self.pages.used() {
            self.compact();
        }
    }
}

/// The deadline an entry has after it was written.
fn after(ttl: Ttl, was: Option<UnixMillis>) -> Option<UnixMillis> {
    match ttl {
        Ttl::Keep => was,
        Ttl::Clear => None,
        Ttl::At(deadline) => Some(deadline),
    }
}

fn owned(payload: Payload<'_>) -> Value {
    match payload {
        Payload::Inline(form, bytes) => Value::from_inline(form, bytes),
        Payload::Value(value) => value,
    }
}

/// The form whose tag an entry carries.
#[inline]
fn form(tag: u8) -> Form {
    const FORMS: [Form; 7] = [
        Form::StringRaw,
        Form::StringInt,
        Form::ListListpack,
        Form::SetIntset,
        Form::SetListpack,
        Form::HashListpack,
        Form::ZsetListpack,
    ];
    const _: () = {
        let mut tag = 0;
        while tag < FORMS.len() {
            assert!(FORMS[tag] as usize == tag);
            tag += 1;
        }
    };
    FORMS[usize::from(tag)]
}

use crate::access::Touch;
use crate::account::{Block, own};
use crate::table::{Item, Payload, SCAN_END, Shared, Tree, Unmarked};
use crate::value::arc_bytes;
use crate::{Form, IntBytes, KeyHasher, StringRef, Ttl, ValueRef};
use std::sync::Arc;
use units::UnixMillis;

/// A table inside a value: the fields of a large hash, the members of a large set or sorted set.
///
/// A field maps to a string and may have a deadline of its own. Cloning is O(1) and shares
/// everything; the first write after it copies one page, one index and some references.
#[derive(Clone)]
pub struct FieldTable {
    tree: Arc<Tree<Unmarked, Shared>>,
}

/// A field, its value, its deadline.
pub type Field<'a> = (&'a [u8], StringRef<'a>, Option<UnixMillis>);

/// What a scan is given: field, value, deadline.
type Visit<'f> = dyn FnMut(&[u8], StringRef<'_>, Option<UnixMillis>) + 'f;

fn field(item: Item<'_, Unmarked>) -> Field<'_> {
    match item.value {
        ValueRef::String(value) => (item.key, value, item.deadline),
        _ => unreachable!("fields hold strings only"),
    }
}

impl FieldTable {
    /// An empty table.
    pub fn new(hasher: KeyHasher) -> FieldTable {
        FieldTable {
            tree: Arc::new(Tree::new(Shared::new(), hasher, 0)),
        }
    }

    /// Number of fields, expired ones that are still there included.
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hasher of field names.
    pub fn hasher(&self) -> KeyHasher {
        self.tree.hasher()
    }

    fn hash(&self, field: &[u8]) -> u64 {
        self.tree.hasher().hash(field)
    }

    /// Whether there is such a field, expired or not.
    pub fn contains(&self, field: &[u8]) -> bool {
        self.tree.get(self.hash(field), field).is_some()
    }

    /// The value and the deadline of a field, expired or not.
    pub fn get(&self, name: &[u8]) -> Option<(StringRef<'_>, Option<UnixMillis>)> {
        let (_, value, deadline) = field(self.tree.get(self.hash(name), name)?);
        Some((value, deadline))
    }

    /// The value of a field exactly as [`FieldTable::insert_raw`] stored it.
    pub fn get_raw(&self, field: &[u8]) -> Option<&[u8]> {
        self.tree.raw(self.hash(field), field)
    }

    /// Sets a field and its deadline; whether it is new. A value that is a canonical integer is
    /// kept as one.
    pub fn insert(&mut self, field: &[u8], value: &[u8], deadline: Option<UnixMillis>) -> bool {
        let ttl = deadline.map_or(Ttl::Clear, Ttl::At);
        match crate::keys::integer(value) {
            Some(number) => self.store(field, Form::StringInt, IntBytes::new(number).as_ref(), ttl),
            None => self.store(field, Form::StringRaw, value, ttl),
        }
    }

    /// Sets a field without a deadline to bytes (at most 64) that are never taken for an integer;
    /// whether it is new. For scores.
    pub fn insert_raw(&mut self, field: &[u8], value: &[u8]) -> bool {
        debug_assert!(value.len() <= 64);
        self.store(field, Form::StringRaw, value, Ttl::Clear)
    }

    /// Sets a field without a deadline to an integer; whether it is new.
    pub fn insert_int(&mut self, field: &[u8], value: i64) -> bool {
        let value = IntBytes::new(value);
        self.store(field, Form::StringInt, value.as_ref(), Ttl::Clear)
    }

    fn store(&mut self, field: &[u8], form: Form, value: &[u8], ttl: Ttl) -> bool {
        let hash = self.hash(field);
        let tree = own(&mut self.tree);
        tree.store_inline(hash, field, form, value, ttl, &Touch::NONE)
            .added
    }

    /// Sets a field to a value in any form; whether it is new. For strings that are edited whole.
    pub fn insert_value(&mut self, field: &[u8], value: crate::StringValue, ttl: Ttl) -> bool {
        let hash = self.hash(field);
        let tree = own(&mut self.tree);
        let value = Payload::Value(crate::Value::String(value));
        tree.store(hash, field, value, ttl, &Touch::NONE).added
    }

    /// Removes a field; whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        let hash = self.hash(field);
        // Looked for first: a table that does not change is not copied.
        self.tree.get(hash, field).is_some() && own(&mut self.tree).discard(hash, field).is_some()
    }

    /// Sets or removes the deadline of a field; whether there is such a field.
    pub fn set_deadline(&mut self, field: &[u8], deadline: Option<UnixMillis>) -> bool {
        let hash = self.hash(field);
        match self.tree.get(hash, field) {
            None => false,
            Some(item) if item.deadline == deadline => true,
            Some(_) => {
                let tree = own(&mut self.tree);
                tree.set_deadline(hash, field, deadline).is_some()
            }
        }
    }

    /// Number of fields that have a deadline.
    pub fn deadlines(&self) -> usize {
        self.tree.deadlines()
    }

    /// No deadline lies before this; `None` if no field has one.
    pub fn earliest(&self) -> Option<UnixMillis> {
        self.tree.earliest()
    }

    /// Removes fields whose deadline is at or before `now`, at most `max`, and tells which, with
    /// their deadlines. There may be more while [`FieldTable::earliest`] says so, even after a call
    /// that found none: looking costs of `max` too.
    pub fn remove_due(&mut self, now: UnixMillis, max: usize) -> Vec<(Vec<u8>, UnixMillis)> {
        if self.earliest().is_none_or(|earliest| earliest > now) {
            return Vec::new();
        }
        let tree = own(&mut self.tree);
        let gone = tree.fire(now, &mut { max }).keys;
        for (name, _) in &gone {
            tree.discard(tree.hasher().hash(name), name);
        }
        gone
    }

    /// Every field, expired or not, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> + '_ {
        self.tree.iter().map(field)
    }

    /// A field drawn at random.
    pub fn random(&self, rng: &mut fastrand::Rng) -> Option<Field<'_>> {
        self.tree.random(rng).map(field)
    }

    /// Visits about `count` fields from `cursor` on, 0 to begin; the cursor to go on from, 0 at the
    /// end. A field that stays from the first call to the last is seen whatever else changes.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut Visit<'_>) -> u64 {
        if cursor >= SCAN_END {
            return 0;
        }
        let mut count = count.max(1);
        let next = self.tree.scan(cursor, 0, &mut count, &mut |item| {
            let (name, value, deadline) = field(item);
            f(name, value, deadline);
        });
        next.filter(|&next| next < SCAN_END).unwrap_or(0)
    }

    /// Bytes the table takes of an allocator, its own block included.
    pub fn heap_bytes(&self) -> usize {
        arc_bytes::<Tree<Unmarked, Shared>>() + self.tree.heap_bytes()
    }

    /// The segments, to be freed one by one: the bytes of each. What others share is left to them
    /// and does not count.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let tree = Arc::into_inner(self.tree).into_iter();
        tree.flat_map(|tree| {
            let (bytes, segments) = tree.into_segments();
            let own = arc_bytes::<Tree<Unmarked, Shared>>() + bytes;
            std::iter::once(own).chain(segments.into_parts())
        })
    }

    /// Walks every invariant; panics where one does not hold.
    pub fn check(&self) {
        self.tree.check();
    }
}

impl Block for Tree<Unmarked, Shared> {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Self>() + self.segments.list_bytes()
    }
}

impl std::fmt::Debug for FieldTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value, _)| (name, value.to_vec())))
            .finish()
    }
}

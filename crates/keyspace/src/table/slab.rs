//! What does not fit a page: large values and long keys, by number.

use crate::account::{Block, free, free_slice, let_go_slice, own, usable_size};
use crate::{Form, Value};
use std::sync::Arc;

/// One place of a slab.
#[derive(Clone)]
enum Place {
    /// With the bytes it owns, as counted when it came: a clone may own fewer.
    Value(Value, usize),
    Key(Arc<[u8]>),
    /// The next free place, or [`NONE`].
    Free(u16),
}

impl Place {
    fn owned(&self) -> usize {
        match self {
            Place::Value(_, bytes) => *bytes,
            Place::Key(key) => key_bytes(key),
            Place::Free(_) => 0,
        }
    }
}

/// No place.
const NONE: u16 = u16::MAX;
/// Places in a block: the most that the first write after a freeze copies.
const BLOCK: usize = 16;

/// The large values and keys of one segment. A pointer, as most segments have none.
#[derive(Clone, Default)]
pub(crate) struct Slab(Option<Box<Places>>);

/// In blocks that are shared with frozen views until they are written.
#[derive(Clone)]
struct Places {
    blocks: Vec<Arc<Vec<Place>>>,
    free: u16,
    taken: u16,
    /// Bytes that the values and keys own outside the slab.
    owned: usize,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            blocks: Vec::new(),
            free: NONE,
            taken: 0,
            owned: 0,
        }
    }
}

impl Slab {
    fn places(&self) -> &Places {
        match &self.0 {
            Some(places) => places,
            None => unreachable!("entries number what the slab holds"),
        }
    }

    fn places_mut(&mut self) -> &mut Places {
        self.0.get_or_insert_default()
    }

    /// Puts a value in and returns its number.
    pub(crate) fn insert_value(&mut self, value: Value) -> u16 {
        let bytes = value.heap_bytes();
        self.places_mut().owned += bytes;
        self.places_mut().insert(Place::Value(value, bytes))
    }

    /// Puts a key in and returns its number.
    pub(crate) fn insert_key(&mut self, key: &[u8]) -> u16 {
        self.places_mut().owned += key_bytes(key);
        self.places_mut().insert(Place::Key(key.into()))
    }

    /// The key of that number.
    #[inline]
    pub(crate) fn key(&self, number: u16) -> &[u8] {
        match self.places().get(number) {
            Some(Place::Key(key)) => key,
            _ => unreachable!("entries number keys that the slab holds"),
        }
    }

    /// The value of that number.
    #[inline]
    pub(crate) fn value(&self, number: u16) -> &Value {
        match self.places().get(number) {
            Some(Place::Value(value, _)) => value,
            _ => unreachable!("entries number values that the slab holds"),
        }
    }

    /// The value of that number, if there is one: an entry that is being written may number what
    /// is no longer there.
    pub(crate) fn peek(&self, number: u16) -> Option<&Value> {
        match self.0.as_ref()?.get(number) {
            Some(Place::Value(value, _)) => Some(value),
            _ => None,
        }
    }

    /// Frees a place and returns the value that was there, if it was a value.
    pub(crate) fn remove(&mut self, number: u16) -> Option<Value> {
        self.places_mut().remove(number)
    }

    /// Moves a value out, leaving an empty string in its place.
    pub(crate) fn take_value(&mut self, number: u16) -> Value {
        let places = self.places_mut();
        let empty = Value::from_inline(Form::StringRaw, b"");
        match std::mem::replace(places.get_mut(number), Place::Value(empty, 0)) {
            Place::Value(value, bytes) => {
                places.owned -= bytes;
                value
            }
            _ => unreachable!("entries number values that the slab holds"),
        }
    }

    /// What nobody else shares: its bytes without the values, and the values.
    pub(crate) fn into_parts(self) -> (usize, Vec<Value>) {
        let mut own = self.list_bytes();
        let mut values = Vec::new();
        let blocks = self.0.map_or_else(Vec::new, |places| places.blocks);
        for (bytes, places) in blocks.into_iter().filter_map(free) {
            own += bytes;
            for place in places {
                match place {
                    Place::Value(value, _) => values.push(value),
                    Place::Key(key) => own += free_slice(key),
                    Place::Free(_) => {}
                }
            }
        }
        (own, values)
    }

    /// Bytes of the list of blocks.
    pub(crate) fn list_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |places| places.list_bytes())
    }

    /// Moves the key of that number in another slab here; its number here, as entries store it.
    pub(crate) fn adopt_key(&mut self, number: u16, old: &mut Slab) -> [u8; 2] {
        let here = self.insert_key(old.key(number));
        old.remove(number);
        here.to_le_bytes()
    }

    /// Gives up the blocks if nothing is left in them.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        if self.0.as_ref().is_some_and(|places| places.taken == 0) {
            self.0 = None;
        }
    }

    /// Places taken.
    pub(crate) fn len(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |places| usize::from(places.taken))
    }

    /// Bytes of the slab and all it holds.
    #[inline]
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |places| places.heap_bytes())
    }

    /// Bytes that the value or key of that number owns outside the slab.
    pub(crate) fn owned_by(&self, number: u16) -> usize {
        self.places().get(number).map_or(0, Place::owned)
    }

    /// Bytes that the values and keys own outside the slab, and the same counted anew.
    pub(crate) fn owned(&self) -> (usize, usize) {
        let Some(places) = &self.0 else { return (0, 0) };
        (places.owned, places.owned_recounted())
    }
}

impl Places {
    fn insert(&mut self, place: Place) -> u16 {
        self.taken += 1;
        if self.free != NONE {
            let number = self.free;
            let Place::Free(next) = std::mem::replace(self.get_mut(number), place) else {
                unreachable!("the list of free places holds free places only")
            };
            self.free = next;
            return number;
        }
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.reserve_exact(1);
            self.blocks.push(Arc::default());
        }
        let last = self.blocks.len() - 1;
        let block = own(&mut self.blocks[last]);
        if block.len() == block.capacity() {
            block.reserve_exact(4);
        }
        block.push(place);
        (last * BLOCK + block.len() - 1) as u16
    }

    #[inline]
    fn get(&self, number: u16) -> Option<&Place> {
        let number = usize::from(number);
        self.blocks.get(number / BLOCK)?.get(number % BLOCK)
    }

    fn get_mut(&mut self, number: u16) -> &mut Place {
        let number = usize::from(number);
        &mut own(&mut self.blocks[number / BLOCK])[number % BLOCK]
    }

    fn remove(&mut self, number: u16) -> Option<Value> {
        let free = Place::Free(self.free);
        let place = std::mem::replace(self.get_mut(number), free);
        self.free = number;
        self.taken -= 1;
        match place {
            Place::Value(value, bytes) => {
                self.owned -= bytes;
                Some(value)
            }
            Place::Key(key) => {
                self.owned -= key_bytes(&key);
                let_go_slice(key);
                None
            }
            Place::Free(_) => unreachable!("a place is freed once"),
        }
    }

    /// By lengths, not capacities: a copy must count as much as what it was made from.
    fn heap_bytes(&self) -> usize {
        let full = self.blocks.len().saturating_sub(1);
        self.list_bytes()
            + full * block_bytes(BLOCK)
            + self
                .blocks
                .last()
                .map_or(0, |last| block_bytes(last.len().next_multiple_of(4)))
            + self.owned
    }

    fn list_bytes(&self) -> usize {
        usable_size(size_of::<Places>()) + usable_size(self.blocks.len() * size_of::<usize>())
    }

    fn owned_recounted(&self) -> usize {
        let places = self.blocks.iter().flat_map(|block| block.iter());
        places.map(Place::owned).sum()
    }
}

fn key_bytes(key: &[u8]) -> usize {
    usable_size(key.len() + 2 * size_of::<usize>())
}

impl Block for Vec<Place> {
    fn block_bytes(&self) -> usize {
        block_bytes(self.len().next_multiple_of(4))
    }
}

/// An `Arc` of a `Vec` of that many places.
fn block_bytes(places: usize) -> usize {
    usable_size(5 * size_of::<usize>()) + usable_size(places * size_of::<Place>())
}

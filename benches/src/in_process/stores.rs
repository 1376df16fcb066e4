//! The stores, all behind one trait: bytes in, bytes out.

use dashmap::DashMap;
use hashbrown::hash_table::{Entry, HashTable};
use siphasher::sip::SipHasher13;
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};

/// A handle of one thread to a store.
pub(crate) trait Handle {
    /// Puts a value at a key, whatever was there.
    fn set(&mut self, key: &[u8], value: &[u8]);
    /// The first byte of the value at a key.
    fn get(&mut self, key: &[u8]) -> u8;
    /// The sum of the first bytes of the values at some keys.
    fn get_all(&mut self, keys: &[&[u8]]) -> u64 {
        keys.iter().map(|key| u64::from(self.get(key))).sum()
    }
}

/// A store that hands out handles.
pub(crate) trait Store {
    /// What threads use it by.
    type Handle<'s>: Handle
    where
        Self: 's;
    /// One more handle.
    fn handle(&self) -> Self::Handle<'_>;
}

/// The hash that every map here has, under a key that is no secret.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sip;

impl BuildHasher for Sip {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(1, 2)
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = Sip.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// The engine, by its typed methods.
pub(crate) struct Engine(duramen::Engine);

impl Engine {
    pub(crate) fn new() -> Engine {
        Engine(duramen::Engine::open_in_memory())
    }
}

impl Store for Engine {
    type Handle<'s> = duramen::Session;
    fn handle(&self) -> duramen::Session {
        self.0.session()
    }
}

fn first(string: duramen::StringRef<'_>) -> u8 {
    match string {
        duramen::StringRef::Bytes(bytes) => bytes.first().copied().unwrap_or_default(),
        _ => 0,
    }
}

impl Handle for duramen::Session {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        let _ = duramen::Session::set(self, key, value);
    }
    fn get(&mut self, key: &[u8]) -> u8 {
        self.get_with(key, first).ok().flatten().unwrap_or_default()
    }
    fn get_all(&mut self, keys: &[&[u8]]) -> u64 {
        let mut sum = 0;
        let _ = self.get_many_with(keys, |_, value| {
            sum += value.map_or(0, |value| u64::from(first(value)));
        });
        sum
    }
}

/// A key and a value, an allocation each.
type Boxed = (Box<[u8]>, Box<[u8]>);

/// hashbrown's table of boxes. For one thread.
#[derive(Default)]
pub(crate) struct Boxes(RefCell<HashTable<Boxed>>);

impl Store for Boxes {
    type Handle<'s> = &'s Boxes;
    fn handle(&self) -> &Boxes {
        self
    }
}

impl Handle for &Boxes {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        let mut table = self.0.borrow_mut();
        let again = |(key, _): &Boxed| hash(key);
        match table.entry(hash(key), |(known, _)| **known == *key, again) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value.into(),
            Entry::Vacant(entry) => drop(entry.insert((key.into(), value.into()))),
        }
    }
    fn get(&mut self, key: &[u8]) -> u8 {
        let table = self.0.borrow();
        let found = table.find(hash(key), |(known, _)| **known == *key);
        found.map_or(0, |(_, value)| value[0])
    }
}

/// DashMap.
#[derive(Default)]
pub(crate) struct Dash(DashMap<Box<[u8]>, Box<[u8]>, Sip>);

impl Store for Dash {
    type Handle<'s> = &'s Dash;
    fn handle(&self) -> &Dash {
        self
    }
}

impl Handle for &Dash {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.into(), value.into());
    }
    fn get(&mut self, key: &[u8]) -> u8 {
        self.0.get(key).map_or(0, |entry| entry.value()[0])
    }
}

/// moka's cache, with room for all.
pub(crate) struct Moka(moka::sync::Cache<Box<[u8]>, std::sync::Arc<[u8]>, Sip>);

impl Moka {
    pub(crate) fn new(keys: usize) -> Moka {
        let builder = moka::sync::Cache::builder().max_capacity(keys as u64 * 2);
        Moka(builder.build_with_hasher(Sip))
    }
}

impl Store for Moka {
    type Handle<'s> = &'s Moka;
    fn handle(&self) -> &Moka {
        self
    }
}

impl Handle for &Moka {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.into(), value.into());
    }
    fn get(&mut self, key: &[u8]) -> u8 {
        self.0.get(key).map_or(0, |value| value[0])
    }
}

/// quick_cache, with room for all.
pub(crate) struct Quick(
    quick_cache::sync::Cache<Box<[u8]>, std::sync::Arc<[u8]>, quick_cache::UnitWeighter, Sip>,
);

impl Quick {
    pub(crate) fn new(keys: usize) -> Quick {
        let lifecycle = quick_cache::sync::DefaultLifecycle::default();
        let weigh = quick_cache::UnitWeighter;
        Quick(quick_cache::sync::Cache::with(
            keys,
            keys as u64 * 2,
            weigh,
            Sip,
            lifecycle,
        ))
    }
}

impl Store for Quick {
    type Handle<'s> = &'s Quick;
    fn handle(&self) -> &Quick {
        self
    }
}

impl Handle for &Quick {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.into(), value.into());
    }
    fn get(&mut self, key: &[u8]) -> u8 {
        self.0.get(key).map_or(0, |value| value[0])
    }
}

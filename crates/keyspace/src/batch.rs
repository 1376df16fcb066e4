//! Keys gathered without a lock and added together, for loaders.

use crate::keys::{Access, integer};
use crate::keyspace::Slot;
use crate::shard::Shard;
use crate::sync::RwLockWriteGuard;
use crate::table::{Mark, Payload};
use crate::{Form, IntBytes, KeyHasher, Keyspace, StringValue, Value};
use std::hint::black_box;
use std::ops::Range;
use units::{DbIndex, UnixMillis};

/// What a batch is told of a key, apart from its value.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// The database. One that there is, or adding panics.
    pub db: DbIndex,
    /// The name.
    pub key: &'a [u8],
    /// When it expires. A time that has passed is kept as it is.
    pub deadline: Option<UnixMillis>,
    /// When or how often it was used; without it, it was used just now.
    pub access: Access,
}

/// A key was there before, in the keyspace or in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The database.
    pub db: DbIndex,
    /// The name.
    pub key: Vec<u8>,
}

/// Keys to be added together, by [`Keyspace::add`].
///
/// Names and short strings lie behind each other in one block, which [`Batch::clear`] keeps: a key
/// costs no allocation on its way into a page.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    values: Vec<Option<Value>>,
    keys: Vec<Gathered>,
    /// Hashes from the shard's bits on, with the places of their keys; sorted when they are added.
    order: Vec<(u64, u32)>,
    sorted: Vec<(u64, u32)>,
}

#[derive(Debug)]
struct Gathered {
    hash: u64,
    db: DbIndex,
    /// Where the name begins. A short string follows it.
    start: usize,
    len: u32,
    value: Place,
    deadline: Option<UnixMillis>,
    access: Access,
}

/// Where the value of a gathered key is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// So many bytes behind the name.
    Inline(Form, u16),
    /// In `values`.
    Large(u32),
}

/// Strings longer than this are no page's, and are copied once only if they are values at once.
const SHORT: usize = 512;
/// So many keys before a key is added, what it needs is asked of memory.
const AHEAD: usize = 8;
/// Leading hash bits, as a power of two, by which a batch is sorted: neighbours share segments.
const SORT_BITS: u32 = 11;
/// Tag bits above those of the shard.
const TAG_BITS: u32 = 7;

impl Batch {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of names and short strings, and what each key takes beside them.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.keys.len() * (size_of::<Gathered>() + 2 * size_of::<(u64, u32)>())
    }

    /// Forgets all keys, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.values.clear();
        self.keys.clear();
        self.order.clear();
    }

    /// Gathers a string. The canonical text of an integer is kept as one.
    pub fn push_string(&mut self, hasher: &KeyHasher, key: NewKey<'_>, value: &[u8]) {
        if value.len() > SHORT {
            return self.push(hasher, key, Value::String(StringValue::from_bytes(value)));
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key.key);
        let number = integer(value).map(IntBytes::new);
        let (form, value) = match &number {
            Some(number) => (Form::StringInt, number.as_ref()),
            None => (Form::StringRaw, value),
        };
        self.bytes.extend_from_slice(value);
        self.note(hasher, key, start, Place::Inline(form, value.len() as u16));
    }

    /// Gathers a value of any type.
    pub fn push(&mut self, hasher: &KeyHasher, key: NewKey<'_>, value: Value) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key.key);
        let place = Place::Large(self.values.len() as u32);
        self.values.push(Some(value));
        self.note(hasher, key, start, place);
    }

    fn note(&mut self, hasher: &KeyHasher, key: NewKey<'_>, start: usize, value: Place) {
        let NewKey {
            db,
            key,
            deadline,
            access,
        } = key;
        let hash = hasher.hash(key);
        self.order.push((hash << TAG_BITS, self.keys.len() as u32));
        self.keys.push(Gathered {
            hash,
            db,
            start,
            len: key.len() as u32,
            value,
            deadline,
            access,
        });
    }

    /// Brings keys of one shard, and nearly those of one segment, together; equal hashes keep
    /// their order.
    fn sort(&mut self) {
        let bucket = |hash: u64| (hash >> (64 - SORT_BITS)) as usize;
        let mut ends = vec![0_u32; 1 << SORT_BITS];
        for &(hash, _) in &self.order {
            ends[bucket(hash)] += 1;
        }
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        self.sorted.clear();
        self.sorted.resize(self.order.len(), (0, 0));
        for &(hash, number) in &self.order {
            let to = &mut ends[bucket(hash)];
            self.sorted[*to as usize] = (hash, number);
            *to += 1;
        }
    }

    fn name(&self, key: &Gathered) -> &[u8] {
        &self.bytes[key.start..key.start + key.len as usize]
    }

    /// Adds a part of the sorted keys to their shard; the first, as they were gathered, that was
    /// there before.
    fn add_to(&mut self, shard: &mut Shard, part: Range<usize>, now: UnixMillis) -> Option<u32> {
        let mut taken = None;
        for at in part {
            self.fetch(shard, at);
            let number = self.sorted[at].1;
            if !self.add_one(shard, number as usize, now) {
                taken = Some(taken.map_or(number, |taken: u32| taken.min(number)));
            }
        }
        taken
    }

    /// Reads what the keys after the one at `at` will need, so that many are waited for at once.
    #[inline]
    fn fetch(&self, shard: &Shard, at: usize) {
        let ahead = |distance: usize| {
            let (_, number) = self.sorted.get(at + distance)?;
            self.keys.get(*number as usize)
        };
        black_box(ahead(2 * AHEAD).map(|key| key.start));
        if let Some(key) = ahead(AHEAD) {
            black_box(self.bytes.get(key.start));
            shard.tables[key.db.index()].fetch_room(key.hash);
        }
    }

    fn add_one(&mut self, shard: &mut Shard, number: usize, now: UnixMillis) -> bool {
        let key = &self.keys[number];
        let (hash, end) = (key.hash, key.start + key.len as usize);
        let name = &self.bytes[key.start..end];
        let payload = match key.value {
            Place::Inline(form, len) => {
                Payload::Inline(form, &self.bytes[end..end + usize::from(len)])
            }
            Place::Large(at) => match self.values[at as usize].take() {
                Some(value) => Payload::Value(value),
                None => unreachable!("a batch is cleared after it was added"),
            },
        };
        let touch = shard.touch(now, hash);
        let stamp = key.access.stamp(shard.policy, now);
        let table = &mut shard.tables[key.db.index()];
        if !table.add(hash, name, payload, key.deadline, &touch) {
            return false;
        }
        if let (Some(stamp), Some(item)) = (stamp, table.get(hash, name)) {
            item.mark.store(stamp);
        }
        shard.changed(key.db, name);
        true
    }
}

impl Keyspace {
    /// Makes room for `keys` keys in a database, if it never had any. Takes about a byte for
    /// each at once, and a few more as keys come: who says how many must know that they may come.
    pub fn expect(&self, db: DbIndex, keys: usize) {
        let each = keys / self.shards();
        for slot in &self.inner.shards {
            let mut shard = slot.lock.write();
            if let Some(table) = shard.tables.get_mut(db.index()) {
                table.presize(each);
            }
            slot.published.update(&shard, db);
        }
    }

    /// Adds the keys of a batch under one lock for each shard, and clears the batch. Keys that are
    /// there stay as they are; of those the one that was gathered first is told. Logs nothing.
    pub fn add(&self, batch: &mut Batch, now: UnixMillis) -> Result<(), Taken> {
        batch.sort();
        let mut parts = self.parts(batch);
        let mut taken: Option<u32> = None;
        while !parts.is_empty() {
            let (slot, mut shard, part) = self.next_part(&mut parts);
            let found = batch.add_to(&mut shard, part, now);
            slot.published.update_all(&shard);
            self.inner.alarm.note(slot.published.earliest());
            taken = taken.into_iter().chain(found).min();
        }
        let taken = taken.map(|number| {
            let key = &batch.keys[number as usize];
            Err(Taken {
                db: key.db,
                key: batch.name(key).to_vec(),
            })
        });
        batch.clear();
        taken.unwrap_or(Ok(()))
    }

    /// The sorted keys of a batch, by shard.
    fn parts(&self, batch: &Batch) -> Vec<(usize, Range<usize>)> {
        let mut parts: Vec<(usize, Range<usize>)> = Vec::new();
        for (at, &(hash, _)) in batch.sorted.iter().enumerate() {
            let shard = self.inner.shard_of(hash >> TAG_BITS);
            match parts.last_mut() {
                Some((last, part)) if *last == shard => part.end = at + 1,
                _ => parts.push((shard, at..at + 1)),
            }
        }
        parts
    }

    /// Takes out the part whose shard is free, and its lock; if others hold all, waits for one.
    fn next_part(
        &self,
        parts: &mut Vec<(usize, Range<usize>)>,
    ) -> (&Slot, RwLockWriteGuard<'_, Shard>, Range<usize>) {
        let free = parts.iter().enumerate().find_map(|(at, (shard, _))| {
            let guard = self.inner.shards[*shard].lock.try_write()?;
            Some((at, guard))
        });
        let (at, guard) = match free {
            Some(free) => free,
            None => (0, self.inner.shards[parts[0].0].lock.write()),
        };
        let (shard, part) = parts.swap_remove(at);
        (&self.inner.shards[shard], guard, part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Options, Plan, Ttl, ValueRef};
    use proptest::prelude::*;

    const DB: DbIndex = DbIndex(1);
    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn keyspace() -> Keyspace {
        Keyspace::new(Options {
            shards: 4,
            ..Options::default()
        })
    }

    fn new_key(key: &[u8], deadline: Option<UnixMillis>) -> NewKey<'_> {
        NewKey {
            db: DB,
            key,
            deadline,
            access: Access::default(),
        }
    }

    fn batch(keyspace: &Keyspace, keys: &[(Vec<u8>, Vec<u8>, Option<i64>)]) -> Batch {
        let (mut batch, hasher) = (Batch::default(), keyspace.settings().hasher);
        for (key, value, deadline) in keys {
            batch.push_string(&hasher, new_key(key, deadline.map(UnixMillis)), value);
        }
        batch
    }

    fn content(keyspace: &Keyspace) -> Vec<(Vec<u8>, Vec<u8>, Option<UnixMillis>)> {
        let mut all = Vec::new();
        for slot in &keyspace.inner.shards {
            let shard = slot.lock.read();
            all.extend(shard.tables[DB.index()].iter().map(|item| {
                let ValueRef::String(string) = item.value else {
                    panic!("a string")
                };
                (item.key.to_vec(), string.to_vec(), item.deadline)
            }));
        }
        all.sort();
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_batch_is_as_its_keys_one_by_one(
            keys in prop::collection::btree_map(
                prop::collection::vec(any::<u8>(), 0..300),
                (prop_oneof![prop::collection::vec(any::<u8>(), 0..700), "-?[0-9]{1,20}".prop_map(String::into_bytes)],
                 prop::option::of(0..i64::MAX)),
                0..600,
            ),
            expected in 0..3000_usize,
            size in 1..400_usize,
        ) {
            let keys: Vec<_> = keys.into_iter().map(|(key, (value, at))| (key, value, at)).collect();
            let (plain, bulk) = (keyspace(), keyspace());
            bulk.expect(DB, expected);
            for (key, value, deadline) in &keys {
                let mut locked = plain.lock(plain.plan(Mode::Write, &[key]), UnixMillis(0));
                let ttl = deadline.map_or(Ttl::Clear, |at| Ttl::At(UnixMillis(at)));
                locked.set_string(DB, key, value, ttl);
            }
            for keys in keys.chunks(size) {
                prop_assert_eq!(bulk.add(&mut batch(&bulk, keys), NOW), Ok(()));
            }
            bulk.check();
            prop_assert_eq!(content(&bulk), content(&plain));
            prop_assert_eq!(bulk.len(DB), plain.len(DB));
            prop_assert_eq!(bulk.expires(DB), plain.expires(DB));
        }
    }

    #[test]
    fn the_first_key_that_was_there_is_told_and_stays() {
        let keyspace = keyspace();
        let key = |n: u32, value: &str| (n.to_string().into_bytes(), value.into(), None);
        let first: Vec<_> = (0..100).map(|n| key(n, "old")).collect();
        assert_eq!(keyspace.add(&mut batch(&keyspace, &first), NOW), Ok(()));
        let second: Vec<_> = (60..200).rev().map(|n| key(n, "new")).collect();
        let taken = Taken {
            db: DB,
            key: b"99".to_vec(),
        };
        let mut batch = batch(&keyspace, &second);
        assert_eq!(keyspace.add(&mut batch, NOW), Err(taken));
        assert!(batch.is_empty());
        assert_eq!(keyspace.len(DB), 200);
        let olds = content(&keyspace).into_iter();
        assert_eq!(olds.filter(|(_, value, _)| value == b"old").count(), 100);
        keyspace.check();
    }

    #[test]
    fn room_is_made_in_empty_tables_only_and_is_all_that_it_takes() {
        let keyspace = keyspace();
        let empty = keyspace.used_bytes();
        keyspace.expect(DB, 100_000);
        let roomy = keyspace.used_bytes();
        assert!(empty < roomy && roomy < empty + 200_000, "{roomy}");
        keyspace.expect(DB, 1_000_000);
        assert_eq!(keyspace.used_bytes(), roomy);
        let mut held = keyspace.lock(Plan::all(Mode::Write), NOW);
        held.set_string(DB, b"k", b"v", Ttl::Clear);
        drop(held);
        keyspace.check();
    }
}

//! Keys gathered without a lock and added together, for loaders.

use crate::keys::{Access, integer};
use crate::keyspace::Slot;
use crate::shard::Shard;
use crate::sync::RwLockWriteGuard;
use crate::table::{Mark, Payload};
use crate::{Form, IntBytes, KeyHasher, Keyspace, StringValue, Value};
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
/// They are parted by hash as they come, so that adding a part reads it from front to back and stays
/// within few segments. Names and short strings lie behind each other in one block a part, which
/// [`Batch::clear`] keeps: a key costs no allocation on its way into a page.
#[derive(Debug)]
pub struct Batch {
    hasher: KeyHasher,
    /// A power of two, and no less than there are shards. Each shard has the same number of them.
    parts: Box<[Part]>,
    len: u32,
    bytes: usize,
}

/// Keys whose hashes share their first bits, in the order in which they came.
#[derive(Debug, Clone, Default)]
struct Part {
    /// Names, each before its value if that is a short string.
    bytes: Vec<u8>,
    /// The other values.
    values: Vec<Value>,
    keys: Vec<Gathered>,
}

#[derive(Debug, Clone, Copy)]
struct Gathered {
    hash: u64,
    deadline: Option<UnixMillis>,
    access: Access,
    db: DbIndex,
    /// Which of the batch it is.
    number: u32,
    /// Bytes of the name.
    len: u32,
    value: Place,
}

/// Where the value of a gathered key is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// So many bytes behind the name.
    Inline(Form, u16),
    /// The next of `values`.
    Large,
}

/// Strings longer than this are no page's, and are copied once only if they are values at once.
const SHORT: usize = 512;
/// So many keys before a key is added, what it needs is asked of memory.
const AHEAD: usize = 8;
/// Leading hash bits by which keys are parted. With more of them a part has fewer segments, and
/// writing to all parts in turn costs more.
const PART_BITS: u32 = 9;
/// Tag bits above those of the shard.
const TAG_BITS: u32 = 7;

impl Batch {
    /// An empty batch for a keyspace.
    pub fn new(keyspace: &Keyspace) -> Batch {
        let parts = keyspace.shards().max(1 << PART_BITS);
        Batch {
            hasher: keyspace.settings().hasher,
            parts: vec![Part::default(); parts].into(),
            len: 0,
            bytes: 0,
        }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of names and short strings, and what each key takes beside them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all keys, and keeps the room.
    pub fn clear(&mut self) {
        self.parts.iter_mut().for_each(Part::clear);
        (self.len, self.bytes) = (0, 0);
    }

    /// Gathers a string. The canonical text of an integer is kept as one.
    pub fn push_string(&mut self, key: NewKey<'_>, value: &[u8]) {
        if value.len() > SHORT {
            return self.push(key, Value::String(StringValue::from_bytes(value)));
        }
        let number = integer(value).map(IntBytes::new);
        let (form, value) = match &number {
            Some(number) => (Form::StringInt, number.as_ref()),
            None => (Form::StringRaw, value),
        };
        let place = Place::Inline(form, value.len() as u16);
        self.note(key, place, value.len())
            .bytes
            .extend_from_slice(value);
    }

    /// Gathers a value of any type.
    pub fn push(&mut self, key: NewKey<'_>, value: Value) {
        self.note(key, Place::Large, 0).values.push(value);
    }

    /// Writes down all of a key but its value, which takes so many bytes of the part that is given.
    fn note(&mut self, key: NewKey<'_>, value: Place, value_len: usize) -> &mut Part {
        let NewKey {
            db,
            key,
            deadline,
            access,
        } = key;
        let hash = self.hasher.hash(key);
        let gathered = Gathered {
            hash,
            deadline,
            access,
            db,
            number: self.len,
            len: key.len() as u32,
            value,
        };
        self.len += 1;
        self.bytes += key.len() + value_len + size_of::<Gathered>();
        let bits = self.parts.len().trailing_zeros();
        let part = &mut self.parts[(hash << TAG_BITS >> (u64::BITS - bits)) as usize];
        part.keys.push(gathered);
        part.bytes.extend_from_slice(key);
        part
    }
}

impl Part {
    fn clear(&mut self) {
        self.bytes.clear();
        self.values.clear();
        self.keys.clear();
    }

    /// Adds all keys to their shard; the first that was there before.
    fn add_to(&mut self, shard: &mut Shard, now: UnixMillis) -> Option<(u32, Taken)> {
        let (mut bytes, mut taken) = (&self.bytes[..], None);
        let mut values = self.values.drain(..);
        for (at, key) in self.keys.iter().enumerate() {
            if let Some(ahead) = self.keys.get(at + AHEAD) {
                shard.tables[ahead.db.index()].fetch_room(ahead.hash);
            }
            let name = split_off(&mut bytes, key.len as usize);
            let payload = match key.value {
                Place::Inline(form, len) => {
                    Payload::Inline(form, split_off(&mut bytes, len.into()))
                }
                Place::Large => match values.next() {
                    Some(value) => Payload::Value(value),
                    None => unreachable!("a value was gathered with its key"),
                },
            };
            if !add_one(shard, key, name, payload, now) && taken.is_none() {
                let (db, key_name) = (key.db, name.to_vec());
                taken = Some((key.number, Taken { db, key: key_name }));
            }
        }
        taken
    }
}

/// The first `len` bytes, which are no longer among the rest.
fn split_off<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (first, rest) = bytes.split_at(len);
    *bytes = rest;
    first
}

/// Whether the key was added: it was not there.
fn add_one(
    shard: &mut Shard,
    key: &Gathered,
    name: &[u8],
    payload: Payload<'_>,
    now: UnixMillis,
) -> bool {
    let touch = shard.touch(now, key.hash);
    let stamp = key.access.stamp(shard.policy, now);
    let table = &mut shard.tables[key.db.index()];
    if !table.add(key.hash, name, payload, key.deadline, &touch) {
        return false;
    }
    if let (Some(stamp), Some(item)) = (stamp, table.get(key.hash, name)) {
        item.mark.store(stamp);
    }
    shard.changed(key.db, name);
    true
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

    /// Adds the keys of a batch, which was made for this keyspace, under one lock for each shard,
    /// and clears the batch. Keys that are there stay as they are; of those the one that was
    /// gathered first is told. Logs nothing.
    pub fn add(&self, batch: &mut Batch, now: UnixMillis) -> Result<(), Taken> {
        let each = batch.parts.len() / self.shards();
        let mut shares: Vec<_> = batch.parts.chunks_mut(each).enumerate().collect();
        shares.retain(|(_, share)| share.iter().any(|part| !part.keys.is_empty()));
        let mut taken: Option<(u32, Taken)> = None;
        while !shares.is_empty() {
            let (slot, mut shard, share) = self.next_share(&mut shares);
            let found = share
                .iter_mut()
                .filter_map(|part| part.add_to(&mut shard, now));
            taken = taken
                .into_iter()
                .chain(found)
                .min_by_key(|(number, _)| *number);
            slot.published.update_all(&shard);
            self.inner.alarm.note(slot.published.earliest());
        }
        batch.clear();
        taken.map_or(Ok(()), |(_, taken)| Err(taken))
    }

    /// Takes out the share of a shard that is free, and its lock; if others hold all, waits for one.
    fn next_share<'b>(
        &self,
        shares: &mut Vec<(usize, &'b mut [Part])>,
    ) -> (&Slot, RwLockWriteGuard<'_, Shard>, &'b mut [Part]) {
        let free = shares.iter().enumerate().find_map(|(at, (shard, _))| {
            let guard = self.inner.shards[*shard].lock.try_write()?;
            Some((at, guard))
        });
        let (at, guard) = match free {
            Some(free) => free,
            None => (0, self.inner.shards[shares[0].0].lock.write()),
        };
        let (shard, share) = shares.swap_remove(at);
        (&self.inner.shards[shard], guard, share)
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
        let mut batch = Batch::new(keyspace);
        for (key, value, deadline) in keys {
            batch.push_string(new_key(key, deadline.map(UnixMillis)), value);
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

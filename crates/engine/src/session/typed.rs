//! Typed methods: strings, keys and hashes without arguments to parse or replies to take apart.
//!
//! They go past the command table straight to the locked keyspace, and log the same effects as
//! the commands they are named for.

use super::Session;
use crate::evict::out_of_memory;
use crate::following::read_only_replica;
use commands::{Effects, Error, EventClass};
use keyspace::{Hash, IfMissing, Keys, Mode, StringRef, StringValue, Ttl};
use smallvec::SmallVec;
use units::{DbIndex, UnixMillis};

/// A field of a hash and its value.
pub type FieldValue = (Vec<u8>, Vec<u8>);

/// When a key that is set goes away again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// When its old value would have.
    Keep,
    /// At this point in time.
    At(UnixMillis),
    /// So many milliseconds from now.
    InMillis(u64),
}

/// What a change has others repeat, and what it tells of.
struct Told<'e> {
    effects: &'e mut Effects,
    db: DbIndex,
    notify: EventClass,
}

impl Told<'_> {
    fn log(&mut self, argv: &[&[u8]]) {
        self.effects.push(argv);
    }

    fn event(&mut self, class: EventClass, name: &'static str, key: &[u8]) {
        if self.notify.intersects(class) {
            self.effects.tell(self.db, name, key);
        }
    }
}

impl Session {
    /// The string at `key`. Like `GET`.
    pub fn get(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let key = key.as_ref();
        self.read(key, |keys, db| {
            Ok(keys.string(db, key)?.map(|string| string.to_vec()))
        })
    }

    /// Calls `f` with the string at `key`, without copying it, and returns what `f` does. The
    /// key's shard is locked for reading meanwhile.
    pub fn get_with<R>(
        &mut self,
        key: impl AsRef<[u8]>,
        f: impl FnOnce(StringRef<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let key = key.as_ref();
        self.read(key, |keys, db| Ok(keys.string(db, key)?.map(f)))
    }

    /// Calls `f` with each of `keys`' number and string, in their order, all as of one moment; with
    /// `None` for a key that is not there or holds something else. Like `MGET`.
    ///
    /// From a few keys on this is much faster than asking for one after the other: while one comes
    /// from memory, the others are on their way.
    pub fn get_many_with<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        mut f: impl FnMut(usize, Option<StringRef<'_>>),
    ) -> Result<(), Error> {
        let names: SmallVec<[&[u8]; 16]> = keys.iter().map(AsRef::as_ref).collect();
        self.read_all(&names, |keys, db| {
            keys.warm(db);
            for (number, name) in names.iter().enumerate() {
                f(number, keys.string(db, name).unwrap_or_default());
            }
            Ok(())
        })
    }

    /// Puts `value` at `key`, whatever was there before. Like `SET`.
    pub fn set(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.set_expiring(key, value, Expiry::Never)
    }

    /// Puts `value` at `key` for a time. Like `SET` with `PXAT` or `KEEPTTL`.
    pub fn set_expiring(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expiry: Expiry,
    ) -> Result<(), Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let ttl = self.ttl("set", expiry)?;
        self.grow(key, |keys, db, told| {
            keys.set_string(db, key, value, ttl);
            told.event(EventClass::STRING, "set", key);
            match ttl {
                Ttl::Clear => told.log(&[b"SET", key, value]),
                Ttl::Keep => told.log(&[b"SET", key, value, b"KEEPTTL"]),
                Ttl::At(at) => {
                    told.event(EventClass::GENERIC, "expire", key);
                    told.log(&[b"SET", key, value, b"PXAT", at.to_string().as_bytes()]);
                }
            }
            Ok(())
        })
    }

    /// Adds `by` to the integer at `key`, 0 if there is none, and returns the sum. Like `INCRBY`.
    pub fn incr_by(&mut self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        let key = key.as_ref();
        self.grow(key, |keys, db, told| {
            let old = match keys.string(db, key)? {
                None => 0,
                Some(string) => string.as_int().ok_or(Error::NotInteger)?,
            };
            let sum = old.checked_add(by).ok_or(Error::Overflow)?;
            keys.set_int(db, key, sum, Ttl::Keep);
            told.event(EventClass::STRING, "incrby", key);
            told.log(&[b"INCRBY", key, by.to_string().as_bytes()]);
            Ok(sum)
        })
    }

    /// Appends to the string at `key` and returns its length. Like `APPEND`.
    pub fn append(
        &mut self,
        key: impl AsRef<[u8]>,
        tail: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        let (key, tail) = (key.as_ref(), tail.as_ref());
        let longest = self.settings().string_bytes_max;
        self.grow(key, |keys, db, told| {
            let old = keys.string(db, key)?.map_or(0, |string| string.len());
            if old.saturating_add(tail.len()) > longest {
                return Err(Error::err(
                    "string exceeds maximum allowed size (proto-max-bulk-len)",
                ));
            }
            let len = keys.edit(db, key, IfMissing::Create, |string: &mut StringValue| {
                string.append(tail);
                string.as_ref().len()
            })?;
            told.event(EventClass::STRING, "append", key);
            told.log(&[b"APPEND", key, tail]);
            Ok(len.unwrap_or_default())
        })
    }

    /// Deletes `key` and says whether it was there. Like `DEL`.
    pub fn del(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let key = key.as_ref();
        self.write(key, |keys, db, told| {
            let was_there = keys.remove(db, key);
            if was_there {
                told.event(EventClass::GENERIC, "del", key);
                told.log(&[b"DEL", key]);
            }
            Ok(was_there)
        })
    }

    /// Whether `key` is there. Like `EXISTS`.
    pub fn exists(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let key = key.as_ref();
        self.read(key, |keys, db| Ok(keys.exists(db, key)))
    }

    /// Says when `key` goes away, and whether it is there. Like `PEXPIREAT` and `PERSIST`.
    pub fn expire(&mut self, key: impl AsRef<[u8]>, expiry: Expiry) -> Result<bool, Error> {
        let key = key.as_ref();
        let deadline = match self.ttl("expire", expiry)? {
            Ttl::Keep => return self.exists(key),
            Ttl::Clear => None,
            Ttl::At(at) => Some(at),
        };
        self.write(key, |keys, db, told| {
            if !keys.exists(db, key) {
                return Ok(false);
            }
            match deadline {
                Some(at) if at <= keys.now() => {
                    keys.remove(db, key);
                    told.event(EventClass::GENERIC, "del", key);
                    told.log(&[b"DEL", key]);
                }
                Some(at) => {
                    keys.set_deadline(db, key, deadline);
                    told.event(EventClass::GENERIC, "expire", key);
                    told.log(&[b"PEXPIREAT", key, at.to_string().as_bytes()]);
                }
                None if keys.set_deadline(db, key, None) => {
                    told.event(EventClass::GENERIC, "persist", key);
                    told.log(&[b"PERSIST", key]);
                }
                None => {}
            }
            Ok(true)
        })
    }

    /// When `key` goes away: `None` if it is not there, `Some(None)` if it stays. Like
    /// `PEXPIRETIME`.
    pub fn deadline(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Option<UnixMillis>>, Error> {
        let key = key.as_ref();
        self.read(key, |keys, db| {
            Ok(keys.peek(db, key).map(|entry| entry.deadline()))
        })
    }

    /// The value of `field` in the hash at `key`. Like `HGET`.
    pub fn hget(
        &mut self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (key, field) = (key.as_ref(), field.as_ref());
        self.read(key, |keys, db| {
            let hash = keys.hash(db, key)?;
            Ok(hash.and_then(|hash| hash.get(field, keys.now()).map(|value| value.to_vec())))
        })
    }

    /// Every field of the hash at `key` with its value, in no particular order. Like `HGETALL`.
    pub fn hgetall(&mut self, key: impl AsRef<[u8]>) -> Result<Vec<FieldValue>, Error> {
        let key = key.as_ref();
        self.read(key, |keys, db| {
            let hash = keys.hash(db, key)?;
            let pairs = hash.into_iter().flat_map(|hash| hash.iter(keys.now()));
            Ok(pairs
                .map(|(field, value, _)| (field.to_vec(), value.to_vec()))
                .collect())
        })
    }

    /// Sets fields of the hash at `key` and returns how many of them are new. Like `HSET`.
    pub fn hset<F: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        fields: &[(F, V)],
    ) -> Result<usize, Error> {
        let key = key.as_ref();
        let mut effect: Vec<&[u8]> = vec![b"HSET", key];
        effect.extend(
            fields
                .iter()
                .flat_map(|(field, value)| [field.as_ref(), value.as_ref()]),
        );
        if fields.is_empty() {
            return Ok(0);
        }
        self.grow(key, |keys, db, told| {
            let settings = keys.settings();
            let added = keys.edit(db, key, IfMissing::Create, |hash: &mut Hash| {
                let set =
                    |(field, value): &(F, V)| hash.set(&settings, field.as_ref(), value.as_ref());
                fields.iter().map(set).filter(|new| *new).count()
            })?;
            told.event(EventClass::HASH, "hset", key);
            told.log(&effect);
            Ok(added.unwrap_or_default())
        })
    }

    /// Removes `field` from the hash at `key` and says whether it was there. Like `HDEL`.
    pub fn hdel(&mut self, key: impl AsRef<[u8]>, field: impl AsRef<[u8]>) -> Result<bool, Error> {
        let (key, field) = (key.as_ref(), field.as_ref());
        self.write(key, |keys, db, told| {
            let removed = keys.edit(db, key, IfMissing::Skip, |hash: &mut Hash| {
                hash.remove(field)
            });
            let removed = removed?.unwrap_or(false);
            if removed {
                told.event(EventClass::HASH, "hdel", key);
                if !keys.exists(db, key) {
                    told.event(EventClass::GENERIC, "del", key);
                }
                told.log(&[b"HDEL", key, field]);
            }
            Ok(removed)
        })
    }

    fn ttl(&self, command: &'static str, expiry: Expiry) -> Result<Ttl, Error> {
        Ok(match expiry {
            Expiry::Never => Ttl::Clear,
            Expiry::Keep => Ttl::Keep,
            Expiry::At(at) => Ttl::At(at),
            Expiry::InMillis(ms) => {
                let ms = i64::try_from(ms).ok();
                let at = ms.and_then(|ms| self.engine.now().checked_add(ms));
                Ttl::At(at.ok_or(Error::InvalidExpire(command))?)
            }
        })
    }

    /// Runs `f` with the shard of `key` locked for reading.
    fn read<R>(
        &mut self,
        key: &[u8],
        f: impl FnOnce(&Keys<'_>, DbIndex) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.read_all(&[key], f)
    }

    /// Runs `f` with the shards of all `keys` locked for reading.
    #[inline]
    fn read_all<R>(
        &mut self,
        keys: &[&[u8]],
        f: impl FnOnce(&Keys<'_>, DbIndex) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.engine.refuse_if_loading()?;
        self.refresh_settings();
        let names = keys;
        let keyspace = self.engine.keyspace();
        let mut keys = keyspace.lock(keyspace.plan(Mode::Read, names), self.engine.now());
        let outcome = f(&keys, self.client.db);
        let expired = keys.expired();
        let misses = self.settings.notify.intersects(EventClass::KEY_MISS);
        let missing = |key: &&&[u8]| misses && !keys.exists(self.client.db, key);
        let missing: SmallVec<[&[u8]; 4]> = names.iter().filter(missing).copied().collect();
        drop(keys);
        if !expired.is_empty() {
            self.engine.reap(expired);
        }
        if !missing.is_empty() {
            self.tell_missing(&missing);
        }
        self.committed()?;
        outcome
    }

    /// The same as [`Session::write`], refused when memory is short.
    fn grow<R>(
        &mut self,
        key: &[u8],
        f: impl FnOnce(&mut Keys<'_>, DbIndex, &mut Told<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self.make_room() {
            true => self.write(key, f),
            false => Err(out_of_memory()),
        }
    }

    /// Runs `f` with the shard of `key` locked for writing; what it tells its last argument is
    /// logged before the lock goes, and published after.
    fn write<R>(
        &mut self,
        key: &[u8],
        f: impl FnOnce(&mut Keys<'_>, DbIndex, &mut Told<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.engine.refuse_if_loading()?;
        if self.engine.is_read_only() {
            return Err(super::dispatch::read_only());
        }
        if self.engine.is_read_only_replica() {
            return Err(read_only_replica());
        }
        self.engine.check_saving()?;
        self.engine.check_replicas()?;
        self.refresh_settings();
        let engine = self.engine.clone();
        let (db, notify) = (self.client.db, self.settings.notify);
        let keyspace = engine.keyspace();
        let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &[key]), engine.now());
        let effects = &mut self.scratch.effects;
        effects.clear();
        let may_be_new = notify.contains(EventClass::NEW) && !keys.exists(db, key);
        let mut told = Told {
            effects,
            db,
            notify,
        };
        let outcome = f(&mut keys, db, &mut told);
        if may_be_new && keys.exists(db, key) {
            effects.tell_new(db, key);
        }
        effects.suppress();
        self.gather(&mut keys, db, &[], 0);
        self.commit(keys);
        self.committed()?;
        outcome
    }
}

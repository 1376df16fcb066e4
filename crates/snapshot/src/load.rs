//! The events of a file into a keyspace.

use crate::intake::{CloseOnDrop, Intake};
use crate::value_loader::{ValueError, ValueLoader};
use keyspace::{Access, Batch, Keyspace, NewKey, Taken};
use rdb::{Event, KeyMeta, Part, Version};
use std::fmt;
use std::thread;
use units::{DbIndex, UnixMillis};

/// How a file is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// The time.
    pub now: UnixMillis,
    /// Whether keys whose time has come are kept. The base of an AOF keeps them, because the log
    /// may still speak of them.
    pub keep_expired: bool,
    /// Bytes of the file, at most. Room is made for as many keys as the file says it has, but not
    /// for more than these bytes are likely to hold.
    pub input_len: u64,
    /// How many threads insert: the caller's, and helpers that are gone when [`load`] returns. Files
    /// of a few MB take no helper.
    pub threads: usize,
}

/// What a file said.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LoadSummary {
    /// The header.
    pub version: Option<Version>,
    /// Facts about the file, by name.
    pub aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// Sources of function libraries.
    pub functions: Vec<Vec<u8>>,
    /// Data of modules.
    pub module_aux: Vec<Vec<u8>>,
    /// Keys that are in the keyspace now.
    pub keys: u64,
    /// Keys that were left out because their time had come.
    pub expired: u64,
    /// Keys that were left out because their collections had no elements.
    pub empty: u64,
}

/// Why a file was refused although its bytes are sound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The parts of this key's value do not make one.
    Value {
        /// The key.
        key: Vec<u8>,
        /// What is wrong with it.
        error: ValueError,
    },
    /// The key was there before, in the file or in the keyspace.
    DuplicateKey {
        /// The database.
        db: DbIndex,
        /// The key.
        key: Vec<u8>,
    },
    /// A key has metadata of modules, which have no place here.
    ModuleKeyMeta {
        /// The database.
        db: DbIndex,
    },
    /// The file speaks of a database beyond those that there are.
    DbOutOfRange {
        /// The database.
        db: DbIndex,
        /// How many there are.
        databases: u32,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Value { key, error } => write!(f, "key \"{}\": {error}", key.escape_ascii()),
            LoadError::DuplicateKey { db, key } => {
                write!(
                    f,
                    "key \"{}\" occurs twice in database {db}",
                    key.escape_ascii()
                )
            }
            LoadError::ModuleKeyMeta { db } => write!(
                f,
                "a key of database {db} has metadata of modules, which cannot be kept"
            ),
            LoadError::DbOutOfRange { db, databases } => write!(
                f,
                "database {db} is beyond the {databases} that there are; raise 'databases'"
            ),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<Taken> for LoadError {
    fn from(Taken { db, key }: Taken) -> LoadError {
        LoadError::DuplicateKey { db, key }
    }
}

/// The part of a file that makes a batch: enough keys for those of a segment to meet, little beside
/// the keyspace. There are two more of them than threads at most.
const BATCHES_OF_A_FILE: u64 = 16;
/// The least bytes of a batch, and the most.
const BATCH_BYTES: (u64, u64) = (4 << 20, 32 << 20);
/// Bytes of a file in which one more key is likely. Room is not made for more.
const BYTES_PER_KEY: u64 = 16;

/// Loads one file: `events` puts all its events into the [`Loader`].
///
/// Gives what `events` gave, and what the file said. An error of the keys that were put comes first,
/// also where `events` has an error of its own, for keys are read before what follows them. After an
/// error some keys are in the keyspace, and some are not.
///
/// With helpers, and several keys that are given twice, any one of those may be told.
pub fn load<R>(
    keyspace: &Keyspace,
    options: LoadOptions,
    events: impl FnOnce(&mut Loader<'_>) -> R,
) -> Result<(R, LoadSummary), LoadError> {
    let (least, most) = BATCH_BYTES;
    let bytes = (options.input_len / BATCHES_OF_A_FILE).clamp(least, most);
    load_in_batches(keyspace, options, bytes as usize, events)
}

fn load_in_batches<R>(
    keyspace: &Keyspace,
    options: LoadOptions,
    batch_bytes: usize,
    events: impl FnOnce(&mut Loader<'_>) -> R,
) -> Result<(R, LoadSummary), LoadError> {
    let intake = Intake::new(keyspace, options.now, options.threads.saturating_sub(1));
    let (result, summary) = thread::scope(|scope| {
        let close = CloseOnDrop(&intake);
        let hire = || {
            scope.spawn(|| intake.work());
        };
        let mut loader = Loader::new(&intake, options, batch_bytes, &hire);
        let result = events(&mut loader);
        let summary = loader.finish();
        drop(close);
        intake.work();
        (result, summary)
    });
    intake.into_result()?;
    Ok((result, summary?))
}

/// Puts the events of one file into a keyspace, see [`load`].
pub struct Loader<'a> {
    intake: &'a Intake<'a>,
    options: LoadOptions,
    /// Starts a helper.
    hire: &'a dyn Fn(),
    helpers: usize,
    batch: Batch,
    /// A batch of so many bytes is handed over.
    batch_bytes: usize,
    db: DbIndex,
    key: Vec<u8>,
    meta: KeyMeta,
    value: ValueLoader,
    /// The value of the key is in the batch already.
    placed: bool,
    /// Keys for which room may still be made.
    room: u64,
    summary: LoadSummary,
}

impl<'a> Loader<'a> {
    /// A loader into `intake`, at the start of a file.
    fn new(
        intake: &'a Intake<'a>,
        options: LoadOptions,
        batch_bytes: usize,
        hire: &'a dyn Fn(),
    ) -> Loader<'a> {
        let settings = intake.keyspace.settings();
        Loader {
            intake,
            options,
            hire,
            helpers: 0,
            batch: Batch::new(intake.keyspace),
            batch_bytes,
            db: DbIndex::ZERO,
            key: Vec::new(),
            meta: KeyMeta::default(),
            value: ValueLoader::new(settings),
            placed: false,
            room: options.input_len / BYTES_PER_KEY,
            summary: LoadSummary::default(),
        }
    }

    /// Takes the next event. An error may be of a key that came before.
    pub fn put(&mut self, event: &Event<'_>) -> Result<(), LoadError> {
        match *event {
            Event::Start(version) => self.summary.version = Some(version),
            Event::Aux { key, value } => self.summary.aux.push((key.to_vec(), value.to_vec())),
            Event::SelectDb(db) => self.select(db)?,
            Event::ResizeDb { keys, .. } => self.expect(keys),
            Event::Function(code) => self.summary.functions.push(code.to_vec()),
            Event::ModuleAux(data) => self.summary.module_aux.push(data.to_vec()),
            Event::Key { key, meta } => {
                self.key.clear();
                self.key.extend_from_slice(key);
                self.meta = meta;
            }
            Event::Value(part) => self.put_part(&part)?,
            Event::SkippedEmpty { .. } => self.summary.empty += 1,
            Event::ModuleKeyMeta(_) => return Err(LoadError::ModuleKeyMeta { db: self.db }),
            // Claims, which nothing here relies on.
            Event::SlotInfo { .. } | Event::SlotImport { .. } => {}
            Event::SkippedOpcode(_) | Event::End { .. } => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<LoadSummary, LoadError> {
        self.hand_over()?;
        Ok(self.summary)
    }

    fn select(&mut self, db: DbIndex) -> Result<(), LoadError> {
        let databases = self.intake.keyspace.databases();
        if db.0 >= databases {
            return Err(LoadError::DbOutOfRange { db, databases });
        }
        self.db = db;
        Ok(())
    }

    /// Makes room for as many keys as the file claims, as far as it can back that.
    fn expect(&mut self, keys: u64) {
        let keys = keys.min(self.room);
        self.room -= keys;
        self.intake.keyspace.expect(self.db, keys as usize);
    }

    fn put_part(&mut self, part: &Part<'_>) -> Result<(), LoadError> {
        match *part {
            // Straight to where keys are gathered, without a value of its own.
            Part::String(value) => {
                if self.is_wanted() {
                    let (batch, key) = (&mut self.batch, new_key(self.db, &self.key, self.meta));
                    batch.push_string(key, value);
                }
                self.placed = true;
                Ok(())
            }
            Part::EndValue if std::mem::take(&mut self.placed) => self.hand_over_if_full(),
            _ => match self.value.put(part) {
                Ok(None) => Ok(()),
                Ok(Some(value)) => {
                    if self.is_wanted() {
                        let key = new_key(self.db, &self.key, self.meta);
                        self.batch.push(key, value);
                    }
                    self.hand_over_if_full()
                }
                Err(error) => Err(LoadError::Value {
                    key: self.key.clone(),
                    error,
                }),
            },
        }
    }

    /// Whether the key is kept; counts it as what it is.
    fn is_wanted(&mut self) -> bool {
        let LoadOptions {
            now, keep_expired, ..
        } = self.options;
        let wanted = keep_expired || self.meta.expire.is_none_or(|at| at > now);
        match wanted {
            true => self.summary.keys += 1,
            false => self.summary.expired += 1,
        }
        wanted
    }

    fn hand_over_if_full(&mut self) -> Result<(), LoadError> {
        if self.batch.bytes() < self.batch_bytes {
            return Ok(());
        }
        if self.helpers + 1 < self.options.threads {
            self.helpers += 1;
            (self.hire)();
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> Result<(), LoadError> {
        let next = self.intake.empty_batch();
        self.intake
            .hand_over(std::mem::replace(&mut self.batch, next))
    }
}

fn new_key(db: DbIndex, key: &[u8], meta: KeyMeta) -> NewKey<'_> {
    let KeyMeta {
        expire,
        idle_secs,
        freq,
    } = meta;
    NewKey {
        db,
        key,
        deadline: expire,
        access: Access { idle_secs, freq },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{DigestForm, digest};
    use keyspace::{Edit, Expiry, List, Mode, Options, OverBudget, Ttl};
    use proptest::prelude::*;
    use std::collections::HashSet;
    use units::UnixMillis;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    /// A key of a file: database, name, deadline, value; a list if it has several parts.
    type Row = (u32, String, Option<i64>, Vec<Vec<u8>>);

    fn row() -> impl Strategy<Value = Row> {
        let deadline = prop::option::of(NOW.0 - 5..NOW.0 + 5);
        let part = prop_oneof![
            prop::collection::vec(any::<u8>(), 1..40),
            (any::<u8>(), 400..2000_usize).prop_map(|(byte, len)| vec![byte; len]),
        ];
        (
            0..3_u32,
            "[a-z]{1,3}",
            deadline,
            prop::collection::vec(part, 1..4),
        )
    }

    fn keyspace() -> Keyspace {
        Keyspace::new(Options {
            shards: 4,
            databases: 3,
            ..Options::default()
        })
    }

    fn put(loader: &mut Loader<'_>, row: &Row) -> Result<(), LoadError> {
        let (db, key, deadline, parts) = row;
        loader.put(&Event::SelectDb(DbIndex(*db)))?;
        let meta = KeyMeta {
            expire: deadline.map(UnixMillis),
            ..KeyMeta::default()
        };
        let key = key.as_bytes();
        loader.put(&Event::Key { key, meta })?;
        if let [value] = &parts[..] {
            loader.put(&Event::Value(Part::String(value)))?;
        } else {
            let len = parts.len() as u64;
            loader.put(&Event::Value(Part::List { len }))?;
            for part in parts {
                loader.put(&Event::Value(Part::Element(part)))?;
            }
        }
        loader.put(&Event::Value(Part::EndValue))
    }

    fn insert(keyspace: &Keyspace, row: &Row) {
        let (db, key, deadline, parts) = row;
        let (db, key) = (DbIndex(*db), key.as_bytes());
        let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &[key]), NOW);
        keys.set_expiry(Expiry::Ignore);
        let ttl = deadline.map_or(Ttl::Clear, |at| Ttl::At(UnixMillis(at)));
        if let [value] = &parts[..] {
            keys.set_string(db, key, value, ttl);
        } else {
            let settings = keyspace.settings();
            let mut list = List::empty(&settings);
            parts
                .iter()
                .for_each(|part| list.push_back(&settings, part));
            keys.insert(db, key, list.into_value(), ttl);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn batches_are_as_keys_one_by_one(
            rows in prop::collection::vec(row(), 0..200),
            (threads, batch_bytes, claimed) in (1..4_usize, 0..8000_usize, any::<u64>()),
            (keep_expired, twice) in any::<(bool, bool)>(),
        ) {
            let (plain, loaded) = (keyspace(), keyspace());
            let mut seen = HashSet::new();
            let is_kept = |row: &Row| keep_expired || row.2.is_none_or(|at| at > NOW.0);
            let mut is_new = |row: &Row| !is_kept(row) || seen.insert((row.0, row.1.clone()));
            let rows: Vec<Row> = rows.into_iter().filter(|row| twice || is_new(row)).collect();
            let options = LoadOptions { now: NOW, keep_expired, input_len: 10_000, threads };
            let result = load_in_batches(&loaded, options, batch_bytes, |loader| {
                loader.put(&Event::ResizeDb { keys: claimed, expires: 0 })?;
                rows.iter().try_for_each(|row| put(loader, row))
            });
            let kept: Vec<_> = rows.iter().filter(|row| is_kept(row)).collect();
            let names: HashSet<_> = kept.iter().map(|row| (row.0, &row.1)).collect();
            loaded.check();
            if names.len() < kept.len() {
                let is_told = matches!(result, Err(LoadError::DuplicateKey { .. }));
                prop_assert!(is_told);
                return Ok(());
            }
            let (put, summary) = result.expect("no key is there twice");
            put.expect("nothing is wrong");
            kept.iter().for_each(|row| insert(&plain, row));
            prop_assert_eq!(summary.keys, kept.len() as u64);
            prop_assert_eq!(summary.expired, (rows.len() - kept.len()) as u64);
            let of = |keyspace: &Keyspace| {
                digest(keyspace.freeze(OverBudget::Cancel, units::ReplOffset::default), UnixMillis(0), DigestForm::Redis72)
            };
            prop_assert_eq!(of(&loaded), of(&plain));
        }
    }

    #[test]
    fn what_was_wrong_with_earlier_keys_is_told_first() {
        let row = |key: &str| (0, key.to_owned(), None, vec![b"v".to_vec()]);
        let options = LoadOptions {
            now: NOW,
            keep_expired: false,
            input_len: 0,
            threads: 2,
        };
        let result = load(&keyspace(), options, |loader| {
            ["a", "b", "a"]
                .iter()
                .try_for_each(|key| put(loader, &row(key)))?;
            loader.put(&Event::SelectDb(DbIndex(3)))
        });
        let error = LoadError::DuplicateKey {
            db: DbIndex(0),
            key: b"a".to_vec(),
        };
        assert_eq!(result.map(|_| ()), Err(error));
    }
}

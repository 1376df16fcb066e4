//! The events of a file into a keyspace.

use crate::value_loader::{ValueError, ValueLoader};
use keyspace::{Access, Expiry, Keyspace, Mode, Ttl, Value};
use rdb::{Event, KeyMeta, Version};
use std::fmt;
use units::{DbIndex, UnixMillis};

/// How a file is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// The time.
    pub now: UnixMillis,
    /// Whether keys whose time has come are kept. The base of an AOF keeps them, because the log
    /// may still speak of them.
    pub keep_expired: bool,
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
            LoadError::DbOutOfRange { db, databases } => write!(
                f,
                "database {db} is beyond the {databases} that there are; raise 'databases'"
            ),
        }
    }
}

impl std::error::Error for LoadError {}

/// Puts the events of one file into a keyspace.
pub struct Loader<'k> {
    keyspace: &'k Keyspace,
    options: LoadOptions,
    db: DbIndex,
    key: Vec<u8>,
    meta: KeyMeta,
    value: ValueLoader,
    summary: LoadSummary,
}

impl<'k> Loader<'k> {
    /// A loader into `keyspace`, at the start of a file.
    pub fn new(keyspace: &'k Keyspace, options: LoadOptions) -> Loader<'k> {
        Loader {
            keyspace,
            options,
            db: DbIndex::ZERO,
            key: Vec::new(),
            meta: KeyMeta::default(),
            value: ValueLoader::new(keyspace.settings()),
            summary: LoadSummary::default(),
        }
    }

    /// Takes the next event.
    pub fn put(&mut self, event: &Event<'_>) -> Result<(), LoadError> {
        match *event {
            Event::Start(version) => self.summary.version = Some(version),
            Event::Aux { key, value } => self.summary.aux.push((key.to_vec(), value.to_vec())),
            Event::SelectDb(db) => self.select(db)?,
            Event::Function(code) => self.summary.functions.push(code.to_vec()),
            Event::ModuleAux(data) => self.summary.module_aux.push(data.to_vec()),
            Event::Key { key, meta } => {
                self.key.clear();
                self.key.extend_from_slice(key);
                self.meta = meta;
            }
            Event::Value(part) => {
                let value = self
                    .value
                    .put(&part)
                    .map_err(|error| self.bad_value(error))?;
                value.map_or(Ok(()), |value| self.insert(value))?;
            }
            Event::SkippedEmpty { .. } => self.summary.empty += 1,
            // Hints and claims, which nothing here relies on.
            Event::ResizeDb { .. } | Event::SlotInfo { .. } | Event::SlotImport { .. } => {}
            Event::SkippedOpcode(_) | Event::End { .. } => {}
        }
        Ok(())
    }

    /// What the file said.
    pub fn finish(self) -> LoadSummary {
        self.summary
    }

    fn select(&mut self, db: DbIndex) -> Result<(), LoadError> {
        let databases = self.keyspace.databases();
        if db.0 >= databases {
            return Err(LoadError::DbOutOfRange { db, databases });
        }
        self.db = db;
        Ok(())
    }

    fn insert(&mut self, value: Value) -> Result<(), LoadError> {
        let LoadOptions { now, keep_expired } = self.options;
        if !keep_expired && self.meta.expire.is_some_and(|at| at <= now) {
            self.summary.expired += 1;
            return Ok(());
        }
        let mut keys = self
            .keyspace
            .lock(self.keyspace.plan(Mode::Write, &[&self.key]), now);
        keys.set_expiry(Expiry::Ignore);
        if keys.exists(self.db, &self.key) {
            return Err(LoadError::DuplicateKey {
                db: self.db,
                key: self.key.clone(),
            });
        }
        let ttl = self.meta.expire.map_or(Ttl::Clear, Ttl::At);
        keys.insert(self.db, &self.key, value, ttl);
        let KeyMeta {
            idle_secs, freq, ..
        } = self.meta;
        if idle_secs.is_some() || freq.is_some() {
            keys.set_access(self.db, &self.key, Access { idle_secs, freq });
        }
        self.summary.keys += 1;
        Ok(())
    }

    fn bad_value(&self, error: ValueError) -> LoadError {
        LoadError::Value {
            key: self.key.clone(),
            error,
        }
    }
}

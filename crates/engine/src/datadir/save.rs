//! From the keyspace to files.

use super::{DataDir, Directory, Known, SaveError, log_end, stamp_of_log};
use crate::config::Config;
use crate::engine::Inner;
use crate::functions::Functions;
use crate::{REDIS_VERSION, VALKEY_VERSION};
use aof::{BaseFormat, Located, commit_base, locate};
use keyspace::OverBudget;
use rdb::{Encoder, EncoderOptions, Family, Losses, Target};
use snapshot::{Access, Preamble, WriteError};
use std::path::{Path, PathBuf};
use storage::{Stamp, Storage, Writer, replace};

/// What a save wrote.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SaveReport {
    /// Whose files they are.
    pub target: Target,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Keys in them.
    pub keys: u64,
    /// What the target could not hold and was dropped, as leave was given.
    pub losses: Losses,
}

impl<S: Storage> DataDir for Directory<S> {
    /// The snapshot first, then the append-only file if there is to be one: its manifest is what
    /// counts where both are there.
    fn save(&self, engine: &Inner) -> Result<SaveReport, SaveError> {
        debug_assert!(
            self.lock.is_some(),
            "a directory that is only read is not saved"
        );
        let mut known = self.known.lock();
        self.refuse_strange_files(&known)?;
        let config = engine.config.read().clone();
        let mut snapshot = Snapshot::new(engine, &config);
        replace(&self.storage, &self.rdb, &mut known.rdb, |file| {
            snapshot.write(file, false)
        })?;
        snapshot.files.push(self.rdb.clone());
        if config.appendonly == Some(true) {
            self.save_log(&mut known, &mut snapshot)?;
        }
        Ok(snapshot.report())
    }
}

impl<S: Storage> Directory<S> {
    /// Somebody who does not know of the lock may have written here.
    fn refuse_strange_files(&self, known: &Known) -> Result<(), SaveError> {
        let unchanged = |path: &Path, stamp: Option<Stamp>| match self.storage.stamp(path)? {
            now if now == stamp => Ok(()),
            _ => Err(SaveError::ChangedBehindOurBack(path.to_owned())),
        };
        unchanged(&self.rdb, known.rdb)?;
        unchanged(&self.names.manifest(), known.manifest)?;
        log_end(&self.names, &known.located).map_or(Ok(()), |path| unchanged(&path, known.log))
    }

    /// A new base with everything in it and an empty incr. A single file of Redis 6.2 stays one if
    /// that is who must read it: such servers know no folder.
    fn save_log(&self, known: &mut Known, snapshot: &mut Snapshot<'_>) -> Result<(), SaveError> {
        let written = match (&known.located, snapshot.target) {
            (Located::Single { path }, Target::Redis9) => {
                snapshot.files.push(path.clone());
                let write = |file: &mut Writer<S::File>| snapshot.write(file, true);
                replace(&self.storage, path, &mut known.log, write)
            }
            _ => self.save_folder(known, snapshot),
        };
        written.and(self.locate_again(known))
    }

    fn save_folder(&self, known: &mut Known, snapshot: &mut Snapshot<'_>) -> Result<(), SaveError> {
        let names = &self.names;
        let manifest = commit_base(
            &self.storage,
            names,
            &known.located,
            &mut known.manifest,
            BaseFormat::Rdb,
            None,
            |file| snapshot.write(file, true),
        )?;
        let data = manifest.data().map(|file| names.file(&file.name));
        snapshot.files.extend(data);
        snapshot.files.push(names.manifest());
        Ok(())
    }

    /// Also after a failure: the new log may have been committed before it.
    fn locate_again(&self, known: &mut Known) -> Result<(), SaveError> {
        let located = locate(&self.storage, &self.names).map_err(SaveError::Aof)?;
        if located != known.located {
            known.log = stamp_of_log(&self.storage, &self.names, &located)?;
            known.located = located;
        }
        Ok(())
    }
}

/// One save: what is written, how, and what came of it.
struct Snapshot<'e> {
    engine: &'e Inner,
    config: &'e Config,
    target: Target,
    files: Vec<PathBuf>,
    keys: u64,
    losses: Losses,
}

impl<'e> Snapshot<'e> {
    fn new(engine: &'e Inner, config: &'e Config) -> Snapshot<'e> {
        let target = engine.target(config);
        Snapshot {
            engine,
            config,
            target,
            files: Vec::new(),
            keys: 0,
            losses: Losses::default(),
        }
    }

    /// Writes everything as it is now. What would be lost is gathered to the end, so that a refusal
    /// names all of it.
    fn write<F: storage::File>(
        &mut self,
        file: &mut Writer<F>,
        is_aof_base: bool,
    ) -> Result<(), SaveError> {
        let (view, functions) = self.engine.freeze_all(OverBudget::Wait);
        let options = EncoderOptions {
            compress: self.config.rdbcompression,
            checksum: self.config.rdbchecksum,
            lossy: true,
        };
        let mut encoder = Encoder::new(self.target, options);
        let preamble = self.preamble(is_aof_base, &functions);
        let mut drain = |bytes: &[u8]| file.write_all(bytes);
        let threads = self.engine.save_threads();
        let keys = snapshot::write(view, &mut encoder, &preamble, threads, &mut drain);
        self.keys = keys.map_err(|error| match error {
            WriteError::Encode(error) => SaveError::Encode(error),
            WriteError::Drain(error) => SaveError::Storage(error),
            WriteError::Cancelled(cancelled) => SaveError::Cancelled(cancelled),
        })?;
        self.losses = encoder.losses().clone();
        let loses_data = self.losses.rows().iter().any(|row| row.what.is_data());
        if loses_data && !self.config.rdb_save_lossy {
            let (target, losses) = (self.target, self.losses.clone());
            return Err(SaveError::Lossy { target, losses });
        }
        Ok(())
    }

    fn preamble(&self, is_aof_base: bool, functions: &Functions) -> Preamble {
        let inner = self.engine;
        let number = |number: i64| number.to_string().into_bytes();
        let (name, version) = match self.target.version().family {
            Family::Redis => ("redis-ver", REDIS_VERSION),
            Family::Valkey => ("valkey-ver", VALKEY_VERSION),
        };
        let base = if self.target == Target::Redis9 {
            "aof-preamble"
        } else {
            "aof-base"
        };
        let aux = [
            (name, version.as_bytes().to_vec()),
            ("redis-bits", number(i64::from(usize::BITS))),
            ("ctime", number(inner.clock.now().secs())),
            ("used-mem", number(inner.keyspace.used_bytes() as i64)),
            (base, number(i64::from(is_aof_base))),
        ];
        let policy = self.config.maxmemory_policy;
        Preamble {
            aux: aux.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            functions: functions.sources().map(<[u8]>::to_vec).collect(),
            module_aux: inner.module_aux.read().clone(),
            access: match (policy.is_lru(), policy.is_lfu()) {
                (true, _) => Access::Idle(inner.clock.now()),
                (_, true) => Access::Freq,
                _ => Access::None,
            },
        }
    }

    fn report(self) -> SaveReport {
        let Snapshot {
            target,
            files,
            keys,
            losses,
            ..
        } = self;
        SaveReport {
            target,
            files,
            keys,
            losses,
        }
    }
}

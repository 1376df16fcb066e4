//! From the keyspace to files.

use super::{
    BackupError, BackupReport, DataDir, Directory, Frozen, KnownRdb, OpenError, RecoveryReport,
    Rewritten, SaveError,
};
use super::{base, copies, recover};
use crate::config::Config;
use crate::engine::{Engine, Inner};
use crate::functions::Functions;
use crate::past::Plan;
use crate::place::{self, Place};
use crate::replicas::SyncFile;
use crate::{REDIS_VERSION, VALKEY_VERSION};
use aof::{BaseFormat, History, Located, Retention};
use keyspace::OverBudget;
use rdb::{Encoder, EncoderOptions, Family, Losses, Target};
use snapshot::{Access, Preamble, WriteError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{File, Mode, Stamp, Storage, Writer, replace};
use units::{DbIndex, ReplOffset};

/// What a save wrote.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SaveReport {
    /// Whose files they are.
    pub target: Target,
    /// The files; with `snapshot-keep` the copy is the last.
    pub files: Vec<PathBuf>,
    /// Keys in them.
    pub keys: u64,
    /// What the target could not hold and was dropped, as leave was given.
    pub losses: Losses,
}

/// What a snapshot for replicas is called, for a moment.
const SYNC_FILE: &str = "temp-sync.rdb";

/// What a snapshot from a primary is called until it is whole and loaded.
const RECEIVED_FILE: &str = "temp-received.rdb";

/// Users are text; what is more than this is something else.
const TEXT_BYTES_MAX: u64 = 64 << 20;

impl<S: Storage> DataDir for Directory<S> {
    fn read_file(&self, path: &Path) -> storage::Result<Vec<u8>> {
        storage::read(&self.storage, path, TEXT_BYTES_MAX)
    }

    fn replace_file(&self, path: &Path, content: &[u8]) -> storage::Result<()> {
        storage::replace(&self.storage, path, &mut None, |writer| {
            writer.write_all(content)
        })
    }

    /// The snapshot first, then the append-only file if there is to be one: its manifest is what
    /// counts where both are there.
    fn save(&self, engine: &Inner) -> Result<SaveReport, SaveError> {
        debug_assert!(
            self.lock.is_some(),
            "a directory that is only read is not saved"
        );
        let config = engine.config.read().clone();
        let mut known = self.known_rdb.lock();
        let path = self.name_rdb(&config, &mut known)?;
        self.refuse_changed(&path, known.stamp)?;
        let mut snapshot = Snapshot::new(engine, &config);
        replace(&self.storage, &path, &mut known.stamp, |file| {
            let mut place = None;
            let frozen = engine.freeze_at(OverBudget::Wait, || place.insert(engine.log.place()).at);
            snapshot.place = place.filter(|_| engine.has_followed());
            snapshot.write(frozen, file, false)
        })?;
        let (now, keep) = (engine.clock.now(), config.snapshot_keep);
        let copy = copies::keep(&self.storage, &path, now, keep)?;
        snapshot.files.push(path);
        snapshot.files.extend(copy);
        Ok(snapshot.report())
    }

    fn write_sync_file(&self, engine: &Inner) -> Result<(SyncFile, SaveReport), SaveError> {
        let config = engine.config.read().clone();
        let path = config.dir.join(SYNC_FILE);
        let mut writer = Writer::new(self.storage.open(&path, Mode::Truncate)?);
        let file = self.storage.open(&path, Mode::Read)?;
        self.storage.remove(&path)?;
        let mut place = None;
        let frozen = engine.freeze_at(OverBudget::Wait, || place.insert(engine.log.cut()).at);
        let mut snapshot = Snapshot::new(engine, &config);
        snapshot.place = place;
        snapshot.write(frozen, &mut writer, false)?;
        writer.flush()?;
        let sync = SyncFile {
            file: Arc::new(file),
            len: writer.written(),
            offset: place.map_or(ReplOffset(0), |place| place.at),
        };
        Ok((sync, snapshot.report()))
    }

    fn open_log(&self, engine: &Inner) -> Result<Arc<dyn File>, SaveError> {
        self.open_log_end(engine)
    }

    fn rewrites_in_place(&self, engine: &Inner) -> bool {
        self.stays_single(engine, &self.log.lock().located)
    }

    fn rewrite_log(&self, engine: &Inner, is_alive: bool) -> Result<Rewritten, SaveError> {
        self.rewrite(engine, is_alive)
    }

    fn recover(&self, engine: &Engine, plan: Option<&Plan>) -> Result<RecoveryReport, OpenError> {
        let mut report = RecoveryReport::default();
        recover::warn_of_strangers(&self.storage, self.names.data_dir(), &mut report);
        let located = self.log.lock().located.clone();
        let rdb = self.known_rdb.lock().path.clone();
        let (storage, names) = (&self.storage, &self.names);
        match plan {
            Some(plan) => recover::read_plan(storage, engine, plan, &mut report)?,
            None => recover::recover(storage, engine, &located, names, &rdb, &mut report)?,
        }
        self.log.lock().torn = report.torn_end();
        Ok(report)
    }

    fn load_log(&self, engine: &Engine) -> Result<(), OpenError> {
        let located = self.log.lock().located.clone();
        let mut report = RecoveryReport::default();
        recover::read_log(&self.storage, engine, &located, &self.names, &mut report)
    }

    fn receive(&self, config: &Config) -> Result<Arc<dyn File>, SaveError> {
        let path = config.dir.join(RECEIVED_FILE);
        Ok(Arc::new(self.storage.open(&path, Mode::Truncate)?))
    }

    fn load_received(&self, config: &Config, into: &Engine) -> Result<Option<DbIndex>, OpenError> {
        let received = config.dir.join(RECEIVED_FILE);
        let mut known = self.known_rdb.lock();
        let path = self.name_rdb(config, &mut known)?;
        let mut report = RecoveryReport::default();
        let aux = recover::read_rdb(&self.storage, into, &received, true, &mut report)?;
        self.storage.rename(&received, &path)?;
        known.stamp = self.storage.stamp(&path)?;
        Ok(place::stream_db(&aux))
    }

    fn load_rdb(&self, config: &Config, into: &Engine) -> Result<(), OpenError> {
        let mut known = self.known_rdb.lock();
        let path = self.name_rdb(config, &mut known)?;
        let stamp = self.storage.stamp(&path)?;
        let mut report = RecoveryReport::default();
        recover::read_rdb(&self.storage, into, &path, false, &mut report)?;
        known.stamp = stamp;
        Ok(())
    }

    fn has_log(&self) -> bool {
        self.log.lock().located != Located::Nothing
    }

    fn backup(&self, engine: &Inner, target: &Path) -> Result<BackupReport, BackupError> {
        self.copy_to(engine, target)
    }

    fn log_sizes(&self) -> Result<(u64, u64), SaveError> {
        self.sizes_of_log()
    }
}

impl<S: Storage> Directory<S> {
    /// Where the snapshot is. Under a name that `dbfilename` was changed to, whatever is there may be
    /// overwritten.
    fn name_rdb(&self, config: &Config, known: &mut KnownRdb) -> storage::Result<PathBuf> {
        let path = config.dir.join(&config.dbfilename);
        if known.path != path {
            let stamp = self.storage.stamp(&path)?;
            *known = KnownRdb {
                path: path.clone(),
                stamp,
            };
        }
        Ok(path)
    }

    /// Somebody who does not know of the lock may have written here.
    pub(super) fn refuse_changed(
        &self,
        path: &Path,
        known: Option<Stamp>,
    ) -> Result<(), SaveError> {
        match self.storage.stamp(path)? {
            now if now == known => Ok(()),
            _ => Err(SaveError::ChangedBehindOurBack(path.to_owned())),
        }
    }
}

/// One save: what is written, how, and what came of it.
pub(super) struct Snapshot<'e> {
    engine: &'e Inner,
    config: &'e Config,
    target: Target,
    /// Where the history is that it stands for, if replicas may care.
    place: Option<Place>,
    pub(super) files: Vec<PathBuf>,
    keys: u64,
    losses: Losses,
}

impl<'e> Snapshot<'e> {
    pub(super) fn new(engine: &'e Inner, config: &'e Config) -> Snapshot<'e> {
        let target = engine.target(config);
        Snapshot {
            engine,
            config,
            target,
            place: None,
            files: Vec::new(),
            keys: 0,
            losses: Losses::default(),
        }
    }

    pub(super) fn engine(&self) -> &'e Inner {
        self.engine
    }

    /// What a base is written in (`aof-use-rdb-preamble`).
    pub(super) fn base_format(&self) -> BaseFormat {
        match self.config.aof_use_rdb_preamble {
            true => BaseFormat::Rdb,
            false => BaseFormat::Commands,
        }
    }

    /// What becomes of what the new base stands for.
    pub(super) fn history(&self) -> History {
        let seconds = u64::from(self.config.aof_history_retention);
        match (self.config.aof_disable_auto_gc, seconds) {
            (true, _) => History::Kept,
            (_, 0) => History::Removed,
            _ => History::Retained(Retention {
                now: u64::try_from(self.engine.clock.now().0).unwrap_or(0),
                keep_ms: seconds * 1000,
            }),
        }
    }

    /// Writes everything as it was frozen, as the base of a log.
    pub(super) fn write_base<F: File>(
        &mut self,
        frozen: Frozen,
        file: &mut Writer<F>,
        format: BaseFormat,
    ) -> Result<(), SaveError> {
        if format == BaseFormat::Rdb {
            return self.write(frozen, file, true);
        }
        if self.config.aof_timestamp_enabled {
            let stamp = format!("#TS:{}\r\n", self.engine.clock.now().secs());
            file.write_all(stamp.as_bytes())?;
        }
        self.keys = base::write(frozen, self.target, file)?;
        Ok(())
    }

    /// Writes everything as it was frozen. What would be lost is gathered to the end, so that a refusal
    /// names all of it.
    pub(super) fn write<F: File>(
        &mut self,
        frozen: Frozen,
        file: &mut Writer<F>,
        is_aof_base: bool,
    ) -> Result<(), SaveError> {
        let Frozen { view, functions } = frozen;
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
        let facts = [
            (name, version.as_bytes().to_vec()),
            ("redis-bits", number(i64::from(usize::BITS))),
            ("ctime", number(inner.clock.now().secs())),
            ("used-mem", number(inner.keyspace.used_bytes() as i64)),
            (base, number(i64::from(is_aof_base))),
        ];
        let place = self.place.iter().flat_map(Place::aux);
        let aux = facts.into_iter().chain(place);
        let policy = self.config.maxmemory_policy;
        Preamble {
            aux: aux.map(|(name, value)| (name.to_owned(), value)).collect(),
            functions: functions.sources().map(<[u8]>::to_vec).collect(),
            module_aux: inner.module_aux.read().clone(),
            access: match (policy.is_lru(), policy.is_lfu()) {
                (true, _) => Access::Idle(inner.clock.now()),
                (_, true) => Access::Freq,
                _ => Access::None,
            },
        }
    }

    pub(super) fn report(self) -> SaveReport {
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

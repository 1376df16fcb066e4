//! The life of a data directory: opened, recovered, saved, closed.
//!
//! Which files count is Redis's rule: the append-only file if there is one, else `dump.rdb`. What
//! is different is that nothing is overwritten which somebody else wrote meanwhile: a directory
//! whose files changed behind the engine's back is not saved to.

mod backup;
mod base;
mod copies;
mod error;
mod log;
mod recover;
mod reload;
mod report;
mod save;

pub use backup::{BackupError, BackupReport};
pub use error::{OpenError, SaveError};
pub(crate) use log::Rewritten;
pub(crate) use reload::{ReloadOptions, empty, reload_log, reload_rdb};
pub use report::{FileReport, LogReport, RdbReport, RecoveryReport};
pub use save::SaveReport;

use crate::config::Config;
use crate::engine::{Engine, Inner};
use crate::functions::Functions;
use crate::past::Plan;
use crate::replicas::SyncFile;
use aof::{Located, Names, locate};
use keyspace::FrozenView;
use parking_lot::Mutex;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{File, Stamp, Storage, ensure_dir};
use units::DbIndex;

/// A directory that an engine saves to, whatever it is stored in.
pub(crate) trait DataDir: Send + Sync + fmt::Debug {
    /// Writes everything that `engine` holds, and returns once it is on disk.
    fn save(&self, engine: &Inner) -> Result<SaveReport, SaveError>;

    /// Writes everything that `engine` holds into a file that only who has it can read.
    fn write_sync_file(&self, engine: &Inner) -> Result<(SyncFile, SaveReport), SaveError>;

    /// Reads what there is into `engine`, or what `plan` says.
    fn recover(&self, engine: &Engine, plan: Option<&Plan>) -> Result<RecoveryReport, OpenError>;

    /// The content of a text file, within the directory or elsewhere.
    fn read_file(&self, path: &Path) -> storage::Result<Vec<u8>>;

    /// Writes a file anew, and returns once it is on disk.
    fn replace_file(&self, path: &Path, content: &[u8]) -> storage::Result<()>;

    /// The file that the log which was found goes on in.
    fn open_log(&self, engine: &Inner) -> Result<Arc<dyn File>, SaveError>;

    /// Whether a rewrite puts another file in the place of the one that is appended to.
    fn rewrites_in_place(&self, engine: &Inner) -> bool;

    /// Writes a new base, and says where the log goes on. It does so already, from the moment of the
    /// freeze, if there is one that `is_alive`.
    fn rewrite_log(&self, engine: &Inner, is_alive: bool) -> Result<Rewritten, SaveError>;

    /// A file for a snapshot that a primary sends.
    fn receive(&self, config: &Config) -> Result<Arc<dyn File>, SaveError>;

    /// Reads that into the engine `into`, deadlines that are over included, and makes it the snapshot
    /// that `config` names.
    fn load_received(&self, config: &Config, into: &Engine) -> Result<Option<DbIndex>, OpenError>;

    /// Reads the snapshot that `config` names into the engine `into`.
    fn load_rdb(&self, config: &Config, into: &Engine) -> Result<(), OpenError>;

    /// Reads the log into `engine` once more.
    fn load_log(&self, engine: &Engine) -> Result<(), OpenError>;

    /// Whether there is a log to go on with.
    fn has_log(&self) -> bool;

    /// Makes `target` a copy of the directory. No rewrite may go on meanwhile.
    fn backup(&self, engine: &Inner, target: &Path) -> Result<BackupReport, BackupError>;

    /// Bytes of all files of the log, and of its base alone.
    fn log_sizes(&self) -> Result<(u64, u64), SaveError>;
}

/// The engine at one moment.
pub(crate) struct Frozen {
    pub(crate) view: FrozenView,
    pub(crate) functions: Functions,
}

/// A directory in a storage. The lock is held as long as this lives.
#[derive(Debug)]
struct Directory<S: Storage> {
    storage: S,
    names: Names,
    lock: Option<S::Lock>,
    known_rdb: Mutex<KnownRdb>,
    log: Mutex<KnownLog>,
}

/// A snapshot: where it is, and what it was when this engine last read or wrote it.
#[derive(Debug)]
struct KnownRdb {
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// The append-only file as this engine last read or wrote it.
#[derive(Debug)]
struct KnownLog {
    located: Located,
    /// It could not be read what is there now.
    is_stale: bool,
    manifest: Option<Stamp>,
    /// The file that a server would append to ([`log_end`]), until this engine does so.
    end: Option<Stamp>,
    /// A file whose end does not count, and up to where it does.
    torn: Option<(PathBuf, u64)>,
}

/// Opens the directory of the configuration, and makes it what `engine` is to read and save to.
pub(crate) fn open<S: Storage>(storage: S, engine: &Engine) -> Result<(), OpenError> {
    let (dir, rdb, names) = {
        let config = engine.inner().config.read();
        let names = Names::custom(&config.dir, &config.appendfilename, &config.appenddirname);
        (
            config.dir.clone(),
            config.dir.join(&config.dbfilename),
            names,
        )
    };
    let lock = match engine.is_read_only() {
        true => None,
        false => {
            ensure_dir(&storage, &dir)?;
            Some(storage.lock(&dir, "duramen")?)
        }
    };
    if storage.stamp(&dir)?.is_none() {
        return Err(OpenError::NoDirectory(dir));
    }
    let log = Mutex::new(KnownLog::of(&storage, &names)?);
    let known_rdb = Mutex::new(KnownRdb {
        stamp: storage.stamp(&rdb)?,
        path: rdb,
    });
    engine.move_into(Box::new(Directory {
        storage,
        names,
        lock,
        known_rdb,
        log,
    }));
    Ok(())
}

/// Reads the directory into `engine`, and has what comes logged. With a `plan` it is read as that
/// says.
pub(crate) fn load(engine: &Engine, plan: Option<&Plan>) -> Result<(), OpenError> {
    let inner = engine.inner();
    let Some(directory) = inner.directory() else {
        return Ok(());
    };
    let is_said = inner.config.read().appendonly == Some(true);
    engine.recovered(directory.recover(engine, plan)?);
    go_on_logging(inner, is_said)
}

/// Has what comes logged. Where there is no log, one begins with what was found. One that is there is
/// made ready for more if `appendonly` `is_said` to be on; if only the directory says so, once there
/// is something to append.
fn go_on_logging(engine: &Inner, is_said: bool) -> Result<(), OpenError> {
    let wanted = engine.config.read().appendonly == Some(true) && !engine.read_only;
    let Some(directory) = engine.directory().filter(|_| wanted) else {
        return Ok(());
    };
    let failed = |error| OpenError::Log(Box::new(error));
    if directory.has_log() {
        let (size, base) = directory.log_sizes().map_err(failed)?;
        engine.durable.set_sizes(size, base);
        engine.resume_log();
        return match is_said {
            true => engine.open_log().map_err(failed),
            false => Ok(()),
        };
    }
    engine.rewrite_log().map_err(failed).map(|_| ())
}

impl KnownLog {
    fn of<S: Storage>(storage: &S, names: &Names) -> Result<KnownLog, OpenError> {
        let located = locate(storage, names)?;
        let end = match log_end(names, &located) {
            Some(path) => storage.stamp(&path)?,
            None => None,
        };
        Ok(KnownLog {
            manifest: storage.stamp(&names.manifest())?,
            end,
            located,
            is_stale: false,
            torn: None,
        })
    }
}

/// The last file of a log, if there is a log. The others change only along with the manifest.
fn log_end(names: &Names, located: &Located) -> Option<PathBuf> {
    match located {
        Located::Nothing => None,
        Located::Single { path } => Some(path.clone()),
        Located::Multi { manifest, .. } => {
            manifest.data().last().map(|file| names.file(&file.name))
        }
    }
}

//! The life of a data directory: opened, recovered, saved, closed.
//!
//! Which files count is Redis's rule: the append-only file if there is one, else `dump.rdb`. What
//! is different is that nothing is overwritten which somebody else wrote meanwhile: a directory
//! whose files changed behind the engine's back is not saved to.

mod error;
mod recover;
mod report;
mod save;

pub use error::{OpenError, SaveError};
pub use report::{FileReport, LogReport, RdbReport, RecoveryReport};
pub use save::SaveReport;

use crate::engine::{Engine, Inner};
use aof::{Located, Names, locate};
use parking_lot::Mutex;
use std::fmt;
use std::path::{Path, PathBuf};
use storage::{Stamp, Storage, ensure_dir};

/// A directory that an engine saves to, whatever it is stored in.
pub(crate) trait DataDir: Send + Sync + fmt::Debug {
    /// Writes everything that `engine` holds, and returns once it is on disk.
    fn save(&self, engine: &Inner) -> Result<SaveReport, SaveError>;

    /// The content of a text file, within the directory or elsewhere.
    fn read_file(&self, path: &Path) -> storage::Result<Vec<u8>>;

    /// Writes a file anew, and returns once it is on disk.
    fn replace_file(&self, path: &Path, content: &[u8]) -> storage::Result<()>;
}

/// A directory in a storage. The lock is held as long as this lives.
#[derive(Debug)]
struct Directory<S: Storage> {
    storage: S,
    names: Names,
    rdb: PathBuf,
    lock: Option<S::Lock>,
    known: Mutex<Known>,
}

/// The files as they were when they were last read or written by this engine.
#[derive(Debug)]
struct Known {
    located: Located,
    rdb: Option<Stamp>,
    manifest: Option<Stamp>,
    /// The file that a server would append to: [`log_end`].
    log: Option<Stamp>,
}

/// Opens the directory of the configuration, reads it into `engine`, and makes it what the engine
/// saves to.
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
    let mut report = RecoveryReport::default();
    warn_of_strangers(&storage, &dir, &mut report);
    let known = Known::of(&storage, &names, &rdb)?;
    recover::recover(&storage, engine, &known.located, &names, &rdb, &mut report)?;
    let known = Mutex::new(known);
    engine.opened(
        Box::new(Directory {
            storage,
            names,
            rdb,
            lock,
            known,
        }),
        report,
    );
    Ok(())
}

/// Real servers know nothing of the lock.
fn warn_of_strangers<S: Storage>(storage: &S, dir: &Path, report: &mut RecoveryReport) {
    for stranger in storage.strangers(dir) {
        report.warnings.push(format!(
            "{stranger} seems to be running in {}; what is saved here may be lost to it",
            dir.display()
        ));
    }
}

impl Known {
    fn of<S: Storage>(storage: &S, names: &Names, rdb: &Path) -> Result<Known, OpenError> {
        let located = locate(storage, names)?;
        Ok(Known {
            rdb: storage.stamp(rdb)?,
            manifest: storage.stamp(&names.manifest())?,
            log: stamp_of_log(storage, names, &located)?,
            located,
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

fn stamp_of_log<S: Storage>(
    storage: &S,
    names: &Names,
    located: &Located,
) -> storage::Result<Option<Stamp>> {
    match log_end(names, located) {
        Some(path) => storage.stamp(&path),
        None => Ok(None),
    }
}

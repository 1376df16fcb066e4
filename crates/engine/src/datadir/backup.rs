//! A copy of the directory while commands go on.
//!
//! ```text
//! TARGET/backup.state                       what was copied: name, bytes, checksum, and what its
//!                                           source was then (bytes, time, inode)
//!        appendonlydir/ ...                 the log as it is here, its manifest written last
//!        dump.rdb                           instead, if there is no log
//! ```
//!
//! A file is copied beside its name and gets it once it is whole, sound and on disk; then the state
//! says so. Whoever makes a backup in the same place again copies what the state does not have.

use super::save::Snapshot;
use super::{Directory, SaveError};
use crate::engine::Inner;
use crate::past::{LogHistory, PastError, PlannedFile, Point, verify};
use aof::{Located, Manifest, Names, copy_prefix, locate, persist};
use keyspace::OverBudget;
use packed::crc64::Crc64;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use storage::{Mode, Reader, Stamp, Storage, ensure_dir, replace};

/// What a backup took.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BackupReport {
    /// Files that were copied now.
    pub copied: Vec<PathBuf>,
    /// Files that were there already, whole, by their checksums.
    pub kept: Vec<PathBuf>,
    /// Bytes of both.
    pub bytes: u64,
}

/// Why a backup failed. What of it is there stays, for another try.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupError {
    /// The target holds something, and no backup.
    NoBackup(PathBuf),
    /// The target is the directory itself.
    Itself(PathBuf),
    /// The log could not be read, or is damaged.
    Log(Box<PastError>),
    /// A snapshot could not be written, or the engine has no directory.
    Save(SaveError),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackupError::NoBackup(path) => write!(
                f,
                "{}: found files that are no backup, expected a backup, nothing, or a new name",
                path.display()
            ),
            BackupError::Itself(path) => {
                write!(f, "{}: is what would be copied", path.display())
            }
            BackupError::Log(error) => error.fmt(f),
            BackupError::Save(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BackupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BackupError::Log(error) => Some(error.as_ref()),
            BackupError::Save(error) => Some(error),
            _ => None,
        }
    }
}

impl From<storage::Error> for BackupError {
    fn from(error: storage::Error) -> BackupError {
        PastError::from(error).into()
    }
}

impl From<aof::Error> for BackupError {
    fn from(error: aof::Error) -> BackupError {
        PastError::from(error).into()
    }
}

impl From<PastError> for BackupError {
    fn from(error: PastError) -> BackupError {
        BackupError::Log(Box::new(error))
    }
}

impl From<SaveError> for BackupError {
    fn from(error: SaveError) -> BackupError {
        BackupError::Save(error)
    }
}

impl<S: Storage> Directory<S> {
    /// Makes `target` a copy of this; no rewrite goes on meanwhile.
    pub(super) fn copy_to(
        &self,
        engine: &Inner,
        target: &Path,
    ) -> Result<BackupReport, BackupError> {
        let mut backup = Backup::begin(&self.storage, engine, target)?;
        let located = locate(&self.storage, &self.names)?;
        if !engine.durable.is_on() || located == Located::Nothing {
            backup.snapshot(engine)?;
            return Ok(backup.report);
        }
        let history = LogHistory::open(self.storage.clone(), &self.names, engine.clock.now())?;
        let files = history.plan(&Point::Latest)?.files;
        let (names, config) = (&self.names, engine.config.read().clone());
        let folder = Names::custom(target, names.filename(), &config.appenddirname);
        ensure_dir(&self.storage, &folder.folder())?;
        for file in &files {
            backup.file(file, &folder)?;
        }
        let manifest = copied_manifest(&located, names, &files);
        persist(&self.storage, &folder, &mut None, &manifest)?;
        backup.forget_others(&folder, &manifest)?;
        Ok(backup.report)
    }
}

/// What lists the files of a backup: those of the log that hold something.
fn copied_manifest(located: &Located, names: &Names, files: &[PlannedFile]) -> Manifest {
    let Located::Multi { manifest, .. } = located else {
        let base = Some(aof::FileInfo::new(names.filename(), 1));
        return Manifest {
            base,
            ..Manifest::default()
        };
    };
    let mut manifest = manifest.clone().without_history();
    let is_copied = |name: &[u8]| files.iter().any(|file| file.path == names.file(name));
    manifest.incr.retain(|incr| is_copied(&incr.name));
    manifest
}

/// One file of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copied {
    name: String,
    len: u64,
    crc: u64,
    /// Bytes of the source that count, its time and its inode.
    source: (u64, i128, u64),
}

struct Backup<'s, S: Storage> {
    storage: &'s S,
    target: PathBuf,
    state: Vec<Copied>,
    report: BackupReport,
}

impl<'s, S: Storage> Backup<'s, S> {
    fn begin(storage: &'s S, engine: &Inner, target: &Path) -> Result<Self, BackupError> {
        let dir = &engine.config.read().dir;
        let same = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.inode);
        let there = storage.stamp(target)?;
        if target == dir || (there.is_some() && same(there) == same(storage.stamp(dir)?)) {
            return Err(BackupError::Itself(target.to_owned()));
        }
        ensure_dir(storage, target)?;
        let path = target.join(STATE);
        let state = match storage.stamp(&path)? {
            Some(_) => parse(&storage::read(storage, &path, STATE_BYTES_MAX)?),
            None if storage.list(target)?.is_empty() => Vec::new(),
            None => return Err(BackupError::NoBackup(target.to_owned())),
        };
        let backup = Backup {
            storage,
            target: target.to_owned(),
            state,
            report: BackupReport::default(),
        };
        backup.keep_state()?;
        Ok(backup)
    }

    fn keep_state(&self) -> storage::Result<()> {
        let lines = self.state.iter().map(Copied::line).collect::<String>();
        replace(self.storage, &self.target.join(STATE), &mut None, |file| {
            file.write_all(lines.as_bytes())
        })
    }

    /// Copies a file of the log, unless it is there.
    fn file(&mut self, file: &PlannedFile, names: &Names) -> Result<(), BackupError> {
        let name = file.path.file_name().unwrap_or_default();
        let (storage, to) = (self.storage, names.folder().join(name));
        let stamp = storage.open(&file.path, Mode::Read).and_then(|file| {
            use storage::File as _;
            file.stamp()
        })?;
        let end = file.end.unwrap_or(stamp.len);
        // The end of a log that goes on has a new time with each append.
        let time = if end == stamp.len {
            stamp.modified_ns
        } else {
            0
        };
        let source = (end, time, stamp.inode);
        let name = name.to_string_lossy().into_owned();
        if self.has(&name, source, &to)? {
            self.report.kept.push(to);
            return Ok(());
        }
        let temp = names.folder().join(temp_name(&name));
        if storage.stamp(&temp)?.is_some() {
            storage.remove(&temp)?;
        }
        copy_prefix(storage, &file.path, &temp, end)?;
        verify(storage, &temp)?;
        let (len, crc) = checksum(storage, &temp)?;
        storage.rename(&temp, &to)?;
        storage.sync_dir(&names.folder())?;
        self.state.retain(|copied| copied.name != name);
        self.state.push(Copied {
            name,
            len,
            crc,
            source,
        });
        self.keep_state()?;
        self.report.bytes += len;
        self.report.copied.push(to);
        Ok(())
    }

    /// Whether a file was copied whole from what the source still is, and is as it was then.
    fn has(
        &mut self,
        name: &str,
        source: (u64, i128, u64),
        path: &Path,
    ) -> Result<bool, BackupError> {
        let known = self.state.iter().find(|copied| copied.name == name);
        let Some(known) = known.filter(|copied| copied.source == source) else {
            return Ok(false);
        };
        let is_there = self.storage.stamp(path)?.is_some();
        if !is_there || checksum(self.storage, path)? != (known.len, known.crc) {
            return Ok(false);
        }
        self.report.bytes += known.len;
        Ok(true)
    }

    /// Removes what an earlier backup has that this one does not.
    fn forget_others(&mut self, names: &Names, manifest: &Manifest) -> Result<(), BackupError> {
        let is_listed = |copied: &Copied| {
            manifest
                .data()
                .any(|file| file.name == copied.name.as_bytes())
        };
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.state)
            .into_iter()
            .partition(is_listed);
        self.state = kept;
        for copied in &gone {
            let path = names.file(copied.name.as_bytes());
            if self.storage.stamp(&path)?.is_some() {
                self.storage.remove(&path)?;
            }
        }
        Ok(self.keep_state()?)
    }

    /// Without a log, everything as it is now.
    fn snapshot(&mut self, engine: &Inner) -> Result<(), BackupError> {
        let config = engine.config.read().clone();
        let path = self.target.join(&config.dbfilename);
        let mut snapshot = Snapshot::new(engine, &config);
        replace(self.storage, &path, &mut None, |file| {
            let frozen = engine.freeze_at(OverBudget::Wait, || engine.log.place().at);
            snapshot.write(frozen, file, false)
        })?;
        verify(self.storage, &path)?;
        self.report.bytes = self.storage.stamp(&path)?.map_or(0, |stamp| stamp.len);
        self.report.copied.push(path);
        Ok(())
    }
}

fn temp_name(name: &str) -> OsString {
    OsString::from(format!("temp-{name}"))
}

/// Length and CRC-64 of a file.
fn checksum<S: Storage>(storage: &S, path: &Path) -> storage::Result<(u64, u64)> {
    let mut input = Reader::new(storage.open(path, Mode::Read)?);
    let mut crc = Crc64::new();
    while input.fill()? > 0 {
        crc.update(input.buffer());
        input.consume(input.buffer().len());
    }
    Ok((input.position(), crc.value()))
}

impl Copied {
    fn line(&self) -> String {
        let Copied { name, len, crc, .. } = self;
        let (end, time, inode) = self.source;
        format!("{len} {crc:016x} {end} {time} {inode} {name}\n")
    }

    fn parse(line: &str) -> Option<Copied> {
        let mut words = line.splitn(6, ' ');
        Some(Copied {
            len: words.next()?.parse().ok()?,
            crc: u64::from_str_radix(words.next()?, 16).ok()?,
            source: (
                words.next()?.parse().ok()?,
                words.next()?.parse().ok()?,
                words.next()?.parse().ok()?,
            ),
            name: words.next()?.to_owned(),
        })
    }
}

/// What can't be read counts as not copied.
fn parse(text: &[u8]) -> Vec<Copied> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter_map(Copied::parse).collect()
}

/// Says what was copied; who finds it knows a backup.
const STATE: &str = "backup.state";

const STATE_BYTES_MAX: u64 = 16 << 20;

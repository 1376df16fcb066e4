//! A transcript of what is done to another storage: tests pin the order of writes, syncs and
//! renames with it. Reading leaves no trace, since no promise rests on it.

use crate::{Entry, File, Mode, Result, Stamp, Storage};
use parking_lot::Mutex;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Wraps a storage and notes every call that changes or syncs something, when it has succeeded.
#[derive(Debug, Clone)]
pub struct Recording<S> {
    inner: S,
    log: Log,
}

type Log = Arc<Mutex<Vec<Recorded>>>;

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recorded {
    /// A file was opened for appending; nothing changed.
    Open(PathBuf),
    /// A file was made or emptied.
    Create(PathBuf),
    /// So many bytes were appended.
    Append(PathBuf, usize),
    /// A file was cut or extended to so many bytes.
    SetLen(PathBuf, u64),
    /// A file's contents were synced.
    Sync(PathBuf),
    /// A file was renamed.
    Rename(PathBuf, PathBuf),
    /// A file was given a second name.
    Link(PathBuf, PathBuf),
    /// A file was removed.
    Remove(PathBuf),
    /// A directory was made.
    CreateDir(PathBuf),
    /// A directory was synced.
    SyncDir(PathBuf),
    /// A directory was locked.
    Lock(PathBuf),
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recorded::Open(path) => write!(f, "open {}", path.display()),
            Recorded::Create(path) => write!(f, "create {}", path.display()),
            Recorded::Append(path, bytes) => write!(f, "append {} {bytes}", path.display()),
            Recorded::SetLen(path, len) => write!(f, "set-len {} {len}", path.display()),
            Recorded::Sync(path) => write!(f, "sync {}", path.display()),
            Recorded::Rename(from, to) => {
                write!(f, "rename {} {}", from.display(), to.display())
            }
            Recorded::Link(from, to) => write!(f, "link {} {}", from.display(), to.display()),
            Recorded::Remove(path) => write!(f, "remove {}", path.display()),
            Recorded::CreateDir(dir) => write!(f, "create-dir {}", dir.display()),
            Recorded::SyncDir(dir) => write!(f, "sync-dir {}", dir.display()),
            Recorded::Lock(dir) => write!(f, "lock {}", dir.display()),
        }
    }
}

impl<S: Storage> Recording<S> {
    /// Records what is done to `inner` from here on.
    pub fn new(inner: S) -> Recording<S> {
        Recording {
            inner,
            log: Log::default(),
        }
    }

    /// What was done so far.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.log.lock().clone()
    }

    /// What was done since the last call, a line each.
    pub fn take_transcript(&self) -> String {
        let taken = std::mem::take(&mut *self.log.lock());
        taken.iter().map(|line| format!("{line}\n")).collect()
    }

    fn note(&self, line: Recorded) {
        self.log.lock().push(line);
    }
}

impl<S: Storage> Storage for Recording<S> {
    type File = RecordingFile<S::File>;
    type Lock = S::Lock;

    fn open(&self, path: &Path, mode: Mode) -> Result<Self::File> {
        let is_new = mode == Mode::Truncate || self.inner.stamp(path)?.is_none();
        let inner = self.inner.open(path, mode)?;
        match mode {
            Mode::Read => {}
            _ if is_new => self.note(Recorded::Create(path.to_owned())),
            _ => self.note(Recorded::Open(path.to_owned())),
        }
        Ok(RecordingFile {
            inner,
            log: Arc::clone(&self.log),
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.inner.rename(from, to)?;
        self.note(Recorded::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> Result<()> {
        self.inner.link(from, to)?;
        self.note(Recorded::Link(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.inner.remove(path)?;
        self.note(Recorded::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        self.inner.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.inner.create_dir(dir)?;
        self.note(Recorded::CreateDir(dir.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.inner.sync_dir(dir)?;
        self.note(Recorded::SyncDir(dir.to_owned()));
        Ok(())
    }

    fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        self.inner.stamp(path)
    }

    fn lock(&self, dir: &Path, holder: &str) -> Result<S::Lock> {
        let lock = self.inner.lock(dir, holder)?;
        self.note(Recorded::Lock(dir.to_owned()));
        Ok(lock)
    }

    fn strangers(&self, dir: &Path) -> Vec<String> {
        self.inner.strangers(dir)
    }
}

/// An open file of [`Recording`].
#[derive(Debug)]
pub struct RecordingFile<F> {
    inner: F,
    log: Log,
}

impl<F: File> RecordingFile<F> {
    fn note(&self, line: impl FnOnce(PathBuf) -> Recorded) {
        self.log.lock().push(line(self.inner.path().to_owned()));
    }
}

impl<F: File> File for RecordingFile<F> {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn append(&self, bytes: &[u8]) -> Result<usize> {
        let appended = self.inner.append(bytes)?;
        self.note(|path| Recorded::Append(path, appended));
        Ok(appended)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn sync_data(&self) -> Result<()> {
        self.inner.sync_data()?;
        self.note(Recorded::Sync);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.inner.set_len(len)?;
        self.note(|path| Recorded::SetLen(path, len));
        Ok(())
    }

    fn stamp(&self) -> Result<Stamp> {
        self.inner.stamp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn transcript_shows_changes_only() {
        let storage = Recording::new(Memory::new());
        storage.create_dir(Path::new("d")).unwrap();
        let file = storage
            .open(Path::new("d/f"), Mode::AppendOrCreate)
            .unwrap();
        file.append(b"abc").unwrap();
        file.set_len(1).unwrap();
        file.sync_data().unwrap();
        storage
            .open(Path::new("d/f"), Mode::Read)
            .unwrap()
            .len()
            .unwrap();
        storage
            .open(Path::new("d/f"), Mode::AppendOrCreate)
            .unwrap();
        assert!(storage.remove(Path::new("none")).is_err());
        storage.remove(Path::new("d/f")).unwrap();
        assert_eq!(storage.recorded().len(), 7);
        assert_eq!(
            storage.take_transcript(),
            "create-dir d\ncreate d/f\nappend d/f 3\nset-len d/f 1\nsync d/f\nopen d/f\nremove d/f\n"
        );
        assert_eq!(storage.take_transcript(), "");
    }
}

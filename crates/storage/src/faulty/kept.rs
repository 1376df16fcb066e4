//! What is on the disk for sure, and what came since.

use super::name_of;
use crate::{File as _, Memory, MemoryFile, Mode, Result, Storage as _};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Contents and names as they were synced, and the changes of names that were not.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) files: BTreeMap<u64, KeptFile>,
    pub(super) names: Names,
    pub(super) changes: Vec<Change>,
    /// The names as programs see them.
    current: BTreeMap<PathBuf, u64>,
}

/// Directories, and which file each name means.
#[derive(Debug, Default, Clone)]
pub(super) struct Names {
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, u64>,
}

/// A file, whatever it is called.
#[derive(Debug)]
pub(super) struct KeptFile {
    /// As programs see it.
    pub(super) now: MemoryFile,
    pub(super) synced: Arc<Vec<u8>>,
    /// What a failed sync left unwritten: no later one writes it.
    pub(super) holes: Vec<Range<usize>>,
}

/// A change of names that a power cut may take back.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Link(PathBuf, u64),
    Unlink(PathBuf),
    /// In one step, also between directories.
    Rename(PathBuf, PathBuf, u64),
    MakeDir(PathBuf),
}

impl Change {
    fn touches(&self, dir: &Path) -> bool {
        let is_in = |path: &Path| path.parent().unwrap_or(Path::new("")) == dir;
        match self {
            Change::Link(path, _) | Change::Unlink(path) | Change::MakeDir(path) => is_in(path),
            Change::Rename(from, to, _) => is_in(from) || is_in(to),
        }
    }
}

impl Names {
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Link(path, inode) => _ = self.files.insert(path.clone(), *inode),
            Change::Unlink(path) => _ = self.files.remove(path),
            Change::Rename(from, to, inode) => {
                self.files.remove(from);
                self.files.insert(to.clone(), *inode);
            }
            Change::MakeDir(path) => _ = self.dirs.insert(path.clone()),
        }
    }
}

impl KeptFile {
    /// All bytes as programs see them, but for what failed syncs left unwritten.
    pub(super) fn content(&self) -> Vec<u8> {
        let len = self.now.len().unwrap_or_default();
        let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
        let read = self.now.read_at(0, &mut bytes).unwrap_or_default();
        debug_assert_eq!(read, bytes.len());
        for hole in &self.holes {
            let end = hole.end.min(bytes.len());
            bytes
                .get_mut(hole.start.min(end)..end)
                .unwrap_or_default()
                .fill(0);
        }
        bytes
    }
}

impl Kept {
    /// Everything in a file system, as synced.
    pub(super) fn of(memory: &Memory) -> Kept {
        let mut kept = Kept::default();
        kept.take_dir(memory, Path::new("/"));
        kept
    }

    fn take_dir(&mut self, memory: &Memory, dir: &Path) {
        for entry in memory.list(dir).unwrap_or_default() {
            let path = dir.join(&entry.name);
            if entry.is_dir {
                self.names.dirs.insert(path.clone());
                self.take_dir(memory, &path);
            } else if let Ok(file) = memory.open(&path, Mode::Read)
                && let Ok(stamp) = file.stamp()
            {
                self.names.files.insert(path.clone(), stamp.inode);
                self.current.insert(path, stamp.inode);
                let kept = KeptFile {
                    now: file,
                    synced: Arc::default(),
                    holes: Vec::new(),
                };
                let synced = Arc::new(kept.content());
                self.files.insert(stamp.inode, KeptFile { synced, ..kept });
            }
        }
    }

    /// A new file at `path`.
    pub(super) fn link(&mut self, path: &Path, file: MemoryFile) -> Result<()> {
        let inode = file.stamp()?.inode;
        let kept = KeptFile {
            now: file,
            synced: Arc::default(),
            holes: Vec::new(),
        };
        self.files.insert(inode, kept);
        self.current.insert(name_of(path), inode);
        self.changes.push(Change::Link(name_of(path), inode));
        Ok(())
    }

    /// A second name for the file at `from`.
    pub(super) fn link_again(&mut self, from: &Path, to: &Path) {
        if let Some(&inode) = self.current.get(&name_of(from)) {
            self.current.insert(name_of(to), inode);
            self.changes.push(Change::Link(name_of(to), inode));
        }
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        self.current.remove(&name_of(path));
        self.changes.push(Change::Unlink(name_of(path)));
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        let (from, to) = (name_of(from), name_of(to));
        if let Some(inode) = self.current.remove(&from) {
            self.current.insert(to.clone(), inode);
            self.changes.push(Change::Rename(from, to, inode));
        }
    }

    pub(super) fn make_dir(&mut self, dir: &Path) {
        self.changes.push(Change::MakeDir(name_of(dir)));
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let dir = name_of(dir);
        let changes = std::mem::take(&mut self.changes);
        for change in changes {
            match change.touches(&dir) {
                true => self.names.apply(&change),
                false => self.changes.push(change),
            }
        }
        self.forget_the_nameless();
    }

    /// Files that no crash can bring back.
    fn forget_the_nameless(&mut self) {
        if self.changes.is_empty() {
            let named: BTreeSet<u64> = self.names.files.values().copied().collect();
            self.files.retain(|inode, _| named.contains(inode));
        }
    }

    pub(super) fn sync(&mut self, inode: u64) {
        if let Some(file) = self.files.get_mut(&inode) {
            file.synced = Arc::new(file.content());
        }
    }

    /// How many bytes of a file were there when it was last synced.
    pub(super) fn synced_len(&self, inode: u64) -> usize {
        self.files.get(&inode).map_or(0, |file| file.synced.len())
    }

    /// Pages behind `len` are gone, and with them what was wrong with them.
    pub(super) fn cut(&mut self, inode: u64, len: usize) {
        if let Some(file) = self.files.get_mut(&inode) {
            file.holes.retain(|hole| hole.start < len);
            file.holes
                .iter_mut()
                .for_each(|hole| hole.end = hole.end.min(len));
        }
    }

    pub(super) fn fail_to_sync(&mut self, inode: u64) {
        if let Some(file) = self.files.get_mut(&inode) {
            let end = file.content().len();
            file.holes.push(file.synced.len().min(end)..end);
        }
    }
}

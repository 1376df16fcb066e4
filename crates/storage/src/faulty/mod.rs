//! A disk that can fail and lose power: what was synced is kept apart from what was only written.
//!
//! It works as [`Memory`] does. Beside that it knows what a power cut could leave: contents as of
//! [`File::sync_data`], names as of [`Storage::sync_dir`], and of what came after each as much or as
//! little as a [`Crash`] says.
//!
//! A sync that fails behaves as [`FailedSync`] says, on ext4 or XFS if nothing was said: the pages
//! count as clean from then on, so that a later sync succeeds and has not written them.

mod crash;
mod fault;
mod kept;

pub use crash::{Crash, Random};
pub use fault::{FailedSync, Failing, Fault};

use crate::{Entry, Error, File, Memory, MemoryFile, MemoryLock, Mode, Operation, Result};
use crate::{Stamp, Storage};
use fault::Fuse;
use kept::Kept;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A disk in memory on which operations fail when told to, and which can be cut off at any of them.
#[derive(Clone)]
pub struct Faulty {
    now: Memory,
    shared: Arc<Mutex<Shared>>,
    watch: Arc<Mutex<Option<Watch>>>,
}

/// Called in front of each operation that changes or syncs something.
type Watch = Box<dyn FnMut(Moment<'_>) + Send>;

/// A disk in front of an operation.
#[derive(Debug)]
pub struct Moment<'d> {
    /// What is about to be done.
    pub operation: Operation,
    /// To which file or directory.
    pub path: &'d Path,
    disk: &'d Faulty,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Kept,
    fuse: Fuse,
    failed_sync: FailedSync,
    /// Files whose next sync tells what went wrong with the last.
    late: BTreeSet<u64>,
}

impl Moment<'_> {
    /// Whether something failed on it since that was asked for.
    pub fn has_failed(&self) -> bool {
        self.disk.shared.lock().fuse.has_burnt()
    }

    /// What a power cut at this moment leaves, on a disk of its own.
    pub fn crash(&self, how: Crash, random: Random<'_>) -> Faulty {
        self.disk.crash(how, random)
    }
}

impl Faulty {
    /// An empty disk.
    pub fn new() -> Faulty {
        Faulty {
            now: Memory::new(),
            shared: Arc::default(),
            watch: Arc::default(),
        }
    }

    /// The disk as programs see it.
    pub fn now(&self) -> &Memory {
        &self.now
    }

    /// Lets the operation after the next `successes` fail for lack of space, and none behind it.
    /// Reading is no operation.
    pub fn fail_after(&self, successes: usize) {
        self.fail(successes, io::ErrorKind::StorageFull, false);
    }

    /// The same with an error of this kind; all operations behind it fail too if it `is_sticky`.
    pub fn fail(&self, successes: usize, kind: io::ErrorKind, is_sticky: bool) {
        self.inject(Fault {
            after: successes,
            how: Failing::Error(kind),
            is_sticky,
            reads: false,
        });
    }

    /// Lets calls fail, in place of what was to fail before.
    pub fn inject(&self, fault: Fault) {
        self.shared.lock().fuse = Fuse::new(fault);
    }

    /// Whether it came to the call that was to fail, even if that is not one to be done by half.
    pub fn has_fault_come(&self) -> bool {
        self.shared.lock().fuse.has_come()
    }

    /// Says what syncs leave behind that fail from here on.
    pub fn set_failed_sync(&self, failed_sync: FailedSync) {
        self.shared.lock().failed_sync = failed_sync;
    }

    /// Lets nothing fail, and says whether something did since it was told to.
    pub fn heal(&self) -> bool {
        self.heal_after().is_some()
    }

    /// The same, and says which call was the first to fail.
    pub fn heal_after(&self) -> Option<(Operation, PathBuf)> {
        std::mem::take(&mut self.shared.lock().fuse).into_burnt()
    }

    /// Calls `watch` in front of each operation from here on. It must not use this disk but for
    /// [`Moment::crash`].
    pub fn watch(&self, watch: impl FnMut(Moment<'_>) + Send + 'static) {
        *self.watch.lock() = Some(Box::new(watch));
    }

    /// What a power cut now would leave, on a disk of its own.
    pub fn crash(&self, how: Crash, random: Random<'_>) -> Faulty {
        let image = self.shared.lock().kept.crash(how, random);
        let disk = Faulty::new();
        for dir in &image.dirs {
            let made = disk.now.create_dir(dir);
            debug_assert!(made.is_ok(), "parents come first");
        }
        for (path, content) in image.files {
            let Ok(file) = disk.now.open(&path, Mode::CreateNew) else {
                continue;
            };
            let written = crate::append_all(&file, &content);
            debug_assert!(written.is_ok(), "memory takes everything");
        }
        disk.settle();
        disk
    }

    /// Takes everything there is for synced.
    fn settle(&self) {
        let mut shared = self.shared.lock();
        shared.kept = Kept::of(&self.now);
    }

    /// Notes the operation, and fails it if it is to fail. True for one that is to be done by half.
    fn step(&self, operation: Operation, path: &Path) -> Result<bool> {
        if let Some(watch) = &mut *self.watch.lock() {
            watch(Moment {
                operation,
                path,
                disk: self,
            });
        }
        let burnt = self.shared.lock().fuse.burn(operation, path);
        fail(burnt, operation, path)
    }

    /// The same for calls that change nothing: nobody watches them.
    fn look(&self, operation: Operation, path: &Path) -> Result<bool> {
        let burnt = self.shared.lock().fuse.burn_reading(operation, path);
        fail(burnt, operation, path)
    }
}

fn fail(burnt: Option<Failing>, operation: Operation, path: &Path) -> Result<bool> {
    match burnt {
        Some(Failing::Error(kind)) => Err(Error::io(operation, path, kind.into())),
        Some(Failing::Short) => Ok(true),
        None => Ok(false),
    }
}

impl Default for Faulty {
    fn default() -> Faulty {
        Faulty::new()
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Storage for Faulty {
    type File = FaultyFile;
    type Lock = MemoryLock;

    fn open(&self, path: &Path, mode: Mode) -> Result<FaultyFile> {
        let is_new = self.now.stamp(path)?.is_none();
        match mode {
            Mode::Read => self.look(Operation::Open, path)?,
            _ if mode.creates() => self.step(Operation::Create, path)?,
            _ => self.step(Operation::Open, path)?,
        };
        let file = self.now.open(path, mode)?;
        if is_new {
            let handle = self.now.open(path, Mode::Read)?;
            self.shared.lock().kept.link(path, handle)?;
        }
        let inode = file.stamp()?.inode;
        if mode == Mode::Truncate {
            self.shared.lock().kept.cut(inode, 0);
        }
        Ok(FaultyFile {
            inode,
            file,
            disk: self.clone(),
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.step(Operation::Rename, from)?;
        self.now.rename(from, to)?;
        self.shared.lock().kept.rename(from, to);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> Result<()> {
        self.step(Operation::Link, to)?;
        self.now.link(from, to)?;
        self.shared.lock().kept.link_again(from, to);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.step(Operation::Remove, path)?;
        self.now.remove(path)?;
        self.shared.lock().kept.unlink(path);
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        self.look(Operation::List, dir)?;
        self.now.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.step(Operation::CreateDir, dir)?;
        self.now.create_dir(dir)?;
        self.shared.lock().kept.make_dir(dir);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.step(Operation::SyncDir, dir)?;
        self.now.sync_dir(dir)?;
        self.shared.lock().kept.sync_dir(dir);
        Ok(())
    }

    fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        self.look(Operation::Stamp, path)?;
        self.now.stamp(path)
    }

    fn lock(&self, dir: &Path, holder: &str) -> Result<MemoryLock> {
        self.look(Operation::Lock, dir)?;
        self.now.lock(dir, holder)
    }
}

/// An open file of [`Faulty`].
#[derive(Debug)]
pub struct FaultyFile {
    file: MemoryFile,
    inode: u64,
    disk: Faulty,
}

impl File for FaultyFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    /// Half of it is written when it fails.
    fn append(&self, bytes: &[u8]) -> Result<usize> {
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        match self.disk.step(Operation::Append, self.path()) {
            Ok(true) if !half.is_empty() => self.file.append(half),
            Ok(_) => self.file.append(bytes),
            Err(error) => {
                self.file.append(half)?;
                Err(error)
            }
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.disk.look(Operation::Read, self.path())?;
        self.file.read_at(offset, buffer)
    }

    fn sync_data(&self) -> Result<()> {
        let stepped = self.disk.step(Operation::Sync, self.path());
        let mut shared = self.disk.shared.lock();
        let is_late = shared.late.remove(&self.inode);
        match stepped {
            Ok(_) if !is_late => shared.kept.sync(self.inode),
            Err(error) => return self.fail_to_sync(&mut shared, error, is_late),
            Ok(_) => {
                let error = io::Error::other("an earlier sync of it failed");
                let error = Error::io(Operation::Sync, self.path(), error);
                return self.fail_to_sync(&mut shared, error, is_late);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.disk.step(Operation::SetLen, self.path())?;
        self.file.set_len(len)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.disk.shared.lock().kept.cut(self.inode, len);
        Ok(())
    }

    fn stamp(&self) -> Result<Stamp> {
        self.disk.look(Operation::Stamp, self.path())?;
        self.file.stamp()
    }
}

impl FaultyFile {
    /// Leaves behind what a sync does that fails with `error`, which is told now unless it is late.
    fn fail_to_sync(&self, shared: &mut Shared, error: Error, was_late: bool) -> Result<()> {
        match shared.failed_sync {
            FailedSync::ReportedLate if !was_late => {
                shared.late.insert(self.inode);
                shared.kept.sync(self.inode);
                return Ok(());
            }
            FailedSync::Reverted => {
                let len = shared.kept.synced_len(self.inode);
                self.file.set_len(len as u64)?;
                shared.kept.cut(self.inode, len);
            }
            FailedSync::CleanPages | FailedSync::ReportedLate => {
                shared.kept.fail_to_sync(self.inode);
            }
        }
        Err(error)
    }
}

/// The path as it is noted: every spelling of a path means the same name.
fn name_of(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
mod tests;

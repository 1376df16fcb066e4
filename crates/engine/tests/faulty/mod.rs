//! A disk on which one operation fails, as if it were full or broken.

use duramen::storage::{
    Entry, Error, File, Memory, MemoryFile, MemoryLock, Mode, Operation, Result, Stamp, Storage,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A disk in memory that counts down the operations that change or sync something, and fails the
/// one at which the count ends. Those before and after it succeed.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    pub(crate) disk: Memory,
    fuse: Fuse,
}

/// How many operations are left to the failure, that one included; 0 for no failure.
#[derive(Debug, Clone)]
struct Fuse(Arc<AtomicUsize>);

impl Fuse {
    fn burn(&self, operation: Operation, path: &Path) -> Result<()> {
        let one_less = |left: usize| left.checked_sub(1);
        let burnt = (self.0).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        match burnt {
            Ok(1) => Err(Error::io(
                operation,
                path,
                io::ErrorKind::StorageFull.into(),
            )),
            _ => Ok(()),
        }
    }
}

impl Faulty {
    pub(crate) fn new(disk: Memory) -> Faulty {
        let fuse = Fuse(Arc::new(AtomicUsize::new(0)));
        Faulty { disk, fuse }
    }

    /// Lets the operation after the next `successes` fail.
    pub(crate) fn fail_after(&self, successes: usize) {
        self.fuse.0.store(successes + 1, Ordering::Relaxed);
    }

    /// Lets nothing fail, and says whether something did since [`Faulty::fail_after`].
    pub(crate) fn heal(&self) -> bool {
        self.fuse.0.swap(0, Ordering::Relaxed) == 0
    }
}

impl Storage for Faulty {
    type File = FaultyFile;
    type Lock = MemoryLock;

    fn open(&self, path: &Path, mode: Mode) -> Result<FaultyFile> {
        if mode != Mode::Read {
            self.fuse.burn(Operation::Create, path)?;
        }
        let file = self.disk.open(path, mode)?;
        let fuse = self.fuse.clone();
        Ok(FaultyFile { file, fuse })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.fuse.burn(Operation::Rename, from)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.fuse.burn(Operation::Remove, path)?;
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.fuse.burn(Operation::CreateDir, dir)?;
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.fuse.burn(Operation::SyncDir, dir)?;
        self.disk.sync_dir(dir)
    }

    fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        self.disk.stamp(path)
    }

    fn lock(&self, dir: &Path, holder: &str) -> Result<MemoryLock> {
        self.disk.lock(dir, holder)
    }
}

/// An open file of [`Faulty`].
#[derive(Debug)]
pub(crate) struct FaultyFile {
    file: MemoryFile,
    fuse: Fuse,
}

impl File for FaultyFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    /// Half of it is written when it fails.
    fn append(&self, bytes: &[u8]) -> Result<usize> {
        if let Err(error) = self.fuse.burn(Operation::Append, self.path()) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.append(bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn sync_data(&self) -> Result<()> {
        self.fuse.burn(Operation::Sync, self.path())?;
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.fuse.burn(Operation::SetLen, self.path())?;
        self.file.set_len(len)
    }

    fn stamp(&self) -> Result<Stamp> {
        self.file.stamp()
    }
}

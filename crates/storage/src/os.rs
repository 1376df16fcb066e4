//! The real file system.

use crate::{Entry, Error, File, Mode, Operation, Result, Stamp, Storage};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process;

mod strangers;

/// Name of the file that a lock is held on. It stays when the lock goes: removing it would race
/// with the next holder.
pub const LOCK_FILE: &str = "duramen.lock";

/// The file system of the process; relative paths are relative to its working directory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Os;

/// An open file of [`Os`].
#[derive(Debug)]
pub struct OsFile {
    file: fs::File,
    path: PathBuf,
}

/// A locked directory of [`Os`]: an advisory lock on its [`LOCK_FILE`], whose content names the
/// holder. The system releases it when the process ends, however that comes.
#[derive(Debug)]
pub struct OsLock {
    file: fs::File,
}

impl Storage for Os {
    type File = OsFile;
    type Lock = OsLock;

    fn open(&self, path: &Path, mode: Mode) -> Result<OsFile> {
        let operation = if mode.creates() {
            Operation::Create
        } else {
            Operation::Open
        };
        let file = open(path, mode).map_err(|source| Error::io(operation, path, source))?;
        Ok(OsFile {
            file,
            path: path.to_owned(),
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|source| Error::io(Operation::Rename, from, source))
    }

    fn link(&self, from: &Path, to: &Path) -> Result<()> {
        fs::hard_link(from, to).map_err(|source| Error::io(Operation::Link, to, source))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(|source| Error::io(Operation::Remove, path, source))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        let mut entries = entries(dir).map_err(|source| Error::io(Operation::List, dir, source))?;
        entries.sort();
        Ok(entries)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        fs::create_dir(dir).map_err(|source| Error::io(Operation::CreateDir, dir, source))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let synced = fs::File::open(here(dir)).and_then(|dir| dir.sync_all());
        synced.map_err(|source| Error::io(Operation::SyncDir, dir, source))
    }

    fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        match fs::metadata(here(path)) {
            Ok(metadata) => Ok(Some(Stamp::from(metadata))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(Error::io(Operation::Stamp, path, source)),
        }
    }

    fn lock(&self, dir: &Path, holder: &str) -> Result<OsLock> {
        let path = dir.join(LOCK_FILE);
        let failed = |source| Error::io(Operation::Lock, &path, source);
        let file = open_lock_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                name_holder(&file, holder).map_err(failed)?;
                Ok(OsLock { file })
            }
            Err(fs::TryLockError::WouldBlock) => Err(Error::Locked {
                dir: dir.to_owned(),
                holder: holder_named_by(&file),
            }),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    fn strangers(&self, dir: &Path) -> Vec<String> {
        strangers::working_in(dir)
    }
}

impl File for OsFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn append(&self, bytes: &[u8]) -> Result<usize> {
        loop {
            match (&self.file).write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) if !bytes.is_empty() => {
                    return Err(self.error(Operation::Append, io::ErrorKind::WriteZero.into()));
                }
                done => return done.map_err(|source| self.error(Operation::Append, source)),
            }
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done.map_err(|source| self.error(Operation::Read, source)),
            }
        }
    }

    fn sync_data(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|source| self.error(Operation::Sync, source))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file
            .set_len(len)
            .map_err(|source| self.error(Operation::SetLen, source))
    }

    fn stamp(&self) -> Result<Stamp> {
        let metadata = self
            .file
            .metadata()
            .map_err(|source| self.error(Operation::Stamp, source))?;
        Ok(Stamp::from(metadata))
    }
}

impl OsFile {
    fn error(&self, operation: Operation, source: io::Error) -> Error {
        Error::io(operation, &self.path, source)
    }
}

impl Drop for OsLock {
    fn drop(&mut self) {
        // An empty lock file tells whoever looks that nobody left in a hurry. Closing unlocks.
        let _ = self.file.set_len(0);
    }
}

impl From<fs::Metadata> for Stamp {
    fn from(metadata: fs::Metadata) -> Stamp {
        Stamp {
            len: metadata.len(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            inode: metadata.ino(),
            is_dir: metadata.is_dir(),
        }
    }
}

fn open(path: &Path, mode: Mode) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    match mode {
        Mode::Read => {}
        Mode::Append => _ = options.append(true),
        Mode::AppendOrCreate => _ = options.append(true).create(true),
        Mode::CreateNew => _ = options.append(true).create_new(true),
        Mode::Truncate => {
            // The system refuses to combine O_APPEND and truncation in one portable call.
            fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)?;
            options.append(true);
        }
    }
    options.open(path)
}

fn entries(dir: &Path) -> io::Result<Vec<Entry>> {
    let entries = fs::read_dir(here(dir))?;
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok(Entry {
            name: entry.file_name(),
            is_dir: entry.path().is_dir(),
        })
    };
    entries.map(entry).collect()
}

/// The parent of a bare file name is an empty path, which the system does not know.
fn here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// A path that leads through a plain file leads nowhere just as well.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn open_lock_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn name_holder(file: &fs::File, holder: &str) -> io::Result<()> {
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    let line = format!("pid {} on {host}: {holder}\n", process::id());
    file.set_len(0)?;
    file.write_all_at(line.as_bytes(), 0)
}

fn holder_named_by(file: &fs::File) -> String {
    let mut line = [0; 256];
    let len = file.read_at(&mut line, 0).unwrap_or(0);
    let line = String::from_utf8_lossy(line.get(..len).unwrap_or_default());
    match line.trim() {
        // It has the lock and is about to say who it is, or could not.
        "" => "another process".to_owned(),
        named => named.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_reads_and_cuts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = Os.open(&path, Mode::CreateNew).unwrap();
        assert_eq!(file.append(b"hello").unwrap(), 5);
        file.set_len(2).unwrap();
        assert_eq!(file.append(b"y").unwrap(), 1);
        file.sync_data().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(file.read_at(1, &mut buffer).unwrap(), 2);
        assert_eq!(&buffer[..2], b"ey");
        assert!(Os.open(&path, Mode::CreateNew).is_err());
        assert_eq!(Os.open(&path, Mode::Append).unwrap().len().unwrap(), 3);
        assert_eq!(Os.open(&path, Mode::Truncate).unwrap().len().unwrap(), 0);
    }

    #[test]
    fn errors_say_what_was_tried_and_where() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none");
        let error = Os.open(&path, Mode::Read).unwrap_err();
        assert!(error.is_not_found());
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot open {}: ", path.display()))
        );
        assert_eq!(Os.stamp(&path).unwrap(), None);
    }

    #[test]
    fn second_opener_learns_who_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Os.lock(dir.path(), "a test").unwrap();
        let error = Os.lock(dir.path(), "another").unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("in use by pid {} on ", process::id())),
            "{text}"
        );
        assert!(text.ends_with(": a test"), "{text}");
        drop(lock);
        Os.lock(dir.path(), "another").unwrap();
    }

    #[test]
    fn stamp_tells_a_replaced_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("f"), dir.path().join("g"));
        Os.open(&path, Mode::CreateNew)
            .unwrap()
            .append(b"1")
            .unwrap();
        let before = Os.stamp(&path).unwrap();
        assert_eq!(Os.stamp(&path).unwrap(), before);
        Os.open(&other, Mode::CreateNew)
            .unwrap()
            .append(b"1")
            .unwrap();
        Os.rename(&other, &path).unwrap();
        assert_ne!(Os.stamp(&path).unwrap(), before);
        let names: Vec<_> = Os
            .list(dir.path())
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["f"]);
    }
}

//! A file system that is a map. As in the real one, a file lives on for those who have it open
//! after it was renamed, replaced or removed.

use crate::{Entry, Error, File, Mode, Operation, Result, Stamp, Storage};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Files and directories in memory. The root exists; paths with and without a leading `/` mean the
/// same.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Debug, Default)]
struct Tree {
    /// With their inodes.
    dirs: BTreeMap<PathBuf, u64>,
    files: BTreeMap<PathBuf, Arc<Node>>,
    locks: BTreeMap<PathBuf, String>,
    inodes: u64,
}

#[derive(Debug)]
struct Node {
    inode: u64,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    changes: i128,
}

/// An open file of [`Memory`].
#[derive(Debug)]
pub struct MemoryFile {
    node: Arc<Node>,
    path: PathBuf,
    writable: bool,
}

/// A locked directory of [`Memory`].
#[derive(Debug)]
pub struct MemoryLock {
    tree: Arc<Mutex<Tree>>,
    dir: PathBuf,
}

impl Memory {
    /// An empty file system.
    pub fn new() -> Memory {
        Memory::default()
    }
}

impl Storage for Memory {
    type File = MemoryFile;
    type Lock = MemoryLock;

    fn open(&self, path: &Path, mode: Mode) -> Result<MemoryFile> {
        let operation = if mode.creates() {
            Operation::Create
        } else {
            Operation::Open
        };
        let node = self
            .tree
            .lock()
            .open(&normal(path), mode)
            .map_err(|kind| Error::io(operation, path, kind.into()))?;
        if mode == Mode::Truncate {
            node.content.lock().change(|bytes| bytes.clear());
        }
        Ok(MemoryFile {
            node,
            path: path.to_owned(),
            writable: mode != Mode::Read,
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut tree = self.tree.lock();
        let target = normal(to);
        let failed = |kind: io::ErrorKind| Error::io(Operation::Rename, from, kind.into());
        tree.parent_exists(&target).map_err(failed)?;
        let node = tree
            .files
            .remove(&normal(from))
            .ok_or(failed(io::ErrorKind::NotFound))?;
        tree.files.insert(target, node);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> Result<()> {
        let mut tree = self.tree.lock();
        let target = normal(to);
        let failed = |kind: io::ErrorKind| Error::io(Operation::Link, to, kind.into());
        tree.parent_exists(&target).map_err(failed)?;
        if tree.is_dir(&target) || tree.files.contains_key(&target) {
            return Err(failed(io::ErrorKind::AlreadyExists));
        }
        let node = tree.files.get(&normal(from)).map(Arc::clone);
        let node = node.ok_or(failed(io::ErrorKind::NotFound))?;
        tree.files.insert(target, node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match self.tree.lock().files.remove(&normal(path)) {
            Some(_) => Ok(()),
            None => Err(Error::io(
                Operation::Remove,
                path,
                io::ErrorKind::NotFound.into(),
            )),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>> {
        let tree = self.tree.lock();
        let key = normal(dir);
        if !tree.is_dir(&key) {
            return Err(Error::io(
                Operation::List,
                dir,
                io::ErrorKind::NotFound.into(),
            ));
        }
        let inside = |path: &&PathBuf| path.parent() == Some(&key);
        let entry = |path: &PathBuf, is_dir| Entry {
            name: path.file_name().unwrap_or(OsStr::new("")).to_owned(),
            is_dir,
        };
        let dirs = tree
            .dirs
            .keys()
            .filter(inside)
            .map(|path| entry(path, true));
        let files = tree
            .files
            .keys()
            .filter(inside)
            .map(|path| entry(path, false));
        let mut entries: Vec<Entry> = dirs.chain(files).collect();
        entries.sort();
        Ok(entries)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        let mut tree = self.tree.lock();
        let key = normal(dir);
        let failed = |kind: io::ErrorKind| Error::io(Operation::CreateDir, dir, kind.into());
        tree.parent_exists(&key).map_err(failed)?;
        if tree.is_dir(&key) || tree.files.contains_key(&key) {
            return Err(failed(io::ErrorKind::AlreadyExists));
        }
        let inode = tree.next_inode();
        tree.dirs.insert(key, inode);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        if self.tree.lock().is_dir(&normal(dir)) {
            Ok(())
        } else {
            Err(Error::io(
                Operation::SyncDir,
                dir,
                io::ErrorKind::NotFound.into(),
            ))
        }
    }

    fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        let tree = self.tree.lock();
        let key = normal(path);
        if tree.is_dir(&key) {
            return Ok(Some(Stamp {
                len: 0,
                modified_ns: 0,
                inode: tree.dirs.get(&key).copied().unwrap_or_default(),
                is_dir: true,
            }));
        }
        Ok(tree.files.get(&key).map(|node| node.stamp()))
    }

    fn lock(&self, dir: &Path, holder: &str) -> Result<MemoryLock> {
        let mut tree = self.tree.lock();
        let key = normal(dir);
        if !tree.is_dir(&key) {
            return Err(Error::io(
                Operation::Lock,
                dir,
                io::ErrorKind::NotFound.into(),
            ));
        }
        if let Some(holder) = tree.locks.get(&key) {
            return Err(Error::Locked {
                dir: dir.to_owned(),
                holder: holder.clone(),
            });
        }
        tree.locks.insert(key.clone(), holder.to_owned());
        Ok(MemoryLock {
            tree: Arc::clone(&self.tree),
            dir: key,
        })
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.tree.lock().locks.remove(&self.dir);
    }
}

impl Tree {
    fn is_dir(&self, key: &Path) -> bool {
        key.as_os_str().is_empty() || self.dirs.contains_key(key)
    }

    fn parent_exists(&self, key: &Path) -> std::result::Result<(), io::ErrorKind> {
        match key.parent() {
            Some(parent) if !self.is_dir(parent) => Err(io::ErrorKind::NotFound),
            _ => Ok(()),
        }
    }

    fn open(&mut self, key: &Path, mode: Mode) -> std::result::Result<Arc<Node>, io::ErrorKind> {
        self.parent_exists(key)?;
        if self.is_dir(key) {
            return Err(io::ErrorKind::IsADirectory);
        }
        match (self.files.get(key), mode) {
            (Some(_), Mode::CreateNew) => Err(io::ErrorKind::AlreadyExists),
            (Some(node), _) => Ok(Arc::clone(node)),
            (None, mode) if mode.creates() => Ok(self.create(key)),
            (None, _) => Err(io::ErrorKind::NotFound),
        }
    }

    fn next_inode(&mut self) -> u64 {
        self.inodes += 1;
        self.inodes
    }

    fn create(&mut self, key: &Path) -> Arc<Node> {
        let node = Arc::new(Node {
            inode: self.next_inode(),
            content: Mutex::default(),
        });
        self.files.insert(key.to_owned(), Arc::clone(&node));
        node
    }
}

impl Node {
    fn stamp(&self) -> Stamp {
        let content = self.content.lock();
        Stamp {
            len: content.bytes.len() as u64,
            modified_ns: content.changes,
            inode: self.inode,
            is_dir: false,
        }
    }
}

impl Content {
    fn change(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.bytes);
        self.changes += 1;
    }
}

impl File for MemoryFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn append(&self, bytes: &[u8]) -> Result<usize> {
        self.change(Operation::Append, |content| {
            content.extend_from_slice(bytes)
        })?;
        Ok(bytes.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let content = self.node.content.lock();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = content.bytes.get(start..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let len = usize::try_from(len).map_err(|_| {
            Error::io(
                Operation::SetLen,
                &self.path,
                io::ErrorKind::FileTooLarge.into(),
            )
        })?;
        self.change(Operation::SetLen, |content| content.resize(len, 0))
    }

    fn stamp(&self) -> Result<Stamp> {
        Ok(self.node.stamp())
    }
}

impl MemoryFile {
    fn change(&self, operation: Operation, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        if !self.writable {
            let source = io::ErrorKind::PermissionDenied.into();
            return Err(Error::io(operation, &self.path, source));
        }
        self.node.content.lock().change(change);
        Ok(())
    }
}

/// The path's names alone: `/a/./b/../c` is `a/c`.
fn normal(path: &Path) -> PathBuf {
    let mut names = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::ParentDir => _ = names.pop(),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> &Path {
        Path::new(text)
    }

    #[test]
    fn open_files_outlive_their_name() {
        let memory = Memory::new();
        let old = memory.open(path("/a"), Mode::CreateNew).unwrap();
        old.append(b"old").unwrap();
        memory
            .open(path("b"), Mode::CreateNew)
            .unwrap()
            .append(b"new!")
            .unwrap();
        memory.rename(path("b"), path("a")).unwrap();
        assert_eq!(old.len().unwrap(), 3);
        assert_eq!(memory.stamp(path("./a")).unwrap().unwrap().len, 4);
        memory.remove(path("a")).unwrap();
        assert!(
            memory
                .open(path("a"), Mode::Append)
                .unwrap_err()
                .is_not_found()
        );
    }

    #[test]
    fn directories_must_be_made_and_are_listed() {
        let memory = Memory::new();
        assert!(
            memory
                .open(path("d/f"), Mode::Truncate)
                .unwrap_err()
                .is_not_found()
        );
        memory.create_dir(path("d")).unwrap();
        memory.open(path("d/f"), Mode::Truncate).unwrap();
        memory.create_dir(path("d/e")).unwrap();
        let listed: Vec<_> = memory.list(path("/d")).unwrap();
        assert_eq!(
            listed
                .iter()
                .map(|e| (e.name.to_str().unwrap(), e.is_dir))
                .collect::<Vec<_>>(),
            [("e", true), ("f", false)]
        );
        assert!(memory.list(path("x")).is_err());
    }

    #[test]
    fn lock_names_its_holder() {
        let memory = Memory::new();
        let lock = memory.lock(path("/"), "the first").unwrap();
        let error = memory.clone().lock(path(""), "the second").unwrap_err();
        assert!(
            error.to_string().ends_with("in use by the first"),
            "{error}"
        );
        drop(lock);
        memory.lock(path("/"), "the second").unwrap();
    }

    #[test]
    fn readers_cannot_write() {
        let memory = Memory::new();
        memory
            .open(path("a"), Mode::CreateNew)
            .unwrap()
            .append(b"12")
            .unwrap();
        let file = memory.open(path("a"), Mode::Read).unwrap();
        assert!(file.append(b"x").is_err());
        let mut buffer = [0; 4];
        assert_eq!(file.read_at(1, &mut buffer).unwrap(), 1);
        assert_eq!(file.read_at(9, &mut buffer).unwrap(), 0);
    }
}

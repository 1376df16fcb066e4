//! Which files are to be read, and how their bytes come.

use crate::archive::Unpacked;
use crate::error::Error;
use crate::events::unreadable;
use aof::{Located, Names, locate};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use storage::{File, Mode, Storage};

/// The files that a path stands for, in the order in which a server would load them.
///
/// A file is itself. A manifest, the folder of one, or a data directory with a log stands for the
/// log's files; any other directory for its `dump.rdb`.
pub fn files<S: Storage>(storage: &S, path: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_dir = match storage.stamp(path)? {
        None => return Err(nothing(path, "no such file or directory")),
        Some(stamp) => stamp.is_dir,
    };
    if let Some(names) = Names::of_manifest(path).filter(|_| !is_dir) {
        return log_files(storage, &names);
    }
    if !is_dir {
        return Ok(vec![path.to_owned()]);
    }
    let names = manifest_in(storage, path)?.unwrap_or_else(|| Names::new(path));
    let mut files = log_files(storage, &names)?;
    if files.is_empty() {
        files.extend(snapshot_in(storage, path)?);
    }
    match files.is_empty() {
        true => Err(nothing(path, "no append-only file and no dump.rdb in it")),
        false => Ok(files),
    }
}

fn nothing(path: &Path, what: &'static str) -> Error {
    let path = path.to_owned();
    Error::Nothing { path, what }
}

fn log_files<S: Storage>(storage: &S, names: &Names) -> Result<Vec<PathBuf>, Error> {
    Ok(match locate(storage, names)? {
        Located::Nothing => Vec::new(),
        Located::Single { path } => vec![path],
        Located::Multi { manifest, .. } => {
            let files = manifest.data().map(|file| names.file(&file.name));
            files.collect()
        }
    })
}

/// The names of the log whose folder this is.
fn manifest_in<S: Storage>(storage: &S, dir: &Path) -> Result<Option<Names>, Error> {
    let entries = storage.list(dir)?;
    let unfinished = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b"temp-");
    let mut files = entries
        .iter()
        .filter(|entry| !entry.is_dir && !unfinished(&entry.name));
    Ok(files.find_map(|entry| Names::of_manifest(&dir.join(&entry.name))))
}

fn snapshot_in<S: Storage>(storage: &S, dir: &Path) -> Result<Option<PathBuf>, Error> {
    let path = dir.join("dump.rdb");
    Ok(storage.stamp(&path)?.map(|_| path))
}

/// A file's bytes from an offset on, block by block; each block is told before it is given out.
#[derive(Debug)]
pub struct Blocks<F, P> {
    file: F,
    offset: u64,
    progress: P,
}

impl<F: File, P: FnMut(u64)> Blocks<F, P> {
    /// Reads from `offset` on; `progress` is told how many bytes came.
    pub fn new(file: F, offset: u64, progress: P) -> Blocks<F, P> {
        Blocks {
            file,
            offset,
            progress,
        }
    }
}

impl<F: File, P: FnMut(u64)> Read for Blocks<F, P> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.offset, out)?;
        self.offset += read as u64;
        (self.progress)(read as u64);
        Ok(read)
    }
}

/// The bytes of a file that a storage opened.
pub type Input<S, P> = Unpacked<Blocks<<S as Storage>::File, P>>;

/// Opens a file to be read from its start, unpacked if it is an archive, and says how long it is, if
/// that is known.
pub fn open<S: Storage, P: FnMut(u64)>(
    storage: &S,
    path: &Path,
    progress: P,
) -> Result<(Input<S, P>, Option<u64>), Error> {
    let file = storage.open(path, Mode::Read)?;
    let len = file.len()?;
    let input = Unpacked::new(Blocks::new(file, 0, progress));
    let input = input.map_err(|source| unreadable(path, source))?;
    let len = (!input.is_archive()).then_some(len);
    Ok((input, len))
}

/// The same for who goes back and forth in the file, which an archive does not allow.
pub(crate) fn open_plain<S: Storage, P: FnMut(u64)>(
    storage: &S,
    path: &Path,
    progress: P,
) -> Result<(impl Read + use<S, P>, u64), Error> {
    match open(storage, path, progress)? {
        (input, Some(len)) => Ok((input, len)),
        (_, None) => Err(nothing(
            path,
            "is an archive, in which nothing can be looked up: make a plain file of it first, by \
             `duramen convert`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Memory;

    fn disk(files: &[(&str, &str)]) -> Memory {
        let disk = Memory::new();
        for (path, content) in files {
            if let Some(dir) = path.strip_suffix('/') {
                disk.create_dir(Path::new(dir)).unwrap();
            } else {
                let file = disk.open(Path::new(path), Mode::CreateNew).unwrap();
                file.append(content.as_bytes()).unwrap();
            }
        }
        disk
    }

    const LOG: [(&str, &str); 6] = [
        ("d/", ""),
        ("d/dump.rdb", ""),
        ("d/appendonlydir/", ""),
        (
            "d/appendonlydir/appendonly.aof.manifest",
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
        ),
        ("d/appendonlydir/appendonly.aof.1.base.rdb", ""),
        ("d/appendonlydir/appendonly.aof.1.incr.aof", ""),
    ];

    #[test]
    fn a_log_counts_before_a_snapshot_however_it_is_named() {
        let disk = disk(&LOG);
        let names = ["d", "d/appendonlydir", LOG[3].0];
        for found in names.map(|name| files(&disk, Path::new(name)).unwrap()) {
            assert_eq!(found, [PathBuf::from(LOG[4].0), PathBuf::from(LOG[5].0)]);
        }
    }

    #[test]
    fn otherwise_the_snapshot_or_the_file_itself() {
        let disk = disk(&[("d/", ""), ("d/dump.rdb", ""), ("e/", "")]);
        let found = files(&disk, Path::new("d")).unwrap();
        assert_eq!(found, [PathBuf::from("d/dump.rdb")]);
        assert_eq!(files(&disk, Path::new("d/dump.rdb")).unwrap(), found);
        assert!(files(&disk, Path::new("e")).is_err());
        assert!(files(&disk, Path::new("none")).is_err());
    }

    #[test]
    fn blocks_are_told_as_they_come() {
        let disk = disk(&[("f", "0123456789")]);
        let mut told = Vec::new();
        let (mut blocks, len) = open(&disk, Path::new("f"), |bytes| told.push(bytes)).unwrap();
        let mut out = [0; 6];
        assert_eq!(blocks.read(&mut out).unwrap(), 6);
        assert_eq!(blocks.read(&mut out).unwrap(), 4);
        assert_eq!(blocks.read(&mut out).unwrap(), 0);
        assert_eq!((len, told.iter().sum::<u64>()), (Some(10), 10));
    }
}

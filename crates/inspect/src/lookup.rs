//! One key of a file, at once: an index beside it says where keys are.
//!
//! # Layout
//!
//! ```text
//!   offset  size  field
//!   0       8     "DURAIDX1"
//!   8       8     length of the file that is indexed, big-endian as all numbers here
//!   16      16    when that was changed last, in ns since the epoch
//!   32      9     its header
//!   41      8     number of keys
//!   49      20    a key: hash of name and database (8), database (4), offset (8); ascending
//!   ..
//! ```
//!
//! An index that does not fit its file's length and time is made anew.

use crate::digest;
use crate::error::Error;
use crate::events;
use crate::filter::Filter;
use crate::input::{self, Blocks};
use crate::record::{Fact, Figures, Key, Piece, Visitor};
use crate::sorter::Sorter;
use crate::source::Source;
use std::io;
use std::path::{Path, PathBuf};
use storage::{File, Mode, Stamp, Storage, replace};

const MAGIC: &[u8; 8] = b"DURAIDX1";
const FILE_HEADER: usize = 9;
const HEAD: usize = 8 + 8 + 16 + FILE_HEADER + 8;
const ENTRY: usize = 8 + 4 + 8;

/// The path of the index of a file: its name and `.idx`.
pub fn index_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".idx");
    PathBuf::from(name)
}

/// An index that fits its file.
#[derive(Debug)]
pub struct Index<S: Storage> {
    storage: S,
    path: PathBuf,
    index: S::File,
    header: [u8; FILE_HEADER],
    keys: u64,
}

impl<S: Storage> Index<S> {
    /// Opens the index at `index` of the file at `path`; makes it, in one pass over the file, if there
    /// is none that fits. Sorting goes through `temp`.
    pub fn open(
        storage: &S,
        path: &Path,
        index: &Path,
        temp: &Path,
        progress: impl FnMut(u64),
    ) -> Result<Index<S>, Error> {
        let stamp = storage.stamp(path)?.ok_or_else(|| missing(path))?;
        if let Some(found) = Index::fitting(storage, path, index, stamp)? {
            return Ok(found);
        }
        build(storage, path, index, temp, stamp, progress)?;
        Index::fitting(storage, path, index, stamp)?.ok_or_else(|| missing(index))
    }

    fn fitting(
        storage: &S,
        path: &Path,
        index: &Path,
        stamp: Stamp,
    ) -> Result<Option<Index<S>>, Error> {
        if storage.stamp(index)?.is_none() {
            return Ok(None);
        }
        let file = storage.open(index, Mode::Read)?;
        let mut head = [0; HEAD];
        let whole = read_whole(&file, 0, &mut head)?;
        let wanted = head_of(stamp);
        if !whole || head.first_chunk::<32>() != wanted.first_chunk::<32>() {
            return Ok(None);
        }
        let (_, rest) = head.split_at(32);
        let (Some(header), Some(count)) = (rest.first_chunk(), rest.last_chunk()) else {
            return Ok(None);
        };
        let keys = u64::from_be_bytes(*count);
        let len = (HEAD as u64).saturating_add(keys.saturating_mul(ENTRY as u64));
        Ok((file.len()? == len).then(|| Index {
            storage: storage.clone(),
            path: path.to_owned(),
            header: *header,
            index: file,
            keys,
        }))
    }

    /// How many keys there are.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// Hands the key to a visitor; false if there is none of that name.
    pub fn get(&self, db: u32, name: &[u8], visitor: &mut impl Visitor) -> Result<bool, Error> {
        let hash = hash(db, name);
        let mut at = self.first_at_least(hash)?;
        let mut only = Only {
            name,
            found: false,
            visitor,
        };
        while let Some(entry) = self.entry(at)?.filter(|entry| entry.hash == hash) {
            at += 1;
            if entry.db == db {
                self.read_at(entry, &mut only)?;
            }
        }
        Ok(only.found)
    }

    fn read_at(&self, entry: Entry, visitor: &mut impl Visitor) -> Result<(), Error> {
        let filter = Filter::default();
        let file = self.storage.open(&self.path, Mode::Read)?;
        let mut blocks = Blocks::new(file, entry.offset, |_| {});
        let mut source = Source::new(&filter, visitor);
        source.one_key(&self.path, &self.header, entry.db, &mut blocks)
    }

    /// The number of the first entry whose hash is not below.
    fn first_at_least(&self, hash: u64) -> Result<u64, Error> {
        let (mut low, mut high) = (0, self.keys);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle)? {
                Some(entry) if entry.hash < hash => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    fn entry(&self, at: u64) -> Result<Option<Entry>, Error> {
        if at >= self.keys {
            return Ok(None);
        }
        let mut bytes = [0; ENTRY];
        let offset = HEAD as u64 + at * ENTRY as u64;
        let whole = read_whole(&self.index, offset, &mut bytes)?;
        Ok(Entry::parse(&bytes).filter(|_| whole))
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    db: u32,
    offset: u64,
}

impl Entry {
    fn parse(bytes: &[u8; ENTRY]) -> Option<Entry> {
        let (hash, rest) = bytes.split_first_chunk()?;
        let (db, offset) = rest.split_first_chunk()?;
        Some(Entry {
            hash: u64::from_be_bytes(*hash),
            db: u32::from_be_bytes(*db),
            offset: u64::from_be_bytes(*offset.first_chunk()?),
        })
    }

    fn bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let parts = self.hash.to_be_bytes().into_iter();
        let parts = parts.chain(self.db.to_be_bytes());
        for (to, from) in bytes.iter_mut().zip(parts.chain(self.offset.to_be_bytes())) {
            *to = from;
        }
        bytes
    }
}

fn hash(db: u32, name: &[u8]) -> u64 {
    digest::of_name(db, name) as u64
}

fn missing(path: &Path) -> Error {
    Error::Nothing {
        path: path.to_owned(),
        what: "no such file",
    }
}

/// The head of an index up to the file's own header.
fn head_of(stamp: Stamp) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&stamp.len.to_be_bytes());
    head.extend_from_slice(&stamp.modified_ns.to_be_bytes());
    head
}

fn read_whole(file: &impl File, offset: u64, out: &mut [u8]) -> storage::Result<bool> {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(offset + done as u64, rest)? {
            0 => return Ok(false),
            read => done += read,
        }
    }
    Ok(true)
}

fn build<S: Storage>(
    storage: &S,
    path: &Path,
    index: &Path,
    temp: &Path,
    stamp: Stamp,
    progress: impl FnMut(u64),
) -> Result<(), Error> {
    let mut places = Places {
        sorter: Sorter::new(storage, temp),
        keys: 0,
    };
    let filter = Filter::default();
    let (mut blocks, len) = input::open_plain(storage, path, progress)?;
    Source::new(&filter, &mut places).read(path, Some(len), &mut blocks)?;
    let (mut again, _) = input::open(storage, path, |_| {})?;
    let header = events::begin(path, &mut again)?;
    let Places { sorter, keys } = places;
    let mut sorted = sorter.finish()?;
    replace(storage, index, &mut None, |writer| {
        writer.write_all(&head_of(stamp))?;
        writer.write_all(&header)?;
        writer.write_all(&keys.to_be_bytes())?;
        while let Some(entry) = sorted.next()? {
            writer.write_all(&entry)?;
        }
        Ok(())
    })
}

/// Gathers where keys are.
struct Places<S: Storage> {
    sorter: Sorter<S, ENTRY>,
    keys: u64,
}

impl<S: Storage> Visitor for Places<S> {
    fn fact(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        match fact {
            Fact::Command { .. } => {
                Err(io::Error::other("a log has no index: commands change keys"))
            }
            _ => Ok(()),
        }
    }

    fn key(&mut self, _: &Key<'_>) -> io::Result<bool> {
        Ok(false)
    }

    fn piece(&mut self, _: &Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, _: &Figures, _: bool) -> io::Result<()> {
        self.keys += 1;
        let entry = Entry {
            hash: hash(key.db, key.name),
            db: key.db,
            offset: key.offset,
        };
        Ok(self.sorter.push(entry.bytes())?)
    }
}

/// Passes on the key of that name.
struct Only<'a, V> {
    name: &'a [u8],
    found: bool,
    visitor: &'a mut V,
}

impl<V: Visitor> Visitor for Only<'_, V> {
    fn fact(&mut self, _: &Fact<'_>) -> io::Result<()> {
        Ok(())
    }

    fn key(&mut self, key: &Key<'_>) -> io::Result<bool> {
        match key.name == self.name {
            true => self.visitor.key(key),
            false => Ok(false),
        }
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        self.visitor.piece(piece)
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> io::Result<()> {
        if key.name != self.name {
            return Ok(());
        }
        self.found = true;
        self.visitor.end_key(key, figures, keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Commands, Output};
    use storage::Memory;

    fn get(index: &Index<Memory>, db: u32, name: &str) -> Option<String> {
        let mut out = Vec::new();
        let mut commands = Commands::new(Output::new(&mut out, false));
        let found = index.get(db, name.as_bytes(), &mut commands).unwrap();
        commands.finish().unwrap();
        found.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn keys_are_found_by_database_and_name() {
        let disk = Memory::new();
        disk.create_dir(Path::new("tmp")).unwrap();
        let mut bytes = b"REDIS0004".to_vec();
        for db in [0, 3] {
            bytes.extend_from_slice(&[0xFE, db]);
            for number in 100..400 {
                let value = number * (1 + i32::from(db));
                bytes.extend_from_slice(format!("\x00\x04k{number}\x04{value:04}").as_bytes());
            }
        }
        bytes.push(0xFF);
        let (path, idx) = (Path::new("d.rdb"), &index_path(Path::new("d.rdb")));
        disk.open(path, Mode::CreateNew)
            .unwrap()
            .append(&bytes)
            .unwrap();
        let mut told = 0;
        for _ in 0..2 {
            let index = Index::open(&disk, path, idx, Path::new("tmp"), |read| told += read);
            let index = index.unwrap();
            assert_eq!(index.keys(), 600);
            for number in [100, 257, 399] {
                let key = format!("k{number}");
                assert!(
                    get(&index, 0, &key)
                        .unwrap()
                        .contains(&format!("\r\n{number:04}\r\n"))
                );
                let other = format!("\r\n{:04}\r\n", number * 4);
                assert!(get(&index, 3, &key).unwrap().contains(&other));
            }
            assert_eq!(get(&index, 1, "k100"), None);
            assert_eq!(get(&index, 0, "k1"), None);
        }
        // The second time nothing was read anew.
        assert_eq!(told, bytes.len() as u64);
        disk.open(path, Mode::Append).unwrap().append(b"x").unwrap();
        Index::open(&disk, path, idx, Path::new("tmp"), |read| told += read).unwrap();
        assert_eq!(told, 2 * bytes.len() as u64 + 1);
    }
}

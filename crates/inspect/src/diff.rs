//! What differs between two snapshots, key by key, whatever order and forms they are in.
//!
//! Both are read once, and what is known of each key (the hash of its name, the digest of its value,
//! its deadline and its place) is sorted on temporary disk. The two sorted streams side by side say
//! which keys differ; a second reading tells their names, or writes them out.

use crate::digest::{self, ValueDigest};
use crate::error::Error;
use crate::export::{Commands, Output};
use crate::filter::Filter;
use crate::input;
use crate::record::{Fact, Figures, Key, Piece, Type, Visitor};
use crate::report::printable;
use crate::sorter::{Sorted, Sorter};
use crate::source::Source;
use serde_json::json;
use std::cmp::Ordering;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use storage::Storage;

/// Name, value, deadline, and place: which file, and where in it. Numbers are big-endian.
const RECORD: usize = 16 + 16 + 8 + 10;
/// A place, and in what the key differs.
const MARK: usize = 10 + 1;

/// How many keys there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiffCounts {
    /// The same in both.
    pub same: u64,
    /// Only in the second.
    pub added: u64,
    /// Only in the first.
    pub removed: u64,
    /// In both, with another value or deadline.
    pub changed: u64,
}

impl DiffCounts {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.added + self.removed + self.changed == 0
    }
}

/// How differences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffFormat {
    /// A line a key: `+`, `-` or `~`, database, name, and in what it differs.
    Text,
    /// A JSON object a line.
    Json,
    /// The commands that make the second of the first.
    Patch,
}

/// Compares what the paths stand for, and writes what differs. `told` learns how many bytes were read.
pub fn diff<S: Storage>(
    storage: &S,
    temp: &Path,
    [first, second]: [&[PathBuf]; 2],
    filter: &Filter,
    format: DiffFormat,
    out: impl Write,
    told: &mut dyn FnMut(u64),
) -> Result<DiffCounts, Error> {
    let mut a = digests(storage, temp, first, filter, told)?;
    let mut b = digests(storage, temp, second, filter, told)?;
    let mut marks = Marks {
        gone: Sorter::new(storage, temp),
        new: Sorter::new(storage, temp),
        counts: DiffCounts::default(),
    };
    let (mut left, mut right) = (a.next()?, b.next()?);
    while let Some(order) = order(left.as_ref(), right.as_ref()) {
        marks.note(
            left.filter(|_| order.is_le()),
            right.filter(|_| order.is_ge()),
        )?;
        if order.is_le() {
            left = a.next()?;
        }
        if order.is_ge() {
            right = b.next()?;
        }
    }
    let mut writer = DiffWriter::new(format, out);
    tell(storage, first, marks.gone.finish()?, filter, &mut writer)?;
    tell(storage, second, marks.new.finish()?, filter, &mut writer)?;
    writer.commands.finish().map_err(Error::Write)?;
    Ok(marks.counts)
}

/// Which of two records has the smaller name; `None` if there are none.
fn order(left: Option<&[u8; RECORD]>, right: Option<&[u8; RECORD]>) -> Option<Ordering> {
    match (left, right) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(left), Some(right)) => Some(left.first_chunk::<16>().cmp(&right.first_chunk())),
    }
}

/// Places of keys that differ.
struct Marks<S: Storage> {
    gone: Sorter<S, MARK>,
    new: Sorter<S, MARK>,
    counts: DiffCounts,
}

impl<S: Storage> Marks<S> {
    fn note(
        &mut self,
        left: Option<[u8; RECORD]>,
        right: Option<[u8; RECORD]>,
    ) -> Result<(), Error> {
        match (left, right) {
            (Some(left), None) => {
                self.counts.removed += 1;
                self.gone.push(mark(&left, Change::Removed))?;
            }
            (None, Some(right)) => {
                self.counts.added += 1;
                self.new.push(mark(&right, Change::Added))?;
            }
            (Some(left), Some(right)) => {
                let value = left.get(16..32) != right.get(16..32);
                let deadline = left.get(32..40) != right.get(32..40);
                let change = match (value, deadline) {
                    (false, false) => {
                        self.counts.same += 1;
                        return Ok(());
                    }
                    (true, false) => Change::Value,
                    (false, true) => Change::Deadline,
                    (true, true) => Change::Both,
                };
                self.counts.changed += 1;
                self.new.push(mark(&right, change))?;
            }
            (None, None) => {}
        }
        Ok(())
    }
}

/// In what a key differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Removed,
    Added,
    Value,
    Deadline,
    Both,
}

impl Change {
    const ALL: [Change; 5] = [
        Change::Removed,
        Change::Added,
        Change::Value,
        Change::Deadline,
        Change::Both,
    ];

    /// The sign in front of a line, and what it stands for.
    fn names(self) -> (char, &'static str) {
        match self {
            Change::Removed => ('-', "removed"),
            Change::Added => ('+', "added"),
            Change::Value => ('~', "value"),
            Change::Deadline => ('~', "deadline"),
            Change::Both => ('~', "value and deadline"),
        }
    }
}

fn mark(record: &[u8; RECORD], change: Change) -> [u8; MARK] {
    let mut mark = [change as u8; MARK];
    for (to, from) in mark.iter_mut().zip(record.iter().skip(RECORD - 10)) {
        *to = *from;
    }
    mark
}

fn place(file: u16, offset: u64) -> [u8; 10] {
    let mut place = [0; 10];
    let bytes = file.to_be_bytes().into_iter().chain(offset.to_be_bytes());
    for (to, from) in place.iter_mut().zip(bytes) {
        *to = from;
    }
    place
}

/// Reads files and sorts what is known of their keys.
fn digests<S: Storage>(
    storage: &S,
    temp: &Path,
    files: &[PathBuf],
    filter: &Filter,
    told: &mut dyn FnMut(u64),
) -> Result<Sorted<S, RECORD>, Error> {
    let mut digests = Digests {
        sorter: Sorter::new(storage, temp),
        file: 0,
        value: None,
    };
    for (number, path) in files.iter().enumerate() {
        digests.file = u16::try_from(number).unwrap_or(u16::MAX);
        let (mut blocks, len) = input::open(storage, path, &mut *told)?;
        Source::new(filter, &mut digests).read(path, len, &mut blocks)?;
    }
    Ok(digests.sorter.finish()?)
}

struct Digests<S: Storage> {
    sorter: Sorter<S, RECORD>,
    file: u16,
    value: Option<(Type, ValueDigest)>,
}

impl<S: Storage> Visitor for Digests<S> {
    fn fact(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        match fact {
            Fact::Command { .. } => Err(io::Error::other(
                "logged commands cannot be compared: rewrite the log into a snapshot first",
            )),
            _ => Ok(()),
        }
    }

    fn key(&mut self, key: &Key<'_>) -> io::Result<bool> {
        self.value = Some((key.kind, ValueDigest::of(key)));
        Ok(true)
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        if let Some((kind, value)) = &mut self.value {
            value.piece(*kind, piece);
        }
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, _: &Figures, keep: bool) -> io::Result<()> {
        let value = self.value.take().map_or(0, |(_, value)| value.finish());
        let mut record = [0; RECORD];
        let bytes = digest::of_name(key.db, key.name)
            .to_be_bytes()
            .into_iter()
            .chain(value.to_be_bytes())
            .chain(digest::deadline(key.expire).to_be_bytes())
            .chain(place(self.file, key.offset));
        for (to, from) in record.iter_mut().zip(bytes) {
            *to = from;
        }
        match keep {
            true => Ok(self.sorter.push(record)?),
            false => Ok(()),
        }
    }
}

/// Reads files again and hands the marked keys to the writer.
fn tell<S: Storage, W: Write>(
    storage: &S,
    files: &[PathBuf],
    mut marks: Sorted<S, MARK>,
    filter: &Filter,
    writer: &mut DiffWriter<W>,
) -> Result<(), Error> {
    let next = marks.next()?;
    if next.is_none() {
        return Ok(());
    }
    let mut picked = Picked {
        next,
        marks,
        file: 0,
        change: None,
        writer,
    };
    for (number, path) in files.iter().enumerate() {
        picked.file = u16::try_from(number).unwrap_or(u16::MAX);
        let (mut blocks, len) = input::open(storage, path, |_| {})?;
        Source::new(filter, &mut picked).read(path, len, &mut blocks)?;
    }
    Ok(())
}

/// Passes on the keys at marked places.
struct Picked<'a, S: Storage, W> {
    marks: Sorted<S, MARK>,
    next: Option<[u8; MARK]>,
    file: u16,
    change: Option<Change>,
    writer: &'a mut DiffWriter<W>,
}

impl<S: Storage, W: Write> Visitor for Picked<'_, S, W> {
    fn fact(&mut self, _: &Fact<'_>) -> io::Result<()> {
        Ok(())
    }

    fn key(&mut self, key: &Key<'_>) -> io::Result<bool> {
        let here = place(self.file, key.offset);
        self.change = None;
        let Some(next) = self.next.filter(|next| next.first_chunk() == Some(&here)) else {
            return Ok(false);
        };
        let number = next.last().copied().unwrap_or(0);
        self.change = Change::ALL.get(usize::from(number)).copied();
        self.next = self.marks.next()?;
        match self.change {
            Some(change) => self.writer.key(key, change),
            None => Ok(false),
        }
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        self.writer.commands.piece(piece)
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> io::Result<()> {
        match self.change.take() {
            Some(change) => self.writer.end_key(key, figures, change, keep),
            None => Ok(()),
        }
    }
}

struct DiffWriter<W> {
    format: DiffFormat,
    commands: Commands<W>,
}

impl<W: Write> DiffWriter<W> {
    fn new(format: DiffFormat, out: W) -> DiffWriter<W> {
        DiffWriter {
            format,
            commands: Commands::new(Output::new(out, false)),
        }
    }

    /// A key that differs; true if its value is to be written.
    fn key(&mut self, key: &Key<'_>, change: Change) -> io::Result<bool> {
        if self.format != DiffFormat::Patch {
            return Ok(false);
        }
        if change != Change::Added {
            self.commands.delete(key);
        }
        match change {
            Change::Removed => Ok(false),
            _ => self.commands.key(key),
        }
    }

    fn end_key(
        &mut self,
        key: &Key<'_>,
        figures: &Figures,
        change: Change,
        keep: bool,
    ) -> io::Result<()> {
        let (sign, what) = change.names();
        let name = printable(key.name);
        let line = match self.format {
            DiffFormat::Patch if change == Change::Removed => return Ok(()),
            DiffFormat::Patch => return self.commands.end_key(key, figures, keep),
            DiffFormat::Text => format!("{sign} {} {name} {} {what}\n", key.db, key.kind.name()),
            DiffFormat::Json => {
                let row = json!({
                    "change": what,
                    "db": key.db,
                    "key": name,
                    "type": key.kind.name(),
                    "elements": figures.elements,
                    "memory": figures.memory,
                });
                format!("{row}\n")
            }
        };
        self.commands.text(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{File as _, Memory, Mode};

    fn compare(a: &[u8], b: &[u8], format: DiffFormat) -> (DiffCounts, String) {
        let disk = Memory::new();
        disk.create_dir(Path::new("tmp")).unwrap();
        let files = [("a.rdb", a), ("b.rdb", b)].map(|(name, bytes)| {
            let file = disk.open(Path::new(name), Mode::CreateNew).unwrap();
            file.append(bytes).unwrap();
            vec![PathBuf::from(name)]
        });
        let mut out = Vec::new();
        let filter = Filter::default();
        let sides = [&*files[0], &*files[1]];
        let (temp, mut read) = (Path::new("tmp"), 0);
        let mut told = |bytes| read += bytes;
        let counts = diff(&disk, temp, sides, &filter, format, &mut out, &mut told).unwrap();
        assert_eq!(read, (a.len() + b.len()) as u64);
        (counts, String::from_utf8(out).unwrap())
    }

    const A: &[u8] =
        b"REDIS0004\x00\x01a\x01v\x02\x01s\x02\x01x\x01y\x00\x01c\x01v\x00\x01d\x01v\xFF";
    const B: &[u8] =
        b"REDIS0004\x00\x01d\x01v\x00\x01c\x01w\xFD\x00\x00\x00\x70\x00\x01a\x01v\x02\x01s\x02\x01y\x01x\x00\x01n\x011\xFF";

    #[test]
    fn order_does_not_matter_and_changes_are_named() {
        let (counts, text) = compare(A, A, DiffFormat::Text);
        assert!(counts.is_same() && text.is_empty() && counts.same == 4);
        let (counts, text) = compare(A, B, DiffFormat::Text);
        assert_eq!((counts.same, counts.added, counts.changed), (2, 1, 2));
        assert_eq!(
            text,
            "~ 0 c string value\n~ 0 a string deadline\n+ 0 n string added\n"
        );
        let (counts, text) = compare(B, A, DiffFormat::Text);
        assert_eq!((counts.removed, counts.added), (1, 0));
        assert!(text.starts_with("- 0 n string removed\n"));
    }

    #[test]
    fn a_patch_is_commands() {
        let (_, patch) = compare(B, A, DiffFormat::Patch);
        assert!(
            patch.starts_with("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$1\r\nn\r\n")
        );
        assert!(patch.contains("*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\nv\r\n"));
        assert!(!patch.contains("$1\r\ns\r\n"));
    }
}

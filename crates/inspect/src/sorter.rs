//! Sorting more records than memory holds: sorted runs on temporary disk, merged when they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use storage::{File, Mode, Result, Storage, Writer};

/// A run is as long as this in memory, in bytes.
const RUN_BYTES: usize = 1 << 20;
/// What is read ahead of all runs together, and at least of each, in bytes: there may be thousands.
const AHEAD_BYTES: usize = 1 << 20;
const AHEAD_BYTES_MIN: usize = 512;
const AHEAD_BYTES_MAX: usize = 64 << 10;

/// Takes records of `N` bytes and gives them back in the order of their bytes.
#[derive(Debug)]
pub(crate) struct Sorter<S: Storage, const N: usize> {
    storage: S,
    dir: PathBuf,
    run_len: usize,
    run: Vec<[u8; N]>,
    /// All runs, one behind the other, and where they end.
    spilled: Option<Writer<S::File>>,
    ends: Vec<u64>,
}

/// Names of files are used once in a process.
static FILES: AtomicU64 = AtomicU64::new(0);

impl<S: Storage, const N: usize> Sorter<S, N> {
    /// A sorter whose runs are in `dir`.
    pub(crate) fn new(storage: &S, dir: &Path) -> Sorter<S, N> {
        Sorter {
            storage: storage.clone(),
            dir: dir.to_owned(),
            run_len: RUN_BYTES / N,
            run: Vec::new(),
            spilled: None,
            ends: Vec::new(),
        }
    }

    /// Adds a record.
    #[inline]
    pub(crate) fn push(&mut self, record: [u8; N]) -> Result<()> {
        self.run.push(record);
        match self.run.len() >= self.run_len {
            true => self.spill(),
            false => Ok(()),
        }
    }

    fn spill(&mut self) -> Result<()> {
        sort(&mut self.run);
        let writer = match &mut self.spilled {
            Some(writer) => writer,
            none => none.insert(Writer::new(nameless(&self.storage, &self.dir)?)),
        };
        writer.write_all(self.run.as_flattened())?;
        self.ends.push(writer.written());
        self.run.clear();
        Ok(())
    }

    /// All records, sorted.
    pub(crate) fn finish(mut self) -> Result<Sorted<S, N>> {
        sort(&mut self.run);
        if let Some(writer) = &mut self.spilled {
            writer.flush()?;
        }
        let ahead = AHEAD_BYTES / self.ends.len().max(1);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let runs = starts
            .zip(&self.ends)
            .map(|(start, end)| Run::new(start..*end));
        let mut sorted = Sorted {
            memory: self.run.into_iter(),
            ahead: ahead.clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX),
            runs: runs.collect(),
            file: self.spilled.map(Writer::into_file),
            heads: BinaryHeap::new(),
        };
        for run in 0..=sorted.runs.len() {
            let head = sorted.head(run)?;
            sorted.heads.extend(head);
        }
        Ok(sorted)
    }
}

/// What decides nearly every comparison of two records.
#[inline]
fn prefix<const N: usize>(record: &[u8; N]) -> u64 {
    record
        .first_chunk()
        .map_or(0, |first| u64::from_be_bytes(*first))
}

fn sort<const N: usize>(run: &mut [[u8; N]]) {
    run.sort_unstable_by(|a, b| prefix(a).cmp(&prefix(b)).then_with(|| a.cmp(b)));
}

/// A new file without a name: open files outlive theirs, and nothing is left behind whatever happens.
fn nameless<S: Storage>(storage: &S, dir: &Path) -> Result<S::File> {
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("duramen-{}-{number}.runs", std::process::id());
    let path = dir.join(name);
    let file = storage.open(&path, Mode::CreateNew)?;
    storage.remove(&path)?;
    Ok(file)
}

/// A record behind its prefix, and whose it is; the run in memory is the last.
type Head<const N: usize> = Reverse<(u64, [u8; N], usize)>;

/// Sorted records.
#[derive(Debug)]
pub(crate) struct Sorted<S: Storage, const N: usize> {
    memory: std::vec::IntoIter<[u8; N]>,
    file: Option<S::File>,
    ahead: usize,
    runs: Vec<Run>,
    /// The next record of each run.
    heads: BinaryHeap<Head<N>>,
}

impl<S: Storage, const N: usize> Sorted<S, N> {
    /// The next record.
    pub(crate) fn next(&mut self) -> Result<Option<[u8; N]>> {
        let Some(Reverse((_, record, run))) = self.heads.peek().copied() else {
            return Ok(None);
        };
        let head = self.head(run)?;
        // The place of the first in the heap is taken by its successor, which is cheaper than to take
        // it out and put the other in.
        match (self.heads.peek_mut(), head) {
            (Some(mut first), Some(head)) => *first = head,
            (Some(first), None) => drop(PeekMut::pop(first)),
            _ => {}
        }
        Ok(Some(record))
    }

    fn head(&mut self, run: usize) -> Result<Option<Head<N>>> {
        let record = match (self.runs.get_mut(run), &self.file) {
            (Some(run), Some(file)) => run.next(file, self.ahead)?,
            _ => self.memory.next(),
        };
        Ok(record.map(|record| Reverse((prefix(&record), record, run))))
    }
}

/// A run on disk, and what of it was read.
#[derive(Debug)]
struct Run {
    /// What was not read yet.
    unread: Range<u64>,
    buffer: Vec<u8>,
    taken: usize,
}

impl Run {
    fn new(unread: Range<u64>) -> Run {
        Run {
            unread,
            buffer: Vec::new(),
            taken: 0,
        }
    }

    fn next<const N: usize>(&mut self, file: &impl File, ahead: usize) -> Result<Option<[u8; N]>> {
        while self.buffer.len() - self.taken < N {
            if self.fill(file, ahead.max(N))? == 0 {
                return Ok(None);
            }
        }
        let unread = self.buffer.get(self.taken..).unwrap_or_default();
        self.taken += N;
        Ok(unread.first_chunk::<N>().copied())
    }

    fn fill(&mut self, file: &impl File, ahead: usize) -> Result<usize> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let held = self.buffer.len();
        let left = usize::try_from(self.unread.end - self.unread.start).unwrap_or(usize::MAX);
        self.buffer.resize(held + left.min(ahead), 0);
        let room = self.buffer.get_mut(held..).unwrap_or_default();
        let read = file.read_at(self.unread.start, room)?;
        self.buffer.truncate(held + read);
        self.unread.start += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Memory, Os};

    fn sorts(storage: impl Storage, dir: &Path, run_len: usize) {
        let mut sorter = Sorter::<_, 8>::new(&storage, dir);
        sorter.run_len = run_len;
        let mut numbers: Vec<u64> = (0..5_000)
            .map(|i: u64| i.wrapping_mul(i) * 7 % 10_007)
            .collect();
        for number in &numbers {
            sorter.push(number.to_be_bytes()).unwrap();
        }
        let mut sorted = sorter.finish().unwrap();
        numbers.sort_unstable();
        for number in numbers {
            assert_eq!(sorted.next().unwrap(), Some(number.to_be_bytes()));
        }
        assert_eq!(sorted.next().unwrap(), None);
        assert!(storage.list(dir).unwrap().is_empty());
    }

    #[test]
    fn runs_come_together_in_order_and_leave_nothing_behind() {
        let memory = Memory::new();
        memory.create_dir(Path::new("tmp")).unwrap();
        for run_len in [7, 999, 100_000] {
            sorts(memory.clone(), Path::new("tmp"), run_len);
        }
        let dir = tempfile::tempdir().unwrap();
        sorts(Os, dir.path(), 999);
    }
}

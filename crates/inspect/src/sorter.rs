//! Sorting more records than memory holds: sorted runs on temporary disk, merged when they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use storage::{File, Mode, Result, Storage, Writer};

/// A run is as long as this in memory, in bytes.
const RUN_BYTES: usize = 1 << 20;
/// Of each run so much is read at once, in bytes: there may be thousands.
const READ_BYTES: usize = 8 << 10;

/// Takes records of `N` bytes and gives them back in the order of their bytes.
#[derive(Debug)]
pub(crate) struct Sorter<S: Storage, const N: usize> {
    storage: S,
    dir: PathBuf,
    run_len: usize,
    run: Vec<[u8; N]>,
    runs: Vec<S::File>,
}

/// Names of runs are used once in a process.
static RUNS: AtomicU64 = AtomicU64::new(0);

impl<S: Storage, const N: usize> Sorter<S, N> {
    /// A sorter whose runs are in `dir`.
    pub(crate) fn new(storage: &S, dir: &Path) -> Sorter<S, N> {
        Sorter {
            storage: storage.clone(),
            dir: dir.to_owned(),
            run_len: RUN_BYTES / N,
            run: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: [u8; N]) -> Result<()> {
        self.run.push(record);
        match self.run.len() >= self.run_len {
            true => self.spill(),
            false => Ok(()),
        }
    }

    fn spill(&mut self) -> Result<()> {
        self.run.sort_unstable();
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let name = format!("duramen-{}-{number}.run", std::process::id());
        let path = self.dir.join(name);
        let mut writer = Writer::new(self.storage.open(&path, Mode::CreateNew)?);
        // Open files outlive their names, and nothing is left behind whatever happens.
        self.storage.remove(&path)?;
        for record in self.run.drain(..) {
            writer.write_all(&record)?;
        }
        writer.flush()?;
        self.runs.push(writer.into_file());
        Ok(())
    }

    /// All records, sorted.
    pub(crate) fn finish(mut self) -> Result<Sorted<S, N>> {
        self.run.sort_unstable();
        let mut sorted = Sorted {
            memory: std::mem::take(&mut self.run).into_iter(),
            runs: self.runs.into_iter().map(Run::new).collect(),
            heads: BinaryHeap::new(),
        };
        for run in 0..=sorted.runs.len() {
            sorted.advance(run)?;
        }
        Ok(sorted)
    }
}

/// Sorted records.
#[derive(Debug)]
pub(crate) struct Sorted<S: Storage, const N: usize> {
    memory: std::vec::IntoIter<[u8; N]>,
    runs: Vec<Run<S::File>>,
    /// The next record of each run, and whose it is; the run in memory is the last.
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
}

impl<S: Storage, const N: usize> Sorted<S, N> {
    /// The next record.
    pub(crate) fn next(&mut self) -> Result<Option<[u8; N]>> {
        let Some(Reverse((record, run))) = self.heads.pop() else {
            return Ok(None);
        };
        self.advance(run)?;
        Ok(Some(record))
    }

    fn advance(&mut self, run: usize) -> Result<()> {
        let record = match self.runs.get_mut(run) {
            None => self.memory.next(),
            Some(run) => run.next()?,
        };
        self.heads
            .extend(record.map(|record| Reverse((record, run))));
        Ok(())
    }
}

/// A run on disk, and what of it was read.
#[derive(Debug)]
struct Run<F> {
    file: F,
    offset: u64,
    buffer: Vec<u8>,
    taken: usize,
}

impl<F: File> Run<F> {
    fn new(file: F) -> Run<F> {
        Run {
            file,
            offset: 0,
            buffer: Vec::new(),
            taken: 0,
        }
    }

    fn next<const N: usize>(&mut self) -> Result<Option<[u8; N]>> {
        while self.buffer.len() - self.taken < N {
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
        let unread = self.buffer.get(self.taken..).unwrap_or_default();
        self.taken += N;
        Ok(unread.first_chunk::<N>().copied())
    }

    fn fill(&mut self) -> Result<usize> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + READ_BYTES, 0);
        let unread = self.buffer.get_mut(held..).unwrap_or_default();
        let read = self.file.read_at(self.offset, unread)?;
        self.buffer.truncate(held + read);
        self.offset += read as u64;
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

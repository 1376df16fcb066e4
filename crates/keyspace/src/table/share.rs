//! One frozen view's share of one table.

use super::inline::KeyTable;
use super::segment::Segment;
use super::stamp::Stamp;
use super::tree::Segments;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// What a view has and needs of a table: each segment that existed at the freeze, once.
///
/// A segment is either *taken* (the view has it, or has finished with it) or it still lies in the
/// live table exactly as it was at the freeze. Its change from one to the other is made under the
/// shard's lock and recorded here.
pub(crate) struct Share {
    table: u64,
    /// Segments stamped with this epoch or a later one have changed since.
    epoch: u64,
    /// Segments at the freeze.
    count: u32,
    /// Keys at the freeze.
    pub(crate) len: usize,
    /// Keys with a deadline at the freeze.
    pub(crate) deadlines: usize,
    /// The number of the segment that the reader asks for next.
    next: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A bit for each segment.
    taken: Vec<u64>,
    /// Segments taken before a change, until the reader comes by.
    deposits: BTreeMap<u32, Arc<Segment<Stamp>>>,
    /// The table itself, once FLUSHALL has removed it from its shard.
    moved: Option<Arc<KeyTable>>,
}

impl State {
    /// Marks a segment as taken; whether it was not.
    fn take(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        let fresh = self.taken[word] & bit == 0;
        self.taken[word] |= bit;
        fresh
    }
}

/// Where a reader finds a segment.
pub(crate) enum Found {
    /// Here it is.
    Segment(Arc<Segment<Stamp>>),
    /// In the shard, under its lock.
    InShard,
}

impl Share {
    /// A share of `table`, whose epoch has just been raised to `epoch`.
    pub(crate) fn of(table: &KeyTable, epoch: u64) -> Share {
        let count = table.segments.count();
        let state = State {
            taken: vec![0; (count as usize).div_ceil(64)],
            ..State::default()
        };
        Share {
            table: table.id(),
            epoch,
            count,
            len: table.len(),
            deadlines: table.deadlines(),
            next: AtomicU32::new(0),
            state: Mutex::new(state),
        }
    }

    /// Called under the shard's write lock before `segment` changes. `copy` is the one copy that
    /// all views share, made by the first that needs it.
    pub(crate) fn deposit(
        &self,
        number: u32,
        segment: &Segment<Stamp>,
        copy: &mut Option<Arc<Segment<Stamp>>>,
    ) {
        if segment.epoch >= self.epoch || number >= self.count {
            return;
        }
        let mut state = self.state.lock();
        if state.take(number) {
            let copy = copy.get_or_insert_with(|| Arc::new(segment.clone()));
            state.deposits.insert(number, Arc::clone(copy));
        }
    }

    /// Called under the shard's write lock when the table leaves the shard.
    pub(crate) fn take_table(&self, table: &Arc<KeyTable>) {
        self.state.lock().moved = Some(Arc::clone(table));
    }

    /// Which segment the reader is to ask for next, in the order in which they came to be; each
    /// number is given once.
    pub(crate) fn next(&self) -> Option<u32> {
        let number = self.next.fetch_add(1, Relaxed);
        (number < self.count).then_some(number)
    }

    /// The reader's next segment, if it need not be fetched from the shard.
    pub(crate) fn find(&self, number: u32) -> Found {
        let mut state = self.state.lock();
        if let Some(segment) = state.deposits.remove(&number) {
            return Found::Segment(segment);
        }
        match state.moved.clone() {
            Some(table) => {
                state.take(number);
                Found::Segment(Arc::new(table.segments.get(number).clone()))
            }
            None => Found::InShard,
        }
    }

    /// The reader's next segment, looked for under the shard's read lock: `tables` are the shard's.
    pub(crate) fn take(&self, number: u32, tables: &[KeyTable]) -> Arc<Segment<Stamp>> {
        // A writer may have deposited it, or moved the table, before the lock was ours.
        if let Found::Segment(segment) = self.find(number) {
            return segment;
        }
        let table = tables
            .iter()
            .find(|table| table.id() == self.table)
            .expect("a table that left its shard went into its shares");
        self.state.lock().take(number);
        Arc::new(table.segments.get(number).clone())
    }

    /// Bytes that only this share holds on to, roughly: deposited segments.
    pub(crate) fn deposited_bytes(&self) -> usize {
        let state = self.state.lock();
        state
            .deposits
            .values()
            .map(|segment| segment.heap_bytes())
            .sum()
    }
}

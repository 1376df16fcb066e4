//! One frozen view's share of one table.

use super::deposit::{Deposit, Frozen, Moved};
use super::inline::KeyTable;
use super::segment::Segment;
use super::stamp::Stamp;
use super::tree::Segments;
use crate::budget::{Budget, Life};
use crate::sync::Mutex;
use std::sync::Arc;

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
    budget: Arc<Budget>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The reader has asked for every segment below this.
    next: u32,
    /// A bit for each segment.
    taken: Vec<u64>,
    /// Segments taken before a change, until the reader comes by.
    deposits: Vec<Arc<Deposit>>,
    /// The table itself, once FLUSHALL has removed it from its shard.
    moved: Option<Moved>,
    /// Nothing is put aside for the view any more.
    is_cancelled: bool,
}

impl State {
    /// Marks a segment as taken; whether it was not.
    fn take(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        let fresh = self.taken[word] & bit == 0;
        self.taken[word] |= bit;
        fresh
    }

    fn is_taken(&self, number: u32) -> bool {
        self.taken[number as usize / 64] & 1 << (number % 64) != 0
    }
}

/// Where a reader finds its next segment.
pub(crate) enum Found {
    /// Here it is.
    Segment(Arc<Deposit>),
    /// In the shard, under its lock: the segment of this number.
    InShard(u32),
    /// There is none, or the view is cancelled.
    Nowhere,
}

impl Share {
    /// A share of `table`, whose epoch has just been raised to `epoch`.
    pub(crate) fn of(table: &KeyTable, epoch: u64, budget: &Arc<Budget>) -> Share {
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
            budget: Arc::clone(budget),
            state: Mutex::new(state),
        }
    }

    /// Called under the shard's write lock before `segment` changes. `copy` is the one copy that
    /// all views share, made by the first that needs it.
    pub(crate) fn deposit(
        &self,
        number: u32,
        segment: &Segment<Stamp>,
        copy: &mut Option<Arc<Deposit>>,
    ) {
        if segment.epoch >= self.epoch || number >= self.count {
            return;
        }
        let mut state = self.state.lock();
        if !state.is_cancelled && state.take(number) {
            let copy = copy.get_or_insert_with(|| Deposit::of(segment, &self.budget));
            state.deposits.push(Arc::clone(copy));
        }
    }

    /// Called under the shard's write lock when the table leaves the shard.
    pub(crate) fn take_table(&self, table: &Arc<KeyTable>) {
        let mut state = self.state.lock();
        if !state.is_cancelled {
            state.moved = Some(Moved::new(table, &self.budget));
        }
    }

    /// Puts nothing more aside, and gives up what was.
    pub(crate) fn cancel(&self, life: &Arc<Life>) -> Frozen {
        let mut state = self.state.lock();
        state.is_cancelled = true;
        Frozen {
            deposits: std::mem::take(&mut state.deposits),
            moved: state.moved.take(),
            life: Arc::clone(life),
        }
    }

    /// The reader's next segment: first those that memory is kept for, then the rest as they came
    /// to be. Each is given once.
    pub(crate) fn next(&self) -> Found {
        let mut state = self.state.lock();
        if state.is_cancelled {
            return Found::Nowhere;
        }
        if let Some(deposit) = state.deposits.pop() {
            return Found::Segment(deposit);
        }
        while state.next < self.count && state.is_taken(state.next) {
            state.next += 1;
        }
        let number = state.next;
        if number >= self.count {
            return Found::Nowhere;
        }
        let Some(moved) = &state.moved else {
            return Found::InShard(number);
        };
        let copy = Deposit::of(moved.table().segments.get(number), &self.budget);
        state.take(number);
        Found::Segment(copy)
    }

    /// A segment that lay in the shard, looked for under the shard's read lock: `tables` are the
    /// shard's. `None` if a writer was faster: then [`Share::next`] tells anew.
    pub(crate) fn take(&self, number: u32, tables: &[KeyTable]) -> Option<Arc<Deposit>> {
        let mut state = self.state.lock();
        if state.is_cancelled || state.moved.is_some() || !state.take(number) {
            return None;
        }
        let table = tables
            .iter()
            .find(|table| table.id() == self.table)
            .expect("a table that left its shard went into its shares");
        Some(Deposit::of(table.segments.get(number), &self.budget))
    }
}

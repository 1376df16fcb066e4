//! What a frozen view has of a table: segments as they were.

use super::inline::KeyTable;
use super::segment::Segment;
use super::stamp::Stamp;
use crate::budget::{Budget, Life};
use std::ops::Deref;
use std::sync::Arc;

/// A copy of a segment that views share: its index is its own, its pages are the segment's.
///
/// The budget is charged for the copy, and gets back what is freed with it.
pub(crate) struct Deposit {
    segment: Option<Segment<Stamp>>,
    budget: Arc<Budget>,
}

impl Deposit {
    pub(super) fn of(segment: &Segment<Stamp>, budget: &Arc<Budget>) -> Arc<Deposit> {
        budget.charge(segment.list_bytes());
        Arc::new(Deposit {
            segment: Some(segment.clone()),
            budget: Arc::clone(budget),
        })
    }
}

impl Deref for Deposit {
    type Target = Segment<Stamp>;

    fn deref(&self) -> &Segment<Stamp> {
        match &self.segment {
            Some(segment) => segment,
            None => unreachable!("only dropping takes it out"),
        }
    }
}

impl Drop for Deposit {
    fn drop(&mut self) {
        let parts = self
            .segment
            .take()
            .into_iter()
            .flat_map(Segment::into_parts);
        self.budget.release(parts.sum());
    }
}

/// A table that FLUSHALL removed from its shard. Whoever removed it charges the budget for what
/// views then keep.
pub(crate) struct Moved {
    table: Option<Arc<KeyTable>>,
    budget: Arc<Budget>,
}

impl Moved {
    pub(super) fn new(table: &Arc<KeyTable>, budget: &Arc<Budget>) -> Moved {
        Moved {
            table: Some(Arc::clone(table)),
            budget: Arc::clone(budget),
        }
    }

    pub(super) fn table(&self) -> &KeyTable {
        match &self.table {
            Some(table) => table,
            None => unreachable!("only dropping takes it out"),
        }
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        let parts = self.table.take().into_iter().flat_map(KeyTable::into_parts);
        self.budget.release(parts.sum());
    }
}

/// What a cancelled view leaves of a table, to be freed part by part.
pub(crate) struct Frozen {
    pub(super) deposits: Vec<Arc<Deposit>>,
    pub(super) moved: Option<Moved>,
    pub(super) life: Arc<Life>,
}

impl Frozen {
    /// The parts, freed as they are asked for. They count nothing: the budget does.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let Frozen {
            deposits,
            moved,
            life,
        } = self;
        let deposits = deposits.into_iter().map(|_| 0);
        // The life ends with the last part.
        deposits
            .chain(moved.into_iter().map(|_| 0))
            .chain(std::iter::once(life).map(|_| 0))
    }
}

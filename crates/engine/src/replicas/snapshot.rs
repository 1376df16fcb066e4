//! The snapshots that replicas begin with, one for all who wait at the same time.

use crate::Engine;
use crate::datadir::{SaveError, SaveReport};
use parking_lot::Mutex;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use storage::File;
use units::ReplOffset;

/// What replicas wait for.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many were asked for: those that ask while one is written get the next.
    asked: u64,
    /// How many were begun.
    begun: u64,
    /// From here on the journal is needed by those who get the last one.
    needed: Option<ReplOffset>,
    /// The last that was made or failed, and its number.
    last: Option<(u64, Result<SyncFile, String>)>,
    wakers: Vec<Waker>,
    /// How many asked for one and have neither got it nor left.
    waiting: usize,
}

/// A snapshot on its way to replicas.
#[derive(Debug, Clone)]
pub(crate) struct SyncFile {
    /// It has no name any more.
    pub(crate) file: Arc<dyn File>,
    pub(crate) len: u64,
    /// The stream goes on from here, with the name of a database.
    pub(crate) offset: ReplOffset,
}

impl Snapshots {
    /// Asks for one that is begun from now on; its number.
    pub(super) fn ask(&self) -> u64 {
        let mut state = self.state.lock();
        state.asked = state.begun + 1;
        state.waiting += 1;
        state.asked
    }

    /// Whether one is to be written.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = self.state.lock();
        state.asked > state.begun
    }

    /// The one of that number, or a later one, once it is there. Who has it waits no longer.
    pub(super) fn poll(&self, cx: &Context<'_>, number: u64) -> Poll<Result<SyncFile, String>> {
        let mut state = self.state.lock();
        match &state.last {
            Some((made, outcome)) if *made >= number => {
                let outcome = outcome.clone();
                state.waiting -= 1;
                Poll::Ready(outcome)
            }
            _ => {
                state.wakers.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn begin(&self, offset: ReplOffset) -> u64 {
        let mut state = self.state.lock();
        state.begun += 1;
        state.needed = Some(offset);
        state.begun
    }

    /// From where on the journal is needed.
    pub(super) fn needed(&self) -> Option<ReplOffset> {
        self.state.lock().needed
    }

    fn end(&self, number: u64, outcome: Result<SyncFile, String>) {
        let mut state = self.state.lock();
        state.last = Some((number, outcome));
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Somebody waits no longer, and got none.
    pub(super) fn leave(&self) {
        self.state.lock().waiting -= 1;
        self.forget();
    }

    /// Forgets the file if nobody waits for it.
    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        if state.waiting == 0 {
            state.last = state.last.take().filter(|(_, outcome)| outcome.is_err());
            state.needed = None;
        }
    }
}

impl Engine {
    /// Writes the snapshot that replicas wait for.
    pub(crate) fn write_sync_file(&self) -> Result<SaveReport, SaveError> {
        let snapshots = &self.replicas().snapshots;
        let number = snapshots.begin(self.log().journal().offset());
        self.hold_for_replicas();
        let directory = self.inner().directory().ok_or(SaveError::NoDirectory);
        let outcome = directory.and_then(|directory| directory.write_sync_file(self.inner()));
        let told = outcome.as_ref().map(|(file, _)| file.clone());
        snapshots.end(number, told.map_err(SaveError::to_string));
        outcome.map(|(_, report)| report)
    }
}

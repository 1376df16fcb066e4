//! The keys of a database encoded by several threads, in the order in which one would.
//!
//! Each thread takes the next few segments of the view, and with them a number, and gives the bytes
//! back under it. The caller's thread takes them in the order of numbers. Threads run ahead of it by
//! a few numbers only, and what is larger than a block is held until its turn, so that as much memory
//! is taken for a large value as for a small one.

use super::{Access, Keys, WriteError};
use keyspace::{FrozenSegment, FrozenView, ViewCancelled};
use parking_lot::{Condvar, Mutex};
use rdb::{EncodeError, Encoder, EncoderOptions};
use std::collections::VecDeque;
use std::thread;
use units::DbIndex;

/// Segments that a thread takes at once: some 1500 keys.
const SEGMENTS: usize = 4;
/// Numbers that each thread may be ahead of the one whose turn it is.
const AHEAD: usize = 2;
/// Blocks of one number that may wait.
const WAITING_MAX: usize = 2;

/// Writes the keys of `db`, and returns how many there were.
pub(super) fn write<E>(
    view: &mut FrozenView,
    db: DbIndex,
    threads: usize,
    file: &mut Keys<'_, E>,
) -> Result<u64, WriteError<E>> {
    let team = Team::new(view, db, threads);
    let (access, target, options) = (file.access, file.encoder.target(), file.encoder.options());
    let options = EncoderOptions {
        checksum: false,
        ..options
    };
    thread::scope(|scope| {
        let _dismiss = DismissOnDrop(&team);
        for _ in 0..threads {
            scope.spawn(|| {
                let dismiss = DismissOnDrop(&team);
                team.encode(Encoder::new(target, options), access);
                // It got here without a panic, and others may still be at work.
                std::mem::forget(dismiss);
            });
        }
        team.collect(file)
    })
}

/// What the threads share.
struct Team<'v> {
    db: DbIndex,
    ahead: usize,
    state: Mutex<State<'v>>,
    changed: Condvar,
}

struct State<'v> {
    view: &'v mut FrozenView,
    /// What was taken and not wholly collected, from the number whose turn it is.
    taken: VecDeque<Job>,
    /// The number whose turn it is.
    turn: u64,
    /// The view has no more segments.
    is_empty: bool,
    /// Nothing more is to be done: all is, or something failed.
    dismissed: bool,
    failed: Option<Failed>,
    /// Buffers that were drained, for their room.
    spare: Vec<Vec<u8>>,
}

/// What became of the segments behind a number.
#[derive(Default)]
struct Job {
    blocks: VecDeque<Block>,
    /// No block follows.
    is_whole: bool,
    keys: u64,
}

/// Records, and an encoder's count of what they lack.
struct Block {
    bytes: Vec<u8>,
    losses: rdb::Losses,
}

enum Failed {
    Encode(EncodeError),
    Cancelled(ViewCancelled),
}

/// A thread learned that it is not wanted any more.
struct Dismissed;

impl<'v> Team<'v> {
    fn new(view: &'v mut FrozenView, db: DbIndex, threads: usize) -> Team<'v> {
        Team {
            db,
            ahead: threads * AHEAD,
            state: Mutex::new(State {
                view,
                taken: VecDeque::new(),
                turn: 0,
                is_empty: false,
                dismissed: false,
                failed: None,
                spare: Vec::new(),
            }),
            changed: Condvar::new(),
        }
    }

    /// Encodes segments until there are none.
    fn encode(&self, mut encoder: Encoder, access: Access) {
        while let Some((number, segments)) = self.take() {
            let mut hand_on = |encoder: &mut Encoder| {
                let given = self.give(number, encoder, None);
                given.map_err(WriteError::Drain)
            };
            let mut keys = Keys {
                encoder: &mut encoder,
                access,
                hand_on: &mut hand_on,
            };
            let mut entries = segments.iter().flat_map(FrozenSegment::iter);
            let count = segments.iter().map(FrozenSegment::len).sum::<usize>() as u64;
            let encoded = entries.try_for_each(|entry| keys.entry(entry));
            let given = encoded.and_then(|()| {
                let given = self.give(number, &mut encoder, Some(count));
                given.map_err(WriteError::Drain)
            });
            match given {
                Ok(()) => {}
                Err(WriteError::Drain(Dismissed)) => return,
                Err(WriteError::Encode(error)) => return self.fail(Failed::Encode(error)),
                Err(WriteError::Cancelled(error)) => return self.fail(Failed::Cancelled(error)),
            }
        }
    }

    /// The next segments and their number; `None` if there are none or nobody wants them.
    fn take(&self) -> Option<(u64, Vec<FrozenSegment>)> {
        let mut state = self.state.lock();
        while state.taken.len() >= self.ahead && !state.dismissed {
            self.changed.wait(&mut state);
        }
        let mut segments = Vec::new();
        while segments.len() < SEGMENTS && !state.is_empty && !state.dismissed {
            match state.view.next_segment(self.db) {
                Ok(Some(segment)) => segments.push(segment),
                Ok(None) => state.is_empty = true,
                Err(cancelled) => state.fail(Failed::Cancelled(cancelled)),
            }
        }
        self.changed.notify_all();
        if segments.is_empty() || state.dismissed {
            return None;
        }
        let number = state.turn + state.taken.len() as u64;
        state.taken.push_back(Job::default());
        Some((number, segments))
    }

    /// Gives what the encoder holds, the last of its number if `keys` says of how many it was. What is
    /// not the last waits for the number's turn.
    fn give(&self, number: u64, encoder: &mut Encoder, keys: Option<u64>) -> Result<(), Dismissed> {
        let mut state = self.state.lock();
        while !state.dismissed && keys.is_none() && !state.has_room(number) {
            self.changed.wait(&mut state);
        }
        if state.dismissed {
            return Err(Dismissed);
        }
        let spare = state.spare.pop().unwrap_or_default();
        let (bytes, losses) = encoder.take_records(spare);
        let place = (number - state.turn) as usize;
        if let Some(job) = state.taken.get_mut(place) {
            job.blocks.push_back(Block { bytes, losses });
            job.is_whole = keys.is_some();
            job.keys = keys.unwrap_or(0);
        }
        self.changed.notify_all();
        Ok(())
    }

    fn fail(&self, failed: Failed) {
        self.state.lock().fail(failed);
        self.changed.notify_all();
    }

    /// Moves all records into the file, and says of how many keys.
    fn collect<E>(&self, file: &mut Keys<'_, E>) -> Result<u64, WriteError<E>> {
        let mut keys = 0;
        while let Some(block) = self.next_block(&mut keys)? {
            let spare = file.encoder.append_records(block.bytes, &block.losses);
            self.state.lock().spare.push(spare);
            file.hand_on_if_full()?;
        }
        Ok(keys)
    }

    /// The next block in order; `None` after the last. Adds up the keys of what is whole.
    fn next_block<E>(&self, keys: &mut u64) -> Result<Option<Block>, WriteError<E>> {
        let mut state = self.state.lock();
        loop {
            match state.failed.take() {
                Some(Failed::Encode(error)) => return Err(WriteError::Encode(error)),
                Some(Failed::Cancelled(error)) => return Err(WriteError::Cancelled(error)),
                None => {}
            }
            if let Some(block) = state
                .taken
                .front_mut()
                .and_then(|job| job.blocks.pop_front())
            {
                self.changed.notify_all();
                return Ok(Some(block));
            }
            if state.taken.front().is_some_and(|job| job.is_whole) {
                *keys += state.taken.pop_front().map_or(0, |job| job.keys);
                state.turn += 1;
                self.changed.notify_all();
            } else if state.dismissed || state.is_empty && state.taken.is_empty() {
                return Ok(None);
            } else {
                self.changed.wait(&mut state);
            }
        }
    }
}

impl State<'_> {
    /// Whether a number may give a block that is not its last.
    fn has_room(&self, number: u64) -> bool {
        let waiting = self.taken.front().map_or(0, |job| job.blocks.len());
        number == self.turn && waiting < WAITING_MAX
    }

    fn fail(&mut self, failed: Failed) {
        self.failed.get_or_insert(failed);
        self.dismissed = true;
    }
}

/// Lets all go when the caller is done or a thread panics, so that none waits for it.
struct DismissOnDrop<'a, 'v>(&'a Team<'v>);

impl Drop for DismissOnDrop<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.dismissed = true;
        drop(state);
        self.0.changed.notify_all();
    }
}

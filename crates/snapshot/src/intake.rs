//! Batches of keys on their way into the keyspace, from one thread that decodes to all that insert.

use crate::load::LoadError;
use keyspace::{Batch, Keyspace};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use units::UnixMillis;

/// The queue between a loader and its helpers.
pub(crate) struct Intake<'k> {
    pub(crate) keyspace: &'k Keyspace,
    now: UnixMillis,
    /// Batches that may wait; when there are more, the loader inserts one itself.
    waiting_max: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(u64, Batch)>,
    /// Empty batches, for their room.
    spare: Vec<Batch>,
    /// Number of the next batch.
    next: u64,
    /// No batch comes any more.
    closed: bool,
    /// What was wrong with the earliest batch that was refused.
    refused: Option<(u64, LoadError)>,
}

impl<'k> Intake<'k> {
    /// A queue for a loader with so many helpers.
    pub(crate) fn new(keyspace: &'k Keyspace, now: UnixMillis, helpers: usize) -> Intake<'k> {
        Intake {
            keyspace,
            now,
            waiting_max: helpers,
            queue: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// An empty batch.
    pub(crate) fn empty_batch(&self) -> Batch {
        let spare = self.queue.lock().spare.pop();
        spare.unwrap_or_else(|| Batch::new(self.keyspace))
    }

    /// Hands over a batch. Whoever calls takes part in the work when helpers do not keep up.
    pub(crate) fn hand_over(&self, batch: Batch) -> Result<(), LoadError> {
        let mut queue = self.queue.lock();
        if let Some((_, error)) = &queue.refused {
            return Err(error.clone());
        }
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back((number, batch));
        let mine = match queue.waiting.len() > self.waiting_max {
            true => queue.waiting.pop_front(),
            false => None,
        };
        drop(queue);
        self.changed.notify_one();
        if let Some((number, batch)) = mine {
            self.insert(number, batch);
        }
        Ok(())
    }

    /// Inserts batches until the queue is closed and empty.
    pub(crate) fn work(&self) {
        while let Some((number, batch)) = self.next() {
            self.insert(number, batch);
        }
    }

    fn next(&self) -> Option<(u64, Batch)> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(next) = queue.waiting.pop_front() {
                return Some(next);
            }
            if queue.closed {
                return None;
            }
            self.changed.wait(&mut queue);
        }
    }

    fn insert(&self, number: u64, mut batch: Batch) {
        let added = self.keyspace.add(&mut batch, self.now);
        let mut queue = self.queue.lock();
        queue.spare.push(batch);
        if let Err(taken) = added
            && queue
                .refused
                .as_ref()
                .is_none_or(|(first, _)| number < *first)
        {
            queue.refused = Some((number, LoadError::from(taken)));
        }
    }

    /// What was wrong, once all have stopped working.
    pub(crate) fn into_result(self) -> Result<(), LoadError> {
        match self.queue.into_inner().refused {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }
}

/// Lets helpers go when it is dropped, so that a loader that fails, or panics, leaves none waiting.
pub(crate) struct CloseOnDrop<'a, 'k>(pub(crate) &'a Intake<'k>);

impl Drop for CloseOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.queue.lock().closed = true;
        self.0.changed.notify_all();
    }
}

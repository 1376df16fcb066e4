//! Sessions that wait for a key: who waits for which, in the order in which they came.
//!
//! A command that found nothing is put down here while its shards are locked, so that no change
//! goes unseen in between. Who changes a key that somebody waits for notes it under the same lock.
//! Once that is gone, and before anybody is told of the change, it has the waiting commands tried
//! again, one after the other, and leaves each its reply. While nobody waits, all that costs a
//! writer is the look at a number.
//!
//! Order of locks: the turn to serve, a waiter, shards, the queues.

mod waiter;

pub(crate) use waiter::{Unblocked, Waiter};

use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct Blocking {
    queues: Mutex<Queues>,
    /// How many wait.
    waiting: AtomicUsize,
    /// Held by who serves: first come, first served, whoever brings what.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct Queues {
    /// Those who wait for a key of that name, of whichever database.
    by_key: HashMap<Vec<u8>, VecDeque<Arc<Waiter>>>,
    by_client: HashMap<u64, Arc<Waiter>>,
}

impl Blocking {
    /// How many wait.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Puts a waiter behind all others. The shards of its keys are locked.
    pub(crate) fn add(&self, waiter: &Arc<Waiter>) {
        let mut queues = self.queues.lock();
        for key in waiter.keys() {
            let queue = queues.by_key.entry(key.clone()).or_default();
            if !queue.back().is_some_and(|last| Arc::ptr_eq(last, waiter)) {
                queue.push_back(waiter.clone());
            }
        }
        queues.by_client.insert(waiter.client, waiter.clone());
        self.waiting.fetch_add(1, Ordering::Release);
    }

    /// Takes a waiter out of every queue, if it is in any.
    fn remove(&self, waiter: &Arc<Waiter>) {
        let mut queues = self.queues.lock();
        if queues.by_client.remove(&waiter.client).is_none() {
            return;
        }
        for key in waiter.keys() {
            let Some(queue) = queues.by_key.get_mut(key) else {
                continue;
            };
            queue.retain(|other| !Arc::ptr_eq(other, waiter));
            if queue.is_empty() {
                queues.by_key.remove(key);
            }
        }
        self.waiting.fetch_sub(1, Ordering::Release);
    }

    /// Whether somebody waits for a key of that name.
    pub(crate) fn awaits(&self, key: &[u8]) -> bool {
        self.queues.lock().by_key.contains_key(key)
    }

    /// The names of all keys that somebody waits for.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        self.queues.lock().by_key.keys().cloned().collect()
    }

    /// Who is `at`th in the queue for a key, from 0.
    pub(crate) fn in_queue(&self, key: &[u8], at: usize) -> Option<Arc<Waiter>> {
        self.queues.lock().by_key.get(key)?.get(at).cloned()
    }

    /// The waiter of a client.
    pub(crate) fn of_client(&self, client: u64) -> Option<Arc<Waiter>> {
        self.queues.lock().by_client.get(&client).cloned()
    }

    /// The right to serve, one at a time.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock()
    }

    /// Ends the waiting, if it has not ended yet; whether it did so now.
    pub(crate) fn end(&self, waiter: &Arc<Waiter>, with: Unblocked) -> bool {
        let ended = waiter.end(|| Some(with));
        if ended {
            self.remove(waiter);
        }
        ended
    }

    /// Has `attempt` try to end the waiting, while nobody else can.
    pub(crate) fn try_end(
        &self,
        waiter: &Arc<Waiter>,
        attempt: impl FnOnce() -> Option<Unblocked>,
    ) -> bool {
        let ended = waiter.end(attempt);
        if ended {
            self.remove(waiter);
        }
        ended
    }
}

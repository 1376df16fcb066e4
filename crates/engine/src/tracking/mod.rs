//! Client-side caching: telling clients that keys which they read, or which begin as they said, have
//! changed.
//!
//! ```text
//!  a tracking client reads -----> table: key -> readers          (under the key's lock)
//!  anything changes a key ------> table, prefixes -> notices     (under the key's lock)
//!                                                      |
//!                             outbox of the hub --(locks released)--> mailbox of the client, or of
//!                                                                     the one it redirects to
//! ```
//!
//! The keyspace gathers changed keys while anybody tracks, and only then: writers look at one flag.

mod table;

pub(crate) use table::{Mode, Names, Tracker};

use crate::pubsub::{Hub, Mailbox, Message};
use keyspace::{Changed, Keyspace};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use table::{Notice, Table};

/// What the engine knows of a session that others may redirect to: its mailbox, once it has one.
pub(crate) type Slot = Arc<OnceLock<Arc<Mailbox>>>;

/// Who tracks what.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    /// Taken by those who hold shards.
    table: Mutex<Table>,
    /// Every session by its id. Taken last.
    slots: Mutex<HashMap<u64, Slot>>,
}

/// What `INFO` tells.
pub(crate) struct TrackingStats {
    pub(crate) clients: usize,
    pub(crate) keys: usize,
    /// Pairs of a key and a client that read it.
    pub(crate) items: usize,
    pub(crate) prefixes: usize,
}

impl Tracking {
    /// Makes a session known; its slot.
    pub(crate) fn add_session(&self, id: u64) -> Slot {
        let slot = Slot::default();
        self.put_session(id, slot.clone());
        slot
    }

    /// Makes a session known by a slot that it has.
    pub(crate) fn put_session(&self, id: u64, slot: Slot) {
        self.slots.lock().insert(id, slot);
    }

    /// Forgets a session that ends.
    pub(crate) fn remove_session(&self, id: u64) {
        self.slots.lock().remove(&id);
    }

    /// Whether there is such a session.
    pub(crate) fn has_session(&self, id: u64) -> bool {
        self.slots.lock().contains_key(&id)
    }

    /// Starts tracking for a session, or changes how.
    pub(crate) fn start(&self, id: u64, tracker: Tracker, keyspace: &Keyspace) {
        let mut table = self.table.lock();
        table.start(id, tracker);
        keyspace.observe(true);
    }

    /// Ends tracking for a session, if it tracks.
    pub(crate) fn stop(&self, id: u64, keyspace: &Keyspace) {
        let mut table = self.table.lock();
        table.stop(id);
        keyspace.observe(table.is_used());
    }

    /// How a session tracks.
    pub(crate) fn tracker(&self, id: u64) -> Option<Tracker> {
        self.table.lock().tracker(id).cloned()
    }

    /// Notes that a session read a key, which the caller holds. Whether something is to be handed
    /// out: to keep within `most` keys others are forgotten, which their readers have to know.
    pub(crate) fn remember(&self, id: u64, key: &[u8], most: usize, hub: &Hub) -> bool {
        let notices = {
            let mut table = self.table.lock();
            table.remember(id, key);
            table.forget_beyond(most)
        };
        self.post(notices, hub)
    }

    /// Keeps within `most` keys from now on, and tells those who read others.
    pub(crate) fn forget_beyond(&self, most: usize, hub: &Hub) {
        let notices = self.table.lock().forget_beyond(most);
        if self.post(notices, hub) {
            hub.deliver();
        }
    }

    /// Puts into the outbox what is to be told of changes to readers; whether that is anything. The
    /// caller holds the shards that changed. `by` is the session that changed them.
    pub(crate) fn invalidate(&self, changed: &[Changed], by: Option<u64>, hub: &Hub) -> bool {
        if changed.is_empty() {
            return false;
        }
        let notices = self.table.lock().invalidate(changed, by);
        self.post(notices, hub)
    }

    /// The same for those who track prefixes, at the end of a command or a transaction.
    pub(crate) fn broadcast(&self, changed: &[Changed], by: Option<u64>, hub: &Hub) -> bool {
        if changed.is_empty() {
            return false;
        }
        let notices = self.table.lock().broadcast(changed, by);
        self.post(notices, hub)
    }

    fn post(&self, notices: Vec<Notice>, hub: &Hub) -> bool {
        let any = !notices.is_empty();
        for notice in notices {
            let to = notice.redirect.unwrap_or(notice.client);
            match (self.mailbox(to), notice.redirect) {
                (Some(mailbox), _) => {
                    hub.queue_for(mailbox, Message::invalidation(notice.keys));
                }
                (None, Some(target)) if !self.has_session(target) => {
                    self.break_redirection(notice.client, target, hub);
                }
                // It never subscribed, so that it could not be told in its protocol.
                (None, _) => {}
            }
        }
        any
    }

    fn break_redirection(&self, client: u64, target: u64, hub: &Hub) {
        self.table.lock().note_broken(client);
        if let Some(mailbox) = self.mailbox(client) {
            hub.queue_for(mailbox, Message::broken_redirection(target));
        }
    }

    fn mailbox(&self, id: u64) -> Option<Arc<Mailbox>> {
        self.slots.lock().get(&id)?.get().cloned()
    }

    pub(crate) fn stats(&self) -> TrackingStats {
        self.table.lock().stats()
    }
}

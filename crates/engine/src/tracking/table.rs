use super::TrackingStats;
use keyspace::Changed;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A key, or the beginning of some.
type Bytes = Box<[u8]>;

/// The keys that a message names; `None` for all there are.
pub(crate) type Names = Option<Arc<[Bytes]>>;

/// What a client tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What it reads.
    Reads,
    /// What it reads right after it said so.
    OptIn,
    /// What it reads, unless it said otherwise right before.
    OptOut,
    /// Whatever begins as it said, read or not.
    Broadcast,
}

/// How a client tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tracker {
    pub(crate) mode: Mode,
    /// It is not told of changes of its own.
    pub(crate) noloop: bool,
    /// Another client that is told in its place.
    pub(crate) redirect: Option<u64>,
    /// That client is gone.
    pub(crate) broken: bool,
    /// With `Broadcast`, the beginnings of keys; one of no bytes for all keys.
    pub(crate) prefixes: BTreeSet<Vec<u8>>,
}

impl Tracker {
    /// The client that is told, for clients to read: 0 for none other, -1 if nothing is tracked.
    pub(crate) fn redirection(tracker: Option<&Tracker>) -> i64 {
        tracker.map_or(-1, |tracker| tracker.redirect.unwrap_or(0) as i64)
    }
}

/// Something that a client has to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) client: u64,
    pub(super) redirect: Option<u64>,
    pub(super) keys: Names,
}

/// Who read what, and who tracks which prefixes. It sends nothing itself.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Who read a key since it last changed. Clients that stopped stay until it changes.
    readers: HashMap<Bytes, BTreeSet<u64>>,
    /// Readers of all keys.
    items: usize,
    prefixes: BTreeMap<Vec<u8>, BTreeSet<u64>>,
    trackers: HashMap<u64, Tracker>,
}

impl Table {
    pub(super) fn is_used(&self) -> bool {
        !self.trackers.is_empty()
    }

    pub(super) fn tracker(&self, client: u64) -> Option<&Tracker> {
        self.trackers.get(&client)
    }

    pub(super) fn start(&mut self, client: u64, tracker: Tracker) {
        for prefix in &tracker.prefixes {
            let clients = self.prefixes.entry(prefix.clone()).or_default();
            clients.insert(client);
        }
        self.trackers.insert(client, tracker);
    }

    pub(super) fn stop(&mut self, client: u64) {
        let Some(tracker) = self.trackers.remove(&client) else {
            return;
        };
        for prefix in &tracker.prefixes {
            if let Some(clients) = self.prefixes.get_mut(prefix) {
                clients.remove(&client);
                if clients.is_empty() {
                    self.prefixes.remove(prefix);
                }
            }
        }
        if self.trackers.is_empty() {
            *self = Table::default();
        }
    }

    pub(super) fn note_broken(&mut self, client: u64) {
        if let Some(tracker) = self.trackers.get_mut(&client) {
            tracker.broken = true;
        }
    }

    pub(super) fn remember(&mut self, client: u64, key: &[u8]) {
        let new = match self.readers.get_mut(key) {
            Some(readers) => readers.insert(client),
            None => {
                self.readers.insert(key.into(), BTreeSet::from([client]));
                true
            }
        };
        self.items += usize::from(new);
    }

    /// Forgets keys until there are `most` at most (any number for 0), as if these had changed.
    pub(super) fn forget_beyond(&mut self, most: usize) -> Vec<Notice> {
        let mut notices = Vec::new();
        while most > 0 && self.readers.len() > most {
            let Some(key) = self.readers.keys().next().cloned() else {
                break;
            };
            self.tell_readers(&key, None, &mut notices);
        }
        notices
    }

    /// What is to be told of changes to those who read the keys, or to everybody if all of them
    /// changed. `by` made them, if it is known who did.
    pub(super) fn invalidate(&mut self, changed: &[Changed], by: Option<u64>) -> Vec<Notice> {
        let is_database = |one: &Changed| matches!(one, Changed::Database(_));
        if changed.iter().any(is_database) {
            return self.invalidate_all();
        }
        let mut notices = Vec::new();
        // A key that comes again has no readers any more.
        for key in changed.iter().filter_map(key_of) {
            self.tell_readers(key, by, &mut notices);
        }
        notices
    }

    /// What is to be told of them to those who track prefixes: one message for each of these.
    pub(super) fn broadcast(&self, changed: &[Changed], by: Option<u64>) -> Vec<Notice> {
        let keys: BTreeSet<&[u8]> = changed.iter().filter_map(key_of).collect();
        let mut notices = Vec::new();
        for (prefix, clients) in &self.prefixes {
            let begins = |key: &&&[u8]| key.starts_with(prefix);
            let hit: Arc<[Bytes]> = keys
                .iter()
                .filter(begins)
                .map(|key| Bytes::from(*key))
                .collect();
            if hit.is_empty() {
                continue;
            }
            for &client in clients {
                if let Some(tracker) = self.trackers.get(&client)
                    && !(tracker.noloop && by == Some(client))
                {
                    notices.push(tracker.notice(client, Some(hit.clone())));
                }
            }
        }
        notices
    }

    fn invalidate_all(&mut self) -> Vec<Notice> {
        self.readers.clear();
        self.items = 0;
        let mut notices: Vec<Notice> = self
            .trackers
            .iter()
            .map(|(&client, tracker)| tracker.notice(client, None))
            .collect();
        notices.sort_by_key(|notice| notice.client);
        notices
    }

    fn tell_readers(&mut self, key: &[u8], by: Option<u64>, notices: &mut Vec<Notice>) {
        let Some(readers) = self.readers.remove(key) else {
            return;
        };
        self.items -= readers.len();
        let names: Names = Some(Arc::from([Bytes::from(key)]));
        for client in readers {
            // Who broadcasts now is told of its prefixes.
            if let Some(tracker) = self.trackers.get(&client)
                && tracker.mode != Mode::Broadcast
                && !(tracker.noloop && by == Some(client))
            {
                notices.push(tracker.notice(client, names.clone()));
            }
        }
    }

    pub(super) fn stats(&self) -> TrackingStats {
        TrackingStats {
            clients: self.trackers.len(),
            keys: self.readers.len(),
            items: self.items,
            prefixes: self.prefixes.len(),
        }
    }
}

impl Tracker {
    fn notice(&self, client: u64, keys: Names) -> Notice {
        Notice {
            client,
            redirect: self.redirect,
            keys,
        }
    }
}

fn key_of(changed: &Changed) -> Option<&[u8]> {
    match changed {
        Changed::Key(_, key) => Some(key),
        Changed::Database(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::DbIndex;

    fn tracker(mode: Mode) -> Tracker {
        Tracker {
            mode,
            noloop: false,
            redirect: None,
            broken: false,
            prefixes: BTreeSet::new(),
        }
    }

    fn key(name: &str) -> Changed {
        Changed::Key(DbIndex(0), name.as_bytes().into())
    }

    /// Who is told of which keys.
    fn told(notices: &[Notice]) -> Vec<(u64, String)> {
        let text = |keys: &Names| match keys {
            None => "*".to_owned(),
            Some(keys) => {
                let names = keys.iter().map(|key| String::from_utf8_lossy(key));
                names.collect::<Vec<_>>().join(" ")
            }
        };
        notices
            .iter()
            .map(|notice| (notice.client, text(&notice.keys)))
            .collect()
    }

    #[test]
    fn readers_are_told_once() {
        let mut table = Table::default();
        table.start(1, tracker(Mode::Reads));
        table.start(2, tracker(Mode::Reads));
        for (client, name) in [(1, "a"), (2, "a"), (1, "b"), (1, "b")] {
            table.remember(client, name.as_bytes());
        }
        assert_eq!((table.stats().keys, table.stats().items), (2, 3));
        let notices = table.invalidate(&[key("a"), key("c")], Some(1));
        assert_eq!(told(&notices), [(1, "a".into()), (2, "a".into())]);
        assert!(table.invalidate(&[key("a")], None).is_empty());
        table.stop(1);
        assert!(table.invalidate(&[key("b")], None).is_empty());
        assert_eq!(table.stats().items, 0);
    }

    #[test]
    fn own_changes_are_not_told_if_not_wanted() {
        let mut table = Table::default();
        let noloop = |mode| Tracker {
            noloop: true,
            prefixes: BTreeSet::from([b"k".to_vec()]),
            ..tracker(mode)
        };
        table.start(1, noloop(Mode::Broadcast));
        assert!(table.broadcast(&[key("k1")], Some(1)).is_empty());
        let notices = table.broadcast(&[key("k2"), key("x"), key("k1"), key("k2")], Some(2));
        assert_eq!(told(&notices), [(1, "k1 k2".into())]);
    }

    #[test]
    fn a_database_that_changes_is_everything() {
        let mut table = Table::default();
        table.start(2, tracker(Mode::Reads));
        table.start(1, tracker(Mode::Broadcast));
        table.remember(2, b"a");
        let notices = table.invalidate(&[key("a"), Changed::Database(DbIndex(1))], Some(1));
        assert_eq!(told(&notices), [(1, "*".into()), (2, "*".into())]);
        assert_eq!(table.stats().keys, 0);
    }

    #[test]
    fn keys_beyond_the_bound_count_as_changed() {
        let mut table = Table::default();
        table.start(1, tracker(Mode::Reads));
        for name in 0..10u8 {
            table.remember(1, &[name]);
        }
        assert!(table.forget_beyond(0).is_empty());
        assert_eq!(table.forget_beyond(4).len(), 6);
        assert_eq!((table.stats().keys, table.stats().items), (4, 4));
    }

    #[test]
    fn prefixes_go_with_their_last_client() {
        let mut table = Table::default();
        let broadcast = || Tracker {
            prefixes: BTreeSet::from([Vec::new()]),
            ..tracker(Mode::Broadcast)
        };
        table.start(1, broadcast());
        table.start(2, broadcast());
        table.stop(1);
        assert_eq!(table.stats().prefixes, 1);
        table.stop(2);
        assert_eq!(table.stats().prefixes, 0);
        assert!(!table.is_used());
    }
}

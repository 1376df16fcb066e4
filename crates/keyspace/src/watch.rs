//! WATCH: flags that a change of a key sets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Release};
use units::DbIndex;

/// The watched keys of one database, and who watches.
type Watched = BTreeMap<Box<[u8]>, Vec<Arc<AtomicBool>>>;

/// The watched keys of one shard.
///
/// A watcher keeps its flag; when it drops it, the registration is dead and goes away as the key is
/// met again.
#[derive(Default)]
pub(crate) struct Watches {
    keys: BTreeMap<DbIndex, Watched>,
    /// Registrations until the dead ones are next looked for.
    until_sweep: usize,
}

/// Registrations between sweeps, at least.
const SWEEP: usize = 64;

impl Watches {
    /// Registers `flag` for changes of `key`.
    pub(crate) fn add(&mut self, db: DbIndex, key: &[u8], flag: &Arc<AtomicBool>) {
        if self.until_sweep == 0 {
            self.sweep();
        }
        self.until_sweep -= 1;
        let flags = self
            .keys
            .entry(db)
            .or_default()
            .entry(key.into())
            .or_default();
        if !flags.iter().any(|known| Arc::ptr_eq(known, flag)) {
            flags.push(Arc::clone(flag));
        }
    }

    /// Forgets registrations whose watcher is gone.
    fn sweep(&mut self) {
        let mut left = 0;
        for keys in self.keys.values_mut() {
            keys.retain(|_, flags| {
                flags.retain(|flag| Arc::strong_count(flag) > 1);
                left += flags.len();
                !flags.is_empty()
            });
        }
        self.keys.retain(|_, keys| !keys.is_empty());
        self.until_sweep = left.max(SWEEP);
    }

    /// Whether nobody watches anything.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key changed: sets the flags of its watchers, who then no longer watch.
    pub(crate) fn fire(&mut self, db: DbIndex, key: &[u8]) {
        let Some(keys) = self.keys.get_mut(&db) else {
            return;
        };
        for flag in keys.remove(key).into_iter().flatten() {
            flag.store(true, Release);
        }
        if keys.is_empty() {
            self.keys.remove(&db);
        }
    }

    /// The whole database changed: fires for every watched key that `existed` tells of.
    pub(crate) fn fire_all(&mut self, db: DbIndex, existed: impl Fn(&[u8]) -> bool) {
        let keys = self.keys.get(&db).into_iter().flatten();
        let hit: Vec<Box<[u8]>> = keys
            .map(|(key, _)| key.clone())
            .filter(|key| existed(key))
            .collect();
        for key in hit {
            self.fire(db, &key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Acquire;

    #[test]
    fn only_the_watched_key_of_the_watched_database_sets_a_flag() {
        let mut watches = Watches::default();
        let flag = Arc::new(AtomicBool::new(false));
        watches.add(DbIndex(0), b"k", &flag);
        watches.fire(DbIndex(1), b"k");
        watches.fire(DbIndex(0), b"other");
        watches.fire_all(DbIndex(0), |_| false);
        assert!(!flag.load(Acquire));
        watches.fire_all(DbIndex(0), |key| key == b"k");
        assert!(flag.load(Acquire) && watches.is_empty());
    }

    #[test]
    fn dead_registrations_go_away() {
        let mut watches = Watches::default();
        for n in 0..10 * SWEEP {
            watches.add(DbIndex(0), &n.to_le_bytes(), &Arc::default());
        }
        let left: usize = watches.keys.values().map(Watched::len).sum();
        assert!(left <= 2 * SWEEP, "{left}");
    }
}

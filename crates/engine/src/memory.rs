//! Where memory goes, and giving back what removed values took.

use crate::Engine;
use keyspace::Keyspace;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// What an engine takes of the allocator, in bytes, as `INFO memory` tells it.
///
/// Counted as things come and go, by the sizes that allocators keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// All of it but the journal, whose size has a setting of its own. What `maxmemory` limits is
    /// this without `views`.
    pub used: usize,
    /// The most that `used` was seen to be.
    pub peak: usize,
    /// What an engine takes when it is empty.
    pub startup: usize,
    /// Keys and values that are there.
    pub keyspace: usize,
    /// Removed values that wait to be freed.
    pub garbage: usize,
    /// What frozen views keep of what has changed since. In `used`, but not compared with
    /// `maxmemory`: evicting under a view frees nothing.
    pub views: usize,
    /// What clients of front-ends take, besides `used`: buffers ([`crate::Session::note_buffers`]),
    /// queued commands, messages that wait.
    pub clients: usize,
    /// What the journal keeps, besides `used`.
    pub journal: usize,
    /// What the process takes of the machine, if the program told
    /// ([`Engine::set_resident_bytes`]).
    pub resident: Option<usize>,
}

impl MemoryUse {
    /// What is neither keys nor values.
    pub(crate) fn overhead(&self) -> usize {
        self.startup + self.garbage + self.views
    }

    /// Keys and values, without what an empty engine takes.
    pub(crate) fn dataset(&self) -> usize {
        self.used.saturating_sub(self.overhead())
    }

    /// The dataset in per cent of what came since the start.
    pub(crate) fn dataset_percent(&self) -> f64 {
        percent(self.dataset(), self.used.saturating_sub(self.startup))
    }

    /// What is used in per cent of the peak.
    pub(crate) fn peak_percent(&self) -> f64 {
        percent(self.used, self.peak)
    }

    /// How many times what is used the process takes.
    pub(crate) fn fragmentation(&self) -> Option<f64> {
        let resident = self.resident?;
        Some(resident as f64 / self.used.max(1) as f64)
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// What is remembered between two looks.
#[derive(Debug)]
pub(crate) struct Gauge {
    startup: usize,
    peak: AtomicUsize,
    /// 0 if nobody told.
    resident: AtomicUsize,
}

impl Gauge {
    pub(crate) fn new(empty: &Keyspace) -> Gauge {
        Gauge {
            startup: empty.used_bytes(),
            peak: AtomicUsize::new(0),
            resident: AtomicUsize::new(0),
        }
    }
}

impl Engine {
    /// What the engine takes of the allocator now. Takes no lock that a command could hold.
    pub fn memory(&self) -> MemoryUse {
        let gauge = &self.inner().memory;
        let keyspace = self.keyspace().used_bytes();
        let garbage = self.keyspace().reclaim_stats().pending_bytes;
        let views = self.views().kept_bytes;
        let used = keyspace + garbage + views;
        let resident = gauge.resident.load(Relaxed);
        MemoryUse {
            used,
            peak: gauge.peak.fetch_max(used, Relaxed).max(used),
            startup: gauge.startup,
            keyspace,
            garbage,
            views,
            clients: self.clients().weights().total(),
            journal: self.log().journal().bytes_kept() as usize,
            resident: (resident > 0).then_some(resident),
        }
    }

    /// Tells the engine, which knows no process, how many bytes the process takes of the machine:
    /// for `INFO` and `MEMORY`. Notes the peak as well, so a program that tells regularly misses
    /// none for long.
    pub fn set_resident_bytes(&self, bytes: usize) {
        self.inner().memory.resident.store(bytes, Relaxed);
        self.memory();
    }

    /// Frees some of what `UNLINK`, `FLUSHALL ASYNC` and the like left to be freed: at most `parts`
    /// parts, each of which takes some microseconds. Returns whether anything is left.
    ///
    /// A program that never calls this (or [`Engine::wait_for_garbage`] in a thread of its own)
    /// loses no memory: past 64 MB those who remove free as much as they remove.
    pub fn reclaim(&self, parts: usize) -> bool {
        self.keyspace().reclaim(parts)
    }

    /// Waits until there is something for [`Engine::reclaim`], at most for `timeout`; returns
    /// whether there is.
    pub fn wait_for_garbage(&self, timeout: Duration) -> bool {
        self.keyspace().wait_for_garbage(timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(engine: &Engine) {
        let mut session = engine.session();
        for n in 0..5000 {
            session.execute(&["SADD", "set", &format!("member:{n:040}")]);
        }
    }

    #[test]
    fn what_is_unlinked_is_garbage_until_it_is_reclaimed() {
        let engine = Engine::open_in_memory();
        let empty = engine.memory();
        fill(&engine);
        let full = engine.memory();
        assert!(full.keyspace > empty.keyspace + 5000 * 47);
        engine.session().execute(&["UNLINK", "set"]);
        let unlinked = engine.memory();
        assert!(unlinked.garbage > 5000 * 47);
        assert!(engine.wait_for_garbage(Duration::ZERO));
        while engine.reclaim(1) {}
        let reclaimed = engine.memory();
        assert_eq!(reclaimed.garbage, 0);
        assert_eq!(reclaimed.keyspace, empty.keyspace);
        assert!(reclaimed.peak >= full.used && reclaimed.used < full.used);
    }

    #[test]
    fn del_frees_at_once_unless_told_otherwise() {
        let engine = Engine::open_in_memory();
        fill(&engine);
        engine.session().execute(&["DEL", "set"]);
        assert_eq!(engine.memory().garbage, 0);
        assert_eq!(engine.set_config("lazyfree-lazy-user-del", "yes"), Ok(()));
        fill(&engine);
        engine.session().execute(&["DEL", "set"]);
        assert!(engine.memory().garbage > 0);
    }

    #[test]
    fn the_process_is_known_from_hearsay_only() {
        let engine = Engine::open_in_memory();
        assert_eq!(engine.memory().fragmentation(), None);
        engine.set_resident_bytes(engine.memory().used * 2);
        assert_eq!(engine.memory().fragmentation(), Some(2.0));
    }
}

//! Keeping within `maxmemory`: before commands run, and whenever the host asks.

use crate::Engine;
use crate::config::{Config, Policy};
use crate::log::Batch;
use commands::{Error, EventClass};
use keyspace::{Changed, EvictionOrder, EvictionRule, Evictor};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use units::DbIndex;

/// The limit, and what is remembered from one eviction to the next.
#[derive(Debug)]
pub(crate) struct Eviction {
    /// `maxmemory` in bytes; 0 for none.
    limit: AtomicUsize,
    /// Held by the one thread that evicts. Nobody who holds a shard takes it.
    evictor: Mutex<Evictor>,
}

impl Eviction {
    pub(crate) fn new(config: &Config, seed: u64) -> Eviction {
        let eviction = Eviction {
            limit: AtomicUsize::new(0),
            evictor: Mutex::new(Evictor::new(seed)),
        };
        eviction.set_limit(config.maxmemory);
        eviction
    }

    pub(crate) fn set_limit(&self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.limit.store(bytes, Relaxed);
    }
}

/// How far one call goes.
struct Slice {
    /// Keys evicted, or parts of garbage freed, at most.
    steps: usize,
    /// `None` if nothing may be evicted.
    rule: Option<EvictionRule>,
    /// The command that a replay repeats an eviction by.
    verb: &'static [u8],
}

impl Slice {
    fn of(config: &Config) -> Slice {
        Slice {
            steps: steps(config.maxmemory_eviction_tenacity.0),
            rule: config
                .maxmemory_policy
                .rule(config.maxmemory_samples.0 as usize),
            verb: match config.lazy_free.eviction {
                true => b"UNLINK",
                false => b"DEL",
            },
        }
    }
}

/// Steps for `maxmemory-eviction-tenacity`. Where Redis has microseconds (50 for each of the first
/// ten, then a seventh more each time, and no end at 100) there are keys: the engine has no clock
/// as fine as that, and a key takes about as long.
fn steps(tenacity: u32) -> usize {
    match tenacity {
        0..=10 => (50 * tenacity).max(1) as usize,
        11..=99 => (500.0 * 1.15f64.powi(tenacity as i32 - 10)) as usize,
        _ => usize::MAX,
    }
}

/// The refusal of a command that may use memory.
pub(crate) fn out_of_memory() -> Error {
    Error::Text("OOM command not allowed when used memory > 'maxmemory'.".into())
}

impl Engine {
    /// Evicts keys while more memory is used than `maxmemory` allows, as many as
    /// `maxmemory-eviction-tenacity` allows at once; returns whether there is more to evict.
    ///
    /// Commands do this before they run. A program calls it between them, so that a limit that was
    /// lowered by much is reached without waiting for commands.
    pub fn evict_due(&self) -> bool {
        let is_led = self.following().is_replica();
        !is_led && self.make_room() && self.is_over_limit()
    }

    /// Evicts as far as one slice goes, if too much memory is used. Whether a command that may use
    /// more of it can run: it is refused only if nothing is left that may be evicted. The caller
    /// holds no shard.
    pub(crate) fn make_room(&self) -> bool {
        !self.is_over_limit() || self.paused().is_some() || self.evict_and_tell()
    }

    fn is_over_limit(&self) -> bool {
        let limit = self.inner().eviction.limit.load(Relaxed);
        limit != 0 && self.limited_bytes() > limit
    }

    /// What is compared with `maxmemory`: [`crate::MemoryUse::used`] without what views keep.
    fn limited_bytes(&self) -> usize {
        let keyspace = self.keyspace();
        keyspace.used_bytes() + keyspace.reclaim_stats().pending_bytes
    }

    #[cold]
    fn evict_and_tell(&self) -> bool {
        let spikes = &self.inner().spikes;
        let done = spikes.watch("eviction-cycle", || self.evict_slice());
        self.hub().deliver();
        done
    }

    /// Whether the limit was reached, or would be by going on.
    fn evict_slice(&self) -> bool {
        if self.inner().scripting.running().is_any() {
            // It has every shard, and who wants to write will wait for it, but not here.
            return true;
        }
        let slice = Slice::of(&self.inner().config.read());
        // What is gone already comes first.
        if self.reclaim(slice.steps) || !self.is_over_limit() {
            return true;
        }
        let Some(rule) = slice.rule else {
            return false;
        };
        let mut evictor = self.inner().eviction.evictor.lock();
        for _ in 0..slice.steps {
            if !self.is_over_limit() {
                return true;
            }
            let mut log = |db: DbIndex, key: &[u8]| self.log_evicted(slice.verb, db, key);
            if !evictor.evict(self.keyspace(), rule, self.now(), &mut log) {
                return !self.is_over_limit();
            }
        }
        true
    }

    /// Logs an eviction and tells of it, under the lock under which it was done.
    fn log_evicted(&self, verb: &[u8], db: DbIndex, key: &[u8]) {
        let mut batch = Batch::default();
        batch.push(db, [verb, key].into_iter());
        self.log_telling(&mut batch, &[(EventClass::EVICTED, "evicted", db, key)]);
        if self.keyspace().is_observed() {
            self.invalidate_changed(&[Changed::Key(db, key.into())]);
        }
        self.stats().evicted_keys.add(1);
        self.note_changes(1);
    }
}

impl Policy {
    /// What may be evicted, and what of it first; `None` for nothing.
    fn rule(self, samples: usize) -> Option<EvictionRule> {
        let order = match self {
            Policy::NoEviction => return None,
            Policy::AllkeysRandom | Policy::VolatileRandom => EvictionOrder::Random,
            Policy::VolatileTtl => EvictionOrder::Deadline,
            _ => EvictionOrder::Access,
        };
        Some(EvictionRule {
            volatile: self.is_volatile(),
            order,
            samples,
        })
    }
}

#[cfg(test)]
mod tests;

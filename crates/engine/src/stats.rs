use crate::lag::Lag;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that `INFO` shows. They are only ever added to, so a reader may see one ahead of
/// another.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) sessions: Counter,
    pub(crate) commands: Counter,
    pub(crate) expired_keys: Counter,
    /// Fields of hashes.
    pub(crate) expired_fields: Counter,
    /// Ticks that ended with more to delete.
    pub(crate) ticks_cut_short: Counter,
    /// From deadlines to deletions that nobody asked for.
    pub(crate) expiry_lag: Lag,
    pub(crate) saves: Counter,
}

/// A count that many threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) -> u64 {
        self.0.fetch_add(more, Ordering::Relaxed)
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Stats {
    /// Sets every counter but that of sessions (their ids come from it) to zero.
    pub(crate) fn reset(&self) {
        let counters = [
            &self.commands,
            &self.expired_keys,
            &self.expired_fields,
            &self.ticks_cut_short,
            &self.saves,
        ];
        counters.into_iter().for_each(Counter::reset);
        self.expiry_lag.reset();
    }
}

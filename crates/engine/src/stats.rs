use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that `INFO` shows. They are only ever added to, so a reader may see one ahead of
/// another.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) sessions: Counter,
    pub(crate) commands: Counter,
    pub(crate) expired_keys: Counter,
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
        let counters = [&self.commands, &self.expired_keys, &self.saves];
        counters.into_iter().for_each(Counter::reset);
    }
}

use crate::lag::Lag;
use crate::rates::Rates;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that `INFO` shows. They are only ever added to, so a reader may see one ahead of
/// another.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) sessions: Counter,
    /// Bytes from and to clients.
    pub(crate) input_bytes: Striped,
    pub(crate) output_bytes: Striped,
    /// Connections that a front-end turned away.
    pub(crate) refused_connections: Counter,
    pub(crate) rates: Rates,
    /// Replicas that were sent everything, or what they lacked, or could not be sent just that.
    pub(crate) full_syncs: Counter,
    pub(crate) partial_syncs: Counter,
    pub(crate) refused_partial_syncs: Counter,
    /// Keys that commands looked for to read them, found and not found.
    pub(crate) hits: Striped,
    pub(crate) misses: Striped,
    pub(crate) expired_keys: Counter,
    pub(crate) evicted_keys: Counter,
    pub(crate) evicted_clients: Counter,
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

/// Something that threads write often, on cache lines of its own: what lies beside it is read by
/// every command.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

impl<T> std::ops::Deref for Apart<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A count that every command adds to, in parts: threads that add to different ones do not wait for
/// each other's cache lines.
#[derive(Debug, Default)]
pub(crate) struct Striped([Apart<Counter>; 8]);

impl Striped {
    /// Adds to the part that the session of this id uses.
    pub(crate) fn add(&self, session: u64, more: u64) {
        self.0[session as usize % self.0.len()].add(more);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.iter().map(|part| part.value()).sum()
    }

    fn reset(&self) {
        self.0.iter().for_each(|part| part.reset());
    }
}

impl Stats {
    /// Sets every counter but that of sessions (their ids come from it) to zero.
    pub(crate) fn reset(&self) {
        let striped = [
            &self.hits,
            &self.misses,
            &self.input_bytes,
            &self.output_bytes,
        ];
        striped.into_iter().for_each(Striped::reset);
        let counters = [
            &self.expired_keys,
            &self.evicted_keys,
            &self.evicted_clients,
            &self.expired_fields,
            &self.ticks_cut_short,
            &self.saves,
            &self.refused_connections,
            &self.full_syncs,
            &self.partial_syncs,
            &self.refused_partial_syncs,
        ];
        counters.into_iter().for_each(Counter::reset);
        self.expiry_lag.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_count_add_up() {
        let count = Striped::default();
        (0..20).for_each(|session| count.add(session, session));
        assert_eq!(count.value(), 190);
        count.reset();
        assert_eq!(count.value(), 0);
    }
}

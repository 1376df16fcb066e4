//! How late something comes, in milliseconds: the last time, at worst, and as a histogram.

use crate::histogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Lags that were noted, from any thread.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    last: AtomicU64,
    max: AtomicU64,
    all: Histogram,
}

impl Lag {
    pub(crate) fn note(&self, ms: u64) {
        self.last.store(ms, Relaxed);
        self.max.fetch_max(ms, Relaxed);
        self.all.note(ms);
    }

    /// The one noted last.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Relaxed)
    }

    /// The longest.
    pub(crate) fn max(&self) -> u64 {
        self.max.load(Relaxed)
    }

    /// A lag that `percent` of all do not exceed, to a sixteenth of its size; 0 if there were none.
    pub(crate) fn percentile(&self, percent: u32) -> u64 {
        let lag = self.all.counts().percentile(f64::from(percent));
        lag.min(self.max())
    }

    pub(crate) fn reset(&self) {
        self.last.store(0, Relaxed);
        self.max.store(0, Relaxed);
        self.all.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_and_the_longest() {
        let lag = Lag::default();
        [3, 100, 7].into_iter().for_each(|ms| lag.note(ms));
        assert_eq!((lag.last(), lag.max()), (7, 100));
        assert_eq!((lag.percentile(33), lag.percentile(100)), (3, 100));
        lag.reset();
        assert_eq!((lag.max(), lag.percentile(50)), (0, 0));
    }
}

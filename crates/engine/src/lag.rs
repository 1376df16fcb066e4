//! How late something comes, in milliseconds: the last time, at worst, and as a histogram.

use crate::stats::Counter;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Of each power of two, in how many parts it is counted: percentiles are right to an eighth.
const PARTS: u64 = 8;
const BUCKETS: usize = 256;

/// Lags that were noted, from any thread.
#[derive(Debug)]
pub(crate) struct Lag {
    last: AtomicU64,
    max: AtomicU64,
    buckets: [Counter; BUCKETS],
}

impl Default for Lag {
    fn default() -> Lag {
        Lag {
            last: AtomicU64::new(0),
            max: AtomicU64::new(0),
            buckets: std::array::from_fn(|_| Counter::default()),
        }
    }
}

impl Lag {
    pub(crate) fn note(&self, ms: u64) {
        self.last.store(ms, Relaxed);
        self.max.fetch_max(ms, Relaxed);
        self.buckets[bucket(ms)].add(1);
    }

    /// The one noted last.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Relaxed)
    }

    /// The longest.
    pub(crate) fn max(&self) -> u64 {
        self.max.load(Relaxed)
    }

    /// A lag that `percent` of all do not exceed, to an eighth of its size; 0 if there were none.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let counts = self.buckets.each_ref().map(Counter::value);
        let wanted = (counts.iter().sum::<u64>() * percent).div_ceil(100);
        let mut seen = 0;
        for (number, count) in counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return largest(number).min(self.max());
            }
        }
        0
    }

    pub(crate) fn reset(&self) {
        self.last.store(0, Relaxed);
        self.max.store(0, Relaxed);
        self.buckets.iter().for_each(Counter::reset);
    }
}

/// The bucket of a lag: its own up to 8 ms, then one for each eighth of a power of two.
fn bucket(ms: u64) -> usize {
    if ms < PARTS {
        return ms as usize;
    }
    let shift = ms.ilog2() - PARTS.ilog2();
    let number = u64::from(shift) * PARTS + (ms >> shift);
    (number as usize).min(BUCKETS - 1)
}

/// The longest lag of a bucket.
fn largest(number: usize) -> u64 {
    let number = number as u64;
    if number < PARTS || number == BUCKETS as u64 - 1 {
        return if number < PARTS { number } else { u64::MAX };
    }
    let shift = number / PARTS - 1;
    let first = (PARTS + number % PARTS) << shift;
    first + (1 << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_end_where_the_next_begins() {
        for number in 0..BUCKETS - 1 {
            assert_eq!(bucket(largest(number)), number);
            assert_eq!(bucket(largest(number) + 1), number + 1);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_of_a_hundred_lags() {
        let lag = Lag::default();
        assert_eq!(lag.percentile(99), 0);
        (1..=100).for_each(|ms| lag.note(ms));
        assert_eq!((lag.last(), lag.max()), (100, 100));
        assert!((50..57).contains(&lag.percentile(50)));
        assert_eq!(lag.percentile(100), 100);
        assert_eq!(lag.percentile(3), 3);
        lag.reset();
        assert_eq!((lag.max(), lag.percentile(50)), (0, 0));
    }
}

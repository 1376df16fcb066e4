//! How often values of each size came.

use crate::stats::Counter;

/// Of each power of two, in how many parts it is counted: values are right to a sixteenth.
const PARTS: u64 = 16;
/// Up to a thousand thousand millions: a quarter of an hour in nanoseconds.
const BUCKETS: usize = 37 * PARTS as usize;

/// Counts of values, added from any thread. What is greater than the last bucket's is counted there.
#[derive(Debug)]
pub(crate) struct Histogram(Box<[Counter]>);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram((0..BUCKETS).map(|_| Counter::default()).collect())
    }
}

impl Histogram {
    #[inline]
    pub(crate) fn note(&self, value: u64) {
        self.0[bucket(value)].add(1);
    }

    pub(crate) fn reset(&self) {
        self.0.iter().for_each(Counter::reset);
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts(self.0.iter().map(Counter::value).collect())
    }
}

/// What a histogram held at one time.
#[derive(Debug, Default)]
pub(crate) struct Counts(Vec<u64>);

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        self.0.resize(BUCKETS, 0);
        let both = self.0.iter_mut().zip(&other.0);
        both.for_each(|(count, more)| *count += more);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// A value that `percent` of all do not exceed, rounded up by a sixteenth at most; 0 if there
    /// were none.
    pub(crate) fn percentile(&self, percent: f64) -> u64 {
        let wanted = (self.total() as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        let reached = self.0.iter().position(|count| {
            seen += count;
            *count > 0 && seen >= wanted
        });
        reached.map_or(0, largest)
    }

    /// How many values are no greater than each of `limits`, which ascend.
    pub(crate) fn up_to(&self, limits: &[u64]) -> Vec<u64> {
        let below = |limit: &u64| self.0[..=bucket(*limit)].iter().sum();
        match self.0.is_empty() {
            true => vec![0; limits.len()],
            false => limits.iter().map(below).collect(),
        }
    }
}

/// The bucket of a value: its own while values are small, then one for each part of a power of two.
fn bucket(value: u64) -> usize {
    if value < PARTS {
        return value as usize;
    }
    let shift = value.ilog2() - PARTS.ilog2();
    let number = u64::from(shift) * PARTS + (value >> shift);
    (number as usize).min(BUCKETS - 1)
}

/// The greatest value of a bucket.
fn largest(number: usize) -> u64 {
    let number = number as u64;
    if number < PARTS {
        return number;
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
    fn percentiles_of_a_hundred_values() {
        let histogram = Histogram::default();
        assert_eq!(histogram.counts().percentile(99.0), 0);
        (1..=100).for_each(|value| histogram.note(value));
        let counts = histogram.counts();
        assert_eq!((counts.total(), counts.percentile(3.0)), (100, 3));
        assert!((50..54).contains(&counts.percentile(50.0)));
        assert!((100..107).contains(&counts.percentile(100.0)));
        assert_eq!(counts.up_to(&[1, 15, 1000]), [1, 15, 100]);
        histogram.reset();
        assert_eq!(histogram.counts().total(), 0);
    }
}

//! How much happened in a second of late.

use crate::engine::Inner;
use parking_lot::Mutex;
use std::collections::VecDeque;
use units::UnixMillis;

/// How far back it is looked, in milliseconds, and how far samples are apart at least.
const WINDOW: i64 = 1600;
const STEP: i64 = 100;

/// Counters as they were at some time.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: UnixMillis,
    counts: [u64; 3],
}

/// Samples of the last seconds, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<VecDeque<Sample>>);

/// How much happened in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PerSecond {
    pub(crate) calls: f64,
    pub(crate) input_bytes: f64,
    pub(crate) output_bytes: f64,
}

impl Rates {
    /// Notes how far counters are, if the sample before is old enough.
    pub(crate) fn sample(&self, engine: &Inner) {
        let now = engine.clock.now();
        let is_soon = |last: &Sample| (0..STEP).contains(&now.since(last.at));
        if !self.0.lock().back().is_some_and(is_soon) {
            self.add(Sample::of(engine));
        }
    }

    /// From the oldest sample of the window until now.
    pub(crate) fn now(&self, engine: &Inner) -> PerSecond {
        self.until(Sample::of(engine))
    }

    fn add(&self, sample: Sample) {
        let mut samples = self.0.lock();
        samples.push_back(sample);
        while samples.len() as i64 > WINDOW / STEP {
            samples.pop_front();
        }
    }

    fn until(&self, end: Sample) -> PerSecond {
        let begin = self.0.lock().front().copied();
        let Some(begin) = begin.filter(|begin| begin.at < end.at) else {
            return PerSecond::default();
        };
        let seconds = end.at.since(begin.at) as f64 / 1000.0;
        let rate = |of: usize| end.counts[of].saturating_sub(begin.counts[of]) as f64 / seconds;
        PerSecond {
            calls: rate(0),
            input_bytes: rate(1),
            output_bytes: rate(2),
        }
    }
}

impl Sample {
    fn of(engine: &Inner) -> Sample {
        let stats = &engine.stats;
        let bytes = [&stats.input_bytes, &stats.output_bytes].map(|all| all.value());
        Sample {
            at: engine.clock.now(),
            counts: [engine.calls.total(), bytes[0], bytes[1]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, calls: u64) -> Sample {
        Sample {
            at: UnixMillis(at),
            counts: [calls, 2 * calls, 0],
        }
    }

    #[test]
    fn rates_are_those_of_the_window() {
        let rates = Rates::default();
        assert_eq!(rates.until(sample(5, 5)), PerSecond::default());
        (0..100).for_each(|step| rates.add(sample(step * 100, 10 * step as u64)));
        let now = rates.until(sample(10_000, 1000));
        assert_eq!((now.calls, now.input_bytes), (100.0, 200.0));
        // Counters that were set back count for nothing.
        assert_eq!(rates.until(sample(10_000, 1)).calls, 0.0);
    }
}

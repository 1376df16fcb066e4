//! What took long at what time (`LATENCY`): the monitor of `latency-monitor-threshold`.

use crate::Clock;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Spikes that are kept of each kind.
const KEPT: usize = 160;

/// The latest spikes of every kind of event.
#[derive(Debug)]
pub(crate) struct Spikes {
    /// Milliseconds from which an event is kept; 0 for none.
    threshold: AtomicU64,
    clock: Arc<dyn Clock>,
    kinds: Mutex<BTreeMap<&'static str, Series>>,
}

/// The spikes of one kind of event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    /// The latest last. Of one second only the longest.
    spikes: VecDeque<Spike>,
    /// The longest that ever was, in milliseconds.
    pub(crate) max: u64,
}

/// Something that took long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spike {
    /// Unix time in seconds.
    pub(crate) at: i64,
    /// Milliseconds.
    pub(crate) took: u64,
}

impl Spikes {
    pub(crate) fn new(threshold: u64, clock: Arc<dyn Clock>) -> Spikes {
        Spikes {
            threshold: AtomicU64::new(threshold),
            clock,
            kinds: Mutex::default(),
        }
    }

    /// Sets from how many milliseconds on events are kept; 0 for none at all.
    pub(crate) fn set_threshold(&self, threshold: u64) {
        self.threshold.store(threshold, Relaxed);
    }

    pub(crate) fn threshold(&self) -> u64 {
        self.threshold.load(Relaxed)
    }

    /// Notes an event that is over, if it took long.
    #[inline]
    pub(crate) fn note(&self, took: Duration, kind: impl FnOnce() -> &'static str) {
        let threshold = self.threshold();
        if threshold != 0 && took.as_millis() >= u128::from(threshold) {
            self.keep(kind(), took);
        }
    }

    /// Carries out `work`, which is an event of this kind.
    pub(crate) fn watch<T>(&self, kind: &'static str, work: impl FnOnce() -> T) -> T {
        if self.threshold() == 0 {
            return work();
        }
        let begin = Instant::now();
        let done = work();
        self.note(begin.elapsed(), || kind);
        done
    }

    #[cold]
    fn keep(&self, kind: &'static str, took: Duration) {
        let spike = Spike {
            at: self.clock.now().0.div_euclid(1000),
            took: took.as_millis() as u64,
        };
        self.kinds.lock().entry(kind).or_default().add(spike);
    }

    /// Every kind with its spikes, in the order of their names.
    pub(crate) fn all(&self) -> Vec<(&'static str, Series)> {
        let kinds = self.kinds.lock();
        let all = kinds.iter().map(|(kind, series)| (*kind, series.clone()));
        all.collect()
    }

    /// The spikes of one kind.
    pub(crate) fn of(&self, kind: &[u8]) -> Option<Series> {
        let mut all = self.all().into_iter();
        all.find(|(name, _)| name.as_bytes() == kind)
            .map(|(_, series)| series)
    }

    /// Forgets kinds, or all of them; how many there were.
    pub(crate) fn reset(&self, wanted: &[&[u8]]) -> usize {
        let mut kinds = self.kinds.lock();
        let before = kinds.len();
        let is_wanted = |kind: &str| wanted.is_empty() || wanted.contains(&kind.as_bytes());
        kinds.retain(|kind, _| !is_wanted(kind));
        before - kinds.len()
    }
}

impl Series {
    fn add(&mut self, spike: Spike) {
        self.max = self.max.max(spike.took);
        match self.spikes.back_mut().filter(|last| last.at == spike.at) {
            Some(last) => last.took = last.took.max(spike.took),
            None => self.spikes.push_back(spike),
        }
        if self.spikes.len() > KEPT {
            self.spikes.pop_front();
        }
    }

    /// The earliest first; at least one.
    pub(crate) fn spikes(&self) -> impl ExactSizeIterator<Item = &Spike> {
        self.spikes.iter()
    }

    /// The latest.
    pub(crate) fn last(&self) -> Option<&Spike> {
        self.spikes.back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use units::UnixMillis;

    #[test]
    fn what_takes_long_is_kept_by_the_second() {
        let clock = Arc::new(ManualClock::new(UnixMillis(10_000)));
        let spikes = Spikes::new(10, clock.clone());
        let note = |ms| spikes.note(Duration::from_millis(ms), || "command");
        [9, 10, 30, 20].into_iter().for_each(note);
        clock.set(UnixMillis(12_999));
        note(15);
        let series = spikes.of(b"command").unwrap();
        let kept: Vec<_> = series
            .spikes()
            .map(|spike| (spike.at, spike.took))
            .collect();
        assert_eq!((kept, series.max), (vec![(10, 30), (12, 15)], 30));
        assert_eq!(spikes.of(b"fork").map(|series| series.max), None);
        assert_eq!(spikes.reset(&[b"fork"]), 0);
        assert_eq!(spikes.reset(&[]), 1);
        spikes.set_threshold(0);
        note(1000);
        assert!(spikes.all().is_empty());
    }

    #[test]
    fn the_latest_are_kept() {
        let mut series = Series::default();
        (0..200).for_each(|at| series.add(Spike { at, took: 1 }));
        assert_eq!(series.spikes().len(), KEPT);
        assert_eq!(series.last().map(|spike| spike.at), Some(199));
    }
}

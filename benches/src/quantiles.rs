//! What is told of many latencies.

use hdrhistogram::Histogram;

use crate::{
    measure::Runs,
    table::{Better, print_row},
};

/// The figures that [`of`] gives.
pub(crate) const LABELS: [&str; 5] = ["p50", "p99", "p99.9", "p99.99", "max"];

/// The figures named in [`LABELS`], in microseconds, of latencies in nanoseconds.
pub(crate) fn of(latency: &Histogram<u64>) -> Vec<f64> {
    let inner = [0.5, 0.99, 0.999, 0.9999].map(|q| latency.value_at_quantile(q));
    let all = inner.into_iter().chain([latency.max()]);
    all.map(|nanos| nanos as f64 / 1000.0).collect()
}

/// Prints a row for each of the figures.
pub(crate) fn print(what: &str, figures: &[Runs]) {
    for (label, runs) in LABELS.iter().zip(figures) {
        print_row(&format!("{what}{label}"), runs, 1, Better::Less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_become_microseconds() {
        let mut latency = Histogram::new(3).unwrap();
        (1..=1000u64).for_each(|n| latency.record(n * 1000).unwrap());
        let figures = of(&latency);
        assert_eq!(figures.len(), LABELS.len());
        assert!((figures[0] - 500.0).abs() < 1.0 && (figures[4] - 1000.0).abs() < 1.0);
    }
}

//! Our policies beside those of others, over all caches.

use crate::table::{print_columns, print_figures};

/// What one policy got out of one cache.
pub(super) struct Score {
    pub(super) trace: String,
    /// Of the trace.
    pub(super) keys: usize,
    /// Of the cache, in keys.
    pub(super) capacity: usize,
    pub(super) who: String,
    pub(super) policy: &'static str,
    /// Requests that found their key.
    pub(super) percent: f64,
    /// Keys, on average.
    pub(super) held: usize,
    /// SETs that were refused for want of memory.
    pub(super) refused: usize,
}

impl Score {
    /// Prints it as a row.
    pub(super) fn print(&self) {
        println!(
            "| {} | {} | {} | {} | {} | {:.1} | {} | {} |",
            self.trace,
            self.keys,
            self.capacity,
            self.who,
            self.policy,
            self.percent,
            self.held,
            self.refused
        );
    }

    fn has_cache_of(&self, other: &Score) -> bool {
        (&self.trace, self.capacity) == (&other.trace, other.capacity)
    }
}

/// Our policies and the others' that they are compared with: the same, and the extension with what
/// it is to be better than.
const PAIRS: [(&str, &str); 5] = [
    ("allkeys-lru", "allkeys-lru"),
    ("allkeys-lfu", "allkeys-lfu"),
    ("allkeys-lrm", "allkeys-lrm"),
    ("allkeys-random", "allkeys-random"),
    ("allkeys-lrfu", "allkeys-lru"),
];

/// Prints, for each of the other servers, by how many points the first is better: at the worst cache,
/// at the best, and on average.
pub(super) fn print(names: &[&str], scores: &[Score]) {
    let title = "points of hits more than another server";
    print_columns(title, &["at the worst cache", "at the best", "on average"]);
    for other in &names[1..] {
        for (policy, than) in PAIRS {
            let points = differences(scores, (names[0], policy), (other, than));
            if let Some(figures) = extremes_and_mean(&points) {
                let label = format!("{}, {policy}, than {other}, {than}", names[0]);
                print_figures(&label, &figures);
            }
        }
    }
    println!();
}

/// A server and its policy.
type Named<'a> = (&'a str, &'a str);

/// By how much the one is better than the other, for each cache that both had.
fn differences(scores: &[Score], ours: Named<'_>, other: Named<'_>) -> Vec<f64> {
    let pairs = of(scores, ours).filter_map(|mine| {
        let theirs = of(scores, other).find(|theirs| theirs.has_cache_of(mine))?;
        Some(mine.percent - theirs.percent)
    });
    pairs.collect()
}

fn of<'a>(scores: &'a [Score], (who, policy): Named<'a>) -> impl Iterator<Item = &'a Score> {
    let found = scores.iter();
    found.filter(move |score| score.who == who && score.policy == policy)
}

fn extremes_and_mean(points: &[f64]) -> Option<[f64; 3]> {
    let worst = points.iter().copied().reduce(f64::min)?;
    let best = points.iter().copied().reduce(f64::max)?;
    let mean = points.iter().sum::<f64>() / points.len() as f64;
    Some([worst, best, mean])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(capacity: usize, who: &str, percent: f64) -> Score {
        Score {
            trace: "trace".to_owned(),
            keys: 100,
            capacity,
            who: who.to_owned(),
            policy: "allkeys-lru",
            percent,
            held: 0,
            refused: 0,
        }
    }

    #[test]
    fn caches_are_compared_each_with_itself() {
        let scores = [
            score(1, "a", 50.0),
            score(2, "a", 70.0),
            score(2, "b", 71.0),
            score(1, "b", 48.0),
        ];
        let named = |who| (who, "allkeys-lru");
        let points = differences(&scores, named("a"), named("b"));
        assert_eq!(extremes_and_mean(&points), Some([-1.0, 2.0, 0.5]));
        assert_eq!(extremes_and_mean(&[]), None);
    }
}

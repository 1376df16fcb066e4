//! Requests: generated from a seed, or read from a file.

use std::{collections::HashMap, fs, path::Path};

use fastrand::Rng;

use crate::{Outcome, args::Args};

/// Requests of a generated trace.
const REQUESTS: usize = 1_000_000;
/// Keys that are requested again and again.
const KEYS: u32 = 1_000_000;
const SEED: u64 = 7;
/// Requests of a scan, and how often one begins: every fourth request belongs to one.
const SCAN: usize = 1000;
const SCAN_EVERY: usize = 3000;
/// Keys that scans go over.
const SCANNED: u32 = 4 * KEYS;
/// Requests until what is popular moves on, and by how many ranks.
const SHIFT_EVERY: usize = 250_000;
const SHIFT: usize = 6000;

/// Requests, each of the key of that number.
pub(super) struct Trace {
    pub(super) label: String,
    pub(super) requests: Vec<u32>,
    /// How many keys there are; caches are parts of that.
    pub(super) keys: usize,
}

/// The traces to replay, each made or read when its turn comes: what is given stands in place of
/// the generated ones that stand for it.
pub(super) fn all(args: &Args) -> impl Iterator<Item = Outcome<Trace>> + '_ {
    let stand_ins: &[Kind] = match args.traces.is_empty() {
        true => &[Kind::Feed, Kind::Loops],
        false => &[],
    };
    let kinds = [Kind::Zipf99, Kind::Zipf80, Kind::Scans, Kind::Shifting];
    let generated = kinds.into_iter().chain(stand_ins.iter().copied());
    let given = args.traces.iter();
    generated
        .map(|kind| Ok(kind.generate()))
        .chain(given.map(|(name, path)| read(name, path)))
}

/// A file of numbers, one a line, that stand for keys.
fn read(name: &str, path: &Path) -> Outcome<Trace> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Trace::of_text(name, &text)?)
}

impl Trace {
    fn of_text(name: &str, text: &str) -> Result<Trace, String> {
        let (mut numbers, mut requests) = (HashMap::<i64, u32>::new(), Vec::new());
        for (at, line) in text.lines().enumerate() {
            let key = line.trim().parse();
            let key = key.map_err(|_| format!("{name}: line {} is no number", at + 1))?;
            let next = numbers.len() as u32;
            requests.push(*numbers.entry(key).or_insert(next));
        }
        Ok(Trace {
            label: format!("public: {name}"),
            requests,
            keys: numbers.len(),
        })
    }

    /// How many requests fill the cache and are not counted.
    pub(super) fn warm_up(&self) -> usize {
        self.requests.len() / 5
    }
}

/// What generated requests are like.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Popularity by Zipf's law with skew 0.99.
    Zipf99,
    /// Popularity by Zipf's law with skew 0.8.
    Zipf80,
    /// The first, between scans over keys that hardly come again.
    Scans,
    /// The first, but what is popular changes: after each quarter of a million requests the most
    /// popular keys are others.
    Shifting,
    /// Half by Zipf's law, half keys that are new and come a few times soon: generated, as no
    /// public trace was at hand.
    Feed,
    /// Loops over more keys than fit, and Zipf's law beside: generated, as above.
    Loops,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Kind::Zipf99 => "Zipf 0.99",
            Kind::Zipf80 => "Zipf 0.8",
            Kind::Scans => "Zipf 0.99, a quarter scans",
            Kind::Shifting => "Zipf 0.99, shifting",
            Kind::Feed => "generated: a feed",
            Kind::Loops => "generated: loops",
        }
    }

    fn generate(self) -> Trace {
        Trace {
            label: self.label().to_owned(),
            requests: self.requests(REQUESTS),
            keys: KEYS as usize,
        }
    }

    fn requests(self, count: usize) -> Vec<u32> {
        let skew = match self {
            Kind::Zipf80 => 0.8,
            _ => 0.99,
        };
        let zipf = Zipf::new(skew);
        let mut rng = Rng::with_seed(SEED);
        let mut requests = Vec::with_capacity(count + SCAN);
        let mut next_new = KEYS;
        while requests.len() < count {
            let at = requests.len();
            match self {
                Kind::Zipf99 | Kind::Zipf80 => requests.push(zipf.draw(&mut rng)),
                Kind::Shifting => {
                    let shift = (at / SHIFT_EVERY * SHIFT) as u32;
                    requests.push((zipf.draw(&mut rng) + shift) % KEYS);
                }
                Kind::Scans => {
                    requests.push(zipf.draw(&mut rng));
                    if rng.usize(..SCAN_EVERY) == 0 {
                        let scan = (0..SCAN as u32).map(|n| KEYS + (next_new - KEYS + n) % SCANNED);
                        requests.extend(scan);
                        next_new += SCAN as u32;
                    }
                }
                Kind::Feed => {
                    if rng.bool() {
                        next_new += u32::from(rng.u8(..) < 64);
                        // The newer, the likelier: squared, the draw leans to what is near.
                        let age = (rng.f64().powi(2) * 20_000.0) as u32;
                        requests.push(next_new.saturating_sub(age));
                    } else {
                        requests.push(zipf.draw(&mut rng));
                    }
                }
                Kind::Loops => {
                    if rng.u8(..) < 77 {
                        next_new = KEYS + (next_new - KEYS + 1) % (KEYS / 8);
                        requests.push(next_new);
                    } else {
                        requests.push(zipf.draw(&mut rng));
                    }
                }
            }
        }
        requests.truncate(count);
        requests
    }
}

/// Draws keys, the most popular first, by the inverse of the cumulative sums.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(skew: f64) -> Zipf {
        let mut sum = 0.0;
        let sums = (1..=KEYS).map(|rank| {
            sum += f64::from(rank).powf(-skew);
            sum
        });
        Zipf(sums.collect())
    }

    fn draw(&self, rng: &mut Rng) -> u32 {
        let draw = rng.f64() * self.0.last().copied().unwrap_or_default();
        (self.0.partition_point(|&sum| sum < draw) as u32).min(KEYS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_follow_from_the_seed() {
        let kinds = [
            Kind::Zipf99,
            Kind::Zipf80,
            Kind::Scans,
            Kind::Shifting,
            Kind::Feed,
            Kind::Loops,
        ];
        for trace in kinds {
            let requests = trace.requests(20_000);
            assert_eq!(requests.len(), 20_000, "{trace:?}");
            assert_eq!(requests, trace.requests(20_000), "{trace:?}");
        }
    }

    #[test]
    fn a_quarter_of_the_requests_are_scans() {
        let requests = Kind::Scans.requests(400_000);
        let scanned = requests.iter().filter(|&&key| key >= KEYS).count();
        assert!((60_000..140_000).contains(&scanned), "{scanned}");
    }

    #[test]
    fn keys_of_files_are_numbered_as_they_come() {
        let trace = Trace::of_text("t", "70000000000\n-5\n70000000000\n").unwrap();
        assert_eq!((trace.requests, trace.keys), (vec![0, 1, 0], 2));
        let error = Trace::of_text("t", "1\ntwo\n").err().unwrap();
        assert_eq!(error, "t: line 2 is no number");
    }
}

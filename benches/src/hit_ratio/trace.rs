//! Requests, generated from a seed.

use fastrand::Rng;

/// Keys that are requested again and again.
pub(super) const KEYS: u32 = 1_000_000;
const SEED: u64 = 7;
/// Requests of a scan, and how often one begins: every fourth request belongs to one.
const SCAN: usize = 1000;
const SCAN_EVERY: usize = 3000;
/// Keys that scans go over.
const SCANNED: u32 = 4 * KEYS;
/// Requests until what is popular moves on, and by how many ranks.
const SHIFT_EVERY: usize = 250_000;
const SHIFT: usize = 6000;

/// What requests are like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trace {
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

pub(super) const ALL: [Trace; 6] = [
    Trace::Zipf99,
    Trace::Zipf80,
    Trace::Scans,
    Trace::Shifting,
    Trace::Feed,
    Trace::Loops,
];

impl Trace {
    pub(super) fn label(self) -> &'static str {
        match self {
            Trace::Zipf99 => "Zipf 0.99",
            Trace::Zipf80 => "Zipf 0.8",
            Trace::Scans => "Zipf 0.99, a quarter scans",
            Trace::Shifting => "Zipf 0.99, shifting",
            Trace::Feed => "generated: a feed",
            Trace::Loops => "generated: loops",
        }
    }

    pub(super) fn requests(self, count: usize) -> Vec<u32> {
        let skew = match self {
            Trace::Zipf80 => 0.8,
            _ => 0.99,
        };
        let zipf = Zipf::new(skew);
        let mut rng = Rng::with_seed(SEED);
        let mut requests = Vec::with_capacity(count + SCAN);
        let mut next_new = KEYS;
        while requests.len() < count {
            let at = requests.len();
            match self {
                Trace::Zipf99 | Trace::Zipf80 => requests.push(zipf.draw(&mut rng)),
                Trace::Shifting => {
                    let shift = (at / SHIFT_EVERY * SHIFT) as u32;
                    requests.push((zipf.draw(&mut rng) + shift) % KEYS);
                }
                Trace::Scans => {
                    requests.push(zipf.draw(&mut rng));
                    if rng.usize(..SCAN_EVERY) == 0 {
                        let scan = (0..SCAN as u32).map(|n| KEYS + (next_new - KEYS + n) % SCANNED);
                        requests.extend(scan);
                        next_new += SCAN as u32;
                    }
                }
                Trace::Feed => {
                    if rng.bool() {
                        next_new += u32::from(rng.u8(..) < 64);
                        // The newer, the likelier: squared, the draw leans to what is near.
                        let age = (rng.f64().powi(2) * 20_000.0) as u32;
                        requests.push(next_new.saturating_sub(age));
                    } else {
                        requests.push(zipf.draw(&mut rng));
                    }
                }
                Trace::Loops => {
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
        for trace in ALL {
            let requests = trace.requests(20_000);
            assert_eq!(requests.len(), 20_000, "{trace:?}");
            assert_eq!(requests, trace.requests(20_000), "{trace:?}");
        }
    }

    #[test]
    fn a_quarter_of_the_requests_are_scans() {
        let requests = Trace::Scans.requests(400_000);
        let scanned = requests.iter().filter(|&&key| key >= KEYS).count();
        assert!((60_000..140_000).contains(&scanned), "{scanned}");
    }
}

//! Which key comes next.

/// How keys are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Draw {
    /// Each as often as any other.
    Uniform,
    /// By a power law with that exponent below 1, the most frequent anywhere.
    Zipf(f64),
}

impl Draw {
    /// A number below `keys`.
    pub(crate) fn draw(self, rng: &mut fastrand::Rng, keys: usize) -> usize {
        match self {
            Draw::Uniform => rng.usize(..keys),
            Draw::Zipf(exponent) => {
                // The inverse of the continuous distribution; ranks are then scattered.
                let power = 1.0 - exponent;
                let top = (keys as f64).powf(power);
                let rank = (rng.f64() * (top - 1.0) + 1.0).powf(1.0 / power) as usize;
                rank.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_keys_are_drawn_most_of_the_time() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut drawn = vec![0usize; 10_000];
        (0..100_000).for_each(|_| drawn[Draw::Zipf(0.99).draw(&mut rng, 10_000)] += 1);
        drawn.sort_unstable();
        let of_hundred: usize = drawn.iter().rev().take(100).sum();
        assert!((40_000..70_000).contains(&of_hundred), "{of_hundred}");
    }
}

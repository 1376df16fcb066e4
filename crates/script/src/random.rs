//! The generator behind `math.random`: 48 bits, linear, the same sequence on every machine.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// `drand48`'s generator, as Redis has it.
#[derive(Debug)]
pub(crate) struct Random {
    /// 48 bits.
    state: AtomicU64,
}

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const MASK: u64 = (1 << 48) - 1;

impl Default for Random {
    fn default() -> Random {
        Random {
            state: AtomicU64::new(0x1234_ABCD_330E),
        }
    }
}

impl Random {
    /// Begins the sequence of a seed.
    pub(crate) fn seed(&self, seed: i32) {
        let high = u64::from(seed as u32);
        self.state.store(high << 16 | 0x330E, Relaxed);
    }

    /// The next number, from 0 to less than 1.
    pub(crate) fn next(&self) -> f64 {
        let state = self.state.load(Relaxed);
        let next = state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & MASK;
        self.state.store(next, Relaxed);
        let range = i64::from(i32::MAX);
        ((next >> 17) as i64 % range) as f64 / range as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `math.randomseed(1)` and two calls of `math.random()` give in Redis 7.0.
    #[test]
    fn a_seed_gives_the_sequence_of_redis() {
        let random = Random::default();
        random.seed(0);
        let first = random.next();
        assert_eq!((first * 1e9).floor(), 170_828_036.0);
        random.seed(0);
        assert_eq!(random.next(), first);
        assert_ne!(random.next(), first);
    }
}

//! The best candidates seen so far, as Redis's `evictionPoolPopulate` keeps them.

use units::DbIndex;

/// How many candidates are remembered from one eviction to the next.
const POOL_SIZE: usize = 16;

/// A key that may be evicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The larger, the sooner it should go.
    pub(super) staleness: u64,
    pub(super) db: DbIndex,
    pub(super) key: Vec<u8>,
}

/// Up to [`POOL_SIZE`] candidates, the stalest last.
///
/// A key that is drawn twice is in it twice, and one that was removed since stays until its turn:
/// whoever takes it finds it gone.
#[derive(Debug, Default)]
pub(crate) struct Pool(Vec<Candidate>);

impl Pool {
    /// Takes a key in if there is room, or if it is staler than the least stale one, which leaves.
    pub(crate) fn offer(&mut self, staleness: u64, db: DbIndex, key: &[u8]) {
        let mut at = self
            .0
            .partition_point(|candidate| candidate.staleness < staleness);
        if self.0.len() == POOL_SIZE {
            if at == 0 {
                return;
            }
            self.0.remove(0);
            at -= 1;
        }
        let key = key.to_vec();
        let candidate = Candidate { staleness, db, key };
        self.0.insert(at, candidate);
    }

    /// Takes the stalest candidate out.
    pub(super) fn take(&mut self) -> Option<Candidate> {
        self.0.pop()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule as Redis writes it, over 16 places of which some are free.
    fn redis(pool: &mut [Option<u64>; POOL_SIZE], idle: u64) {
        let last = POOL_SIZE - 1;
        let mut k = 0;
        while k < POOL_SIZE && pool[k].is_some_and(|known| known < idle) {
            k += 1;
        }
        if k == 0 && pool[last].is_some() {
            return;
        } else if k < POOL_SIZE && pool[k].is_none() {
        } else if pool[last].is_none() {
            pool[k..].rotate_right(1);
        } else {
            k -= 1;
            pool[..=k].rotate_left(1);
        }
        pool[k] = Some(idle);
    }

    proptest! {
        #[test]
        fn the_pool_takes_what_redis_would(steps in prop::collection::vec((0..40u64, any::<bool>()), 0..120)) {
            let (mut pool, mut model) = (Pool::default(), [None; POOL_SIZE]);
            for (staleness, take) in steps {
                if take {
                    let best = model.iter_mut().rev().find(|place| place.is_some());
                    let best = best.and_then(Option::take);
                    prop_assert_eq!(pool.take().map(|candidate| candidate.staleness), best);
                } else {
                    pool.offer(staleness, DbIndex(0), b"key");
                    redis(&mut model, staleness);
                }
                let held: Vec<_> = pool.0.iter().map(|candidate| candidate.staleness).collect();
                let expected: Vec<_> = model.iter().copied().flatten().collect();
                prop_assert_eq!(held, expected);
            }
        }
    }

    #[test]
    fn the_stalest_comes_out_first() {
        let mut pool = Pool::default();
        (0..40).for_each(|n| pool.offer(n * 7 % 40, DbIndex(1), n.to_string().as_bytes()));
        let first = pool.take().map(|candidate| candidate.staleness);
        assert_eq!(first, Some(39));
        let rest = std::iter::from_fn(|| pool.take()).count();
        assert_eq!(rest, POOL_SIZE - 1);
    }
}

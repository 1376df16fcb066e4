//! Choosing the keys that go when memory is short, as Redis does: a few keys drawn at random at a
//! time, the best of them remembered in a pool, the best of the pool evicted.
//!
//! One shard is locked at a time: for reading to draw, for writing to evict.

mod pool;

pub(crate) use pool::Pool;

use crate::plan::{Mode, Plan};
use crate::{Keys, Keyspace};
use units::{DbIndex, UnixMillis};

/// Which keys go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvictionOrder {
    /// Those that the access policy in force thinks the least of.
    Access,
    /// Those with the earliest deadline.
    Deadline,
    /// Any.
    Random,
}

/// What may be evicted, and what of it first: a `maxmemory-policy` other than `noeviction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvictionRule {
    /// Whether only keys with a deadline may go.
    pub volatile: bool,
    /// Which go first.
    pub order: EvictionOrder,
    /// `maxmemory-samples`: keys drawn from each database for each one that goes.
    pub samples: usize,
}

/// Evicts keys, and remembers candidates from one to the next.
#[derive(Debug)]
pub struct Evictor {
    pool: Pool,
    /// The rule that the candidates in the pool were chosen by.
    rule: Option<EvictionRule>,
    rng: fastrand::Rng,
    /// The database whose turn it is to lose a key at random.
    next_db: u32,
}

/// Rounds of drawing in which every candidate was gone again before it is given up: others evict
/// or write faster than this thread looks.
const ROUNDS: usize = 100;

impl Evictor {
    /// An evictor whose draws follow from `seed`.
    pub fn new(seed: u64) -> Evictor {
        Evictor {
            pool: Pool::default(),
            rule: None,
            rng: fastrand::Rng::with_seed(seed),
            next_db: 0,
        }
    }

    /// Evicts one key; whether there was one to evict. No shard is held by the caller.
    ///
    /// `log` is told of the key while its shard is still locked.
    pub fn evict(
        &mut self,
        keyspace: &Keyspace,
        rule: EvictionRule,
        now: UnixMillis,
        log: &mut dyn FnMut(DbIndex, &[u8]),
    ) -> bool {
        if self.rule != Some(rule) {
            self.pool.clear();
            self.rule = Some(rule);
        }
        for _ in 0..ROUNDS {
            let seen = match rule.order {
                EvictionOrder::Random => self.draw_one(keyspace, rule, now),
                _ => self.draw_from_all(keyspace, rule, now),
            };
            if !seen {
                return false;
            }
            while let Some(candidate) = self.pool.take() {
                let (db, key) = (candidate.db, &candidate.key[..]);
                let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &[key]), now);
                if keys.evict(db, key, rule.volatile) {
                    log(db, key);
                    // Told of already.
                    keys.take_changed();
                    return true;
                }
            }
        }
        false
    }

    /// Draws from every database that has something to evict; whether any has.
    fn draw_from_all(&mut self, keyspace: &Keyspace, rule: EvictionRule, now: UnixMillis) -> bool {
        let mut any = false;
        for db in (0..keyspace.databases()).map(DbIndex) {
            any |= self.draw(keyspace, rule, db, now);
        }
        any
    }

    /// Draws from the next database that has something to evict; whether any has.
    fn draw_one(&mut self, keyspace: &Keyspace, rule: EvictionRule, now: UnixMillis) -> bool {
        let databases = keyspace.databases();
        for _ in 0..databases {
            self.next_db = (self.next_db + 1) % databases;
            if self.draw(keyspace, rule, DbIndex(self.next_db), now) {
                return true;
            }
        }
        false
    }

    /// Draws from a shard, and from the next ones if it has not enough; whether there was anything.
    fn draw(
        &mut self,
        keyspace: &Keyspace,
        rule: EvictionRule,
        db: DbIndex,
        now: UnixMillis,
    ) -> bool {
        let mut wanted = match rule.order {
            EvictionOrder::Random => 1,
            _ => rule.samples.max(1),
        };
        let shards = keyspace.shards();
        let first = self.rng.usize(..shards);
        let mut any = false;
        for shard in (0..shards).map(|n| (first + n) % shards) {
            let here = keyspace.evictable(shard, db, rule.volatile).min(wanted);
            if here > 0 {
                let keys: Keys<'_> = keyspace.lock(Plan::shard(Mode::Read, shard), now);
                keys.offer_candidates(db, rule, here, &mut self.rng, &mut self.pool);
                any = true;
                wanted -= here;
            }
            if wanted == 0 {
                break;
            }
        }
        any
    }
}

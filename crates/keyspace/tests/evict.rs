//! Sampled eviction against plain references: which keys go, and how many requests find theirs.

use keyspace::{
    AccessPolicy, EvictionOrder, EvictionRule, Evictor, Keyspace, Mode, Options, OverBudget, Plan,
    Ttl,
};
use std::collections::{BTreeSet, HashMap};
use units::{DbIndex, ReplOffset, UnixMillis};

const DB: DbIndex = DbIndex(0);
const RULE: EvictionRule = EvictionRule {
    volatile: false,
    order: EvictionOrder::Access,
    samples: 5,
};

/// Requests by Zipf's law, skew 0.9, over so many keys: the inverse of the cumulative sums.
fn zipf(keys: usize, requests: usize) -> Vec<u32> {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-0.9);
            sum
        })
        .collect();
    (0..requests)
        .map(|_| {
            let draw = rng.f64() * sum;
            sums.partition_point(|&sum| sum < draw) as u32
        })
        .collect()
}

/// Redis's rule over a plain vector: samples into a pool of sixteen, the idlest of it goes.
struct Reference {
    keys: Vec<u32>,
    used: HashMap<u32, (usize, usize)>,
    pool: Vec<(usize, u32)>,
    rng: fastrand::Rng,
}

impl Reference {
    fn evict(&mut self) {
        loop {
            for _ in 0..RULE.samples {
                let key = self.keys[self.rng.usize(..self.keys.len())];
                let used = self.used[&key].1;
                let at = self.pool.partition_point(|&(other, _)| other > used);
                if self.pool.len() < 16 {
                    self.pool.insert(at, (used, key));
                } else if at > 0 {
                    self.pool.remove(0);
                    self.pool.insert(at - 1, (used, key));
                }
            }
            while let Some((_, key)) = self.pool.pop() {
                if let Some((at, _)) = self.used.remove(&key) {
                    self.keys.swap_remove(at);
                    if let Some(moved) = self.keys.get(at) {
                        self.used.entry(*moved).and_modify(|(place, _)| *place = at);
                    }
                    return;
                }
            }
        }
    }

    fn hits(trace: &[u32], capacity: usize) -> usize {
        let mut cache = Reference {
            keys: Vec::new(),
            used: HashMap::new(),
            pool: Vec::new(),
            rng: fastrand::Rng::with_seed(3),
        };
        let mut hits = 0;
        for (now, &key) in trace.iter().enumerate() {
            if let Some((_, used)) = cache.used.get_mut(&key) {
                *used = now;
                hits += 1;
                continue;
            }
            if cache.keys.len() == capacity {
                cache.evict();
            }
            cache.used.insert(key, (cache.keys.len(), now));
            cache.keys.push(key);
        }
        hits
    }
}

/// Requests that found their key in a keyspace of so many keys, each request a second after the
/// one before it.
fn hits(policy: AccessPolicy, trace: &[u32], capacity: usize) -> usize {
    let keyspace = Keyspace::new(Options {
        shards: 4,
        databases: 1,
        ..Options::default()
    });
    keyspace.set_access_policy(policy);
    let mut evictor = Evictor::new(5);
    let mut hits = 0;
    for (now, key) in (1..).zip(trace) {
        let (now, name) = (UnixMillis(now * 1000), key.to_be_bytes());
        let found = |mode| {
            let keys = keyspace.lock(keyspace.plan(mode, &[&name]), now);
            keys.get(DB, &name).is_some()
        };
        if found(Mode::Read) {
            hits += 1;
            continue;
        }
        if keyspace.len(DB) == capacity {
            assert!(evictor.evict(&keyspace, RULE, now, &mut |_, _| ()));
        }
        let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &[&name]), now);
        keys.set_string(DB, &name, b"value", Ttl::Clear);
    }
    keyspace.check();
    assert_shards_are_even(&keyspace);
    hits
}

/// No shard loses keys because it has lost some before.
fn assert_shards_are_even(keyspace: &Keyspace) {
    let len = |shard| {
        let plan = Plan::shard(Mode::Read, shard);
        keyspace.lock(plan, UnixMillis(0)).len(DB)
    };
    let lens: Vec<usize> = (0..keyspace.shards()).map(len).collect();
    let mean = keyspace.len(DB) / lens.len();
    let even = lens.iter().all(|len| len.abs_diff(mean) * 5 < mean);
    assert!(even, "keys of each shard: {lens:?}");
}

#[test]
fn sampled_lru_finds_what_redis_would_and_lrfu_finds_more() {
    let trace = zipf(20_000, 200_000);
    let reference = Reference::hits(&trace, 2000) as f64 / trace.len() as f64;
    let lru = hits(AccessPolicy::Lru, &trace, 2000) as f64 / trace.len() as f64;
    assert!(
        (lru - reference).abs() < 0.005,
        "{lru} instead of {reference}"
    );
    let lrfu = hits(AccessPolicy::Lrfu { half_life: 4 }, &trace, 2000) as f64 / trace.len() as f64;
    assert!(lrfu > lru + 0.02, "{lrfu} is hardly more than {lru}");
}

/// A keyspace of so many keys, every third of which has a deadline.
fn some_volatile(keys: usize) -> Keyspace {
    let keyspace = Keyspace::new(Options {
        shards: 2,
        ..Options::default()
    });
    for n in 0..keys {
        let name = n.to_string();
        let deadline = UnixMillis(1_000_000 + n as i64);
        let ttl = match n % 3 {
            0 => Ttl::At(deadline),
            _ => Ttl::Clear,
        };
        let plan = keyspace.plan(Mode::Write, &[name.as_bytes()]);
        let mut held = keyspace.lock(plan, UnixMillis(0));
        held.set_string(DbIndex(n as u32 % 2), name.as_bytes(), b"value", ttl);
    }
    keyspace
}

#[test]
fn each_rule_evicts_all_that_it_may_and_nothing_else() {
    for order in [
        EvictionOrder::Access,
        EvictionOrder::Deadline,
        EvictionOrder::Random,
    ] {
        let keyspace = some_volatile(900);
        let mut evictor = Evictor::new(1);
        let rule = |volatile| EvictionRule {
            volatile,
            order,
            samples: 5,
        };
        let mut gone = BTreeSet::new();
        let mut log = |db: DbIndex, key: &[u8]| {
            gone.insert((db.0, key.to_vec()));
        };
        while evictor.evict(&keyspace, rule(true), UnixMillis(0), &mut log) {}
        assert_eq!(gone.len(), 300, "{order:?}");
        let mut numbers = gone.iter().map(|(_, key)| String::from_utf8_lossy(key));
        assert!(numbers.all(|key| key.parse::<u32>().unwrap() % 3 == 0));
        assert_eq!(
            (keyspace.len(DbIndex(0)), keyspace.len(DbIndex(1))),
            (300, 300)
        );
        while evictor.evict(&keyspace, rule(false), UnixMillis(0), &mut |_, _| ()) {}
        assert!(keyspace.is_empty());
        keyspace.check();
    }
}

/// Keys that are frozen stay in the view.
#[test]
fn a_view_keeps_what_is_evicted_after_it() {
    let keyspace = some_volatile(300);
    let mut view = keyspace.freeze(OverBudget::Cancel, ReplOffset::default);
    let mut evictor = Evictor::new(1);
    while evictor.evict(&keyspace, RULE, UnixMillis(0), &mut |_, _| ()) {}
    let mut kept = 0;
    for db in [DbIndex(0), DbIndex(1)] {
        while let Ok(Some(segment)) = view.next_segment(db) {
            kept += segment.len();
        }
    }
    assert_eq!(kept, 300);
}

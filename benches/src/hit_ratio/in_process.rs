//! The keyspace by itself, at an exact number of keys and a pace of our choosing.

use keyspace::{AccessPolicy, EvictionOrder, EvictionRule, Evictor, Keyspace, Mode, Options, Ttl};
use units::{DbIndex, UnixMillis};

/// Policies with the readings of the access stamp that they stand for.
pub(super) const POLICIES: [(&str, EvictionOrder, AccessPolicy); 5] = [
    ("allkeys-lru", EvictionOrder::Access, AccessPolicy::Lru),
    ("allkeys-lfu", EvictionOrder::Access, LFU),
    ("allkeys-lrfu", EvictionOrder::Access, LRFU),
    ("allkeys-lrm", EvictionOrder::Access, AccessPolicy::Lrm),
    ("allkeys-random", EvictionOrder::Random, AccessPolicy::Lru),
];
const LFU: AccessPolicy = AccessPolicy::Lfu {
    log_factor: 10,
    decay_minutes: 1,
};
const LRFU: AccessPolicy = AccessPolicy::Lrfu { half_life: 4 };

/// Requests after the first `warm_up` that find their key among `capacity`, a thousand a second.
pub(super) fn hits(
    order: EvictionOrder,
    access: AccessPolicy,
    requests: &[u32],
    capacity: usize,
    warm_up: usize,
) -> usize {
    let keyspace = Keyspace::new(Options {
        shards: 8,
        databases: 1,
        ..Options::default()
    });
    keyspace.set_access_policy(access);
    let rule = EvictionRule {
        volatile: false,
        order,
        samples: 5,
    };
    let mut evictor = Evictor::new(1);
    let mut hits = 0;
    for (at, &key) in requests.iter().enumerate() {
        let (now, name) = (UnixMillis(at as i64), key.to_be_bytes());
        let plan = keyspace.plan(Mode::Read, &[&name]);
        if keyspace.lock(plan, now).get(DbIndex::ZERO, &name).is_some() {
            hits += usize::from(at >= warm_up);
            continue;
        }
        if keyspace.len(DbIndex::ZERO) >= capacity {
            evictor.evict(&keyspace, rule, now, &mut |_, _| ());
        }
        let plan = keyspace.plan(Mode::Write, &[&name]);
        let mut keys = keyspace.lock(plan, now);
        keys.set_string(DbIndex::ZERO, &name, b"value", Ttl::Clear);
    }
    hits
}

//! Which keys a policy takes, and in which order.

use crate::digest;
use crate::record::Key;
use std::str::FromStr;

/// What a server evicts when memory runs out (`maxmemory-policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    name: &'static str,
    volatile_only: bool,
    ranking: Ranking,
}

/// By what keys are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranking {
    /// None goes.
    Stay,
    /// Those not used for longest go first.
    Idle,
    /// Those used least go first.
    Frequency,
    /// Those that expire soonest go first.
    Deadline,
    /// Any goes.
    Random,
}

impl Policy {
    /// All of them.
    pub const ALL: [Policy; 8] = [
        Policy::new("noeviction", false, Ranking::Stay),
        Policy::new("allkeys-lru", false, Ranking::Idle),
        Policy::new("allkeys-lfu", false, Ranking::Frequency),
        Policy::new("allkeys-random", false, Ranking::Random),
        Policy::new("volatile-lru", true, Ranking::Idle),
        Policy::new("volatile-lfu", true, Ranking::Frequency),
        Policy::new("volatile-random", true, Ranking::Random),
        Policy::new("volatile-ttl", true, Ranking::Deadline),
    ];

    const fn new(name: &'static str, volatile_only: bool, ranking: Ranking) -> Policy {
        Policy {
            name,
            volatile_only,
            ranking,
        }
    }

    /// As servers call it.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether it may take the key.
    pub(super) fn takes(self, key: &Key<'_>) -> bool {
        let is_eligible = key.expire.is_some() || !self.volatile_only;
        is_eligible && self.ranking != Ranking::Stay
    }

    /// The rank of a key, the lowest goes first; `None` if the file does not say.
    pub(super) fn rank(self, key: &Key<'_>) -> Option<u64> {
        match self.ranking {
            Ranking::Idle => key.idle_secs.map(|secs| u64::MAX - secs),
            Ranking::Frequency => key.freq.map(u64::from),
            Ranking::Deadline => key.expire.map(|at| at.0.cast_unsigned() ^ (1 << 63)),
            Ranking::Random | Ranking::Stay => Some(0),
        }
    }
}

/// What decides between keys of one rank: as good as chance, and the same each time.
pub(super) fn lot(key: &Key<'_>) -> u64 {
    (digest::of_name(key.db, key.name) >> 64) as u64
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(name: &str) -> Result<Policy, String> {
        let known = Policy::ALL.into_iter().find(|policy| policy.name == name);
        known.ok_or_else(|| {
            let names = Policy::ALL.map(Policy::name).join(", ");
            format!("expected one of {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Encoding, Type};
    use units::UnixMillis;

    #[test]
    fn what_goes_first_is_what_the_name_says() {
        let key = |expire: Option<i64>, idle_secs, freq| Key {
            db: 0,
            name: b"k",
            expire: expire.map(UnixMillis),
            idle_secs: Some(idle_secs),
            freq: Some(freq),
            kind: Type::String,
            encoding: Encoding::Raw,
            offset: 0,
        };
        let rank = |name: &str, key: &Key<'_>| name.parse::<Policy>().unwrap().rank(key);
        let (old, new) = (key(Some(-5), 90, 200), key(Some(7), 10, 100));
        assert!(rank("allkeys-lru", &old) < rank("allkeys-lru", &new));
        assert!(rank("volatile-lfu", &old) > rank("volatile-lfu", &new));
        assert!(rank("volatile-ttl", &old) < rank("volatile-ttl", &new));
        let lasting = key(None, 90, 200);
        let takes = |policy: &Policy| policy.takes(&lasting);
        let taken: Vec<_> = Policy::ALL.into_iter().filter(takes).collect();
        assert!(
            taken
                .iter()
                .all(|policy| policy.name().starts_with("allkeys"))
        );
        assert_eq!(taken.len(), 3);
        assert!("lru".parse::<Policy>().is_err());
    }
}

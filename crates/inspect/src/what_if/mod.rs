//! What would stay in memory under another `maxmemory`, policy and limits of compact forms.
//!
//! Keys are ranked as the policy ranks them, by what the file says of their use, and taken out in that
//! order until the rest fits. Servers draw samples, so what they evict is near to this and not the same.

mod limits;
mod policy;

pub use limits::Limits;
pub use policy::Policy;

use self::limits::Forms;
use crate::error::Error;
use crate::estimate;
use crate::record::{Fact, Figures, Key, Piece, Type, Visitor};
use crate::sorter::Sorter;
use crate::summary::{DBS_MAX, Share};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use storage::Storage;

/// Gathers what keys weigh and how they rank.
#[derive(Debug)]
pub struct WhatIf<S: Storage> {
    policy: Policy,
    limits: Limits,
    forms: Forms,
    /// Whether the value under way is being weighed in other forms.
    weighs: bool,
    sorter: Sorter<S, RECORD>,
    dbs: BTreeMap<u32, (u64, u64)>,
    outcome: Outcome,
}

/// Rank, lot and bytes of memory, big-endian, then the type.
const RECORD: usize = 8 + 8 + 8 + 1;

/// What a server takes for itself, in bytes: Redis 7.0 without keys, with a few clients.
pub const SERVER: u64 = 1 << 20;

/// What fits, and what does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// All keys by type, as in [`Type::ALL`], with what the databases' tables keep of each.
    pub keys: [Share; Type::ALL.len()],
    /// Of these, those that would be evicted.
    pub evicted: [Share; Type::ALL.len()],
    /// Bytes of all keys in the forms that the file has.
    pub as_filed: u64,
    /// Bytes of the databases' buckets; servers give them back late, if at all.
    pub buckets: u64,
    /// Keys that the policy may take.
    pub evictable: Share,
    /// Of these, those of which the file does not say what the policy ranks by. They go last, by lot.
    pub unranked: u64,
}

impl Outcome {
    /// Bytes that a server needs to evict nothing.
    pub fn need(&self) -> u64 {
        SERVER + self.buckets + sum(&self.keys).memory
    }

    /// Bytes that it has in use in the end.
    pub fn used(&self) -> u64 {
        self.need() - sum(&self.evicted).memory
    }
}

/// What shares come to together.
pub fn sum(shares: &[Share]) -> Share {
    shares.iter().fold(Share::default(), |sum, share| Share {
        keys: sum.keys + share.keys,
        memory: sum.memory + share.memory,
    })
}

impl<S: Storage> WhatIf<S> {
    /// Under a policy and limits. Sorting goes through `temp`.
    pub fn new(storage: &S, temp: &Path, policy: Policy, limits: Limits) -> WhatIf<S> {
        WhatIf {
            policy,
            limits,
            forms: Forms::default(),
            weighs: false,
            sorter: Sorter::new(storage, temp),
            dbs: BTreeMap::new(),
            outcome: Outcome::default(),
        }
    }

    /// What stays if a server may take so many bytes; everything does if that is not said.
    pub fn under(self, maxmemory: Option<u64>) -> Result<Outcome, Error> {
        let mut outcome = self.outcome;
        let dbs = self.dbs.values();
        let buckets = dbs.map(|(keys, expires)| estimate::buckets(*keys, *expires));
        outcome.buckets = buckets.sum();
        let mut sorted = self.sorter.finish()?;
        let mut used = outcome.need();
        while maxmemory.is_some_and(|most| used > most) {
            let Some(record) = sorted.next()? else {
                break;
            };
            let (memory, kind) = unpack(&record);
            used -= memory;
            count(&mut outcome.evicted, kind, memory);
        }
        Ok(outcome)
    }

    fn note_db(&mut self, key: &Key<'_>) {
        let known = self.dbs.len() < DBS_MAX || self.dbs.contains_key(&key.db);
        let db = if known { key.db } else { u32::MAX };
        let (keys, expires) = self.dbs.entry(db).or_default();
        *keys += 1;
        *expires += u64::from(key.expire.is_some());
    }
}

fn count(shares: &mut [Share], kind: usize, memory: u64) {
    if let Some(share) = shares.get_mut(kind) {
        share.keys += 1;
        share.memory += memory;
    }
}

fn pack(rank: u64, lot: u64, memory: u64, kind: Type) -> [u8; RECORD] {
    let numbers = [rank, lot, memory].map(u64::to_be_bytes);
    let mut record = [kind as u8; RECORD];
    for (to, from) in record.iter_mut().zip(numbers.as_flattened()) {
        *to = *from;
    }
    record
}

/// The memory and the type.
fn unpack(record: &[u8; RECORD]) -> (u64, usize) {
    let [.., a, b, c, d, e, f, g, h, kind] = *record;
    let memory = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    (memory, usize::from(kind))
}

impl<S: Storage> Visitor for WhatIf<S> {
    fn fact(&mut self, _: &Fact<'_>) -> io::Result<()> {
        Ok(())
    }

    fn key(&mut self, key: &Key<'_>) -> io::Result<bool> {
        self.weighs = self.limits.concern(key);
        if self.weighs {
            self.forms.start(key);
        }
        Ok(self.weighs)
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        self.forms.piece(piece);
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> io::Result<()> {
        if !keep {
            return Ok(());
        }
        let entries = estimate::entries(1, u64::from(key.expire.is_some()));
        let filed = figures.memory + estimate::unseen(key.encoding, figures.elements);
        let other = match self.weighs {
            true => self.forms.memory(key, &self.limits),
            false => None,
        };
        let memory = other.unwrap_or(filed) + entries;
        self.note_db(key);
        count(&mut self.outcome.keys, key.kind as usize, memory);
        self.outcome.as_filed += filed + entries;
        if !self.policy.takes(key) {
            return Ok(());
        }
        self.outcome.evictable.keys += 1;
        self.outcome.evictable.memory += memory;
        let rank = self.policy.rank(key);
        self.outcome.unranked += u64::from(rank.is_none());
        let rank = rank.unwrap_or(u64::MAX);
        let record = pack(rank, policy::lot(key), memory, key.kind);
        Ok(self.sorter.push(record)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Encoding;
    use storage::Memory;
    use units::UnixMillis;

    /// Ten keys of 10 KiB, 20 KiB and so on, idle for as many seconds; every other has a deadline.
    fn outcome(policy: &str, maxmemory: u64) -> Outcome {
        let disk = Memory::new();
        disk.create_dir(Path::new("tmp")).unwrap();
        let policy = policy.parse().unwrap();
        let mut what_if = WhatIf::new(&disk, Path::new("tmp"), policy, Limits::default());
        for number in 1..=10_u64 {
            let key = Key {
                db: 0,
                name: &number.to_le_bytes(),
                expire: number
                    .is_multiple_of(2)
                    .then_some(UnixMillis(number as i64)),
                idle_secs: Some(number),
                freq: None,
                kind: Type::String,
                encoding: Encoding::Raw,
                offset: 0,
            };
            let figures = Figures {
                memory: number * 10_240,
                ..Figures::default()
            };
            assert!(!what_if.key(&key).unwrap());
            what_if.end_key(&key, &figures, true).unwrap();
        }
        what_if.under(Some(SERVER + (maxmemory << 10))).unwrap()
    }

    fn evicted(policy: &str, maxmemory: u64) -> (u64, u64) {
        let share = sum(&outcome(policy, maxmemory).evicted);
        (share.keys, share.memory >> 10)
    }

    #[test]
    fn keys_go_by_rank_until_the_rest_fits() {
        assert_eq!(evicted("allkeys-lru", 560), (0, 0));
        // The most idle ones: 100 and 90.
        assert_eq!(evicted("allkeys-lru", 400), (2, 190));
        // Those with a deadline, the soonest first: 20, 40, 60, 80.
        assert_eq!(evicted("volatile-ttl", 400), (4, 200));
        assert_eq!(evicted("noeviction", 400), (0, 0));
        assert_eq!(evicted("allkeys-random", 0), (10, 550));
    }

    #[test]
    fn what_cannot_go_is_told() {
        let few = outcome("volatile-lru", 100);
        assert_eq!((few.evictable.keys, few.unranked), (5, 0));
        assert!(few.used() > SERVER + (250 << 10) && few.need() > few.used());
        assert_eq!(outcome("allkeys-lfu", 100).unranked, 10);
    }
}

//! The largest of many, in bounded memory.

use crate::record::{Encoding, Figures, Key, Type};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Longer names are cut to this, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// A key that is among the largest by some measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopKey {
    /// How large it is by that measure.
    pub rank: u64,
    /// Its database.
    pub db: u32,
    /// Its name, its first 1,024 bytes at most.
    pub name: Vec<u8>,
    /// What its value is.
    pub kind: Type,
    /// In which form.
    pub encoding: Encoding,
    /// What is known of it.
    pub figures: Figures,
    /// When it expires, in Unix milliseconds.
    pub expire_ms: Option<i64>,
}

impl Ord for TopKey {
    fn cmp(&self, other: &TopKey) -> Ordering {
        // Of equal keys the one that sorts first is the larger, whatever order they came in.
        let names = || (other.db, &other.name).cmp(&(self.db, &self.name));
        self.rank.cmp(&other.rank).then_with(names)
    }
}

impl PartialOrd for TopKey {
    fn partial_cmp(&self, other: &TopKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keeps the `limit` largest of the keys that it is offered.
#[derive(Debug)]
pub struct Top {
    limit: usize,
    least: u64,
    heap: BinaryHeap<Reverse<TopKey>>,
}

impl Top {
    pub(crate) fn new(limit: usize) -> Top {
        Top {
            limit,
            least: 0,
            heap: BinaryHeap::new(),
        }
    }

    /// Notes a key if it is large enough.
    #[inline]
    pub(crate) fn offer(&mut self, rank: u64, key: &Key<'_>, figures: &Figures) {
        if rank >= self.least && self.limit > 0 {
            self.push(rank, key, figures);
        }
    }

    fn push(&mut self, rank: u64, key: &Key<'_>, figures: &Figures) {
        let name = key.name.get(..NAME_BYTES_MAX).unwrap_or(key.name);
        if let Some(Reverse(least)) = self.heap.peek().filter(|_| self.heap.len() == self.limit) {
            let is_less = rank == least.rank && (key.db, name) >= (least.db, &*least.name);
            if is_less {
                return;
            }
            self.heap.pop();
        }
        self.heap.push(Reverse(TopKey {
            rank,
            db: key.db,
            name: name.to_vec(),
            kind: key.kind,
            encoding: key.encoding,
            figures: *figures,
            expire_ms: key.expire.map(|at| at.0),
        }));
        if self.heap.len() == self.limit {
            self.least = self.heap.peek().map_or(0, |least| least.0.rank);
        }
    }

    /// The keys, the largest first.
    pub fn keys(&self) -> Vec<&TopKey> {
        let mut keys: Vec<&TopKey> = self.heap.iter().map(|key| &key.0).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(top: &mut Top, rank: u64, name: &[u8]) {
        let key = Key {
            db: 0,
            name,
            expire: None,
            idle_secs: None,
            freq: None,
            kind: Type::String,
            encoding: Encoding::Raw,
            offset: 0,
        };
        top.offer(rank, &key, &Figures::default());
    }

    #[test]
    fn the_largest_stay_in_any_order_of_arrival() {
        let names: Vec<String> = (0..100).map(|i| format!("k{i:02}")).collect();
        let mut expected: Vec<(u64, &str)> = names
            .iter()
            .enumerate()
            .map(|(i, name)| (i as u64 * 7 % 25, name.as_str()))
            .collect();
        let (mut up, mut down) = (Top::new(10), Top::new(10));
        for (rank, name) in &expected {
            offer(&mut up, *rank, name.as_bytes());
        }
        for (rank, name) in expected.iter().rev() {
            offer(&mut down, *rank, name.as_bytes());
        }
        expected.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
        for top in [up, down] {
            let keys = top.keys();
            let found = keys.iter().map(|key| (key.rank, &*key.name));
            let wanted = expected.iter().take(10);
            assert!(found.eq(wanted.map(|(rank, name)| (*rank, name.as_bytes()))));
        }
    }

    #[test]
    fn nothing_is_kept_of_none() {
        let mut top = Top::new(0);
        offer(&mut top, 1, b"k");
        assert!(top.keys().is_empty());
    }
}

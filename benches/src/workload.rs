//! Data sets that are written to while something else goes on.

use crate::{
    draw::Draw,
    shapes::{Argv, COLLECTION, HASH, LIST, MEDIUM_STRINGS, SORTED_SET, Shape, Words, name},
};

/// The skew that caches are commonly measured with.
pub(crate) const ZIPF: Draw = Draw::Zipf(0.99);

/// What is there, and which of it is written to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Workload {
    /// SET of keys of 24 bytes, values of 100.
    Strings(Draw),
    /// ZADD of a new score to members of one sorted set.
    Zset,
    /// HSET of fields of one hash.
    Hash,
    /// LSET of items of one list.
    List,
}

impl Workload {
    /// All of them.
    #[cfg(any(test, feature = "in-process"))]
    pub(crate) const ALL: [Workload; 5] = [
        Workload::Strings(Draw::Uniform),
        Workload::Strings(ZIPF),
        Workload::Zset,
        Workload::Hash,
        Workload::List,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Workload::Strings(Draw::Uniform) => "SET, uniform",
            Workload::Strings(Draw::Zipf(_)) => "SET, Zipf 0.99",
            Workload::Zset => "ZADD",
            Workload::Hash => "HSET",
            Workload::List => "LSET",
        }
    }

    /// Writes a second of a steady writer, with time to spare for any server: a round trip takes 30
    /// microseconds, and peers walk to an item of a list node by node.
    pub(crate) fn rate(self) -> u32 {
        match self {
            Workload::List => 1000,
            _ => 10_000,
        }
    }

    fn shape(self) -> &'static Shape {
        match self {
            Workload::Strings(_) => &MEDIUM_STRINGS,
            Workload::Zset => &SORTED_SET,
            Workload::Hash => &HASH,
            Workload::List => &LIST,
        }
    }

    /// The commands that make the data set of `count` things.
    pub(crate) fn load(self, count: u64) -> impl Iterator<Item = Argv> {
        self.shape().commands_for(count)
    }

    /// A write to one of those `count` things.
    pub(crate) fn write(self, words: &mut Words, count: u64) -> Argv {
        let draw = match self {
            Workload::Strings(draw) => draw,
            _ => Draw::Uniform,
        };
        let at = draw.draw(&mut words.0, count as usize) as u64;
        let number = |number: u64| number.to_string().into_bytes();
        match self {
            Workload::Strings(_) => vec![b"SET".to_vec(), name(at, 24), words.noise(100)],
            Workload::Zset => {
                let score = number(words.0.u32(..).into());
                vec![b"ZADD".to_vec(), COLLECTION.to_vec(), score, name(at, 16)]
            }
            Workload::Hash => {
                let (key, field) = (COLLECTION.to_vec(), name(at, 16));
                vec![b"HSET".to_vec(), key, field, words.noise(16)]
            }
            Workload::List => {
                let key = COLLECTION.to_vec();
                vec![b"LSET".to_vec(), key, number(at), words.noise(20)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn writes_hit_what_was_loaded() {
        let mut words = Words(fastrand::Rng::with_seed(1));
        for workload in Workload::ALL {
            let loaded: HashSet<Vec<u8>> = workload.load(490).flatten().collect();
            let written = workload.write(&mut words, 490);
            assert!(loaded.contains(&written[1]), "{workload:?}");
            let member = match workload {
                Workload::Zset => Some(&written[3]),
                Workload::Hash => Some(&written[2]),
                _ => None,
            };
            assert!(
                member.is_none_or(|member| loaded.contains(member)),
                "{workload:?}"
            );
        }
    }
}

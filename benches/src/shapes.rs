//! The data sets that memory is compared on, as commands.

/// The arguments of one command.
pub(crate) type Argv = Vec<Vec<u8>>;

/// Elements that one command adds to a large collection.
const ELEMENTS_AT_ONCE: u64 = 50;
/// The time to live of a key that has one: longer than any run.
const TTL_MILLIS: &[u8] = b"86400000";

/// The key of a collection that is alone.
pub(crate) const COLLECTION: &[u8] = b"collection";

/// A data set: `members` things, of which each command adds some.
pub(crate) struct Shape {
    pub(crate) label: &'static str,
    /// Out of a thousand of the keys that the run was asked for.
    permille: u64,
    members_at_once: u64,
    command: fn(&mut Words, u64) -> Argv,
}

impl Shape {
    /// Members, when the run is of `keys` keys.
    pub(crate) fn members(&self, keys: u64) -> u64 {
        keys * self.permille / 1000 / self.members_at_once * self.members_at_once
    }

    /// The commands that make it for a run of `keys` keys.
    pub(crate) fn commands(&self, keys: u64) -> impl Iterator<Item = Argv> + '_ {
        self.commands_for(self.members(keys))
    }

    /// The commands that make it of so many members, rounded up to whole commands: each once, keys in
    /// an order without pattern.
    pub(crate) fn commands_for(&self, members: u64) -> impl Iterator<Item = Argv> + '_ {
        let count = members.div_ceil(self.members_at_once);
        let mut words = Words(fastrand::Rng::with_seed(members));
        (0..count).map(move |number| (self.command)(&mut words, scatter(number, count)))
    }
}

/// 24-byte keys, 100-byte values.
pub(crate) const MEDIUM_STRINGS: Shape = Shape {
    label: "b: strings, 24 + 100 bytes",
    permille: 1000,
    members_at_once: 1,
    command: |words, n| vec![b"SET".to_vec(), name(n, 24), words.noise(100)],
};

/// One sorted set, members named by number.
pub(crate) const SORTED_SET: Shape = Shape {
    label: "f: one sorted set, 16-byte members",
    permille: 400,
    members_at_once: ELEMENTS_AT_ONCE,
    command: |words, n| {
        let score = |words: &mut Words| words.0.u32(..).to_string().into_bytes();
        elements("ZADD", n, |member| vec![score(words), name(member, 16)])
    },
};

/// One hash, fields named by number.
pub(crate) const HASH: Shape = Shape {
    label: "g: one hash, fields of 16 + 16 bytes",
    permille: 400,
    members_at_once: ELEMENTS_AT_ONCE,
    command: |words, n| elements("HSET", n, |field| vec![name(field, 16), words.noise(16)]),
};

/// One list.
pub(crate) const LIST: Shape = Shape {
    label: "i: one list, 20-byte items",
    permille: 400,
    members_at_once: ELEMENTS_AT_ONCE,
    command: |words, n| elements("RPUSH", n, |_| vec![words.noise(20)]),
};

/// What the table "memory" has rows for.
pub(crate) const ALL: [Shape; 10] = [
    Shape {
        label: "a: strings, 16 + 16 bytes",
        permille: 1000,
        members_at_once: 1,
        command: |words, n| vec![b"SET".to_vec(), name(n, 16), words.noise(16)],
    },
    MEDIUM_STRINGS,
    Shape {
        label: "c: b with a TTL on every key",
        permille: 1000,
        members_at_once: 1,
        command: |words, n| {
            let mut argv = (MEDIUM_STRINGS.command)(words, n);
            argv.extend([b"PX".to_vec(), TTL_MILLIS.to_vec()]);
            argv
        },
    },
    Shape {
        label: "d: 16-byte keys, integers",
        permille: 1000,
        members_at_once: 1,
        command: |words, n| {
            let integer = words.0.u32(..).to_string().into_bytes();
            vec![b"SET".to_vec(), name(n, 16), integer]
        },
    },
    Shape {
        label: "e: hashes of 5 fields, 10 + 20 bytes",
        permille: 200,
        members_at_once: 1,
        command: |words, n| {
            let mut argv = vec![b"HSET".to_vec(), name(n, 16)];
            for field in 0..5 {
                argv.extend([name(field, 10), words.noise(20)]);
            }
            argv
        },
    },
    SORTED_SET,
    HASH,
    Shape {
        label: "h: one set, 16-byte members",
        permille: 400,
        members_at_once: ELEMENTS_AT_ONCE,
        command: |_, n| elements("SADD", n, |member| vec![name(member, 16)]),
    },
    LIST,
    Shape {
        label: "mixed: keys of all types",
        permille: 200,
        members_at_once: 1,
        command: mixed,
    },
];

/// One key of some type: half of them strings, of 10 to 500 bytes, the rest collections of 2 to 40
/// elements.
fn mixed(words: &mut Words, n: u64) -> Argv {
    let key = name(n, 20);
    let count = words.0.u64(2..=40);
    let mut argv = match n % 10 {
        0..5 => {
            let len = words.0.usize(10..=500);
            return vec![b"SET".to_vec(), key, words.noise(len)];
        }
        5 | 6 => vec![b"HSET".to_vec(), key],
        7 => vec![b"RPUSH".to_vec(), key],
        8 => vec![b"SADD".to_vec(), key],
        _ => vec![b"ZADD".to_vec(), key],
    };
    for element in 0..count {
        match n % 10 {
            5 | 6 => argv.extend([name(element, 8), words.noise(24)]),
            9 => argv.extend([words.0.u16(..).to_string().into_bytes(), words.noise(12)]),
            _ => argv.push(words.noise(16)),
        }
    }
    argv
}

/// The command that adds the `n`-th lot of elements to the one collection.
fn elements(verb: &str, n: u64, mut element: impl FnMut(u64) -> Vec<Vec<u8>>) -> Argv {
    let mut argv = vec![verb.as_bytes().to_vec(), COLLECTION.to_vec()];
    let first = n * ELEMENTS_AT_ONCE;
    (first..first + ELEMENTS_AT_ONCE).for_each(|number| argv.extend(element(number)));
    argv
}

/// `k` and a number, `len` bytes in all.
pub(crate) fn name(number: u64, len: usize) -> Vec<u8> {
    format!("k{number:0width$}", width = len - 1).into_bytes()
}

/// A source of values.
pub(crate) struct Words(pub(crate) fastrand::Rng);

impl Words {
    /// Letters that don't compress.
    pub(crate) fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.0.u8(b'!'..=b'~')).collect()
    }
}

/// A permutation of `0..count`: multiplication by a prime above any count.
fn scatter(number: u64, count: u64) -> u64 {
    const PRIME: u64 = 2_654_435_761;
    (u128::from(number) * u128::from(PRIME) % u128::from(count)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn scatter_misses_none() {
        let mut all: Vec<u64> = (0..10_000).map(|n| scatter(n, 10_000)).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..10_000));
    }

    #[test]
    fn every_key_is_made_once() {
        let keys: HashSet<Vec<u8>> = MEDIUM_STRINGS
            .commands(1000)
            .map(|argv| argv[1].clone())
            .collect();
        assert_eq!(keys.len(), 1000);
        assert!(keys.iter().all(|key| key.len() == 24));
    }

    #[test]
    fn lots_of_elements_do_not_overlap() {
        let sets = ALL
            .iter()
            .find(|shape| shape.label.starts_with("h:"))
            .unwrap();
        assert_eq!(sets.members(1000), 400);
        let members: Vec<Vec<u8>> = sets
            .commands(1000)
            .flat_map(|argv| argv[2..].to_vec())
            .collect();
        assert_eq!(members.iter().collect::<HashSet<_>>().len(), 400);
    }
}

use smallvec::SmallVec;

/// How a plan takes its shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Shared with other readers; access stamps are still stored.
    Read,
    /// Alone.
    Write,
}

/// The shards one command (or transaction) takes, and the hash of each key it named.
///
/// A plan is built from the keys a command declares, by [`crate::Keyspace::plan`]. It borrows
/// them, so that their hashes are computed once: [`crate::Keys`] knows a key again by its address.
#[derive(Debug, Clone)]
pub struct Plan<'k> {
    pub(crate) mode: Mode,
    pub(crate) which: Which,
    pub(crate) hashes: Hashes<'k>,
}

/// Planned keys with their hashes, in the order in which the command named them.
///
/// One without an allocation. Covariant in the keys' lifetime, as a `SmallVec` would not be.
#[derive(Debug, Clone)]
pub(crate) enum Hashes<'k> {
    One(Hashed<'k>),
    Many(Vec<Hashed<'k>>),
}

/// A key and its hash.
pub(crate) type Hashed<'k> = (&'k [u8], u64);

impl<'k> Hashes<'k> {
    const NONE: Hashes<'static> = Hashes::Many(Vec::new());

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Hashed<'k>] {
        match self {
            Hashes::One(one) => std::slice::from_ref(one),
            Hashes::Many(many) => many,
        }
    }
}

/// Which shards a plan takes.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    One(u16),
    /// Ascending, without repetition.
    Some(SmallVec<[u16; 4]>),
    All,
}

impl Which {
    /// The shards by number, unless it is all.
    pub(crate) fn listed(&self) -> Option<&[u16]> {
        match self {
            Which::One(one) => Some(std::slice::from_ref(one)),
            Which::Some(some) => Some(some),
            Which::All => None,
        }
    }
}

impl<'k> Plan<'k> {
    /// No shard at all: for commands that touch no key.
    pub fn none() -> Plan<'static> {
        Plan {
            mode: Mode::Read,
            which: Which::Some(SmallVec::new()),
            hashes: Hashes::NONE,
        }
    }

    /// Every shard: for commands over whole databases or with keys they do not declare.
    pub fn all(mode: Mode) -> Plan<'static> {
        Plan {
            mode,
            which: Which::All,
            hashes: Hashes::NONE,
        }
    }

    /// One shard by number, for background work that goes from shard to shard.
    pub fn shard(mode: Mode, shard: usize) -> Plan<'static> {
        Plan {
            mode,
            which: Which::One(shard as u16),
            hashes: Hashes::NONE,
        }
    }

    /// How the shards will be held.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether this plan takes no shard.
    pub fn is_none(&self) -> bool {
        self.which.listed().is_some_and(<[u16]>::is_empty)
    }

    /// The plan that takes what either takes; writing if either writes. MULTI/EXEC is the union of
    /// its commands' plans.
    pub fn union(mut self, other: Plan<'k>) -> Plan<'k> {
        if self.mode != other.mode {
            self.mode = Mode::Write;
        }
        self.which = match (self.which.listed(), other.which.listed()) {
            (Some(mine), Some(theirs)) => {
                let mut both: SmallVec<[u16; 4]> = mine.iter().chain(theirs).copied().collect();
                both.sort_unstable();
                both.dedup();
                Which::Some(both)
            }
            _ => Which::All,
        };
        let both = [self.hashes.as_slice(), other.hashes.as_slice()].concat();
        self.hashes = Hashes::Many(both);
        self
    }
}

impl<'k> Plan<'k> {
    /// The plan over `keys`, whose hashes are `hash` and whose shards are `shard` of a hash.
    pub(crate) fn over(
        mode: Mode,
        keys: &[&'k [u8]],
        hash: impl Fn(&[u8]) -> u64,
        shard: impl Fn(u64) -> usize,
    ) -> Plan<'k> {
        if let &[key] = keys {
            let hash = hash(key);
            return Plan {
                mode,
                which: Which::One(shard(hash) as u16),
                hashes: Hashes::One((key, hash)),
            };
        }
        let hashes = Hashes::Many(keys.iter().map(|&key| (key, hash(key))).collect());
        let numbers = hashes
            .as_slice()
            .iter()
            .map(|&(_, hash)| shard(hash) as u16);
        let mut shards: SmallVec<[u16; 4]> = numbers.collect();
        if shards.len() > 1 {
            shards.sort_unstable();
            shards.dedup();
        }
        Plan {
            mode,
            which: Which::Some(shards),
            hashes,
        }
    }
}

use std::fmt;
use std::str::FromStr;

use crate::header::{Family, Version};

/// Which servers the bytes are for. Each version here is read by every later server of its family,
/// and those up to `Redis11` by every Valkey as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// `REDIS0009`: Redis 5.0 to 6.2. No functions; plain forms only, since ziplists cost every later
    /// reader a conversion.
    Redis9,
    /// `REDIS0010`: Redis 7.0.
    Redis10,
    /// `REDIS0011`: Redis 7.2, Valkey 7.2 to 8.1.
    Redis11,
    /// `REDIS0012`: Redis 7.4 and later.
    Redis12,
    /// `VALKEY080`: Valkey 9.0 and 9.1.
    Valkey80,
}

impl Target {
    /// All of them, oldest first.
    pub const ALL: [Target; 5] = [
        Target::Redis9,
        Target::Redis10,
        Target::Redis11,
        Target::Redis12,
        Target::Valkey80,
    ];

    /// The version that the header or the payload's footer names.
    pub const fn version(self) -> Version {
        match self {
            Target::Redis9 => Version::redis(9),
            Target::Redis10 => Version::redis(10),
            Target::Redis11 => Version::redis(11),
            Target::Redis12 => Version::redis(12),
            Target::Valkey80 => Version::valkey(80),
        }
    }

    /// The target for those who read and write files of this version: the version itself, or the
    /// nearest that can be written and that they read.
    pub fn for_version(version: Version) -> Target {
        match (version.family, version.number) {
            (Family::Valkey, _) => Target::Valkey80,
            (Family::Redis, ..=9) => Target::Redis9,
            (Family::Redis, 10) => Target::Redis10,
            (Family::Redis, 11) => Target::Redis11,
            (Family::Redis, _) => Target::Redis12,
        }
    }

    /// Whether hashes, sorted sets and list nodes may be listpacks.
    pub(crate) fn has_listpacks(self) -> bool {
        self >= Target::Redis10
    }

    /// Whether sets may be listpacks.
    pub(crate) fn has_set_listpacks(self) -> bool {
        self >= Target::Redis11
    }

    pub(crate) fn has_functions(self) -> bool {
        self >= Target::Redis10
    }
}

/// As the configuration names it: `rdb-10`, `valkey-80`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::Redis9 => "rdb-9",
            Target::Redis10 => "rdb-10",
            Target::Redis11 => "rdb-11",
            Target::Redis12 => "rdb-12",
            Target::Valkey80 => "valkey-80",
        })
    }
}

/// A target's name is `rdb-N` or `valkey-80`, or a server and its version: `redis-7.0`,
/// `redis-8.2.3`, `valkey-9`.
impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Target, UnknownTarget> {
        let named = Target::ALL.into_iter().find(|t| t.to_string() == name);
        if let Some(target) = named {
            return Ok(target);
        }
        let (server, version) = name.split_once('-').ok_or(UnknownTarget)?;
        let mut numbers = version.split('.').map(|n| n.parse::<u16>().ok());
        let major = numbers.next().flatten().ok_or(UnknownTarget)?;
        let minor = numbers.next().unwrap_or(Some(0)).ok_or(UnknownTarget)?;
        match (server, major, minor) {
            ("redis", 5 | 6, _) => Ok(Target::Redis9),
            ("redis", 7, 0 | 1) => Ok(Target::Redis10),
            ("redis", 7, 2 | 3) | ("valkey", 7 | 8, _) => Ok(Target::Redis11),
            ("redis", 7 | 8, _) => Ok(Target::Redis12),
            ("valkey", 9, _) => Ok(Target::Valkey80),
            _ => Err(UnknownTarget),
        }
    }
}

/// What is wrong with a text that should name a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTarget;

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected rdb-9, rdb-10, rdb-11, rdb-12, valkey-80, or a server such as redis-7.0 or valkey-9")
    }
}

impl std::error::Error for UnknownTarget {}

/// What a target cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// The deadline of a hash field; needs `rdb-12` or `valkey-80`.
    FieldTtl,
    /// A function library; needs `rdb-10`.
    Function,
    /// A slot import under way; needs `valkey-80`.
    SlotImport,
    /// Counters of a stream and its groups that differ from what a reader would work out; needs
    /// `rdb-10`.
    StreamCounters,
    /// When a consumer last got something, where that is not when it was last heard of; needs
    /// `rdb-11`.
    ConsumerActive,
    /// A producer that a stream remembers, so that it would take its entries twice. No target.
    Producer,
    /// A pending entry that its consumer gave back. No target, and never left out.
    ReleasedEntry,
    /// What modules keep of a key. No target.
    ModuleKeyMeta,
}

impl Loss {
    /// Whether losing it changes what users stored, so that it takes leave to do so. The rest is
    /// bookkeeping that the target's servers never had, and is only noted.
    pub fn is_data(self) -> bool {
        matches!(
            self,
            Loss::FieldTtl | Loss::Function | Loss::ReleasedEntry | Loss::ModuleKeyMeta
        )
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::FieldTtl => "expiry of a hash field",
            Loss::Function => "function library",
            Loss::SlotImport => "slot import under way",
            Loss::StreamCounters => "counters of a stream or its groups",
            Loss::Producer => "producer that a stream remembers",
            Loss::ReleasedEntry => "pending stream entry given back by its consumer",
            Loss::ModuleKeyMeta => "modules' metadata of a key",
            Loss::ConsumerActive => "last activity of a stream consumer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_targets_parse_back() {
        for target in Target::ALL {
            assert_eq!(target.to_string().parse(), Ok(target));
            assert_eq!(Target::for_version(target.version()), target);
        }
    }

    #[test]
    fn servers_name_targets() {
        for (name, target) in [
            ("redis-6.2.14", Target::Redis9),
            ("redis-7.0", Target::Redis10),
            ("redis-7.2", Target::Redis11),
            ("redis-7.4", Target::Redis12),
            ("redis-8", Target::Redis12),
            ("valkey-8.1", Target::Redis11),
            ("valkey-9", Target::Valkey80),
        ] {
            assert_eq!(name.parse(), Ok(target), "{name}");
        }
        for name in ["", "redis", "redis-9", "redis-x", "rdb-13", "valkey-9.x"] {
            assert_eq!(name.parse::<Target>(), Err(UnknownTarget), "{name}");
        }
    }
}

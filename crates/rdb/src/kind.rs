//! Kinds: the bytes that say which form a value has.
//!
//! # Layout
//!
//! ```text
//!   byte  value                                        since  file
//!   0     string                                       1      object/mod.rs
//!   1     list, plain                                  1      object/list.rs
//!   2     set, plain                                   1      object/set.rs
//!   3     zset, scores as text                         1      object/zset.rs
//!   4     hash, plain                                  1      object/hash.rs
//!   5     zset, scores as f64                          8      object/zset.rs
//!   6     module, before 4.0 came out                  8      not read
//!   7     module                                       8      object/module.rs
//!   9     hash, zipmap                                 2      object/hash.rs
//!   10    list, ziplist                                2      object/list.rs
//!   11    set, intset                                  2      object/set.rs
//!   12    zset, ziplist                                2      object/zset.rs
//!   13    hash, ziplist                                4      object/hash.rs
//!   14    list of ziplists                             7      object/list.rs
//!   15    stream                                       9      object/stream.rs
//!   16    hash, listpack                               10     object/hash.rs
//!   17    zset, listpack                               10     object/zset.rs
//!   18    list of nodes                                10     object/list.rs
//!   19    stream                                       10     object/stream.rs
//!   20    set, listpack                                11     object/set.rs
//!   21    stream                                       11     object/stream.rs
//!   22    Redis 7.4 rc: hash with TTLs                 12     object/hash.rs
//!         Valkey: hash with TTLs                       80
//!   23    Redis 7.4 rc: hash listpack with TTLs        12     object/hash.rs
//!   24    hash with TTLs                               12     object/hash.rs
//!   25    hash listpack with TTLs                      12     object/hash.rs
//!   26    stream                                       13     object/stream.rs
//!   27    stream                                       14     object/stream.rs
//!   28    array                                        14     not read
//!   29    hash of a template, listpack                 15     object/template.rs
//!   30    the same, the template told before           15     object/template.rs
//!   31    hash of a template, plain                    15     object/template.rs
//!   32    the same, the template told before           15     object/template.rs
//!   33    rate limiter                                 15     not read
//! ```
//!
//! Example: `02 01 73 02 01 61 01 62` the set "s" of "a" and "b".

use crate::error::ErrorKind;
use crate::header::{Family, Version};
use crate::opcode;

/// The form of a value, named as in the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    List,
    ListZiplist,
    ListOfZiplists,
    Quicklist,
    Set,
    SetIntset,
    SetListpack,
    Hash,
    HashZipmap,
    HashZiplist,
    HashListpack,
    HashTtl24,
    HashListpackTtl25,
    /// Redis 7.4 release candidates.
    HashTtl22Redis,
    /// Redis 7.4 release candidates.
    HashListpackTtl23Redis,
    HashTtl22Valkey,
    /// A hash whose fields are those of a template.
    HashTemplated(TemplateForm),
    ZsetText,
    Zset,
    ZsetZiplist,
    ZsetListpack,
    Stream15,
    Stream19,
    Stream21,
    Stream26,
    Stream27,
    Module,
}

/// Where the fields of a templated hash are, and how its values come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TemplateForm {
    /// Whether the fields come with the value, as in `DUMP`, or by the number of a template.
    pub(crate) is_own: bool,
    /// Whether the values are a listpack.
    pub(crate) is_packed: bool,
}

const fn templated(is_own: bool, is_packed: bool) -> Kind {
    Kind::HashTemplated(TemplateForm { is_own, is_packed })
}

/// Redis unless it says otherwise; those from 24 on are known to Redis only.
const TABLE: &[(u8, Kind, u16)] = &[
    (0, Kind::String, 1),
    (1, Kind::List, 1),
    (2, Kind::Set, 1),
    (3, Kind::ZsetText, 1),
    (4, Kind::Hash, 1),
    (5, Kind::Zset, 8),
    (7, Kind::Module, 8),
    (9, Kind::HashZipmap, 2),
    (10, Kind::ListZiplist, 2),
    (11, Kind::SetIntset, 2),
    (12, Kind::ZsetZiplist, 2),
    (13, Kind::HashZiplist, 4),
    (14, Kind::ListOfZiplists, 7),
    (15, Kind::Stream15, 9),
    (16, Kind::HashListpack, 10),
    (17, Kind::ZsetListpack, 10),
    (18, Kind::Quicklist, 10),
    (19, Kind::Stream19, 10),
    (20, Kind::SetListpack, 11),
    (21, Kind::Stream21, 11),
    (FIRST_FORKED, Kind::HashTtl22Redis, 12),
    (23, Kind::HashListpackTtl23Redis, 12),
    (24, Kind::HashTtl24, 12),
    (25, Kind::HashListpackTtl25, 12),
    (26, Kind::Stream26, 13),
    (27, Kind::Stream27, 14),
    (29, templated(true, true), 15),
    (30, templated(false, true), 15),
    (31, templated(true, false), 15),
    (32, templated(false, false), 15),
];

/// From here on a kind means different things to the two families.
const FIRST_FORKED: u8 = 22;

impl Kind {
    /// The kind that `byte` stands for in files of this version.
    pub(crate) fn of(byte: u8, version: Version) -> Result<Kind, ErrorKind> {
        if version.family == Family::Valkey && byte >= FIRST_FORKED {
            return Kind::of_valkey(byte);
        }
        match TABLE.iter().find(|row| row.0 == byte) {
            Some(&(_, kind, since)) => opcode::since(byte, since, version).map(|()| kind),
            None => Err(unread_by_redis(byte)),
        }
    }

    fn of_valkey(byte: u8) -> Result<Kind, ErrorKind> {
        let found = byte;
        let family = Family::Valkey;
        match byte {
            FIRST_FORKED => Ok(Kind::HashTtl22Valkey),
            23 => {
                let what = "a path hash";
                Err(ErrorKind::Unsupported { found, what })
            }
            _ => Err(ErrorKind::UnknownOpcode { found, family }),
        }
    }

    /// The byte that stands for this kind.
    pub(crate) fn byte(self) -> u8 {
        let row = TABLE.iter().find(|row| row.1 == self);
        row.map_or(FIRST_FORKED, |row| row.0)
    }

    /// What errors call a value of this kind.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::ListZiplist => "list (ziplist)",
            Kind::ListOfZiplists => "list (quicklist of ziplists)",
            Kind::Quicklist => "list (quicklist)",
            Kind::Set => "set",
            Kind::SetIntset => "set (intset)",
            Kind::SetListpack => "set (listpack)",
            Kind::Hash => "hash",
            Kind::HashZipmap => "hash (zipmap)",
            Kind::HashZiplist => "hash (ziplist)",
            Kind::HashListpack => "hash (listpack)",
            Kind::HashTtl24 | Kind::HashTtl22Redis | Kind::HashTtl22Valkey => "hash with TTLs",
            Kind::HashListpackTtl25 | Kind::HashListpackTtl23Redis => "hash with TTLs (listpack)",
            Kind::Zset | Kind::ZsetText => "sorted set",
            Kind::ZsetZiplist => "sorted set (ziplist)",
            Kind::ZsetListpack => "sorted set (listpack)",
            Kind::HashTemplated(_) => "hash of a template",
            Kind::Stream15 | Kind::Stream19 | Kind::Stream21 => "stream",
            Kind::Stream26 | Kind::Stream27 => "stream",
            Kind::Module => "module value",
        }
    }
}

fn unread_by_redis(found: u8) -> ErrorKind {
    let family = Family::Redis;
    let what = match found {
        6 => "a module value from before Redis 4.0",
        28 => "an array",
        33 => "a rate limiter",
        _ => return ErrorKind::UnknownOpcode { found, family },
    };
    ErrorKind::Unsupported { found, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_below_the_fork_mean_the_same_to_both() {
        for byte in 0..FIRST_FORKED {
            let redis = Kind::of(byte, Version::redis(12));
            let valkey = Kind::of(byte, Version::valkey(80));
            assert_eq!(redis, valkey);
            assert!(redis.is_err() || redis.is_ok_and(|kind| kind.byte() == byte));
        }
    }

    #[test]
    fn the_fork_is_decided_by_family() {
        let valkey = Version::valkey(80);
        assert_eq!(Kind::of(22, valkey), Ok(Kind::HashTtl22Valkey));
        assert_eq!(Kind::of(22, Version::redis(12)), Ok(Kind::HashTtl22Redis));
        assert!(Kind::of(24, valkey).is_err() && Kind::of(25, valkey).is_err());
    }

    #[test]
    fn kinds_younger_than_a_file_without_checksum_are_refused() {
        assert!(Kind::of(13, Version::redis(3)).is_err());
        assert!(Kind::of(13, Version::redis(4)).is_ok());
        assert!(Kind::of(21, Version::redis(10)).is_ok());
    }
}

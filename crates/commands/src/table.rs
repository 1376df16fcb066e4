use crate::{Command, bitmap, geo, hash, hyperloglog, key, list, set, sort, stream, string, zset};

/// Every command that works on the keyspace, family by family.
pub const FAMILIES: &[&[Command]] = &[
    key::COMMANDS,
    sort::COMMANDS,
    string::COMMANDS,
    list::COMMANDS,
    set::COMMANDS,
    hash::COMMANDS,
    zset::COMMANDS,
    stream::COMMANDS,
    bitmap::COMMANDS,
    hyperloglog::COMMANDS,
    geo::COMMANDS,
];

/// Every row of [`FAMILIES`].
pub fn all() -> impl Iterator<Item = &'static Command> {
    FAMILIES.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_effects, check_transcript};
    use crate::{Flags, KeySpec};
    use std::collections::HashSet;

    #[test]
    fn names_are_lower_case_and_unique() {
        let mut seen = HashSet::new();
        for command in all() {
            let name = command.spec.name;
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(seen.insert(name), "{name} stands twice");
        }
    }

    #[test]
    fn transcripts_of_later_servers() {
        for server in ["valkey_9", "redis_8"] {
            check_transcript(server);
            check_effects(server);
        }
    }

    #[test]
    fn rows_agree_with_themselves() {
        for Command { spec, .. } in all() {
            let name = spec.name;
            assert!(spec.arity != 0, "{name}: no arity");
            let access = spec.flags.intersection(Flags::WRITE.union(Flags::READONLY));
            let touches_keys = !matches!(spec.keys, KeySpec::None);
            assert!(
                access.bits().count_ones() == 1 || access.is_empty() && !touches_keys,
                "{name}: write or readonly, one of them"
            );
            assert!(!spec.summary.is_empty(), "{name}: no summary");
            if let KeySpec::Range { first, last, .. } = spec.keys {
                let fewest = spec.arity.unsigned_abs() as usize;
                assert!(first < fewest, "{name}: the first key is not always there");
                assert!(
                    last < 0 || (last as usize) < fewest,
                    "{name}: nor is the last"
                );
            }
        }
    }
}

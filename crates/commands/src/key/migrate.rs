//! MIGRATE, which there can't be: nothing that the engine is made of opens a connection.

use crate::{Context, Error, KeyAccess, KeyBegin, KeyPositions, KeySpec, Outcome};

/// One key in front, or several at the end if that one is empty.
pub(super) const KEYS: KeySpec = KeySpec::Custom {
    find: positions,
    told: &[
        (KeyBegin::Index(3), KeyAccess::TAKE),
        (
            KeyBegin::KeywordToEnd("KEYS", -2),
            KeyAccess::TAKE.union(KeyAccess::INCOMPLETE),
        ),
    ],
};

/// Names and passwords may be called like options.
fn positions(argv: &[&[u8]], found: &mut KeyPositions) {
    let mut at = 6;
    while let Some(word) = argv.get(at) {
        at += match word.to_ascii_uppercase().as_slice() {
            b"KEYS" => {
                if argv[3].is_empty() {
                    found.extend(at + 1..argv.len());
                }
                return;
            }
            b"AUTH" => 2,
            b"AUTH2" => 3,
            _ => 1,
        };
    }
    found.extend((argv.len() > 3).then_some(3));
}

pub(super) fn migrate(_: &mut Context<'_, '_>) -> Outcome {
    Err(Error::err(
        "MIGRATE is not possible here, as the engine opens no connections. DUMP the keys, and \
         RESTORE them where they belong",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_behind_what_looks_like_them() {
        let found = |line: &str| {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            KEYS.positions(&argv).map(|at| at.to_vec())
        };
        assert_eq!(found("migrate h 1 key 0 9"), Some(vec![3]));
        assert_eq!(found("migrate h 1 key 0 9 copy replace"), Some(vec![3]));
        assert_eq!(
            found("migrate h 1  0 9 auth keys keys a b"),
            Some(vec![9, 10])
        );
        assert_eq!(
            found("migrate h 1  0 9 auth2 u keys keys a"),
            Some(vec![10])
        );
        assert_eq!(found("migrate h 1 key 0 9 keys a"), Some(vec![]));
    }
}

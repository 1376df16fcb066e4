//! MIGRATE, which there can't be: nothing that the engine is made of opens a connection.

use crate::{Context, Error, KeyAccess, KeyBegin, KeyPositions, KeySpec, Outcome};
use packed::number;

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

/// With nothing to move, says so.
pub(super) fn migrate(ctx: &mut Context<'_, '_>) -> Outcome {
    let argv = ctx.args.argv();
    check_options(argv)?;
    let mut found = KeyPositions::new();
    positions(argv, &mut found);
    let (db, keys) = (ctx.db, &ctx.keys);
    if !found.iter().any(|&at| keys.exists(db, argv[at])) {
        ctx.reply.simple("NOKEY");
        return Ok(());
    }
    Err(Error::err(
        "MIGRATE is not possible here, as the engine opens no connections. DUMP the keys, and \
         RESTORE them where they belong",
    ))
}

/// What stands behind `MIGRATE host port key db timeout`.
fn check_options(argv: &[&[u8]]) -> Outcome {
    for number in [argv[4], argv[5]] {
        number::parse_i64(number).ok_or(Error::NotInteger)?;
    }
    let mut rest = &argv[6..];
    while let Some((word, behind)) = rest.split_first() {
        let words = match word.to_ascii_uppercase().as_slice() {
            b"COPY" | b"REPLACE" => 0,
            b"AUTH" => 1,
            b"AUTH2" => 2,
            b"KEYS" if !argv[3].is_empty() => {
                return Err(Error::err(
                    "When using MIGRATE KEYS option, the key argument must be set to the empty string",
                ));
            }
            b"KEYS" => return Ok(()),
            _ => return Err(Error::Syntax),
        };
        rest = behind.get(words..).ok_or(Error::Syntax)?;
    }
    Ok(())
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

//! However many threads encode, the file is the same, and so is what goes wrong.

use keyspace::{Edit, Expiry, Hash, Keyspace, Mode, Options, OverBudget, Set, Ttl};
use rdb::{Encoder, EncoderOptions, Losses, Target};
use snapshot::{Preamble, WriteError, write};
use units::{DbIndex, ReplOffset, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const KEYS: usize = 10_000;

/// Strings in two databases, some hashes with deadlines, and a set of a few blocks.
fn keyspace() -> Keyspace {
    let keyspace = Keyspace::new(Options {
        shards: 4,
        databases: 2,
        ..Options::default()
    });
    let settings = keyspace.settings();
    for n in 0..KEYS {
        let key = format!("key {n}").into_bytes();
        let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &[&key]), NOW);
        keys.set_expiry(Expiry::Ignore);
        let db = DbIndex(u32::from(n % 1000 == 1));
        match n {
            777 => {
                let mut set = Set::empty(&settings);
                for n in 0..40_000 {
                    set.insert(&settings, format!("member {n:09}").as_bytes());
                }
                keys.insert(db, &key, set.into_value(), Ttl::Clear);
            }
            n if n % 500 == 0 => {
                let mut hash = Hash::empty(&settings);
                hash.set(&settings, b"field", b"value");
                hash.set_deadline(&settings, b"field", Some(UnixMillis(NOW.0 + 1)));
                keys.insert(db, &key, hash.into_value(), Ttl::Clear);
            }
            _ => keys.set_string(
                db,
                &key,
                format!("value {n}").repeat(5).as_bytes(),
                Ttl::Clear,
            ),
        }
    }
    keyspace
}

/// The file, what was left out, and the largest block; or what was wrong. Draining fails at a block
/// beyond `blocks_max`.
fn save(
    keyspace: &Keyspace,
    threads: usize,
    lossy: bool,
    blocks_max: usize,
) -> Result<(Vec<u8>, Losses, usize), WriteError<&'static str>> {
    let options = EncoderOptions {
        lossy,
        ..EncoderOptions::default()
    };
    let mut encoder = Encoder::new(Target::Redis10, options);
    let (mut file, mut largest, mut blocks) = (Vec::new(), 0, 0);
    let view = keyspace.freeze(OverBudget::Cancel, ReplOffset::default);
    let preamble = Preamble::default();
    let keys = write(view, &mut encoder, &preamble, threads, &mut |block| {
        file.extend_from_slice(block);
        largest = largest.max(block.len());
        blocks += 1;
        match blocks > blocks_max {
            true => Err("no room"),
            false => Ok(()),
        }
    })?;
    assert_eq!(keys, KEYS as u64);
    Ok((file, encoder.losses().clone(), largest))
}

#[test]
fn the_file_does_not_depend_on_the_number_of_threads() {
    let keyspace = keyspace();
    let (one, losses, _) = save(&keyspace, 1, true, usize::MAX).expect("with leave to lose");
    assert_eq!(losses.rows()[0].count, 20);
    for threads in [2, 3, 8] {
        let (file, lost, largest) = save(&keyspace, threads, true, usize::MAX).expect("likewise");
        assert!(file == one, "{threads} threads");
        assert_eq!(lost, losses);
        assert!(largest < 1 << 20, "a block of {largest} bytes");
    }
}

#[test]
fn a_refusal_ends_all_threads() {
    let keyspace = keyspace();
    for threads in [1, 2, 8] {
        let refused = save(&keyspace, threads, false, usize::MAX);
        assert!(
            matches!(refused, Err(WriteError::Encode(_))),
            "{threads} threads"
        );
        let full = save(&keyspace, threads, true, 3);
        assert!(
            matches!(full, Err(WriteError::Drain("no room"))),
            "{threads} threads"
        );
    }
}

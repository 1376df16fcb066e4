//! Files of real servers: loaded, they hold what the server said; saved for every target and loaded
//! again, they still do.

mod corpus;

use corpus::{BEFORE_ALL, Case, cases, keeps_every_bit, load, save, sidecar};
use keyspace::{Keyspace, Mode, OverBudget, Plan, ViewCancelled};
use rdb::{Encoder, EncoderOptions, Event, KeyMeta, Part, Target};
use snapshot::{Preamble, digest, digest_value};
use std::{collections::BTreeMap, convert::Infallible};
use units::{DbIndex, ReplOffset, UnixMillis};

/// Holds a keyspace against what the server said; how many values were compared. Of a key whose
/// name is too long for the sidecar, only that it is there is known.
fn compare(case: &Case, keyspace: &Keyspace, now: UnixMillis) -> usize {
    let keys = keyspace.lock(Plan::all(Mode::Read), now);
    let dbs = case.sidecar["dbs"].as_object().expect("databases");
    let (mut compared, mut listed) = (0, 0);
    for (number, rows) in dbs {
        let db = DbIndex(number.parse().expect("the number of a database"));
        let rows = rows.as_array().expect("rows");
        listed += rows.len();
        assert_eq!(keys.len(db), rows.len(), "{}: database {db}", case.name);
        for row in rows {
            let Some(key) = sidecar::bytes(&row["key"]) else {
                continue;
            };
            let at = format!("{}: key \"{}\"", case.name, key.escape_ascii());
            let entry = keys.peek(db, &key).unwrap_or_else(|| panic!("{at}"));
            let deadline = entry.deadline().map(|at| at.0);
            assert_eq!(row["expire_ms"].as_i64(), deadline, "{at}");
            assert!(sidecar::is_value(row, entry.value(), now), "{at}: {row}");
            compared += 1;
        }
    }
    let held: usize = (0..keyspace.databases())
        .map(|db| keyspace.len(DbIndex(db)))
        .sum();
    assert_eq!(held, listed, "{}", case.name);
    compared
}

#[test]
fn files_hold_what_their_writers_say() {
    let mut compared = 0;
    for case in cases() {
        let now = case.read_at();
        let (keyspace, summary) = load(&case.bytes, now).unwrap_or_else(|error| {
            panic!("{}: {error}", case.name);
        });
        keyspace.check();
        compared += compare(&case, &keyspace, now);
        let functions = case.sidecar["functions"].as_array().map_or(0, Vec::len);
        assert_eq!(summary.functions.len(), functions, "{}", case.name);
    }
    assert!(compared > 1000, "{compared} values");
}

/// The digest of each value.
type Digests = BTreeMap<(DbIndex, Vec<u8>), [u8; 20]>;

/// The digests of all values but those that `target` does not keep to the bit.
fn digests(keyspace: &Keyspace, target: Target) -> Digests {
    let mut digests = Digests::new();
    let mut view = keyspace.freeze(OverBudget::Cancel, ReplOffset::default);
    let dbs: Vec<DbIndex> = view.databases().map(|(db, ..)| db).collect();
    for db in dbs {
        let read = view.for_each(db, |entry| {
            if keeps_every_bit(target, entry.value) {
                let digest = digest_value(entry.value, entry.deadline, BEFORE_ALL, false);
                digests.insert((db, entry.key.to_vec()), digest);
            }
            Ok::<(), ViewCancelled>(())
        });
        assert_eq!(read, Ok(()), "nothing bounds what views keep");
    }
    digests
}

#[test]
fn saving_and_loading_again_changes_nothing() {
    let whole = |keyspace: &Keyspace| {
        digest(
            keyspace.freeze(OverBudget::Cancel, ReplOffset::default),
            BEFORE_ALL,
            false,
        )
    };
    for case in cases() {
        let (keyspace, summary) = load(&case.bytes, BEFORE_ALL).expect("a sound file");
        let before = whole(&keyspace);
        let kept_plain = digests(&keyspace, Target::Redis9);
        for target in Target::ALL {
            let at = format!("{} for {target}", case.name);
            let file = save(&keyspace, &summary, target);
            let (again, then) =
                load(&file, BEFORE_ALL).unwrap_or_else(|error| panic!("{at}: {error}"));
            assert_eq!(then.keys, summary.keys, "{at}");
            if target == Target::Redis9 && (kept_plain.len() as u64) < summary.keys {
                let mut after = digests(&again, target);
                after.retain(|key, _| kept_plain.contains_key(key));
                assert!(kept_plain == after, "{at}");
            } else {
                assert_eq!(before, whole(&again), "{at}");
            }
        }
    }
}

/// What digests leave out: deadlines, field deadlines, groups and counters of streams.
#[test]
fn newer_targets_hold_everything() {
    for case in cases() {
        let now = case.read_at();
        let (keyspace, summary) = load(&case.bytes, now).expect("a sound file");
        for target in [Target::Redis12, Target::Valkey80] {
            let file = save(&keyspace, &summary, target);
            let (again, then) = load(&file, now).expect("what was just written");
            compare(&case, &again, now);
            assert_eq!(then.functions, summary.functions, "{}", case.name);
            assert_eq!(then.module_aux, summary.module_aux, "{}", case.name);
        }
    }
}

#[test]
fn keys_whose_time_has_come_are_left_out_and_counted() {
    let all = cases();
    let expired = all.iter().filter(|case| case.name.contains("/expired."));
    let mut seen = 0;
    for case in expired {
        let (keyspace, summary) = load(&case.bytes, case.read_at()).expect("a sound file");
        assert_eq!((summary.keys, summary.expired), (1, 2), "{}", case.name);
        assert_eq!(keyspace.len(DbIndex::ZERO), 1, "{}", case.name);
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn a_large_value_does_not_gather_in_memory() {
    let mut encoder = Encoder::new(Target::Redis10, EncoderOptions::default());
    let len = 100_000;
    let start = [
        Event::Start(Target::Redis10.version()),
        Event::Key {
            key: b"set",
            meta: KeyMeta::default(),
        },
        Event::Value(Part::Set { len }),
    ];
    let put = |encoder: &mut Encoder, event: &Event<'_>| encoder.put(event).expect("in order");
    start.iter().for_each(|event| put(&mut encoder, event));
    for n in 0..len {
        let member = format!("member {n:09}");
        put(
            &mut encoder,
            &Event::Value(Part::Element(member.as_bytes())),
        );
    }
    put(&mut encoder, &Event::Value(Part::EndValue));
    encoder.finish().expect("a whole file");

    let (keyspace, _) = load(encoder.buffer(), BEFORE_ALL).expect("a sound file");
    let (mut blocks, mut again) = (
        Vec::new(),
        Encoder::new(Target::Redis10, EncoderOptions::default()),
    );
    let keys = snapshot::write(
        keyspace.freeze(OverBudget::Cancel, ReplOffset::default),
        &mut again,
        &Preamble::default(),
        1,
        &mut |block| {
            blocks.push(block.len());
            Ok::<(), Infallible>(())
        },
    );
    assert_eq!(keys.ok(), Some(1));
    assert!(blocks.iter().sum::<usize>() as u64 > encoder.written());
    assert!(blocks.iter().all(|len| *len < 300_000), "{blocks:?}");
}

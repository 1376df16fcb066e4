//! What commands rely on, one promise at a time.

use keyspace::{
    Access, AccessPolicy, Edit, Expiry, Hash, IfMissing, Keys, Keyspace, Mode, Options, Plan,
    StringRef, StringValue, Ttl, ValueRef,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire};
use units::{DbIndex, ReplOffset, UnixMillis};

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn keyspace(shards: usize) -> Keyspace {
    Keyspace::new(Options {
        shards,
        ..Options::default()
    })
}

fn all(keyspace: &Keyspace) -> Keys<'_> {
    keyspace.lock(Plan::all(Mode::Write), NOW)
}

fn later(ms: i64) -> UnixMillis {
    UnixMillis(NOW.0 + ms)
}

fn text(keys: &Keys<'_>, key: &[u8]) -> Option<Vec<u8>> {
    keys.string(DB, key).unwrap().map(|value| value.to_vec())
}

#[test]
fn an_expired_key_is_missing_and_told_of_before_it_is_overwritten() {
    let keyspace = keyspace(4);
    all(&keyspace).set_string(DB, b"k", b"v", Ttl::At(later(10)));
    let plan = keyspace.plan(Mode::Write, &[b"k"]);
    let mut keys = keyspace.lock(plan, later(10));
    assert_eq!(
        text(&keys, b"k"),
        Some(b"v".to_vec()),
        "a deadline is still alive at its time"
    );
    keys.retarget(Plan::none(), later(11));
    assert!(keys.get(DB, b"k").is_none());
    keys.set_string(DB, b"k", b"new", Ttl::Keep);
    assert_eq!(keys.expired(), [(DB, b"k".to_vec())]);
    assert_eq!(keys.expired(), []);
    let entry = keys.get(DB, b"k").unwrap();
    assert_eq!(
        entry.deadline(),
        None,
        "KEEPTTL of an expired key keeps nothing"
    );
    drop(keys);
    assert_eq!(keyspace.stats().expired_keys, 1);
    keyspace.check();
}

#[test]
fn readers_note_expired_keys_and_writers_reap_them() {
    let keyspace = keyspace(1);
    all(&keyspace).set_string(DB, b"k", b"v", Ttl::At(later(10)));
    let mut keys = keyspace.lock(Plan::all(Mode::Read), later(20));
    assert!(!keys.exists(DB, b"k"));
    assert_eq!(keys.expired(), [(DB, b"k".to_vec())]);
    assert_eq!(keys.len(DB), 1);
    drop(keys);
    let mut keys = keyspace.lock(Plan::all(Mode::Write), later(20));
    assert!(keys.reap(DB, b"k") && !keys.reap(DB, b"k"));
    drop(keys);
    assert_eq!(keyspace.len(DB), 0);
}

#[test]
fn replicas_hide_and_loaders_ignore_deadlines_that_have_passed() {
    let keyspace = keyspace(1);
    all(&keyspace).set_string(DB, b"k", b"v", Ttl::At(later(-1)));
    let mut keys = all(&keyspace);
    keys.set_expiry(Expiry::Hide);
    assert!(!keys.exists(DB, b"k"));
    assert_eq!(keys.expired(), []);
    keys.set_expiry(Expiry::Ignore);
    assert!(keys.exists(DB, b"k"));
}

#[test]
fn active_expiry_visits_what_is_due_and_no_more() {
    let keyspace = keyspace(4);
    for n in 0..3000i64 {
        let ttl = if n % 3 == 0 {
            Ttl::Clear
        } else {
            Ttl::At(later(n))
        };
        all(&keyspace).set_string(DbIndex(n as u32 % 2), &n.to_le_bytes(), b"value", ttl);
    }
    assert_eq!(keyspace.due_shard(later(0)), None);
    assert_eq!(keyspace.expires(DB) + keyspace.expires(DbIndex(1)), 2000);
    let mut gone = Vec::new();
    while let Some(shard) = keyspace.due_shard(later(2001)) {
        let mut keys = keyspace.lock(Plan::shard(Mode::Write, shard), later(2001));
        let some = keys.expire_due(7);
        assert!(some.len() <= 7);
        gone.extend(
            some.keys
                .into_iter()
                .map(|(_, key)| i64::from_le_bytes(key.try_into().unwrap())),
        );
    }
    gone.sort_unstable();
    let expected: Vec<i64> = (0..=2000).filter(|n| n % 3 != 0).collect();
    assert_eq!(gone, expected);
    keyspace.check();
}

#[test]
fn persisting_leaves_an_early_bound_that_a_firing_settles() {
    let keyspace = keyspace(1);
    all(&keyspace).set_string(DB, b"soon", b"v", Ttl::At(later(10)));
    all(&keyspace).set_string(DB, b"late", b"v", Ttl::At(later(1000)));
    assert!(all(&keyspace).set_deadline(DB, b"soon", None));
    assert!(!all(&keyspace).set_deadline(DB, b"soon", None));
    assert_eq!(keyspace.expire_due(later(500), 10), []);
    assert_eq!(keyspace.due_shard(later(1000)), None);
    assert_eq!(
        keyspace.expire_due(later(1001), 10),
        [(DB, b"late".to_vec())]
    );
}

#[test]
fn an_edit_changes_creates_or_leaves_alone() {
    let keyspace = keyspace(1);
    let mut keys = all(&keyspace);
    let append = |keys: &mut Keys<'_>, key: &[u8], missing| {
        keys.edit(DB, key, missing, |value: &mut StringValue| {
            value.append(b"tail")
        })
    };
    assert!(append(&mut keys, b"k", IfMissing::Skip).unwrap().is_none());
    assert!(!keys.exists(DB, b"k"));
    append(&mut keys, b"k", IfMissing::Create).unwrap();
    keys.set_deadline(DB, b"k", Some(later(5)));
    let before = keys.changes();
    append(&mut keys, b"k", IfMissing::Create).unwrap();
    assert!(keys.changes() > before);
    assert_eq!(text(&keys, b"k"), Some(b"tailtail".to_vec()));
    assert_eq!(keys.get(DB, b"k").unwrap().deadline(), Some(later(5)));
    let before = keys.changes();
    keys.edit(DB, b"k", IfMissing::Create, |_: &mut StringValue| ())
        .unwrap();
    keys.edit(DB, b"none", IfMissing::Create, |_: &mut StringValue| ())
        .unwrap();
    assert_eq!(keys.changes(), before);
    assert!(
        !keys.exists(DB, b"none"),
        "nothing was changed, so nothing is created"
    );
    drop(keys);
    keyspace.check();
}

#[test]
fn strings_of_every_size_are_edited_in_page_and_slab() {
    let keyspace = keyspace(1);
    let mut expected = Vec::new();
    for n in 0..3000u32 {
        let piece = n.to_string();
        let mut keys = all(&keyspace);
        let f = |value: &mut StringValue| value.append(piece.as_bytes());
        keys.edit(DB, b"k", IfMissing::Create, f).unwrap();
        expected.extend_from_slice(piece.as_bytes());
        assert_eq!(text(&keys, b"k").as_deref(), Some(&expected[..]));
        drop(keys);
        if n % 100 == 0 {
            keyspace.check();
        }
    }
}

#[test]
fn keys_of_every_length_work() {
    let keyspace = keyspace(4);
    let lengths = [
        0, 1, 127, 128, 129, 255, 256, 480, 490, 500, 504, 505, 70_000, 3_000_000,
    ];
    for len in lengths {
        for value in [0, 5, 450, 600, 100_000] {
            let key = vec![b'k'; len];
            let value = vec![b'v'; value];
            all(&keyspace).set_string(DB, &key, &value, Ttl::Keep);
            assert_eq!(text(&all(&keyspace), &key), Some(value));
            all(&keyspace).set_deadline(DB, &key, Some(later(1)));
            keyspace.check();
        }
    }
    assert_eq!(keyspace.len(DB), lengths.len());
    for len in lengths {
        assert!(all(&keyspace).remove(DB, &vec![b'k'; len]));
    }
    keyspace.check();
}

#[test]
fn memory_goes_back_when_keys_go() {
    let keyspace = keyspace(1);
    let empty = keyspace.used_bytes();
    for n in 0..1000u32 {
        all(&keyspace).set_string(DB, &n.to_le_bytes(), &vec![b'v'; n as usize], Ttl::Clear);
    }
    assert!(keyspace.used_bytes() > empty + 500_000);
    for n in 0..1000u32 {
        assert!(all(&keyspace).remove(DB, &n.to_le_bytes()));
    }
    keyspace.check();
    assert!(
        keyspace.used_bytes() < empty + 2000,
        "{} left",
        keyspace.used_bytes()
    );
    all(&keyspace).set_string(DB, b"k", b"v", Ttl::Clear);
    assert_eq!(all(&keyspace).clear_all(), 1);
    assert_eq!(keyspace.used_bytes(), empty);
}

#[test]
fn watchers_hear_of_every_kind_of_change_of_their_key_alone() {
    type Change = fn(&mut Keys<'_>);
    let changes: [(Change, bool); 8] = [
        (|keys| keys.set_string(DB, b"k", b"w", Ttl::Keep), true),
        (|keys| assert!(keys.remove(DB, b"k")), true),
        (
            |keys| assert!(keys.set_deadline(DB, b"k", Some(later(9)))),
            true,
        ),
        (|keys| keys.swap(DB, DbIndex(1)), true),
        (|keys| assert_eq!(keys.clear(DB), 1), true),
        (
            |keys| keys.set_string(DbIndex(1), b"k", b"w", Ttl::Keep),
            false,
        ),
        (|keys| keys.set_string(DB, b"other", b"w", Ttl::Keep), false),
        (|keys| assert!(keys.get(DB, b"k").is_some()), false),
    ];
    for (number, (change, hit)) in changes.into_iter().enumerate() {
        let keyspace = keyspace(2);
        all(&keyspace).set_string(DB, b"k", b"v", Ttl::Clear);
        let flag = Arc::new(AtomicBool::new(false));
        keyspace
            .lock(keyspace.plan(Mode::Read, &[b"k"]), NOW)
            .watch(DB, b"k", &flag);
        change(&mut all(&keyspace));
        assert_eq!(flag.load(Acquire), hit, "change {number}");
    }
}

#[test]
fn databases_are_exchanged_and_emptied_whole() {
    let keyspace = keyspace(4);
    let mut keys = all(&keyspace);
    for n in 0..100u8 {
        keys.set_string(DbIndex(u32::from(n % 2)), &[n], &[n], Ttl::Clear);
    }
    keys.swap(DB, DbIndex(1));
    assert_eq!(
        (text(&keys, &[1]), text(&keys, &[2])),
        (Some(vec![1]), None)
    );
    assert_eq!(keys.clear(DB), 50);
    assert_eq!((keys.len(DB), keys.len(DbIndex(1))), (0, 50));
    drop(keys);
    assert_eq!((keyspace.len(DB), keyspace.len(DbIndex(1))), (0, 50));
    keyspace.check();
}

#[test]
fn a_scan_of_a_growing_keyspace_shows_each_key_that_stays_once() {
    for shards in [1, 8] {
        let keyspace = keyspace(shards);
        let key = |n: u32| format!("key-{n}").into_bytes();
        for n in 0..2000 {
            all(&keyspace).set_string(DB, &key(n), b"v", Ttl::Clear);
        }
        let (mut cursor, mut next) = (0, 2000);
        let mut seen = BTreeMap::<Vec<u8>, usize>::new();
        loop {
            let keys = keyspace.lock(keyspace.plan_scan(cursor), NOW);
            cursor = keys.scan(DB, cursor, 10, &mut |key, _| {
                *seen.entry(key.to_vec()).or_default() += 1
            });
            drop(keys);
            for n in next..next + 30 {
                all(&keyspace).set_string(DB, &key(n), b"v", Ttl::Clear);
            }
            next += 30;
            if cursor == 0 {
                break;
            }
            assert!(cursor < 1 << 48);
        }
        assert!((0..2000).all(|n| seen.get(&key(n)) == Some(&1)));
        let mut whole = 0;
        assert_eq!(
            all(&keyspace).scan(DB, 0, usize::MAX, &mut |_, _| whole += 1),
            0
        );
        assert_eq!(whole, next);
    }
}

#[test]
fn random_keys_come_from_everywhere_and_are_alive() {
    let keyspace = keyspace(4);
    for n in 0..200u8 {
        let ttl = if n < 100 {
            Ttl::Clear
        } else {
            Ttl::At(later(-1))
        };
        let mut keys = all(&keyspace);
        keys.set_expiry(Expiry::Ignore);
        keys.set_string(DB, &[n], b"", ttl);
    }
    let mut rng = fastrand::Rng::with_seed(5);
    let keys = keyspace.lock(Plan::all(Mode::Read), NOW);
    let drawn: BTreeSet<_> = (0..5000)
        .filter_map(|_| keys.random_key(DB, &mut rng))
        .collect();
    assert_eq!(drawn, (0..100u8).map(|n| vec![n]).collect());
    assert_eq!(keys.random_key(DbIndex(1), &mut rng), None);
}

#[test]
fn access_is_kept_as_the_policy_asks() {
    let keyspace = keyspace(1);
    let at = |ms| keyspace.lock(Plan::all(Mode::Write), later(ms));
    at(0).set_string(DB, b"k", b"v", Ttl::Clear);
    assert_eq!(at(9000).peek(DB, b"k").unwrap().idle_secs(later(9000)), 9);
    at(9000).get(DB, b"k").unwrap();
    assert_eq!(
        at(12_000).peek(DB, b"k").unwrap().idle_secs(later(12_000)),
        3
    );
    let access = Access {
        idle_secs: Some(77),
        freq: Some(9),
    };
    at(12_000).set_access(DB, b"k", access);
    assert_eq!(
        at(12_000).peek(DB, b"k").unwrap().idle_secs(later(12_000)),
        77
    );
    keyspace.set_access_policy(AccessPolicy::Lfu {
        log_factor: 10,
        decay_minutes: 1,
    });
    at(12_000).set_access(DB, b"k", access);
    assert_eq!(at(12_000).peek(DB, b"k").unwrap().freq(later(12_000)), 9);
}

#[test]
fn shards_remember_the_journal() {
    let keyspace = keyspace(4);
    let plan = keyspace.plan(Mode::Write, &[b"a"]);
    keyspace.lock(plan, NOW).note_append(ReplOffset(7));
    let plan = keyspace.plan(Mode::Read, &[b"a"]);
    assert_eq!(keyspace.lock(plan, NOW).last_append(), ReplOffset(7));
    assert_eq!(
        keyspace.lock(Plan::none(), NOW).last_append(),
        ReplOffset(0)
    );
}

#[test]
fn a_pipeline_keeps_its_locks_for_a_subset_in_the_same_mode() {
    let keyspace = keyspace(16);
    let keys: [&[u8]; 3] = [b"a", b"b", b"c"];
    let held = keyspace.lock(keyspace.plan(Mode::Write, &keys), NOW);
    assert!(held.covers(&keyspace.plan(Mode::Write, &keys[1..])));
    assert!(held.covers(&Plan::none()));
    assert!(!held.covers(&keyspace.plan(Mode::Read, &keys)));
    assert!(!held.covers(&Plan::all(Mode::Write)));
    drop(held);
    assert!(all(&keyspace).covers(&keyspace.plan(Mode::Write, &keys)));
    let both = keyspace
        .plan(Mode::Read, &keys[..1])
        .union(keyspace.plan(Mode::Write, &keys[1..]));
    assert_eq!(both.mode(), Mode::Write);
    assert!(
        keyspace
            .lock(both, NOW)
            .covers(&keyspace.plan(Mode::Write, &keys))
    );
}

#[test]
fn values_of_one_type_are_not_edited_as_another() {
    let keyspace = keyspace(1);
    let mut keys = all(&keyspace);
    keys.set_int(DB, b"n", -5, Ttl::Clear);
    assert!(matches!(
        keys.get(DB, b"n").map(|entry| entry.value()),
        Some(ValueRef::String(StringRef::Int(-5)))
    ));
    assert!(
        keys.edit(DB, b"n", IfMissing::Create, |_: &mut keyspace::List| ())
            .is_err()
    );
    assert!(keys.hash(DB, b"n").is_err() && keys.stream(DB, b"n").is_err());
    assert_eq!(text(&keys, b"n"), Some(b"-5".to_vec()));
    let (value, deadline) = keys.take(DB, b"n").unwrap();
    assert_eq!((value.ty(), deadline), (StringValue::TYPE, None));
    assert!(!keys.exists(DB, b"n"));
}

/// Sets a field of a hash and its deadline.
fn set_field(keyspace: &Keyspace, key: &[u8], field: &[u8], deadline: Option<UnixMillis>) {
    let settings = keyspace.settings();
    let set = all(keyspace).edit(DB, key, IfMissing::Create, |hash: &mut Hash| {
        hash.set_with_deadline(&settings, field, b"v", deadline)
    });
    assert_eq!(set, Ok(Some(true)));
}

/// Everything that is due, in slices of that many steps: fields with their key, and keys.
fn fire(keyspace: &Keyspace, now: UnixMillis, steps: usize) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut fields, mut gone) = (Vec::new(), Vec::new());
    while let Some(shard) = keyspace.due_shard(now) {
        let lapsed = keyspace
            .lock(Plan::shard(Mode::Write, shard), now)
            .expire_due(steps);
        assert!(lapsed.deadlines.iter().all(|deadline| *deadline <= now));
        for hash in lapsed.fields {
            gone.extend(hash.emptied.then_some(hash.key));
            fields.extend(hash.names);
        }
        gone.extend(lapsed.keys.into_iter().map(|(_, key)| key));
    }
    keyspace.check();
    fields.sort();
    (fields, gone)
}

#[test]
fn fields_go_when_their_time_has_come_and_the_last_takes_the_key() {
    let keyspace = keyspace(1);
    set_field(&keyspace, b"h", b"soon", Some(later(10)));
    set_field(&keyspace, b"h", b"late", Some(later(1000)));
    assert_eq!(keyspace.next_due(), Some(later(10)));
    assert_eq!(fire(&keyspace, later(9), 64), (vec![], vec![]));
    assert_eq!(
        fire(&keyspace, later(10), 64),
        (vec![b"soon".to_vec()], vec![])
    );
    assert_eq!(keyspace.next_due(), Some(later(1000)));
    assert_eq!(
        fire(&keyspace, later(1000), 64),
        (vec![b"late".to_vec()], vec![b"h".to_vec()])
    );
    assert_eq!((keyspace.len(DB), keyspace.next_due()), (0, None));
}

#[test]
fn a_hash_of_many_due_fields_loses_them_in_slices() {
    let keyspace = keyspace(1);
    let names: Vec<Vec<u8>> = (0..5000u32).map(|n| n.to_be_bytes().to_vec()).collect();
    for (n, name) in (0..).zip(&names) {
        set_field(&keyspace, b"h", name, Some(later(n % 100)));
    }
    set_field(&keyspace, b"h", b"stays", None);
    let (fields, gone) = fire(&keyspace, later(100), 64);
    assert_eq!((fields, gone), (names, vec![]));
    assert_eq!(all(&keyspace).hash(DB, b"h").unwrap().unwrap().len(), 1);
}

#[test]
fn a_hash_is_due_by_its_fields_wherever_it_is_moved_to() {
    let keyspace = keyspace(4);
    set_field(&keyspace, b"h", b"f", Some(later(10)));
    // Many others, so that its segment splits and compacts; then to another key and database.
    for n in 0..3000i64 {
        all(&keyspace).set_string(DB, &n.to_le_bytes(), b"value", Ttl::Clear);
    }
    for n in 0..2500i64 {
        all(&keyspace).remove(DB, &n.to_le_bytes());
    }
    let (value, _) = all(&keyspace).take(DB, b"h").unwrap();
    all(&keyspace).insert(DB, b"moved", value, Ttl::At(later(5000)));
    all(&keyspace).swap(DB, DbIndex(1));
    assert_eq!(all(&keyspace).expire_due(64).len(), 0);
    let (fields, gone) = fire(&keyspace, later(10), 64);
    assert_eq!(
        (fields, gone),
        (vec![b"f".to_vec()], vec![b"moved".to_vec()])
    );
    assert_eq!(keyspace.len(DbIndex(1)), 500);
}

#[test]
fn a_database_that_was_emptied_has_nothing_due() {
    let keyspace = keyspace(4);
    for n in 0..1000i64 {
        all(&keyspace).set_string(DB, &n.to_le_bytes(), b"value", Ttl::At(later(n)));
    }
    all(&keyspace).clear(DB);
    assert_eq!(fire(&keyspace, later(2000), 64), (vec![], vec![]));
    assert_eq!(keyspace.next_due(), None);
}

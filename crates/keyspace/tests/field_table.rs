//! A table inside a value against a plain map, with clones alive beside it.

use keyspace::{FieldTable, KeyHasher};
use proptest::prelude::*;
use std::collections::BTreeMap;
use units::UnixMillis;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

#[derive(Debug, Clone)]
enum Op {
    Insert {
        from: u16,
        count: u16,
        len: usize,
        deadline: Option<i64>,
    },
    Remove {
        from: u16,
        count: u16,
    },
    Deadline {
        field: u16,
        deadline: Option<i64>,
    },
    RemoveDue {
        now: i64,
        max: usize,
    },
    Clone,
}

fn ops() -> impl Strategy<Value = Op> {
    let deadline = || proptest::option::weighted(0.3, 0..100i64);
    prop_oneof![
        4 => (0..2000u16, 1..900u16, 0..700usize, deadline())
            .prop_map(|(from, count, len, deadline)| Op::Insert { from, count, len, deadline }),
        3 => (0..2000u16, 1..900u16).prop_map(|(from, count)| Op::Remove { from, count }),
        2 => (0..2000u16, deadline()).prop_map(|(field, deadline)| Op::Deadline { field, deadline }),
        1 => (0..100i64, prop_oneof![1..2000usize, Just(usize::MAX)]).prop_map(|(now, max)| Op::RemoveDue { now, max }),
        1 => Just(Op::Clone),
    ]
}

fn field(number: u16) -> Vec<u8> {
    format!("field-{number}").into_bytes()
}

fn compare(table: &FieldTable, model: &Model) {
    table.check();
    assert_eq!(table.len(), model.len());
    let mut all: Model = BTreeMap::new();
    for (name, value, deadline) in table.iter() {
        all.insert(name.to_vec(), (value.to_vec(), deadline.map(|at| at.0)));
    }
    assert_eq!(&all, model);
    for (name, (value, deadline)) in model.iter().take(50) {
        let (found, at) = table.get(name).expect("a field of the model");
        assert_eq!((&found.to_vec(), at.map(|at| at.0)), (value, *deadline));
    }
    assert_eq!(
        table.deadlines(),
        model.values().filter(|(_, at)| at.is_some()).count()
    );
    let earliest = model.values().filter_map(|(_, at)| *at).min();
    assert!(table.earliest().map(|at| at.0) <= earliest || earliest.is_none());
}

fn apply(table: &mut FieldTable, model: &mut Model, op: &Op) {
    match *op {
        Op::Insert {
            from,
            count,
            len,
            deadline,
        } => {
            for number in from..from + count {
                let value = match len % 3 {
                    0 => number.to_string().into_bytes(),
                    _ => vec![b'v'; len],
                };
                let new = table.insert(&field(number), &value, deadline.map(UnixMillis));
                let old = model.insert(field(number), (value, deadline));
                assert_eq!(new, old.is_none());
            }
        }
        Op::Remove { from, count } => {
            for number in from..from + count {
                let gone = model.remove(&field(number)).is_some();
                assert_eq!(table.remove(&field(number)), gone);
            }
        }
        Op::Deadline {
            field: number,
            deadline,
        } => {
            let set = table.set_deadline(&field(number), deadline.map(UnixMillis));
            let entry = model.get_mut(&field(number));
            assert_eq!(set, entry.is_some());
            if let Some((_, at)) = entry {
                *at = deadline;
            }
        }
        Op::RemoveDue { now, max } => {
            let due = |at: &Option<i64>| at.is_some_and(|at| at <= now);
            let gone = table.remove_due(UnixMillis(now), max);
            assert!(gone.len() <= max);
            for (name, deadline) in gone {
                let (_, at) = model.remove(&name).expect("a field of the model");
                assert!(due(&at) && at == Some(deadline.0));
            }
            let more = model.values().any(|(_, at)| due(at));
            let says_more = table.earliest().is_some_and(|at| at.0 <= now);
            assert!(says_more || !more, "no field that is due is passed over");
            assert!(
                says_more <= (max < usize::MAX),
                "without a bound nothing is left"
            );
        }
        Op::Clone => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_a_map_and_its_clones_stand_still(ops in proptest::collection::vec(ops(), 1..24)) {
        let mut table = FieldTable::new(KeyHasher::new(3, 4));
        let mut model = Model::new();
        let mut clones = Vec::new();
        for op in &ops {
            if let Op::Clone = op {
                clones.push((table.clone(), model.clone()));
            }
            apply(&mut table, &mut model, op);
            compare(&table, &model);
        }
        for (table, model) in &clones {
            compare(table, model);
        }
    }
}

#[test]
fn scores_keep_their_bytes_even_if_they_look_like_numbers() {
    let mut table = FieldTable::new(KeyHasher::new(3, 4));
    assert!(table.insert_raw(b"member", b"12345678"));
    assert_eq!(table.get_raw(b"member"), Some(&b"12345678"[..]));
    assert!(!table.insert_raw(b"member", &1.5f64.to_le_bytes()));
    assert_eq!(table.get_raw(b"member"), Some(&1.5f64.to_le_bytes()[..]));
    assert_eq!(table.get_raw(b"other"), None);
}

#[test]
fn a_scan_of_a_growing_table_misses_nobody_who_stays() {
    let mut table = FieldTable::new(KeyHasher::new(3, 4));
    for number in 0..3000 {
        table.insert(&field(number), b"", None);
    }
    let mut seen = BTreeMap::<Vec<u8>, usize>::new();
    let (mut cursor, mut next) = (0, 3000u16);
    loop {
        cursor = table.scan(cursor, 50, &mut |name, _, _| {
            *seen.entry(name.to_vec()).or_default() += 1
        });
        for _ in 0..40 {
            table.remove(&field(next - 3000 + 3000));
            table.insert(&field(next), b"", None);
            next += 1;
        }
        if cursor == 0 {
            break;
        }
    }
    for number in 0..3000 {
        assert_eq!(seen.get(&field(number)), Some(&1), "field {number}");
    }
}

#[test]
fn random_draws_reach_every_field() {
    let mut table = FieldTable::new(KeyHasher::new(3, 4));
    for number in 0..1000 {
        table.insert(&field(number), b"x", None);
    }
    let mut rng = fastrand::Rng::with_seed(1);
    let mut counts = BTreeMap::<Vec<u8>, usize>::new();
    for _ in 0..100_000 {
        let (name, ..) = table.random(&mut rng).expect("the table is not empty");
        *counts.entry(name.to_vec()).or_default() += 1;
    }
    assert_eq!(counts.len(), 1000);
    assert!(counts.values().all(|&count| (20..500).contains(&count)));
}

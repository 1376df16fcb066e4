//! A keyspace against a plain map, with frozen views alive beside it.

use keyspace::{FrozenView, Keyspace, Mode, Options, OverBudget, Plan, Ttl, ValueRef};
use proptest::prelude::*;
use std::collections::BTreeMap;
use units::{DbIndex, ReplOffset, UnixMillis};

const DATABASES: u32 = 3;

type Entry = (Vec<u8>, Option<i64>);
type Model = Vec<BTreeMap<Vec<u8>, Entry>>;

#[derive(Debug, Clone)]
enum Op {
    Set {
        db: u32,
        key: u16,
        value: Shape,
        ttl: TtlOp,
    },
    Fill {
        db: u32,
        from: u16,
        count: u16,
        value: Shape,
    },
    Remove {
        db: u32,
        key: u16,
    },
    RemoveMany {
        db: u32,
        from: u16,
        count: u16,
    },
    Deadline {
        db: u32,
        key: u16,
        deadline: Option<i64>,
    },
    Swap {
        a: u32,
        b: u32,
    },
    Clear {
        db: u32,
    },
    Pass {
        ms: i64,
    },
    ExpireDue,
    Freeze,
    ReadView {
        segments: usize,
    },
    DropView,
}

#[derive(Debug, Clone, Copy)]
enum TtlOp {
    Keep,
    Clear,
    In(i64),
}

/// A value by length and seed.
#[derive(Debug, Clone, Copy)]
struct Shape {
    len: usize,
    seed: u8,
}

impl Shape {
    fn bytes(self) -> Vec<u8> {
        match self.len {
            0 => (i64::from(self.seed) - 128)
                .pow(u32::from(self.seed % 9))
                .to_string()
                .into_bytes(),
            len => (0..len)
                .map(|at| b'a' + (self.seed.wrapping_add(at as u8) % 26))
                .collect(),
        }
    }
}

/// Short keys, and some so long that they live in the slab.
fn key(number: u16) -> Vec<u8> {
    let mut key = format!("key:{number}").into_bytes();
    match number % 32 {
        0 => key.resize(150, b'.'),
        1 => key.resize(1000, b'.'),
        _ => {}
    }
    key
}

fn shapes() -> impl Strategy<Value = Shape> {
    let len = prop_oneof![3 => Just(0), 4 => 1..40usize, 2 => 200..480usize, 1 => 480..3000usize];
    (len, any::<u8>()).prop_map(|(len, seed)| Shape { len, seed })
}

fn ops() -> impl Strategy<Value = Op> {
    let db = 0..DATABASES;
    let number = 0..1500u16;
    let ttl = prop_oneof![
        Just(TtlOp::Keep),
        Just(TtlOp::Clear),
        (-5..50i64).prop_map(TtlOp::In)
    ];
    prop_oneof![
        8 => (db.clone(), number.clone(), shapes(), ttl)
            .prop_map(|(db, key, value, ttl)| Op::Set { db, key, value, ttl }),
        4 => (db.clone(), number.clone(), 1..700u16, shapes())
            .prop_map(|(db, from, count, value)| Op::Fill { db, from, count, value }),
        3 => (db.clone(), number.clone()).prop_map(|(db, key)| Op::Remove { db, key }),
        2 => (db.clone(), number.clone(), 1..700u16)
            .prop_map(|(db, from, count)| Op::RemoveMany { db, from, count }),
        3 => (db.clone(), number, proptest::option::of(0..60i64))
            .prop_map(|(db, key, deadline)| Op::Deadline { db, key, deadline }),
        1 => (db.clone(), db.clone()).prop_map(|(a, b)| Op::Swap { a, b }),
        1 => db.prop_map(|db| Op::Clear { db }),
        2 => (1..30i64).prop_map(|ms| Op::Pass { ms }),
        1 => Just(Op::ExpireDue),
        2 => Just(Op::Freeze),
        3 => (1..6usize).prop_map(|segments| Op::ReadView { segments }),
        1 => Just(Op::DropView),
    ]
}

fn text(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::String(string) => string.to_vec(),
        _ => panic!("only strings are stored here"),
    }
}

/// A view being read, and what is left to be found in it.
struct Reading {
    view: FrozenView,
    left: Model,
}

impl Reading {
    fn read(&mut self, segments: usize) {
        for db in (0..DATABASES).map(DbIndex) {
            for _ in 0..segments {
                let next = self.view.next_segment(db);
                let Some(segment) = next.expect("nothing bounds what views keep") else {
                    break;
                };
                for entry in segment.iter() {
                    let expected = self.left[db.index()].remove(entry.key);
                    let found = (text(entry.value), entry.deadline.map(|at| at.0));
                    assert_eq!(
                        Some(found),
                        expected,
                        "an entry as it was at the freeze, once"
                    );
                }
            }
        }
    }

    fn finish(mut self) {
        self.read(usize::MAX);
        assert!(
            self.left.iter().all(BTreeMap::is_empty),
            "every entry was read"
        );
    }
}

struct Run {
    keyspace: Keyspace,
    model: Model,
    now: i64,
    views: Vec<Reading>,
}

impl Run {
    fn new(shards: usize) -> Run {
        let keyspace = Keyspace::new(Options {
            shards,
            databases: DATABASES,
            ..Options::default()
        });
        Run {
            keyspace,
            model: vec![BTreeMap::new(); DATABASES as usize],
            now: 1_000_000,
            views: Vec::new(),
        }
    }

    fn reap_model(&mut self, db: u32, key: &[u8]) -> bool {
        let over = |(_, deadline): &Entry| deadline.is_some_and(|at| at < self.now);
        let keys = &mut self.model[db as usize];
        keys.get(key).is_some_and(over) && keys.remove(key).is_some()
    }

    fn set(&mut self, db: u32, key: &[u8], value: Vec<u8>, ttl: TtlOp) {
        self.reap_model(db, key);
        let was = self.model[db as usize]
            .get(key)
            .and_then(|(_, deadline)| *deadline);
        let (is, ttl) = match ttl {
            TtlOp::Keep => (was, Ttl::Keep),
            TtlOp::Clear => (None, Ttl::Clear),
            TtlOp::In(ms) => (Some(self.now + ms), Ttl::At(UnixMillis(self.now + ms))),
        };
        let plan = self.keyspace.plan(Mode::Write, &[key]);
        self.keyspace
            .lock(plan, UnixMillis(self.now))
            .set_string(DbIndex(db), key, &value, ttl);
        self.model[db as usize].insert(key.to_vec(), (value, is));
    }

    fn remove(&mut self, db: u32, key: &[u8]) {
        let over = self.reap_model(db, key);
        let was = self.model[db as usize].remove(key);
        let plan = self.keyspace.plan(Mode::Write, &[key]);
        let mut keys = self.keyspace.lock(plan, UnixMillis(self.now));
        assert_eq!(keys.remove(DbIndex(db), key), was.is_some());
        assert_eq!(keys.expired().len(), usize::from(over));
    }

    fn step(&mut self, op: Op) {
        let now = UnixMillis(self.now);
        match op {
            Op::Set {
                db,
                key: number,
                value,
                ttl,
            } => self.set(db, &key(number), value.bytes(), ttl),
            Op::Fill {
                db,
                from,
                count,
                value,
            } => {
                for number in from..from + count {
                    self.set(db, &key(number), value.bytes(), TtlOp::Keep);
                }
            }
            Op::Remove { db, key: number } => self.remove(db, &key(number)),
            Op::RemoveMany { db, from, count } => {
                for number in from..from + count {
                    self.remove(db, &key(number));
                }
            }
            Op::Deadline {
                db,
                key: number,
                deadline,
            } => {
                let key = key(number);
                let deadline = deadline.map(|ms| self.now + ms);
                self.reap_model(db, &key);
                let entry = self.model[db as usize].get_mut(&key);
                let changes = entry.as_ref().is_some_and(|(_, was)| *was != deadline);
                if let Some((_, was)) = entry {
                    *was = deadline;
                }
                let plan = self.keyspace.plan(Mode::Write, &[&key]);
                let mut keys = self.keyspace.lock(plan, now);
                assert_eq!(
                    keys.set_deadline(DbIndex(db), &key, deadline.map(UnixMillis)),
                    changes
                );
            }
            Op::Swap { a, b } => {
                self.model.swap(a as usize, b as usize);
                let mut keys = self.keyspace.lock(Plan::all(Mode::Write), now);
                keys.swap(DbIndex(a), DbIndex(b));
            }
            Op::Clear { db } => {
                self.model[db as usize].clear();
                self.keyspace
                    .lock(Plan::all(Mode::Write), now)
                    .clear(DbIndex(db));
            }
            Op::Pass { ms } => self.now += ms,
            Op::ExpireDue => {
                let mut gone = self.keyspace.expire_due(now, usize::MAX);
                gone.sort();
                let mut expected = Vec::new();
                for (db, keys) in (0..).zip(&mut self.model) {
                    keys.retain(|key, (_, deadline)| {
                        let stays = deadline.is_none_or(|at| at >= now.0);
                        if !stays {
                            expected.push((DbIndex(db), key.clone()));
                        }
                        stays
                    });
                }
                expected.sort();
                assert_eq!(gone, expected);
            }
            Op::Freeze => {
                let view = self
                    .keyspace
                    .freeze(OverBudget::Cancel, ReplOffset::default);
                let sums: Vec<_> = view.databases().map(|(db, keys, _)| (db.0, keys)).collect();
                let expected: Vec<_> = (0..).zip(self.model.iter().map(BTreeMap::len)).collect();
                assert_eq!(
                    sums,
                    expected
                        .into_iter()
                        .filter(|&(_, len)| len > 0)
                        .collect::<Vec<_>>()
                );
                let left = self.model.clone();
                self.views.push(Reading { view, left });
            }
            Op::ReadView { segments } => {
                for view in &mut self.views {
                    view.read(segments);
                }
            }
            Op::DropView => drop(self.views.pop()),
        }
    }

    fn compare(&self) {
        self.keyspace.check();
        for (db, model) in (0..).map(DbIndex).zip(&self.model) {
            assert_eq!(self.keyspace.len(db), model.len());
            let expires = model
                .values()
                .filter(|(_, deadline)| deadline.is_some())
                .count();
            assert_eq!(self.keyspace.expires(db), expires);
            let keys = self
                .keyspace
                .lock(Plan::all(Mode::Read), UnixMillis(self.now));
            for (key, (value, deadline)) in model {
                let over = deadline.is_some_and(|at| at < self.now);
                let found = keys
                    .get(db, key)
                    .map(|entry| (text(entry.value()), entry.deadline()));
                let expected = (value.clone(), deadline.map(UnixMillis));
                assert_eq!(found, (!over).then_some(expected));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_keyspace_is_a_map_and_its_views_stand_still(
        shards in prop_oneof![Just(1), Just(4)],
        ops in proptest::collection::vec(ops(), 1..40),
    ) {
        let mut run = Run::new(shards);
        for op in ops {
            run.step(op);
            run.compare();
        }
        for view in std::mem::take(&mut run.views) {
            view.finish();
        }
        run.compare();
    }
}

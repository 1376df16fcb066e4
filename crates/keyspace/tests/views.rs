//! Values of every type in a keyspace, beside models out of the standard library, with up to three
//! frozen views alive that are read bit by bit while everything changes.

use keyspace::{Edit, FrozenView, Hash, IfMissing, Keyspace, List, Mode, Options, OverBudget};
use keyspace::{Plan, Set, Settings, Stream, StringValue, ValueRef, Zset};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use units::{DbIndex, ReplOffset, StreamId, UnixMillis};

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_000_000);
/// Keys of each type: enough for several segments in one shard.
const KEYS: u16 = 100;
/// Bytes of the elements that are removed by name.
const LEN: usize = 8;

type Bytes = Vec<u8>;
type Entries = Vec<(StreamId, Vec<(Bytes, Bytes)>)>;

/// What a key holds.
#[derive(Debug, Clone, PartialEq)]
enum Content {
    String(Bytes),
    List(VecDeque<Bytes>),
    Set(BTreeSet<Bytes>),
    Hash(BTreeMap<Bytes, (Bytes, Option<i64>)>),
    Zset(BTreeMap<Bytes, u64>),
    Stream(Entries),
}

type Model = BTreeMap<Bytes, Content>;

fn content(value: ValueRef<'_>) -> Content {
    match value {
        ValueRef::String(string) => Content::String(string.to_vec()),
        ValueRef::List(list) => Content::List(list.iter().map(|e| e.to_vec()).collect()),
        ValueRef::Set(set) => Content::Set(set.iter().map(|e| e.to_vec()).collect()),
        ValueRef::Hash(hash) => Content::Hash(
            hash.iter_all()
                .map(|(field, value, at)| (field.to_vec(), (value.to_vec(), at.map(|at| at.0))))
                .collect(),
        ),
        ValueRef::Zset(zset) => Content::Zset(
            zset.iter()
                .map(|(member, score)| (member.to_vec(), score.to_bits()))
                .collect(),
        ),
        ValueRef::Stream(stream) => {
            let fields = |entry: keyspace::Entry<'_>| {
                let pairs = entry.fields().map(|(f, v)| (f.to_vec(), v.to_vec()));
                (entry.id, pairs.collect())
            };
            Content::Stream(stream.iter().map(fields).collect())
        }
        ValueRef::Module(_) => panic!("there are no modules here"),
    }
}

/// One element more, for whatever type.
struct More<'a> {
    element: &'a [u8],
    at_end: bool,
    field: Bytes,
    deadline: Option<i64>,
    score: f64,
    id: StreamId,
}

impl Content {
    /// Of the type that keys of that number have.
    fn empty(number: u16) -> Content {
        match number % 6 {
            0 => Content::String(Vec::new()),
            1 => Content::List(VecDeque::new()),
            2 => Content::Set(BTreeSet::new()),
            3 => Content::Hash(BTreeMap::new()),
            4 => Content::Zset(BTreeMap::new()),
            _ => Content::Stream(Vec::new()),
        }
    }

    fn grow(&mut self, more: &More<'_>) {
        let element = more.element.to_vec();
        match self {
            Content::String(bytes) => bytes.extend(element),
            Content::List(list) if more.at_end => list.push_back(element),
            Content::List(list) => list.push_front(element),
            Content::Set(set) => drop(set.insert(element)),
            Content::Hash(hash) => drop(hash.insert(more.field.clone(), (element, more.deadline))),
            Content::Zset(zset) => drop(zset.insert(element, more.score.to_bits())),
            Content::Stream(entries) => entries.push((more.id, vec![(b"field".to_vec(), element)])),
        }
    }

    fn shrink(&mut self, n: u16) {
        match self {
            Content::String(_) => {}
            Content::List(list) => drop(list.pop_front()),
            Content::Set(set) => drop(set.remove(&element(n, LEN))),
            Content::Hash(hash) => drop(hash.remove(n.to_string().as_bytes())),
            Content::Zset(zset) => drop(zset.remove(&element(n, LEN))),
            Content::Stream(entries) => {
                let at = usize::from(n).min(entries.len());
                entries.drain(at..entries.len().min(at + 1));
            }
        }
    }

    /// Whether the key goes with its last element.
    fn is_gone(&self) -> bool {
        match self {
            Content::String(_) | Content::Stream(_) => false,
            Content::List(list) => list.is_empty(),
            Content::Set(set) => set.is_empty(),
            Content::Hash(hash) => hash.is_empty(),
            Content::Zset(zset) => zset.is_empty(),
        }
    }
}

/// What happens to one key, whose number says of which type it is.
#[derive(Debug, Clone)]
enum Change {
    /// So many elements more, from that number on, of that many bytes.
    Grow {
        from: u16,
        count: u16,
        len: usize,
    },
    /// Some elements less.
    Shrink {
        from: u16,
        count: u16,
    },
    Remove,
}

#[derive(Debug, Clone)]
enum Op {
    Change(u16, Change),
    /// The same to many keys.
    ChangeAll(u16, u16, Change),
    Freeze,
    DropOldest,
    Flush,
}

fn changes() -> impl Strategy<Value = Change> {
    let len = prop_oneof![6 => Just(LEN), 2 => 4usize..30, 1 => 60usize..100, 1 => 400usize..3000];
    let count = prop_oneof![6 => 1u16..12, 1 => 100u16..300];
    prop_oneof![
        8 => (0u16..400, count.clone(), len)
            .prop_map(|(from, count, len)| Change::Grow { from, count, len }),
        4 => (0u16..400, count).prop_map(|(from, count)| Change::Shrink { from, count }),
        1 => Just(Change::Remove),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let number = 0..6 * KEYS;
    let small = (0u16..9, 1u16..4, 4usize..30).prop_map(|(from, count, len)| Change::Grow {
        from,
        count,
        len,
    });
    let op = prop_oneof![
        12 => (number.clone(), changes()).prop_map(|(number, change)| Op::Change(number, change)),
        2 => (number, 1u16..300, small)
            .prop_map(|(from, count, change)| Op::ChangeAll(from, count, change)),
        3 => Just(Op::Freeze),
        2 => Just(Op::DropOldest),
        1 => Just(Op::Flush),
    ];
    prop::collection::vec(op, 1..40)
}

/// Elements that are numbers, or so long.
fn element(number: u16, len: usize) -> Bytes {
    let mut element = number.to_string().into_bytes();
    if !number.is_multiple_of(4) {
        element.resize(len.max(element.len()), b'.');
    }
    element
}

struct Run {
    keyspace: Keyspace,
    settings: Settings,
    model: Model,
    views: VecDeque<(FrozenView, Model)>,
    /// Entries added to streams.
    entries: u64,
}

impl Run {
    fn new(shards: usize) -> Run {
        let keyspace = Keyspace::new(Options {
            shards,
            ..Options::default()
        });
        let settings = keyspace.lock(Plan::none(), NOW).settings();
        Run {
            keyspace,
            settings,
            model: Model::new(),
            views: VecDeque::new(),
            entries: 0,
        }
    }

    fn freeze(&self) -> FrozenView {
        self.keyspace
            .freeze(OverBudget::Cancel, ReplOffset::default)
    }

    fn edit<T: Edit, R>(&self, key: &[u8], f: impl FnOnce(&mut T) -> R) {
        let keys = [key];
        let mut keys = self
            .keyspace
            .lock(self.keyspace.plan(Mode::Write, &keys), NOW);
        let edited = keys.edit(DB, key, IfMissing::Create, f);
        assert!(matches!(edited, Ok(Some(_))), "the key has that type");
    }

    fn change(&mut self, number: u16, change: &Change) {
        let key = format!("key:{number}").into_bytes();
        match *change {
            Change::Remove => {
                let keys = [&key[..]];
                let mut keys = self
                    .keyspace
                    .lock(self.keyspace.plan(Mode::Write, &keys), NOW);
                assert_eq!(keys.remove(DB, &key), self.model.remove(&key).is_some());
            }
            Change::Grow { from, count, len } => {
                for n in from..from + count {
                    self.grow(number, &key, n, &element(n, len));
                }
            }
            Change::Shrink { from, count } => {
                for n in from..from + count {
                    self.shrink(number, &key, n);
                }
            }
        }
    }

    fn grow(&mut self, number: u16, key: &[u8], n: u16, element: &[u8]) {
        self.entries += 1;
        let more = More {
            element,
            at_end: n.is_multiple_of(2),
            field: n.to_string().into_bytes(),
            deadline: (number % 4 == 3 && n.is_multiple_of(3)).then(|| NOW.0 + 1 + i64::from(n)),
            score: f64::from(n % 16) / 4.0,
            id: StreamId::new(self.entries, u64::from(n)),
        };
        let content = self.model.entry(key.to_vec());
        content
            .or_insert_with(|| Content::empty(number))
            .grow(&more);
        self.grow_value(number, key, &more);
    }

    fn grow_value(&self, number: u16, key: &[u8], more: &More<'_>) {
        let (settings, element) = (&self.settings, more.element);
        match number % 6 {
            0 => self.edit(key, |string: &mut StringValue| string.append(element)),
            1 if more.at_end => self.edit(key, |list: &mut List| list.push_back(settings, element)),
            1 => self.edit(key, |list: &mut List| list.push_front(settings, element)),
            2 => self.edit(key, |set: &mut Set| set.insert(settings, element)),
            3 => self.edit(key, |hash: &mut Hash| {
                let deadline = more.deadline.map(UnixMillis);
                hash.set_with_deadline(settings, &more.field, element, deadline);
            }),
            4 => self.edit(key, |zset: &mut Zset| {
                zset.insert(settings, element, more.score);
            }),
            _ => self.edit(key, |stream: &mut Stream| {
                let added = stream.append(settings, more.id, &[[b"field", element]]);
                assert!(added.is_ok(), "ids rise");
            }),
        }
    }

    fn shrink(&mut self, number: u16, key: &[u8], n: u16) {
        let Some(held) = self.model.get_mut(key) else {
            return;
        };
        held.shrink(n);
        if held.is_gone() {
            self.model.remove(key);
        }
        match number % 6 {
            0 => {}
            1 => self.edit(key, |list: &mut List| list.pop_front()),
            2 => self.edit(key, |set: &mut Set| set.remove(&element(n, LEN))),
            3 => self.edit(key, |hash: &mut Hash| hash.remove(n.to_string().as_bytes())),
            4 => self.edit(key, |zset: &mut Zset| zset.remove(&element(n, LEN))),
            _ => self.edit(key, |stream: &mut Stream| {
                let id = stream.iter().nth(usize::from(n)).map(|entry| entry.id);
                id.map(|id| stream.delete(id));
            }),
        }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Change(number, change) => self.change(*number, change),
            Op::ChangeAll(from, count, change) => {
                for number in *from..(from + count).min(6 * KEYS) {
                    self.change(number, change);
                }
            }
            Op::Freeze => {
                let view = self.freeze();
                self.views.truncate(2);
                self.views.push_front((view, self.model.clone()));
            }
            Op::DropOldest => drop(self.views.pop_back()),
            Op::Flush => {
                self.model.clear();
                self.keyspace.lock(Plan::all(Mode::Write), NOW).clear_all();
            }
        }
    }

    /// Reads so many segments more of every view.
    fn read(&mut self, segments: usize) {
        for (view, left) in &mut self.views {
            let next = || {
                view.next_segment(DB)
                    .expect("nothing bounds what views keep")
            };
            for segment in std::iter::from_fn(next).take(segments) {
                for entry in segment.iter() {
                    let found = content(entry.value);
                    let was = left.remove(entry.key);
                    assert_eq!(Some(found), was, "as it was at the freeze, once");
                }
            }
        }
    }

    fn compare(&self) {
        self.keyspace.check();
        assert_eq!(self.keyspace.len(DB), self.model.len());
        let keys = self.keyspace.lock(Plan::all(Mode::Read), NOW);
        for (key, expected) in &self.model {
            let found = keys.get(DB, key).map(|entry| content(entry.value()));
            assert_eq!(found.as_ref(), Some(expected));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn views_of_all_types_stand_still(
        shards in prop_oneof![Just(1), Just(4)],
        ops in ops(),
    ) {
        let mut run = Run::new(shards);
        // Of nothing: while there is any view, what all of them keep is counted.
        let _empty = run.freeze();
        for op in &ops {
            run.step(op);
            run.compare();
            run.read(1);
        }
        run.read(usize::MAX);
        for (_, left) in &run.views {
            prop_assert!(left.is_empty(), "every entry was read");
        }
        run.views.clear();
        prop_assert_eq!(run.keyspace.view_stats().kept_bytes, 0, "all came back");
    }
}

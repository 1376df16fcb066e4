//! Events that were made up come back from the bytes of every target that can hold them.

mod corpus;

use corpus::{Dice, decode};
use packed::intset::IntsetBuf;
use packed::listpack::ListpackBuf;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use rdb::{CHUNK_LEN, Encoder, EncoderOptions, Event, KeyMeta, Part, Target};
use units::{DbIndex, StreamId, UnixMillis};

type Bytes = Vec<u8>;

/// A value, in one of the forms it may be handed to an encoder.
#[derive(Debug, Clone)]
enum Value {
    String(Bytes),
    /// A byte, and how many of it.
    LongString(u8, usize),
    List(Vec<Bytes>),
    Nodes(Vec<Vec<Bytes>>, bool),
    Set(Vec<Bytes>),
    SetListpack(Vec<Bytes>),
    SetIntset(Vec<i64>),
    Hash(Vec<(Bytes, Bytes, Option<u64>)>, bool),
    HashListpack(Vec<(Bytes, Bytes)>),
    Zset(Vec<(Bytes, f64)>),
    ZsetListpack(Vec<(Bytes, i32)>),
    Stream(Vec<(u64, Bytes)>, Vec<(Bytes, Vec<u64>)>),
}

fn text() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..24),
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        (0..300_usize).prop_map(|len| vec![b'x'; len]),
        vec(any::<u8>(), 5000..5001),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let score = any::<f64>().prop_filter("a score", |score| !score.is_nan());
    let deadline = proptest::option::of(1..1_u64 << 46);
    let fields = btree_map(text(), (text(), deadline), 1..20);
    let fields = fields.prop_map(|m| m.into_iter().map(|(f, (v, t))| (f, v, t)).collect());
    let elements = || vec(text(), 1..20);
    prop_oneof![
        text().prop_map(Value::String),
        (any::<u8>(), CHUNK_LEN + 1..4 * CHUNK_LEN).prop_map(|(b, n)| Value::LongString(b, n)),
        elements().prop_map(Value::List),
        (vec(vec(text(), 1..6), 1..6), any::<bool>()).prop_map(|(n, told)| Value::Nodes(n, told)),
        btree_set(text(), 1..20).prop_map(|s| Value::Set(s.into_iter().collect())),
        btree_set(text(), 1..20).prop_map(|s| Value::SetListpack(s.into_iter().collect())),
        btree_set(any::<i64>(), 1..20).prop_map(|s| Value::SetIntset(s.into_iter().collect())),
        (fields, any::<bool>()).prop_map(|(fields, ttl)| Value::Hash(fields, ttl)),
        btree_map(text(), text(), 1..20).prop_map(|m| Value::HashListpack(m.into_iter().collect())),
        btree_map(text(), score, 1..20).prop_map(|m| Value::Zset(m.into_iter().collect())),
        btree_map(text(), any::<i32>(), 1..20).prop_map(|m| {
            let mut members: Vec<_> = m.into_iter().collect();
            members.sort_by(|(m, s), (member, score)| (s, m).cmp(&(score, member)));
            Value::ZsetListpack(members)
        }),
        (
            btree_map(any::<u64>(), text(), 0..20),
            btree_map(text(), btree_set(any::<u64>(), 0..9), 0..4),
        )
            .prop_map(|(entries, groups)| {
                let groups = groups.into_iter();
                let groups = groups.map(|(name, ids)| (name, ids.into_iter().collect()));
                Value::Stream(entries.into_iter().collect(), groups.collect())
            }),
    ]
}

fn listpack<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Bytes {
    let mut listpack = ListpackBuf::new();
    for text in texts {
        listpack.push_back(text);
    }
    listpack.into_vec()
}

/// Gives the parts of a value.
fn parts(value: &Value, put: &mut dyn FnMut(Part<'_>)) {
    match value {
        Value::String(text) => put(Part::String(text)),
        Value::LongString(byte, len) => {
            put(Part::LongString { len: *len as u64 });
            let text = vec![*byte; *len];
            text.chunks(CHUNK_LEN)
                .for_each(|chunk| put(Part::Chunk(chunk)));
        }
        Value::List(elements) => {
            put(Part::List {
                len: elements.len() as u64,
            });
            elements.iter().for_each(|e| put(Part::Element(e)));
        }
        Value::Nodes(nodes, told) => list_nodes(nodes, *told, put),
        Value::Set(members) => {
            let len = members.len() as u64;
            put(Part::Set { len });
            members.iter().for_each(|e| put(Part::Element(e)));
        }
        Value::SetListpack(members) => {
            put(Part::SetListpack(&listpack(members.iter().map(|m| &**m))));
        }
        Value::SetIntset(members) => {
            let mut intset = IntsetBuf::new();
            members.iter().for_each(|n| _ = intset.insert(*n));
            put(Part::SetIntset(intset.bytes()));
        }
        Value::Hash(fields, ttl) => hash(fields, *ttl, put),
        Value::HashListpack(fields) => {
            let both = fields.iter().flat_map(|(f, v)| [&**f, &**v]);
            put(Part::HashListpack(&listpack(both)));
        }
        Value::Zset(members) => {
            let len = members.len() as u64;
            put(Part::Zset { len });
            for (member, score) in members {
                let score = *score;
                put(Part::Scored { member, score });
            }
        }
        Value::ZsetListpack(members) => {
            let scores: Vec<_> = members.iter().map(|(_, s)| s.to_string()).collect();
            let both = members.iter().zip(&scores);
            let both = both.flat_map(|((member, _), score)| [&**member, score.as_bytes()]);
            put(Part::ZsetListpack(&listpack(both)));
        }
        Value::Stream(entries, groups) => stream(entries, groups, put),
    }
    put(Part::EndValue);
}

fn list_nodes(nodes: &[Vec<Bytes>], told: bool, put: &mut dyn FnMut(Part<'_>)) {
    let elements = nodes.iter().map(|node| node.len() as u64).sum();
    put(Part::Quicklist {
        nodes: nodes.len() as u64,
        elements: told.then_some(elements),
    });
    for node in nodes {
        match node.as_slice() {
            [one] if one.len() > 1000 => put(Part::NodePlain(one)),
            _ => put(Part::NodeListpack(&listpack(node.iter().map(|e| &**e)))),
        }
    }
}

fn hash(fields: &[(Bytes, Bytes, Option<u64>)], ttl: bool, put: &mut dyn FnMut(Part<'_>)) {
    let len = fields.len() as u64;
    put(Part::Hash { len, ttl });
    for (field, value, ms) in fields {
        let expire = ms.filter(|_| ttl).map(|ms| UnixMillis(ms as i64));
        put(Part::Field {
            field,
            value,
            expire,
        });
    }
}

/// Entries with one field each, a node for every three, and one consumer a group.
fn stream(entries: &[(u64, Bytes)], groups: &[(Bytes, Vec<u64>)], put: &mut dyn FnMut(Part<'_>)) {
    let id = |ms: &u64| StreamId::new(*ms, 1);
    put(Part::StreamHeader {
        nodes: entries.chunks(3).len() as u64,
    });
    for node in entries.chunks(3) {
        let master = id(&node[0].0);
        let mut listpack = ListpackBuf::new();
        for piece in [node.len().to_string().as_str(), "0", "1", "f", "0"] {
            listpack.push_back(piece.as_bytes());
        }
        for (ms, text) in node {
            listpack.push_back(b"2");
            listpack.push_back_int((ms.wrapping_sub(master.ms)) as i64);
            for piece in [b"0".as_slice(), text, b"4"] {
                listpack.push_back(piece);
            }
        }
        put(Part::StreamNode {
            master,
            listpack: listpack.bytes(),
        });
    }
    let (first, last) = (entries.first(), entries.last());
    put(Part::StreamMeta {
        len: entries.len() as u64,
        last: last.map_or(StreamId::MIN, |(ms, _)| id(ms)),
        first: first.map_or(StreamId::MIN, |(ms, _)| id(ms)),
        max_deleted: StreamId::new(7, 7),
        entries_added: 1 + entries.len() as u64,
        groups: groups.len() as u64,
    });
    for (name, ids) in groups {
        group(name, ids, put);
    }
}

fn group(name: &[u8], ids: &[u64], put: &mut dyn FnMut(Part<'_>)) {
    let pending = ids.len() as u64;
    put(Part::Group {
        name,
        last: StreamId::new(1, 2),
        entries_read: ids.first().copied().filter(|n| *n != u64::MAX),
        pending,
    });
    for ms in ids {
        put(Part::Pending {
            id: StreamId::new(*ms, 0),
            delivered: UnixMillis(-5),
            count: *ms,
        });
    }
    put(Part::Consumers { count: 1 });
    put(Part::Consumer {
        name,
        seen: UnixMillis(77),
        active: ids.first().map(|_| UnixMillis(78)),
        pending,
    });
    for ms in ids {
        put(Part::ConsumerPending(StreamId::new(*ms, 0)));
    }
}

fn meta() -> impl Strategy<Value = KeyMeta> {
    let expire = proptest::option::of((0..i64::MAX).prop_map(UnixMillis));
    let idle_secs = proptest::option::of(any::<u64>());
    let freq = proptest::option::of(any::<u8>());
    (expire, idle_secs, freq).prop_map(|(expire, idle_secs, freq)| KeyMeta {
        expire,
        idle_secs,
        freq,
    })
}

/// Encodes, and says what went in.
fn encode(
    target: Target,
    options: EncoderOptions,
    keys: &[(u32, Bytes, KeyMeta, Value)],
) -> (Bytes, Vec<String>) {
    let mut encoder = Encoder::new(target, options);
    let mut events = Vec::new();
    let mut put = |event: Event<'_>| {
        encoder.put(&event).expect("representable and in order");
        events.push(format!("{event:?}"));
    };
    put(Event::Start(target.version()));
    for (db, key, meta, value) in keys {
        put(Event::SelectDb(DbIndex(*db)));
        let meta = *meta;
        put(Event::Key { key, meta });
        parts(value, &mut |part| put(Event::Value(part)));
    }
    encoder.finish().expect("the last value is whole");
    (encoder.take(), events)
}

/// The decoder does not know how many elements a list's nodes hold.
fn as_decoded(event: &str) -> String {
    match event.find(", elements:") {
        Some(at) => format!("{}, elements: None }})", &event[..at]),
        None => event.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn events_come_back(
        keys in vec((any::<u32>(), text(), meta(), value()), 0..6),
        compress in any::<bool>(),
        checksum in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let lossy = false;
        let options = EncoderOptions { compress, checksum, lossy };
        for target in [Target::Redis12, Target::Valkey80] {
            let (bytes, expected) = encode(target, options, &keys);
            let mut dice = Dice(seed);
            let outcome = decode(&bytes, || 1 + dice.roll(2000));
            prop_assert_eq!(outcome.error, None);
            let expected: Vec<_> = expected.iter().map(|e| as_decoded(e)).collect();
            let (end, events) = outcome.events.split_last().expect("an end");
            prop_assert_eq!(events, expected);
            prop_assert_eq!(end.contains("Verified"), checksum);
        }
    }

    #[test]
    fn older_targets_keep_the_meaning(
        keys in vec((0..3_u32, text(), meta(), value()), 0..6),
    ) {
        let lossy = true;
        let options = EncoderOptions { lossy, ..EncoderOptions::default() };
        let mut meanings = Vec::new();
        let keys: Vec<_> = keys.into_iter().map(|(db, key, meta, value)| {
            let value = match value {
                Value::Hash(fields, _) => Value::Hash(fields, false),
                Value::Stream(..) => Value::String(Vec::new()),
                other => other,
            };
            (db, key, meta, value)
        }).collect();
        for target in Target::ALL {
            let (bytes, _) = encode(target, options, &keys);
            let mut meaning = corpus::logical::Logical::default();
            let (error, _) = corpus::pull(&bytes, || usize::MAX, &mut |e| meaning.take(e));
            prop_assert_eq!(error, None);
            meanings.push(meaning);
        }
        for pair in meanings.windows(2) {
            prop_assert_eq!(&pair[0], &pair[1]);
        }
    }

    #[test]
    fn any_bytes_after_a_header_do_no_harm(
        body in vec(any::<u8>(), 0..300),
        version in prop_oneof![Just("REDIS0003"), Just("REDIS0012"), Just("VALKEY080")],
    ) {
        let bytes = [version.as_bytes(), &body].concat();
        let whole = decode(&bytes, || usize::MAX);
        prop_assert_eq!(&decode(&bytes, || 1), &whole);
    }
}

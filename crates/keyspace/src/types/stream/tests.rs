use super::*;
use crate::types::frozen::Frozen;
use packed::listpack::ListpackBuf;
use proptest::prelude::*;
use std::collections::BTreeMap;
use units::UnixMillis;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
type Content = Vec<(StreamId, Pairs)>;

const fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn add(stream: &mut Stream, at: StreamId, fields: &[[&[u8]; 2]]) {
    stream
        .append(&Settings::for_tests(), at, fields)
        .expect("ids rise in these tests");
}

/// Entries 1-0 up to `count`-0 of one field.
fn numbered(count: u64) -> Stream {
    let mut stream = Stream::default();
    (1..=count).for_each(|ms| add(&mut stream, id(ms, 0), &[[b"f", ms.to_string().as_bytes()]]));
    stream
}

fn pairs(entry: &Entry<'_>) -> Pairs {
    entry
        .fields()
        .map(|(field, value)| (field.to_vec(), value.to_vec()))
        .collect()
}

fn ids(stream: &Stream) -> Vec<u64> {
    stream.iter().map(|entry| entry.id.ms).collect()
}

#[test]
fn ids_are_given_above_the_last() {
    let mut stream = Stream::default();
    assert_eq!(stream.next_id(0), Some(id(0, 1)));
    assert_eq!(stream.next_id_in(0), Some(id(0, 1)));
    add(&mut stream, id(5, u64::MAX), &[[b"f", b"v"]]);
    assert_eq!(stream.next_id(5), Some(id(6, 0)));
    assert_eq!(stream.next_id(9), Some(id(9, 0)));
    assert_eq!(stream.next_id_in(5), None);
    assert_eq!(stream.next_id_in(4), None);
    let refused = stream.append(&Settings::for_tests(), id(5, 1), &[]);
    assert!(matches!(refused, Err(StreamError::IdNotAbove { .. })));
    add(&mut stream, StreamId::MAX, &[[b"f", b"v"]]);
    assert_eq!(stream.next_id(u64::MAX), None);
    stream.check();
}

#[test]
fn a_node_is_as_on_disk() {
    let mut stream = Stream::default();
    add(&mut stream, id(10, 5), &[[b"a", b"1"], [b"b", b"x"]]);
    add(&mut stream, id(12, 3), &[[b"a", b"2"], [b"b", b"y"]]);
    add(&mut stream, id(13, 0), &[[b"c", b"3"]]);
    let (master, blob) = stream.nodes().next().unwrap();
    assert_eq!(master, id(10, 5));
    let mut expected = ListpackBuf::new();
    for piece in [
        "3", "0", "2", "a", "b", "0", // the master entry
        "2", "0", "0", "1", "x", "5", // values only
        "2", "2", "-2", "2", "y", "5", //
        "0", "3", "-5", "1", "c", "3", "6", // fields of its own
    ] {
        expected.push_back(piece.as_bytes());
    }
    assert_eq!(blob, expected.bytes());
    assert!(stream.delete(id(12, 3)));
    assert!(!stream.delete(id(12, 3)));
    let (_, blob) = stream.nodes().next().unwrap();
    let header: Vec<_> = packed::listpack::Listpack::new(blob)
        .iter()
        .take(2)
        .collect();
    assert_eq!(header, [packed::Element::Int(2), packed::Element::Int(1)]);
    stream.check();
}

#[test]
fn nodes_close_at_entries_and_at_bytes() {
    let mut stream = numbered(201);
    assert_eq!(stream.nodes().count(), 3);
    // Deleted entries count, until the last goes and the node with it.
    stream.delete(id(201, 0));
    assert_eq!(stream.nodes().count(), 2);
    let mut settings = Settings::for_tests();
    settings.limits.stream_node_max_bytes = 100;
    let mut stream = Stream::default();
    for ms in 1..=4 {
        stream
            .append(&settings, id(ms, 0), &[[b"f", &[b'v'; 40]]])
            .unwrap();
    }
    assert_eq!(stream.nodes().count(), 4);
    (
        settings.limits.stream_node_max_bytes,
        settings.limits.stream_node_max_entries,
    ) = (0, 0);
    for ms in 5..=1000 {
        stream
            .append(&settings, id(ms, 0), &[[b"f", &[b'v'; 40]]])
            .unwrap();
    }
    assert_eq!(stream.nodes().count(), 4);
    stream.check();
}

#[test]
fn trims_exactly_and_by_whole_nodes() {
    let mut stream = numbered(250);
    assert_eq!(stream.trim(Trim::MaxLen(120), true, 0), 100);
    assert_eq!(stream.trim(Trim::MaxLen(120), true, 0), 0);
    assert_eq!(stream.trim(Trim::MaxLen(120), false, 0), 30);
    assert_eq!((stream.len(), stream.first_id()), (120, id(131, 0)));
    stream.check();
    assert_eq!(stream.trim(Trim::MinId(id(200, 0)), true, 0), 0);
    assert_eq!(stream.trim(Trim::MinId(id(201, 0)), true, 0), 70);
    assert_eq!(stream.trim(Trim::MinId(id(211, 0)), false, 0), 10);
    assert_eq!(stream.first_id(), id(211, 0));
    // As in Redis, trimming leaves no tombstone that counts.
    assert_eq!(stream.max_deleted_id(), StreamId::MIN);
    assert_eq!(stream.trim(Trim::MaxLen(0), true, 39), 0);
    assert_eq!(stream.trim(Trim::MaxLen(0), true, 40), 40);
    assert_eq!(
        (stream.len(), stream.first_id(), stream.last_id()),
        (0, id(0, 0), id(250, 0))
    );
    stream.check();
}

#[test]
fn trimming_what_is_alive_drops_a_node_of_tombstones() {
    let mut stream = numbered(3);
    stream.delete(id(3, 0));
    assert_eq!(stream.trim(Trim::MinId(id(3, 0)), false, 0), 2);
    assert_eq!(stream.nodes().count(), 0);
    stream.check();
}

#[test]
fn loading_takes_nodes_as_they_are_and_refuses_broken_ones() {
    let mut stream = numbered(150);
    stream.delete(id(1, 0));
    let mut loaded = Stream::default();
    for (master, blob) in stream.nodes() {
        let listpack = ListpackBuf::from_vec_trusted(blob.to_vec());
        loaded.push_node(master, listpack).unwrap();
    }
    loaded.set_id(stream.last_id(), Some(150), Some(id(1, 0)));
    loaded.check();
    assert_eq!(ids(&loaded), ids(&stream));
    assert_eq!((loaded.first_id(), loaded.entries_added()), (id(2, 0), 150));
    assert_eq!(loaded.heap_bytes(), stream.heap_bytes());

    let again = ListpackBuf::from_vec_trusted(stream.nodes().next().unwrap().1.to_vec());
    assert!(loaded.push_node(id(101, 0), again.clone()).is_err());
    let mut miscounted = again;
    let pos = miscounted.as_ref().start().unwrap();
    miscounted.replace(pos, b"7");
    assert!(Stream::default().push_node(id(1, 0), miscounted).is_err());
    assert!(
        Stream::default()
            .push_node(id(1, 0), ListpackBuf::new())
            .is_err()
    );
}

/// Redis leaves such nodes behind where an exact trim meets tombstones.
#[test]
fn loading_leaves_out_a_node_of_tombstones() {
    let whole = numbered(1);
    let (master, blob) = whole.nodes().next().unwrap();
    let mut dead = ListpackBuf::from_vec_trusted(blob.to_vec());
    // The two counts, then, behind the number of fields, the field and a 0, the entry's flags.
    for (at, number) in [(0, "0"), (1, "1"), (5, "3")] {
        let pos = dead.as_ref().seek(at).unwrap();
        dead.replace(pos, number.as_bytes());
    }
    let mut loaded = Stream::default();
    loaded.push_node(master, dead).unwrap();
    assert_eq!((loaded.len(), loaded.nodes().count()), (0, 0));
    assert_eq!(
        (loaded.first_id(), loaded.last_id()),
        (StreamId::MIN, id(1, 0))
    );
    loaded.check();
}

const NOW: UnixMillis = UnixMillis(1_000_000);

fn pending_of(stream: &Stream, consumer: &[u8]) -> Vec<u64> {
    let group = stream.group(b"g").unwrap();
    group
        .consumer(consumer)
        .map_or(vec![], |c| c.pending().map(|id| id.ms).collect())
}

#[test]
fn delivering_makes_entries_pending_until_acknowledged() {
    let mut stream = numbered(5);
    assert!(stream.create_group(b"g", StreamId::MIN, None));
    assert!(!stream.create_group(b"g", StreamId::MIN, None));
    let delivered = stream.deliver(b"g", b"alice", 2, false, NOW).unwrap();
    assert_eq!(delivered, [id(1, 0), id(2, 0)]);
    stream.deliver(b"g", b"bob", 1, true, NOW).unwrap();
    stream.deliver(b"g", b"bob", 9, false, NOW).unwrap();
    assert_eq!(
        (pending_of(&stream, b"alice"), pending_of(&stream, b"bob")),
        (vec![1, 2], vec![4, 5])
    );
    assert_eq!(stream.group(b"g").unwrap().entries_read(), Some(5));
    assert!(
        stream
            .deliver(b"g", b"carol", 9, false, NOW)
            .unwrap()
            .is_empty()
    );
    let carol = stream.group(b"g").unwrap().consumer(b"carol").unwrap();
    assert_eq!((carol.seen, carol.active), (NOW, None));

    let frozen = stream.clone();
    assert_eq!(
        stream.edit_group(b"g", |group| group.ack(id(1, 0))),
        Some(true)
    );
    assert_eq!(
        stream.edit_group(b"g", |group| group.ack(id(1, 0))),
        Some(false)
    );
    let again = stream
        .edit_group(b"g", |g| g.redeliver(b"bob", id(4, 1), 9, NOW))
        .unwrap();
    assert_eq!(again, [id(5, 0)]);
    assert_eq!(
        stream
            .group(b"g")
            .unwrap()
            .pending_entry(id(5, 0))
            .unwrap()
            .count,
        2
    );
    assert_eq!(
        stream.edit_group(b"g", |g| g.delete_consumer(b"bob")),
        Some(Some(2))
    );
    assert_eq!(stream.group(b"g").unwrap().pending().count(), 1);
    assert_eq!(
        stream.deliver(b"none", b"a", 1, false, NOW),
        Err(StreamError::NoGroup)
    );
    stream.check();
    frozen.check();
    assert_eq!(pending_of(&frozen, b"alice"), [1, 2]);
    assert_eq!(
        frozen
            .group(b"g")
            .unwrap()
            .pending_entry(id(5, 0))
            .unwrap()
            .count,
        1
    );
    assert!(stream.destroy_group(b"g") && !stream.destroy_group(b"g"));
}

#[test]
fn claiming_moves_what_is_idle() {
    let mut stream = numbered(4);
    stream.create_group(b"g", StreamId::MIN, None);
    stream.deliver(b"g", b"alice", 3, false, NOW).unwrap();
    stream.delete(id(3, 0));
    let later = UnixMillis(NOW.0 + 50);
    let claim = Claim {
        min_idle: 60,
        delivered: later,
        count: None,
        force: false,
        just_id: false,
    };
    let mut take = |ms, claim: Claim| {
        stream
            .claim(b"g", b"bob", id(ms, 0), &claim, later)
            .unwrap()
    };
    assert_eq!(take(1, claim), Claimed::Left);
    assert_eq!(
        take(
            1,
            Claim {
                min_idle: 50,
                ..claim
            }
        ),
        Claimed::Taken
    );
    assert_eq!(take(3, claim), Claimed::Gone);
    assert_eq!(take(4, claim), Claimed::Left);
    let forced = Claim {
        force: true,
        count: Some(7),
        ..claim
    };
    assert_eq!(take(4, forced), Claimed::Taken);
    assert_eq!(
        (pending_of(&stream, b"alice"), pending_of(&stream, b"bob")),
        (vec![2], vec![1, 4])
    );
    let group = stream.group(b"g").unwrap();
    let times: Vec<_> = group.pending().map(|(_, pending)| pending.count).collect();
    assert_eq!(times, [2, 1, 7]);
    assert_eq!(group.consumer(b"bob").unwrap().active, Some(later));
    stream.check();
}

#[test]
fn auto_claiming_goes_on_where_it_stopped() {
    let mut stream = numbered(6);
    stream.create_group(b"g", StreamId::MIN, None);
    stream.deliver(b"g", b"alice", 6, false, NOW).unwrap();
    stream.delete(id(2, 0));
    let first = stream
        .auto_claim(b"g", b"bob", StreamId::MIN, 3, 0, true, NOW)
        .unwrap();
    assert_eq!(
        (first.taken, first.gone),
        (vec![id(1, 0), id(3, 0)], vec![id(2, 0)])
    );
    assert_eq!(first.next, id(4, 0));
    let rest = stream
        .auto_claim(b"g", b"bob", first.next, 9, 0, false, NOW)
        .unwrap();
    assert_eq!((rest.taken.len(), rest.next), (3, StreamId::MIN));
    let group = stream.group(b"g").unwrap();
    let times: Vec<_> = group.pending().map(|(_, pending)| pending.count).collect();
    assert_eq!(times, [1, 1, 2, 2, 2]);
    let idle = stream
        .auto_claim(b"g", b"eve", StreamId::MIN, 1, 1, false, NOW)
        .unwrap();
    assert_eq!((idle.taken.len(), idle.next), (0, StreamId::MIN));
    stream.check();
}

#[test]
fn lag_is_known_where_redis_knows_it() {
    let mut stream = Stream::default();
    stream.create_group(b"g", StreamId::MIN, None);
    let lag = |stream: &Stream| stream.lag(stream.group(b"g").unwrap());
    assert_eq!(lag(&stream), Some(0));
    (1..=5).for_each(|ms| add(&mut stream, id(ms, 0), &[[b"f", b"v"]]));
    assert_eq!(lag(&stream), Some(5));
    stream.deliver(b"g", b"c", 2, true, NOW).unwrap();
    assert_eq!(lag(&stream), Some(3));
    // A deletion ahead: unknown until it has been passed.
    stream.delete(id(4, 0));
    assert_eq!(lag(&stream), None);
    stream.deliver(b"g", b"c", 1, true, NOW).unwrap();
    assert_eq!(
        (stream.group(b"g").unwrap().entries_read(), lag(&stream)),
        (None, None)
    );
    stream.deliver(b"g", b"c", 1, true, NOW).unwrap();
    assert_eq!(
        (stream.group(b"g").unwrap().entries_read(), lag(&stream)),
        (Some(5), Some(0))
    );
    // An arbitrary id has an unknown place; the first and what lies before it do not.
    stream.edit_group(b"g", |group| group.set_id(id(2, 0), None));
    assert_eq!(lag(&stream), None);
    stream.trim(Trim::MinId(id(5, 0)), false, 0);
    assert_eq!(stream.entries_read_at(id(5, 0)), Some(5));
    stream.delete(id(5, 0));
    assert_eq!(lag(&stream), Some(0));
}

#[derive(Debug, Clone)]
enum Step {
    Add(u64, u64, Vec<(u8, u16)>),
    Delete(usize),
    Trim(usize, bool, bool),
    Clone,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fields = prop::collection::vec((0u8..3, 0u16..500), 0..3);
    let step = prop_oneof![
        12 => (0u64..3, 0u64..5, fields).prop_map(|(ms, seq, f)| Step::Add(ms, seq, f)),
        6 => (0usize..100).prop_map(Step::Delete),
        1 => (0usize..40, any::<bool>(), any::<bool>()).prop_map(|(n, a, b)| Step::Trim(n, a, b)),
        2 => Just(Step::Clone),
    ];
    prop::collection::vec(step, 0..120)
}

fn agree(stream: &Stream, model: &BTreeMap<StreamId, Pairs>) {
    stream.check();
    let expected: Content = model
        .iter()
        .map(|(id, fields)| (*id, fields.clone()))
        .collect();
    let all: Content = stream
        .iter()
        .map(|entry| (entry.id, pairs(&entry)))
        .collect();
    assert_eq!(all, expected);
    let (from, to) = (id(3, 1), id(40, 2));
    let mut back: Content = stream
        .range(from, to, true)
        .map(|entry| (entry.id, pairs(&entry)))
        .collect();
    back.reverse();
    let within: Content = model
        .range(from..=to)
        .map(|(id, fields)| (*id, fields.clone()))
        .collect();
    assert_eq!(back, within);
    assert_eq!(stream.range(to, from, false).count(), 0);
    for (id, fields) in model {
        assert_eq!(
            stream.get(*id).map(|entry| pairs(&entry)).as_ref(),
            Some(fields)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn agrees_with_an_ordered_map_and_clones_stand_still(steps in steps(), entries_max in 1usize..8) {
        let mut settings = Settings::for_tests();
        settings.limits.stream_node_max_entries = entries_max;
        let (mut stream, mut model) = (Stream::default(), BTreeMap::new());
        let mut frozen = Frozen::default();
        for step in steps {
            match step {
                Step::Add(ms, seq, fields) => {
                    let last = stream.last_id();
                    let at = if ms == 0 { id(last.ms, last.seq + 1 + seq) } else { id(last.ms + ms, seq) };
                    let texts: Vec<(Vec<u8>, Vec<u8>)> = fields
                        .iter()
                        .map(|(field, value)| (vec![b'a' + field], value.to_string().into_bytes()))
                        .collect();
                    let borrowed: Vec<[&[u8]; 2]> = texts.iter().map(|(f, v)| [&f[..], &v[..]]).collect();
                    stream.append(&settings, at, &borrowed).unwrap();
                    model.insert(at, texts);
                }
                Step::Delete(at) => {
                    let target = model.keys().nth(at % model.len().max(1)).copied();
                    if let Some(target) = target {
                        prop_assert!(stream.delete(target));
                        model.remove(&target);
                        prop_assert!(!stream.delete(target));
                    }
                }
                Step::Trim(keep, approx, by_id) => {
                    let edge = model.keys().rev().nth(keep.saturating_sub(1)).copied();
                    let trim = match (by_id, edge) {
                        (true, Some(edge)) => Trim::MinId(edge),
                        _ => Trim::MaxLen(keep as u64),
                    };
                    let before = model.len();
                    let removed = stream.trim(trim, approx, 0) as usize;
                    if !approx {
                        let wanted = if by_id && edge.is_some() { keep.max(1) } else { keep };
                        prop_assert_eq!(removed, before.saturating_sub(wanted));
                    }
                    (0..removed).for_each(|_| { model.pop_first(); });
                }
                Step::Clone => frozen.take(&stream, &model),
            }
            prop_assert_eq!(stream.len(), model.len());
            stream.check();
            frozen.each(agree);
        }
        agree(&stream, &model);
    }
}

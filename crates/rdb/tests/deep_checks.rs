//! Values that servers load and then crash on, or serve wrongly, are refused with the reason.

use packed::listpack::ListpackBuf;
use rdb::dump::{self, ValueEncoder};
use rdb::{Error, ErrorKind, Part, Target};
use units::{StreamId, UnixMillis};

fn listpack(texts: &str) -> Vec<u8> {
    let mut listpack = ListpackBuf::new();
    for text in texts.split_whitespace() {
        listpack.push_back(text.as_bytes());
    }
    listpack.into_vec()
}

fn payload(parts: &[Part<'_>]) -> Vec<u8> {
    let mut encoder = ValueEncoder::new(Target::Redis12, false, false);
    for part in parts.iter().chain([&Part::EndValue]) {
        encoder.put(part).expect("parts in order");
    }
    encoder.finish().expect("a whole value")
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let mut payload = body.to_vec();
    dump::seal(&mut payload, Target::Redis12);
    payload
}

fn read(payload: &[u8]) -> Result<Vec<String>, Error> {
    let mut value = dump::decode(payload)?;
    let mut parts = Vec::new();
    while let Some(part) = value.next()? {
        parts.push(format!("{part:?}"));
    }
    Ok(parts)
}

fn refusal(payload: &[u8]) -> ErrorKind {
    read(payload).expect_err("damaged").kind().clone()
}

fn repeated(payload: &[u8]) -> &'static str {
    match refusal(payload) {
        ErrorKind::Repeated { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn compact_blobs_hold_nothing_twice() {
    let hash = listpack("a 1 b 2 a 3");
    assert_eq!(repeated(&payload(&[Part::HashListpack(&hash)])), "field");
    let set = listpack("x 5 y 5");
    assert_eq!(repeated(&payload(&[Part::SetListpack(&set)])), "member");
    let zset = listpack("a 1 a 2");
    assert_eq!(repeated(&payload(&[Part::ZsetListpack(&zset)])), "member");
    let triples = listpack("a 1 0 a 1 0");
    let (min, listpack) = (0, triples.as_slice());
    let ttl = Part::HashListpackTtl { min, listpack };
    assert_eq!(repeated(&payload(&[ttl])), "field");
}

#[test]
fn pairs_and_triples_are_whole() {
    let odd = listpack("a 1 b");
    for part in [Part::HashListpack(&odd), Part::ZsetListpack(&odd)] {
        let expected = ErrorKind::OddCount { found: 3, group: 2 };
        assert_eq!(refusal(&payload(&[part])), expected);
    }
    let pairs = listpack("a 1 b 2");
    let (min, listpack) = (0, pairs.as_slice());
    let refused = refusal(&payload(&[Part::HashListpackTtl { min, listpack }]));
    assert_eq!(refused, ErrorKind::OddCount { found: 4, group: 3 });
}

#[test]
fn scores_are_numbers_and_in_order() {
    for text in ["nan", "1.5x", "x"] {
        let zset = listpack(&format!("a {text}"));
        let refused = refusal(&payload(&[Part::ZsetListpack(&zset)]));
        assert!(matches!(refused, ErrorKind::BadScore { .. }), "{refused}");
    }
    let nan = sealed(b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xF8\x7F");
    assert!(matches!(refusal(&nan), ErrorKind::BadScore { .. }));
    let old_nan = sealed(b"\x03\x01\x01a\xFD");
    assert!(matches!(refusal(&old_nan), ErrorKind::BadScore { .. }));
    let (tumbled, sorted) = (listpack("b 2 c 1 a 2"), listpack("c 1 a 2 b 2"));
    let parts = read(&payload(&[Part::ZsetListpack(&tumbled)])).expect("put in order");
    assert_eq!(parts[0], format!("{:?}", Part::ZsetListpack(&sorted)));
}

#[test]
fn deadlines_of_fields_are_numbers_within_bounds() {
    for ms in ["x", "-1", "281474976710656"] {
        let triples = listpack(&format!("a 1 {ms}"));
        // Kind 25 by hand: the encoder would write a deadline within bounds.
        let body = [&[25], &[0; 8][..], &[triples.len() as u8], &triples].concat();
        let refused = refusal(&sealed(&body));
        assert!(matches!(refused, ErrorKind::BadNumber { .. }), "{refused}");
    }
}

#[test]
fn intsets_ascend() {
    for ints in [[2_u8, 1], [1, 1]] {
        let mut blob = vec![2, 0, 0, 0, 2, 0, 0, 0];
        blob.extend(ints.iter().flat_map(|n| [*n, 0]));
        let refused = refusal(&payload(&[Part::SetIntset(&blob)]));
        assert!(matches!(refused, ErrorKind::Blob { what: "intset", .. }));
    }
}

#[test]
fn collections_have_elements() {
    for body in [
        b"\x01\x00".as_slice(),
        b"\x02\x00",
        b"\x04\x00",
        b"\x05\x00",
        b"\x12\x00",
        b"\x12\x01\x02\x07\x07\x00\x00\x00\x00\x00\xFF",
        b"\x10\x07\x07\x00\x00\x00\x00\x00\xFF",
        b"\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ] {
        let refused = refusal(&sealed(body));
        assert_eq!(refused, ErrorKind::EmptyCollection, "{body:x?}");
    }
}

#[test]
fn claims_reserve_nothing_and_end_with_the_input() {
    for kind in [1, 2, 3, 4, 5, 14, 15, 18, 19, 21, 22] {
        let mut body = vec![kind, 0x81];
        body.extend_from_slice(&(1_u64 << 60).to_be_bytes());
        let refused = refusal(&sealed(&body));
        assert!(matches!(refused, ErrorKind::Truncated { .. }), "{refused}");
    }
    let long = sealed(b"\x00\x80\xFF\xFF\xFF\xFF");
    assert!(matches!(refusal(&long), ErrorKind::Truncated { .. }));
    let lzf = sealed(b"\x00\xC3\x02\x80\x40\x00\x00\x00\x00a");
    assert!(matches!(refusal(&lzf), ErrorKind::Blob { .. }));
}

#[test]
fn a_value_ends_where_its_footer_begins() {
    let refused = refusal(&sealed(b"\x00"));
    assert!(matches!(refused, ErrorKind::Truncated { .. }), "{refused}");
    let refused = refusal(&sealed(b"\x00\x01vx"));
    assert_eq!(refused, ErrorKind::TrailingBytes { count: 1 });
    for len in 0..11 {
        let short = vec![0; len];
        assert!(matches!(
            refusal(&short),
            ErrorKind::ShortPayload { .. } | ErrorKind::ChecksumMismatch { .. }
        ));
    }
}

#[test]
fn footers_are_checked() {
    let good = sealed(b"\x00\x01v");
    assert_eq!(
        dump::verify(&good).map(|(body, _)| body),
        Ok(b"\x00\x01v".as_slice())
    );
    let mut zero = good.clone();
    let at = zero.len() - 8;
    zero[at..].fill(0);
    assert!(matches!(refusal(&zero), ErrorKind::ChecksumMismatch { .. }));
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        assert!(matches!(
            refusal(&flipped),
            ErrorKind::ChecksumMismatch { .. }
        ));
    }
}

/// A stream of one entry and one group, whose pending entries and consumers are as given.
fn stream(pending: &[u64], consumers: &[(&str, &[u64])]) -> Vec<u8> {
    stream_of(1, &["g"], pending, consumers)
}

fn stream_of(len: u64, groups: &[&str], pending: &[u64], consumers: &[(&str, &[u64])]) -> Vec<u8> {
    let node = listpack("1 0 1 f 0 2 0 0 v 4");
    let id = |seq| StreamId::new(1, seq);
    let mut parts = vec![
        Part::StreamHeader { nodes: 1 },
        Part::StreamNode {
            master: id(0),
            listpack: &node,
        },
        Part::StreamMeta {
            len,
            last: id(9),
            first: id(0),
            max_deleted: id(0),
            entries_added: 1,
            groups: groups.len() as u64,
        },
    ];
    for name in groups {
        parts.push(Part::Group {
            name: name.as_bytes(),
            last: id(9),
            entries_read: None,
            pending: pending.len() as u64,
        });
        parts.extend(pending.iter().map(|seq| Part::Pending {
            id: id(*seq),
            delivered: UnixMillis(5),
            count: 1,
        }));
        let count = consumers.len() as u64;
        parts.push(Part::Consumers { count });
        for (name, owned) in consumers {
            parts.push(Part::Consumer {
                name: name.as_bytes(),
                seen: UnixMillis(5),
                active: None,
                pending: owned.len() as u64,
            });
            parts.extend(owned.iter().map(|seq| Part::ConsumerPending(id(*seq))));
        }
    }
    payload(&parts)
}

#[test]
fn groups_of_streams_add_up() {
    assert!(read(&stream(&[], &[])).is_ok());
    assert!(read(&stream(&[2, 1], &[("a", &[1]), ("b", &[2])])).is_ok());
    assert_eq!(repeated(&stream(&[1, 1], &[("a", &[1])])), "pending entry");
    assert_eq!(
        repeated(&stream(&[], &[("a", &[]), ("a", &[])])),
        "consumer"
    );
    assert_eq!(repeated(&stream_of(1, &["g", "g"], &[], &[])), "group");
    for (damaged, why) in [
        (stream(&[1], &[("a", &[1]), ("b", &[1])]), "two owners"),
        (stream(&[1], &[("a", &[1, 1])]), "two owners"),
        (stream(&[1], &[("a", &[])]), "no owner"),
        (stream(&[1], &[]), "no owner"),
        (stream(&[1], &[("a", &[1, 2])]), "not in its group"),
        (stream_of(2, &[], &[], &[]), "length is not"),
    ] {
        let error = read(&damaged).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn kinds_are_decided_by_the_version_in_the_footer() {
    let body = b"\x16\x01\x01a\x01b\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    let mut valkey = body.to_vec();
    dump::seal(&mut valkey, Target::Valkey80);
    assert!(read(&valkey).is_ok());
    assert!(read(&sealed(body)).is_err());
    let mut foreign = b"\x18\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01a\x01b".to_vec();
    assert!(read(&sealed(&foreign)).is_ok());
    dump::seal(&mut foreign, Target::Valkey80);
    let refused = refusal(&foreign);
    assert!(matches!(
        refused,
        ErrorKind::UnknownOpcode { found: 0x18, .. }
    ));
}

#[test]
fn old_payloads_hold_any_kind_and_new_pieces_are_named() {
    let mut old = b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xF0\x3F\x03\x00".to_vec();
    let checksum = packed::crc64::crc64(&old);
    old.extend_from_slice(&checksum.to_le_bytes());
    assert!(read(&old).is_ok());
    for (byte, name) in [
        (243, "metadata"),
        (26, "stream"),
        (30, "template"),
        (6, "module"),
    ] {
        let error = read(&sealed(&[byte, 0])).expect_err("unread").to_string();
        assert!(error.contains(name), "{error}");
    }
}

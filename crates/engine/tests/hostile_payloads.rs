//! Payloads of `RESTORE` that broke other servers, each with a right checksum: refused, and nothing
//! is left behind. The numbers are those of the public advisories.

use duramen::{Engine, Reply, Session};
use packed::crc64::crc64;

const SET: u8 = 2;
const HASH: u8 = 4;
const ZSET_2: u8 = 5;
const HASH_ZIPMAP: u8 = 9;
const LIST_ZIPLIST: u8 = 10;
const SET_INTSET: u8 = 11;
const ZSET_ZIPLIST: u8 = 12;
const HASH_ZIPLIST: u8 = 13;
const STREAM: u8 = 15;
const HASH_LISTPACK: u8 = 16;
const ZSET_LISTPACK: u8 = 17;
const LIST_QUICKLIST_2: u8 = 18;
const SET_LISTPACK: u8 = 20;

/// A value's body behind its kind, with a footer that is right.
fn payload(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = [&[kind], body, &10_u16.to_le_bytes()].concat();
    bytes.extend_from_slice(&crc64(&bytes).to_le_bytes());
    bytes
}

/// A string of at most 63 bytes, or of four bytes' length.
fn string(bytes: &[u8]) -> Vec<u8> {
    match u8::try_from(bytes.len()) {
        Ok(len @ 0..64) => [&[len], bytes].concat(),
        _ => [&[0x80], &(bytes.len() as u32).to_be_bytes()[..], bytes].concat(),
    }
}

/// A listpack of short strings, as a string.
fn listpack(elements: &[&str]) -> Vec<u8> {
    let mut entries = Vec::new();
    for element in elements {
        entries.push(0x80 | element.len() as u8);
        entries.extend_from_slice(element.as_bytes());
        entries.push(element.len() as u8 + 1);
    }
    let total = (entries.len() as u32 + 7).to_le_bytes();
    let count = (elements.len() as u16).to_le_bytes();
    string(&[&total[..], &count, &entries, &[0xff]].concat())
}

/// A ziplist with the header given.
fn ziplist(total: u32, tail: u32, count: u16, entries: &[u8]) -> Vec<u8> {
    let header = [
        &total.to_le_bytes()[..],
        &tail.to_le_bytes(),
        &count.to_le_bytes(),
    ];
    string(&[&header.concat(), entries, &[0xff]].concat())
}

fn restore(session: &mut Session, payload: &[u8]) -> String {
    let reply = session.execute::<&[u8]>(&[b"RESTORE", b"k", b"0", payload]);
    format!("{reply:?}")
}

/// Asserts that each of them is refused, and that commands on the key find none.
fn refused(payloads: &[(u8, Vec<u8>)]) {
    let mut session = Engine::open_in_memory().session();
    for (at, (kind, body)) in payloads.iter().enumerate() {
        let reply = restore(&mut session, &payload(*kind, body));
        assert!(
            reply.contains("Bad data format"),
            "{at} of kind {kind}: {reply}"
        );
        assert_eq!(session.execute(&["DBSIZE"]), Reply::Integer(0));
    }
}

#[test]
fn what_is_sound_is_taken() {
    let mut session = Engine::open_in_memory().session();
    for (kind, body) in [
        (HASH_LISTPACK, listpack(&["f", "v"])),
        (ZSET_LISTPACK, listpack(&["m", "1"])),
        (SET_LISTPACK, listpack(&["a", "b"])),
        (LIST_ZIPLIST, ziplist(15, 10, 1, b"\x00\x02hi")),
        (STREAM, stream(&[1], &[&[1]])),
    ] {
        let reply = restore(&mut session, &payload(kind, &body));
        assert!(reply.contains("OK"), "kind {kind}: {reply}");
        session.execute(&["DEL", "k"]);
    }
}

/// CVE-2026-25243.
#[test]
fn a_zipmap_with_lengths_beyond_its_end() {
    refused(&[
        (
            HASH_ZIPMAP,
            string(b"\x01\xfe\xff\xff\xff\x7fk\x01\x00v\xff"),
        ),
        (
            HASH_ZIPMAP,
            string(b"\x01\x01k\xfe\xff\xff\xff\xff\x00v\xff"),
        ),
        (HASH_ZIPMAP, string(b"\x01\x01k\x01\xffv\xff")),
        (HASH_ZIPMAP, string(b"\x01\x01k\xfe")),
    ]);
}

/// A stream without entries and with one group: the ids of the group's list and of each consumer's.
fn stream(pending: &[u8], consumers: &[&[u8]]) -> Vec<u8> {
    let id = |number: &u8| [&[0; 15][..], &[*number]].concat();
    let mut body = b"\x00\x00\x09\x00\x01\x01g\x09\x00".to_vec();
    body.push(pending.len() as u8);
    for number in pending {
        body.extend([&id(number)[..], &[0; 8], &[1]].concat());
    }
    body.push(consumers.len() as u8);
    for (at, ids) in consumers.iter().enumerate() {
        body.extend([1, b'a' + at as u8]);
        body.extend([0; 8]);
        body.push(ids.len() as u8);
        ids.iter().for_each(|number| body.extend(id(number)));
    }
    body
}

/// CVE-2026-63639, CVE-2026-104192.
#[test]
fn a_pending_entry_twice_or_of_two_consumers() {
    refused(&[
        (STREAM, stream(&[1, 1], &[&[1]])),
        (STREAM, stream(&[1], &[&[1, 1]])),
        (STREAM, stream(&[1], &[&[1], &[1]])),
        (STREAM, stream(&[1], &[&[2]])),
        (STREAM, stream(&[1, 2], &[&[1]])),
    ]);
}

#[test]
fn pairs_without_a_partner() {
    refused(&[
        (HASH_LISTPACK, listpack(&["f", "v", "g"])),
        (ZSET_LISTPACK, listpack(&["m", "1", "n"])),
        (HASH_ZIPLIST, ziplist(15, 10, 1, b"\x00\x02hi")),
        (ZSET_ZIPLIST, ziplist(15, 10, 1, b"\x00\x02hi")),
    ]);
}

#[test]
fn members_and_fields_twice() {
    let zset = [b"\x02\x01m".as_slice(), &[0; 8], b"\x01m", &[0; 8]].concat();
    refused(&[
        (SET, b"\x02\x01a\x01a".to_vec()),
        (HASH, b"\x02\x01a\x01x\x01a\x01y".to_vec()),
        (ZSET_2, zset),
        (SET_LISTPACK, listpack(&["a", "a"])),
        (HASH_LISTPACK, listpack(&["f", "v", "f", "w"])),
        (ZSET_LISTPACK, listpack(&["m", "1", "m", "2"])),
        (SET_INTSET, string(b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0")),
    ]);
}

#[test]
fn scores_that_are_no_numbers() {
    let nan = [b"\x01\x01m".as_slice(), &f64::NAN.to_le_bytes()].concat();
    refused(&[
        (ZSET_2, nan),
        (ZSET_LISTPACK, listpack(&["m", "nan"])),
        (ZSET_LISTPACK, listpack(&["m", "x"])),
    ]);
}

/// CVE-2021-29478, CVE-2021-32687.
#[test]
fn an_intset_that_claims_more_than_it_has() {
    refused(&[
        (SET_INTSET, string(b"\x02\0\0\0\xff\xff\xff\xff\x01\0")),
        (
            SET_INTSET,
            string(b"\x08\0\0\0\x00\x00\x00\x20\x01\0\0\0\0\0\0\0"),
        ),
        (SET_INTSET, string(b"\x03\0\0\0\x01\0\0\0\x01\0")),
        (SET_INTSET, string(b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0")),
        (SET_INTSET, string(b"\x02\0")),
    ]);
}

/// CVE-2021-32628.
#[test]
fn a_ziplist_whose_lengths_lead_elsewhere() {
    refused(&[
        (LIST_ZIPLIST, ziplist(0xffff_ffff, 10, 1, b"\x00\x02hi")),
        (LIST_ZIPLIST, ziplist(15, 0xffff_fff0, 1, b"\x00\x02hi")),
        (LIST_ZIPLIST, ziplist(15, 10, 9, b"\x00\x02hi")),
        (LIST_ZIPLIST, ziplist(15, 10, 1, b"\x40\x02hi")),
        (
            LIST_ZIPLIST,
            ziplist(19, 10, 1, b"\xfe\xff\xff\xff\xff\x02hi\0"),
        ),
        (LIST_ZIPLIST, ziplist(15, 10, 1, b"\x00\x3fhi")),
        (
            LIST_ZIPLIST,
            ziplist(18, 10, 1, b"\x00\x80\xff\xff\xff\xff\0"),
        ),
        (HASH_ZIPLIST, ziplist(11, 10, 0, b"")),
    ]);
}

/// CVE-2021-32627, and nodes whose first entry does not hold what it says.
#[test]
fn a_stream_whose_nodes_contradict_themselves() {
    let node = |elements: &[&str]| {
        let tail = b"\x01\x09\x00\x00";
        [&b"\x01"[..], &string(&[0; 16]), &listpack(elements), tail].concat()
    };
    refused(&[
        (STREAM, node(&[])),
        (STREAM, node(&["1", "0", "1", "f"])),
        (STREAM, node(&["99999999", "0", "1", "f", "0"])),
        (STREAM, node(&["1", "0", "9223372036854775807", "f", "0"])),
        (STREAM, node(&["x", "0", "1", "f", "0"])),
        (
            STREAM,
            [&b"\x01"[..], &string(&[0; 4]), &listpack(&["1"]), b"\0"].concat(),
        ),
    ]);
}

#[test]
fn a_listpack_whose_entries_lead_beyond_it() {
    let raw = |bytes: &[u8]| string(bytes);
    refused(&[
        (SET_LISTPACK, raw(b"\x0b\0\0\0\x01\0\xbfab\x03\xff")),
        (
            SET_LISTPACK,
            raw(b"\x0c\0\0\0\x01\0\xf0\xff\xff\xff\xff\xff"),
        ),
        (SET_LISTPACK, raw(b"\xff\xff\xff\xff\x01\0\x81a\x02\xff")),
        (SET_LISTPACK, raw(b"\x0a\0\0\0\x01\0\x81a\x7f\xff")),
    ]);
}

#[test]
fn collections_of_nothing() {
    refused(&[
        (SET, vec![0]),
        (HASH, vec![0]),
        (ZSET_2, vec![0]),
        (LIST_QUICKLIST_2, vec![0]),
        (
            LIST_QUICKLIST_2,
            [b"\x01\x02".as_slice(), &listpack(&[])].concat(),
        ),
        (SET_LISTPACK, listpack(&[])),
        (HASH_LISTPACK, listpack(&[])),
        (ZSET_LISTPACK, listpack(&[])),
        (SET_INTSET, string(b"\x02\0\0\0\0\0\0\0")),
    ]);
}

#[test]
fn compressed_lengths_that_are_wrong() {
    refused(&[
        (0, b"\xc3\x02\x80\xff\xff\xff\xff\x00a".to_vec()),
        (0, b"\xc3\x80\xff\xff\xff\xff\x05\x00a".to_vec()),
        (0, b"\xc3\x02\x05\x00a".to_vec()),
        (0, b"\xc3\x02\x00\x00a".to_vec()),
        (0, b"\xc3\x03\x05\xe0\xff\xff".to_vec()),
    ]);
}

#[test]
fn a_table_of_two_to_the_31st() {
    let huge = b"\x80\x80\0\0\0\x01a";
    let more = b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a";
    for size in [huge.as_slice(), more] {
        refused(&[
            (SET, size.to_vec()),
            (HASH, size.to_vec()),
            (ZSET_2, size.to_vec()),
        ]);
    }
}

/// CVE-2025-32023.
#[test]
fn hyperloglog_runs_beyond_the_last_register() {
    let mut session = Engine::open_in_memory().session();
    let header = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80";
    for runs in [
        [0x7f, 0xff].repeat(2),
        [&[0x7f, 0xff][..], &[0xff]].concat(),
        [&[0xff].repeat(4096)[..], &[0x40]].concat(),
        vec![0x7f],
        vec![],
    ] {
        let forged = [header.as_slice(), &runs].concat();
        session.execute::<&[u8]>(&[b"SET", b"k", &forged]);
        for words in [
            &["PFCOUNT", "k"][..],
            &["PFADD", "k", "a"],
            &["PFMERGE", "dest", "k"],
            &["PFDEBUG", "GETREG", "k"],
        ] {
            session.execute::<&[u8]>(&[b"SET", b"k", &forged]);
            let reply = format!("{:?}", session.execute(words));
            assert!(
                reply.contains("INVALIDOBJ"),
                "{words:?} of {runs:?}: {reply}"
            );
        }
    }
}

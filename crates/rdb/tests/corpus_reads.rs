//! Every file of the corpus is read, or refused where and why its servers refuse it; and the same
//! whatever the split of the input.

mod corpus;

use corpus::{Dice, decode, files, root};
use rdb::ErrorKind;

/// Files that cannot be read, with the offset where, and what the message says.
const REFUSED: [(&str, u64, &str); 3] = [
    (
        "public/librdb-tests/future_v19.rdb",
        0,
        "version REDIS0099 is not one this reader knows",
    ),
    (
        "public/librdb-tests/invalid_chksum_v8.rdb",
        201,
        "the footer says b477e446e98e5402, the bytes have checksum a609bb6465990fe1",
    ),
    (
        "public/valkey-tests/corrupt_ziplist.rdb",
        488,
        "in hash (ziplist) \"key:000000000091\": ziplist",
    ),
];

#[test]
fn every_file_reads_whole_or_says_where_it_is_damaged() {
    let files = files();
    assert_eq!(files.len(), 153);
    for (name, bytes) in &files {
        let outcome = decode(bytes, || usize::MAX);
        let refused = REFUSED.iter().find(|row| row.0 == name);
        match (&outcome.error, refused) {
            (None, None) => {
                assert!(outcome.rest.is_empty(), "{name}");
                let last = outcome.events.last().expect("events");
                assert!(last.starts_with("End"), "{name}: {last}");
            }
            (Some(error), Some((_, offset, text))) => {
                assert_eq!(error.offset(), *offset, "{name}: {error}");
                assert!(error.to_string().contains(text), "{name}: {error}");
            }
            (error, _) => panic!("{name}: {error:?}"),
        }
    }
    println!("{} files, {} of them refused", files.len(), REFUSED.len());
}

#[test]
fn footers_are_told_apart() {
    for (name, bytes) in files() {
        let outcome = decode(&bytes, || usize::MAX);
        let Some(last) = outcome.events.last().filter(|e| e.starts_with("End")) else {
            continue;
        };
        let zero = bytes.ends_with(&[0; 8]);
        let old = matches!(bytes.get(8), Some(b'1'..=b'4')) && bytes.get(7) == Some(&b'0');
        let expected = match (old, zero) {
            (true, _) => "Absent",
            (_, true) => "NotComputed",
            (_, false) => "Verified",
        };
        assert!(last.contains(expected), "{name}: {last}");
    }
}

#[test]
fn any_split_of_the_input_gives_the_same_events() {
    let mut dice = Dice(7);
    for (name, bytes) in files() {
        let whole = decode(&bytes, || usize::MAX);
        assert_eq!(decode(&bytes, || 1), whole, "{name} byte by byte");
        for most in [3, 100, 10_000] {
            let cut = decode(&bytes, || 1 + dice.roll(most));
            assert_eq!(cut, whole, "{name} in blocks up to {most}");
        }
    }
}

#[test]
fn every_shorter_file_is_truncated() {
    for (name, bytes) in files() {
        if decode(&bytes, || usize::MAX).error.is_some() || bytes.len() > 20_000 {
            continue;
        }
        let step = 1 + bytes.len() / 400;
        for len in (0..bytes.len()).step_by(step) {
            let outcome = decode(&bytes[..len], || usize::MAX);
            let error = outcome.error.unwrap_or_else(|| panic!("{name} at {len}"));
            assert!(error.is_truncation(), "{name} at {len}: {error}");
            assert_eq!(error.offset(), len as u64, "{name}: {error}");
            let ErrorKind::Truncated { missing, .. } = error.kind() else {
                unreachable!()
            };
            assert!(
                len as u64 + missing <= bytes.len() as u64,
                "{name}: {error}"
            );
        }
    }
}

#[test]
fn commands_after_a_preamble_are_left_to_the_caller() {
    let path = root().join("public/valkey-tests/rdb-preamble.aof");
    let bytes = std::fs::read(path).expect("the file is there");
    for size in [usize::MAX, 1, 50] {
        let outcome = decode(&bytes, || size);
        assert_eq!(outcome.error, None);
        assert!(outcome.rest.starts_with(b"*"), "{:?}", outcome.rest);
    }
}

#[test]
fn empty_collections_are_passed_over_by_name() {
    let path = root().join("public/valkey-tests/corrupt_empty_keys.rdb");
    let bytes = std::fs::read(path).expect("the file is there");
    let events = decode(&bytes, || usize::MAX).events;
    let skipped = events.iter().filter(|e| e.starts_with("SkippedEmpty"));
    assert_eq!(skipped.count(), 9);
    assert!(!events.iter().any(|e| e.starts_with("Key")));
}

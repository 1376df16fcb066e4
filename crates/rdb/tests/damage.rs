//! Damaged bytes never panic, and are never taken for other data.

mod corpus;

use corpus::{Dice, decode, files, pull, root};
use rdb::dump;
use rdb::{Decoder, DecoderOptions, Target};

/// Small files of every writer, which hold every kind of value between them.
fn small() -> impl Iterator<Item = (String, Vec<u8>)> {
    let small = |bytes: &Vec<u8>| bytes.len() < 400;
    files().into_iter().filter(move |(_, bytes)| small(bytes))
}

#[test]
fn no_flipped_bit_passes_for_other_data() {
    let (mut flips, mut silent) = (0, 0);
    for (name, bytes) in small() {
        let whole = decode(&bytes, || usize::MAX);
        let summed = whole.events.last().is_some_and(|e| e.contains("Verified"));
        if whole.error.is_some() || !summed {
            continue;
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let outcome = decode(&flipped, || usize::MAX);
                flips += 1;
                if outcome.error.is_none() && outcome.rest.is_empty() {
                    silent += 1;
                    println!("{name}: bit {bit} of byte {at}");
                }
            }
        }
    }
    println!("{flips} flips, {silent} silent");
    assert_eq!(silent, 0);
    assert!(flips > 50_000);
}

#[test]
fn damage_that_no_checksum_guards_never_panics() {
    let options = DecoderOptions {
        verify_checksum: false,
        ..DecoderOptions::default()
    };
    let mut dice = Dice(3);
    for (_, bytes) in files() {
        let times = 1 + 1_000_000 / bytes.len().max(10_000);
        for _ in 0..times {
            let mut damaged = bytes.clone();
            for _ in 0..1 + dice.roll(4) {
                let at = dice.roll(damaged.len());
                damaged[at] = [0, 1, 0x7F, 0x80, 0xC3, 0xFF, dice.roll(256) as u8][dice.roll(7)];
            }
            let mut decoder = Decoder::new(options);
            decoder.feed(&damaged);
            decoder.finish_input();
            let mut events = 0;
            while let Ok(Some(_)) = decoder.next() {
                events += 1;
            }
            assert!(events <= 4 * damaged.len() + 4);
        }
    }
}

#[test]
fn errors_name_the_key_and_come_again() {
    let path = root().join("public/valkey-tests/corrupt_ziplist.rdb");
    let bytes = std::fs::read(path).expect("the file is there");
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(&bytes);
    let first = loop {
        match decoder.next() {
            Ok(event) => assert!(event.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(first.key(), Some(b"key:000000000091".as_slice()));
    assert_eq!(decoder.next().expect_err("final"), first);
}

fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |c: u8| alphabet.iter().position(|a| *a == c);
    let digits: Vec<usize> = text.bytes().filter_map(digit).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let word = group.iter().fold(0, |word, d| word << 6 | d) << (6 * (4 - group.len()));
        bytes.extend(word.to_be_bytes()[5..].iter().take(group.len() - 1));
    }
    bytes
}

/// The payloads that each server gave, with the target for that server.
fn payloads() -> Vec<(Target, serde_json::Value, Vec<u8>)> {
    let mut found = Vec::new();
    for server in [
        "redis-6.2.14",
        "redis-7.0.15",
        "redis-8.2.3",
        "valkey-9.1.2",
    ] {
        let path = root().join(format!("dump/{server}.json"));
        let text = std::fs::read_to_string(path).expect("the file is there");
        let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for row in file["rows"].as_array().expect("rows") {
            let payload = base64(row["payload"].as_str().expect("text"));
            let target = server.parse().expect("a server");
            found.push((target, row.clone(), payload));
        }
    }
    found
}

fn parts(payload: &[u8]) -> Result<Vec<String>, rdb::Error> {
    let mut value = dump::decode(payload)?;
    let mut parts = Vec::new();
    while let Some(part) = value.next()? {
        parts.push(format!("{part:?}"));
    }
    Ok(parts)
}

#[test]
fn every_payload_reads_and_is_written_again() {
    let payloads = payloads();
    println!("{} payloads", payloads.len());
    assert_eq!(payloads.len(), 700);
    for (target, row, payload) in payloads {
        let before = parts(&payload).unwrap_or_else(|e| panic!("{row}: {e}"));
        if row["type"] == "string"
            && let Some(text) = row["value"].as_str()
        {
            let text = format!("String({:?})", text.as_bytes());
            assert_eq!(before[0], text, "{row}");
        }
        let mut encoder = dump::ValueEncoder::new(target, true, false);
        let mut value = dump::decode(&payload).expect("read before");
        while let Some(part) = value.next().expect("read before") {
            encoder.put(&part).expect("its own target");
        }
        let written = encoder.finish().expect("a whole value");
        let after = parts(&written).unwrap_or_else(|e| panic!("{row}: {e}"));
        if target >= Target::Redis10 {
            assert_eq!(before, after, "{row}");
        }
    }
}

#[test]
fn payloads_damaged_under_a_right_checksum_never_panic() {
    let mut dice = Dice(11);
    let (mut tried, mut refused) = (0, 0);
    for (target, _, payload) in payloads() {
        let body = &payload[..payload.len() - dump::FOOTER_LEN];
        for _ in 0..50 {
            let mut damaged = body.to_vec();
            for _ in 0..1 + dice.roll(3) {
                let at = dice.roll(damaged.len());
                damaged[at] ^= 1 << dice.roll(8);
            }
            if dice.roll(8) == 0 {
                damaged.truncate(1 + dice.roll(damaged.len()));
            }
            dump::seal(&mut damaged, target);
            tried += 1;
            refused += u32::from(parts(&damaged).is_err());
        }
    }
    println!("{refused} of {tried} refused");
    assert!(refused > tried / 4);
}

#[test]
fn a_decoder_waits_for_exactly_what_is_missing() {
    let bytes = b"REDIS0004\x00\x01k\x0Bhello world\xFF";
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(&bytes[..13]);
    let mut events = 0;
    while decoder.next().expect("sound").is_some() {
        events += 1;
    }
    assert_eq!((events, decoder.missing()), (2, 11));
    decoder.feed(&bytes[13..20]);
    assert_eq!(decoder.missing(), 4);
    let (error, rest) = pull(bytes, || 1, &mut |_| {});
    assert_eq!((error, rest), (None, Vec::new()));
}

//! DUMP payloads of real servers: restored, they are the values that the server said; dumped for
//! every target and restored again, they still are.

mod corpus;

use corpus::{BEFORE_ALL, keeps_every_bit, payloads, sidecar};
use keyspace::{KeyHasher, Limits, Settings, Value};
use rdb::{EncodeError, Target};
use snapshot::{RestoreError, digest_value, dump, restore};

fn settings() -> Settings {
    Settings {
        limits: Limits::default(),
        hasher: KeyHasher::new(0, 0),
    }
}

fn digest(value: &Value) -> [u8; 20] {
    digest_value(value.as_ref(), None, BEFORE_ALL, false)
}

#[test]
fn payloads_hold_what_their_makers_say_for_every_target() {
    let (mut dumped, mut refused) = (0, 0);
    for (server, row) in payloads() {
        let at = format!("{server}: key {}", row["key"]);
        let payload = sidecar::from_base64(row["payload"].as_str().expect("a payload"));
        let value = restore(&payload, &settings()).unwrap_or_else(|error| panic!("{at}: {error}"));
        let is_module = row["type"] == "module";
        assert!(
            is_module || sidecar::is_value(&row, value.as_ref(), BEFORE_ALL),
            "{at}: {row}"
        );
        for target in Target::ALL {
            match dump(&value.as_ref(), target) {
                Ok(payload) => {
                    let again = restore(&payload, &settings());
                    let again = again.unwrap_or_else(|error| panic!("{at} for {target}: {error}"));
                    let is_same = digest(&again) == digest(&value);
                    let may_differ = !keeps_every_bit(target, value.as_ref());
                    assert!(is_same || may_differ, "{at} for {target}");
                    dumped += 1;
                }
                Err(EncodeError::Unrepresentable { .. }) => refused += 1,
                Err(error) => panic!("{at} for {target}: {error}"),
            }
        }
    }
    assert!(dumped > 2500, "{dumped} payloads dumped");
    // Hashes with field deadlines, for the three targets that have none.
    assert!(refused > 0 && refused % 3 == 0, "{refused} refused");
}

#[test]
fn a_payload_with_a_bit_changed_is_none() {
    let (_, row) = payloads().swap_remove(0);
    let payload = sidecar::from_base64(row["payload"].as_str().expect("a payload"));
    for at in 0..payload.len() {
        let mut damaged = payload.clone();
        damaged[at] ^= 1;
        let restored = restore(&damaged, &settings());
        assert!(
            matches!(restored, Err(RestoreError::NotAPayload(_))),
            "byte {at}"
        );
    }
}

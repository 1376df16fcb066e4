//! A length that is read is written no longer than it was, and reads the same.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::length::{self, Length};

fn round_trip(bytes: &[u8]) {
    let Ok(Some((length, size))) = length::read(bytes) else {
        return;
    };
    assert!(size <= bytes.len());
    assert_eq!(length::read(&bytes[..size - 1]), Ok(None));
    let mut out = Vec::new();
    match length {
        Length::Plain(value) => length::write(value, &mut out),
        Length::Special(encoding) => length::write_special(encoding, &mut out),
    }
    assert!(out.len() <= size);
    assert_eq!(length::read(&out), Ok(Some((length, out.len()))));
}

fuzz_target!(|bytes: &[u8]| within_budget(bytes.len(), || round_trip(bytes)));

//! Text that reads as a number is written as text that reads as the same number; integers have one text only.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::number;

fn round_trip(text: &[u8]) {
    if let Some(int) = number::parse_i64(text) {
        let mut out = Vec::new();
        number::write_i64(int, &mut out);
        assert_eq!(out, text);
    }
    let Some(value) = number::parse_f64(text) else {
        return;
    };
    for write in [number::write_f64_shortest, number::write_f64_17g] {
        let mut out = Vec::new();
        write(value, &mut out);
        let read = number::parse_f64(&out).expect("our own text");
        assert!(read.to_bits() == value.to_bits() || value.is_nan() && read.is_nan());
    }
}

fuzz_target!(|text: &[u8]| within_budget(text.len(), || round_trip(text)));

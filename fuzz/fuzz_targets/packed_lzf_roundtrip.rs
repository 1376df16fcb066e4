//! What LZF compresses it decompresses, with a fresh table and with one that has seen other input.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::lzf::{self, Table};

fn round_trip(input: &[u8], table: &mut Table) {
    let mut packed = Vec::new();
    if let Some(size) = lzf::compress(input, &mut packed, table) {
        assert!(size == packed.len() && size + 4 <= input.len());
        let mut output = Vec::new();
        let unpack = || lzf::decompress(&packed, input.len(), &mut output);
        assert_eq!(within_budget(packed.len(), unpack), Ok(()));
        assert!(output == input);
    } else {
        assert!(packed.is_empty());
    }
}

fuzz_target!(|input: &[u8]| {
    let mut table = Table::new();
    round_trip(input, &mut table);
    let (left, right) = input.split_at(input.len() / 2);
    round_trip(right, &mut table);
    round_trip(left, &mut table);
    round_trip(&[right, left, input, input].concat(), &mut table);
});

//! No bytes make a ziplist panic, and valid ones have the elements that they claim.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::ziplist::{self, Ziplist};

fuzz_target!(|bytes: &[u8]| {
    within_budget(bytes.len(), || {
        let list = Ziplist::new(bytes);
        let count = list
            .iter()
            .filter(|element| element.text_len() < usize::MAX)
            .count();
        if ziplist::validate(bytes).is_ok() {
            assert_eq!(count, list.len());
        }
    });
});

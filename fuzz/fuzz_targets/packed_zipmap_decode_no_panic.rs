//! No bytes make a zipmap panic, and valid ones have the pairs that they claim.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::zipmap::{self, Zipmap};

fuzz_target!(|bytes: &[u8]| {
    within_budget(bytes.len(), || {
        let count = Zipmap::new(bytes).iter().count();
        if zipmap::validate(bytes).is_ok() && bytes[0] < 254 {
            assert_eq!(count, usize::from(bytes[0]));
        }
    });
});

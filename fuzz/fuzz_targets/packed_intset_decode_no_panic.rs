//! No bytes make an intset panic, and valid ones ascend, contain what they hold and survive edits.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::intset::{self, Intset, IntsetBuf};

fuzz_target!(|bytes: &[u8]| {
    within_budget(bytes.len(), || {
        let set = Intset::new(bytes);
        let _ = (
            set.iter().count(),
            set.contains(0),
            set.contains(i64::MIN),
            set.get(set.len()),
        );
        if intset::validate(bytes).is_err() {
            return;
        }
        assert!(set.iter().is_sorted_by(|left, right| left < right));
        assert!(set.iter().all(|int| set.contains(int)));
        let mut edited = IntsetBuf::from_vec_trusted(bytes.to_vec());
        let had = set.contains(i64::MAX);
        assert_eq!(edited.insert(i64::MAX), !had);
        assert_eq!(intset::validate(edited.bytes()), Ok(()));
        assert!(edited.as_ref().iter().take(set.len()).eq(set.iter()));
        assert!(edited.remove(i64::MAX));
    });
});

//! No bytes make a listpack panic, and valid ones read alike from both ends and survive an edit.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::listpack::{self, Listpack, ListpackBuf};

fuzz_target!(|bytes: &[u8]| {
    within_budget(bytes.len(), || {
        let view = Listpack::new(bytes);
        let forward = view.iter().count();
        let _ = (
            view.len(),
            view.is_empty(),
            view.first(),
            view.last(),
            view.get(-2),
            view.find(b"7", 1),
        );
        let mut pos = Some(view.end_pos());
        while let Some(here) = pos {
            let _ = (
                view.at(here),
                view.next(here),
                view.find_from(here, b"x", 0),
            );
            pos = view.prev(here);
        }
        if listpack::validate(bytes).is_err() {
            return;
        }
        assert_eq!((forward, view.len()), (view.iter().rev().count(), forward));
        let mut edited = ListpackBuf::from_vec_trusted(bytes.to_vec());
        edited.remove_range((forward / 2) as isize, 1);
        edited.push_front(b"-1");
        assert_eq!(listpack::validate(edited.bytes()), Ok(()));
    });
});

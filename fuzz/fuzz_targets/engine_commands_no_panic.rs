//! No sequence of commands panics, and the engine is sound afterwards: everything dumps, and restores to the same.
#![no_main]

use duramen::Reply;
use harness::Talk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut talk = Talk::new();
    talk.say_all(bytes);
    talk.say(&[b"RESET"]);
    talk.say(&[b"AUTH", b"default", b""]);
    let Reply::Array(keys) = talk.say(&[b"KEYS", b"*"]) else {
        return;
    };
    for key in keys.iter().filter_map(Reply::as_bytes) {
        if let Reply::Bulk(payload) = talk.say(&[b"DUMP", key]) {
            let reply = talk.say(&[b"RESTORE", key, b"0", &payload, b"REPLACE"]);
            assert!(matches!(reply, Reply::Status(_)), "{reply:?}");
        }
    }
});

//! No line of a configuration panics, and what it set is what is told, and may be set again.
#![no_main]

use duramen::{Engine, Reply};
use harness::within_budget;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.lines().take(32) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let builder = Engine::builder("/data").storage(duramen::storage::Memory::new());
        if let Err(error) = within_budget(line.len(), || builder.line(&words)) {
            assert!(!error.to_string().is_empty());
        }
    }
    let mut session = Engine::open_in_memory().session();
    for line in text.lines().take(32) {
        let Some((name, value)) = line.split_once(' ') else {
            continue;
        };
        let set = || session.execute(&["CONFIG", "SET", name, value]);
        if within_budget(line.len(), set) != Reply::Status("OK".to_owned()) {
            continue;
        }
        let Reply::Array(told) = session.execute(&["CONFIG", "GET", name]) else {
            panic!("settings are a list");
        };
        if let [name, value] = told.as_slice() {
            let words = [b"CONFIG", b"SET".as_slice(), bytes(name), bytes(value)];
            assert_eq!(
                session.execute(&words),
                Reply::Status("OK".to_owned()),
                "{told:?}"
            );
        }
    }
});

fn bytes(reply: &Reply) -> &[u8] {
    reply.as_bytes().unwrap_or_default()
}

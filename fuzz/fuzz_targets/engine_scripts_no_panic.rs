//! No script panics, leaves its sandbox damaged, or cannot be killed. One that only reads is killed after a moment.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use duramen::{Engine, Reply};
use libfuzzer_sys::fuzz_target;

/// How long a script may run.
const MOMENT: Duration = Duration::from_millis(20);

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let engine = Engine::open_in_memory();
    let mut killer = engine.session();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(MOMENT);
            killer.execute(&["SCRIPT", "KILL"]);
        }
    });
    engine
});

fuzz_target!(|script: &[u8]| {
    let mut session = ENGINE.session();
    session.execute(&[b"EVAL_RO", script, b"1", b"k", b"a"]);
    session.execute(&["SCRIPT", "FLUSH"]);
    let probe = "return string.format('%d', 1) .. cjson.encode({1}) .. tostring(redis.sha1hex(''))";
    loop {
        match session.execute(&["EVAL_RO", probe, "0"]) {
            Reply::Bulk(text) => return assert!(text.starts_with(b"1[1]da39a3ee")),
            // The one who kills came late and met this one.
            Reply::Error(error) => assert!(error.to_string().contains("killed"), "{error}"),
            reply => panic!("{reply:?}"),
        }
    }
});

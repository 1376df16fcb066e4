//! No string makes the commands of HyperLogLogs panic; what PFADD and PFMERGE leave counts as it did, dense or sparse.
#![no_main]

use harness::{Talk, within_budget};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut talk = Talk::new();
    let forged = [b"HYLL", bytes].concat();
    for words in [
        &[b"PFCOUNT".as_slice(), b"k"][..],
        &[b"PFCOUNT", b"k", b"other"],
        &[b"PFADD", b"k", b"a", b"b"],
        &[b"PFMERGE", b"k", b"other"],
        &[b"PFMERGE", b"dest", b"k"],
        &[b"PFDEBUG", b"DECODE", b"k"],
        &[b"PFDEBUG", b"GETREG", b"k"],
        &[b"PFDEBUG", b"TODENSE", b"k"],
    ] {
        talk.say(&[b"PFADD", b"other", b"a", b"c"]);
        talk.say(&[b"SET", b"k", &forged]);
        within_budget(forged.len(), || talk.say(words));
    }
    talk.say(&[b"DEL", b"k"]);
    let elements = bytes.chunks(3).take(500);
    let add: Vec<&[u8]> = [b"PFADD".as_slice(), b"k"]
        .into_iter()
        .chain(elements)
        .collect();
    talk.say(&add);
    let sparse = talk.say(&[b"PFCOUNT", b"k"]);
    talk.say(&[b"PFDEBUG", b"TODENSE", b"k"]);
    talk.say(&[b"PFADD", b"k"]);
    talk.say(&[b"PFMERGE", b"copy", b"k"]);
    assert_eq!(talk.say(&[b"PFCOUNT", b"copy"]), sparse);
});

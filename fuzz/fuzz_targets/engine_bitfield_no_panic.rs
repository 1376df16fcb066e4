//! No arguments of BITFIELD panic, and what was set is what is read. The input is words between blanks.
#![no_main]

use duramen::Reply;
use harness::{Talk, word};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut talk = Talk::new();
    // Offsets of some hundred megabytes are sound, and slow.
    talk.say(&[b"CONFIG", b"SET", b"proto-max-bulk-len", b"1mb"]);
    let words = bytes.split(|byte| *byte == b' ').map(word);
    let argv: Vec<&[u8]> = [b"BITFIELD".as_slice(), b"k"]
        .into_iter()
        .chain(words)
        .collect();
    talk.say(&argv);
    let [kind, offset, value, ..] = bytes else {
        return;
    };
    let width = kind % 63 + 1;
    let kind = format!("{}{width}", if *value % 2 == 0 { 'i' } else { 'u' });
    let offset = offset.to_string();
    let (kind, offset) = (kind.as_bytes(), offset.as_bytes());
    talk.say(&[
        b"BITFIELD",
        b"k",
        b"SET",
        kind,
        offset,
        value.to_string().as_bytes(),
    ]);
    let first = talk.say(&[b"BITFIELD", b"k", b"GET", kind, offset]);
    let again = talk.say(&[b"BITFIELD_RO", b"k", b"GET", kind, offset]);
    assert!(matches!(first, Reply::Array(_)), "{first:?}");
    assert_eq!(first, again);
});

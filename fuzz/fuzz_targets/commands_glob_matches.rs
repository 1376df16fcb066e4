//! Matching ends, whatever the pattern; a text matches itself with every byte escaped, and what matches still does with
//! stars around it. The input is a pattern, a NUL and a text.
#![no_main]

use commands::glob::matches;
use harness::within_budget;
use libfuzzer_sys::fuzz_target;

fn check(bytes: &[u8]) {
    let cut = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (pattern, text) = (&bytes[..cut], bytes.get(cut + 1..).unwrap_or_default());
    if matches(pattern, text) {
        let [open, close] = [pattern.contains(&b'['), pattern.last() == Some(&b'\\')];
        // A class that is not closed, or a lone backslash, would take the last star for its own.
        if !open && !close {
            assert!(matches(&[b"*", pattern, b"*"].concat(), text));
        }
    }
    let escaped: Vec<u8> = text.iter().flat_map(|byte| [b'\\', *byte]).collect();
    assert!(matches(&escaped, text));
    assert!(matches(b"*", text));
}

fuzz_target!(|bytes: &[u8]| within_budget(bytes.len(), || check(bytes)));

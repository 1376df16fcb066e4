//! No text makes the manifest's parser panic, and what it accepts is written so that it reads the same.
#![no_main]

use aof::Manifest;
use harness::within_budget;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(manifest) = within_budget(text.len(), || Manifest::parse(text)) else {
        return;
    };
    // Bytes that are no text take four characters each when written, so a long name may no longer fit its line; file
    // systems know no names as long as that.
    let written = manifest.to_text();
    if manifest != Manifest::default() && written.lines().all(|line| line.len() < 1000) {
        assert_eq!(Manifest::parse(written.as_bytes()).as_ref(), Ok(&manifest));
    }
});

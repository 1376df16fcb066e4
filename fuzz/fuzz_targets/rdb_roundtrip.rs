//! What the RDB decoder accepts, the encoder writes for some target so that it decodes to the same meaning, and from
//! then on to the same events.
#![no_main]

// The meaning of events is what the crate's own tests take it to be.
#[path = "../../crates/rdb/tests/corpus/logical.rs"]
mod logical;

use harness::{Trace, fingerprint, within_budget};
use libfuzzer_sys::fuzz_target;
use logical::Logical;
use rdb::{
    Decoder, DecoderOptions, EncodeError, Encoder, EncoderOptions, Error, Event, Part, Target,
    Version,
};

const OPTIONS: DecoderOptions = DecoderOptions {
    verify_checksum: false,
    string_len_max: u32::MAX as u64,
};

fn decode(bytes: &[u8], mut take: impl FnMut(&Event<'_>)) -> Result<(), Error> {
    let mut decoder = Decoder::new(OPTIONS);
    decoder.feed(bytes);
    decoder.finish_input();
    while let Some(event) = decoder.next()? {
        take(&event);
    }
    Ok(())
}

/// The bytes for `target`, and whether they hold all.
fn convert(bytes: &[u8], target: Target) -> Result<(Vec<u8>, bool), EncodeError> {
    let mut encoder = Encoder::new(target, EncoderOptions::default());
    let mut result = Ok(());
    decode(bytes, |event| {
        if result.is_ok() {
            result = encoder.put(event);
        }
    })
    .expect("decoded before");
    result.map(|()| (encoder.take(), encoder.losses().is_empty()))
}

fn meaning(bytes: &[u8]) -> Logical {
    let mut logical = Logical::default();
    decode(bytes, |event| logical.take(event)).expect("decoded before");
    logical
}

/// Whether `target` corrects what a file may say: `Redis9` reads a stream's first id from the entries, and the other
/// Redis targets have a last deadline for fields.
fn is_corrected(bytes: &[u8], target: Target) -> bool {
    let mut found = false;
    decode(bytes, |event| {
        found |= match event {
            Event::Value(Part::StreamHeader { .. }) => target == Target::Redis9,
            Event::Value(Part::Field {
                expire: Some(at), ..
            }) => at.0 >= 1 << 48,
            _ => false,
        };
    })
    .expect("decoded before");
    found
}

/// Events but for the checksum at the end.
fn events(bytes: &[u8]) -> (u64, u64) {
    let mut trace = Trace::default();
    let add = |event: &Event<'_>| {
        if !matches!(event, Event::End { .. }) {
            trace.add(event);
        }
    };
    within_budget(bytes.len(), || decode(bytes, add)).expect("what was encoded decodes");
    trace.finish()
}

fn check(bytes: &[u8], target: Target) {
    let Ok((once, all)) = convert(bytes, target) else {
        return;
    };
    let events_once = events(&once);
    if all && !is_corrected(bytes, target) {
        assert_eq!(meaning(bytes), meaning(&once), "{target}");
    }
    let (twice, all) = convert(&once, target).expect("encoded before");
    assert!(all && events(&twice) == events_once, "{target}");
}

fuzz_target!(|bytes: &[u8]| {
    let mut version: Option<Version> = None;
    let start = |event: &Event<'_>| {
        if let Event::Start(found) = event {
            version = Some(*found);
        }
    };
    let result = within_budget(bytes.len(), || decode(bytes, start));
    if let (Ok(()), Some(version)) = (result, version) {
        check(bytes, Target::for_version(version));
        check(
            bytes,
            Target::ALL[fingerprint(bytes) as usize % Target::ALL.len()],
        );
    }
});

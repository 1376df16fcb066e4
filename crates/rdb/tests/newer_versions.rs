//! What only newer servers write and no target has a place for: it is read, and writing it is a loss that is named.

use rdb::{Decoder, DecoderOptions, EncodeError, Encoder, EncoderOptions, Loss, Losses, Target};

/// Decodes a file of version 15 with this body and encodes it for `target`.
fn convert(body: &[u8], target: Target, lossy: bool) -> Result<(Vec<u8>, Losses), EncodeError> {
    let options = EncoderOptions {
        lossy,
        ..EncoderOptions::default()
    };
    let mut encoder = Encoder::new(target, options);
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(&[b"REDIS0015", body, &[0xFF], &[0; 8]].concat());
    decoder.finish_input();
    while let Some(event) = decoder.next().expect("sound") {
        encoder.put(&event)?;
    }
    Ok((encoder.take(), encoder.losses().clone()))
}

fn refused(body: &[u8], target: Target, lossy: bool) -> Loss {
    match convert(body, target, lossy) {
        Err(EncodeError::Unrepresentable { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

/// A stream "s" without nodes.
const STREAM: &[u8] = b"\x01s\0\0\0\0\0\0\0\0\0";
const NO_PRODUCERS: &[u8] = b"\x40\x64\x40\x64\0\0\0";

#[test]
fn templates_become_hashes_that_every_target_has() {
    let body = b"\xF2\x05\x01\x01f\x20\x01h\x05\x01v";
    for target in Target::ALL {
        let (written, losses) = convert(body, target, false).expect("nothing is lost");
        assert!(losses.is_empty());
        let end = b"\x04\x01h\x01\x01f\x01v\xFF";
        assert!(written[..written.len() - 8].ends_with(end));
    }
}

#[test]
fn producers_are_left_out_and_counted() {
    let producers = b"\x40\x64\x0A\x01\x01p\x01\x01a\x05\x06\x01\0";
    for target in Target::ALL {
        let plain = [b"\x1A", STREAM, b"\0", NO_PRODUCERS].concat();
        let (without, losses) = convert(&plain, target, false).expect("nothing is lost");
        assert!(losses.is_empty());
        let body = [b"\x1A", STREAM, b"\0", producers].concat();
        let (written, losses) = convert(&body, target, false).expect("no data is lost");
        assert_eq!(written, without);
        assert_eq!(losses.rows()[0].what, Loss::Producer);
        assert_eq!(&*losses.rows()[0].first_key, b"s");
    }
}

#[test]
fn entries_given_back_are_refused_in_any_case() {
    let id = [0; 16];
    let group = [
        &b"\x01\x01g\0\0\0\x01"[..],
        &id,
        &[0; 8],
        b"\x01\0\x01",
        &id,
    ]
    .concat();
    let body = [b"\x1B", STREAM, &group, NO_PRODUCERS].concat();
    for target in Target::ALL {
        assert_eq!(refused(&body, target, false), Loss::ReleasedEntry);
        assert_eq!(refused(&body, target, true), Loss::ReleasedEntry);
    }
}

#[test]
fn metadata_of_keys_takes_leave_to_be_left_out() {
    let body = b"\xF3\x01abcd\x02\x07\x00\x00\x01k\x01v";
    for target in Target::ALL {
        assert_eq!(refused(body, target, false), Loss::ModuleKeyMeta);
        let (written, losses) = convert(body, target, true).expect("with leave");
        assert_eq!(losses.rows()[0].what, Loss::ModuleKeyMeta);
        assert!(written[9..].starts_with(b"\x00\x01k\x01v"));
    }
}

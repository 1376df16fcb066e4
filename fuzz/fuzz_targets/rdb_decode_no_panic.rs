//! No bytes make the RDB decoder panic or hold more than they pay for, and events come out the same in any split. The
//! checksum is not looked at, so that mutations get past the end of the file.
#![no_main]

use harness::{Trace, pieces, within_budget};
use libfuzzer_sys::fuzz_target;
use rdb::{Decoder, DecoderOptions, Event};

const OPTIONS: DecoderOptions = DecoderOptions {
    verify_checksum: false,
    string_len_max: u32::MAX as u64,
};

/// Feeds the pieces and gives events to `take`; the error at the end, if any, and the bytes after the file.
fn decode<'a>(
    mut pieces: impl Iterator<Item = &'a [u8]>,
    mut take: impl FnMut(&Event<'_>),
) -> String {
    let mut decoder = Decoder::new(OPTIONS);
    while !decoder.is_done() {
        let mut hungry = false;
        match decoder.next() {
            Ok(Some(event)) => take(&event),
            Err(error) => return format!("{error:?}"),
            Ok(None) => hungry = true,
        }
        if hungry && !decoder.is_done() {
            match pieces.next() {
                Some(piece) => decoder.feed(piece),
                None => decoder.finish_input(),
            }
        }
    }
    let after = decoder.rest().len() + pieces.map(<[u8]>::len).sum::<usize>();
    format!("{after} bytes after the end")
}

fn trace<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (String, (u64, u64)) {
    let mut trace = Trace::default();
    let end = decode(pieces, |event| trace.add(event));
    (end, trace.finish())
}

fuzz_target!(|bytes: &[u8]| {
    let whole = || std::iter::once(bytes);
    let mut count = 0;
    within_budget(bytes.len(), || decode(whole(), |_| count += 1));
    let expected = trace(whole());
    assert_eq!(expected.1.0, count);
    assert_eq!(trace(pieces(bytes)), expected);
    if bytes.len() < 1024 {
        assert_eq!(trace(bytes.chunks(1)), expected);
    }
});

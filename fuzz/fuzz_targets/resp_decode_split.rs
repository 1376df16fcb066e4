//! Requests and replies come out the same however the bytes come in, within the memory that the bytes pay for.
#![no_main]

use harness::{Trace, pieces, within_budget};
use libfuzzer_sys::fuzz_target;
use resp::{Limits, ReplyDecoder, RequestDecoder};

type Outcome = (u64, u64);

/// Requests in a buffer that grows by a piece at a time.
fn requests<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: Limits) -> Outcome {
    let (mut decoder, mut buffer, mut trace) =
        (RequestDecoder::new(limits), Vec::new(), Trace::default());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut at = 0;
        loop {
            match decoder.decode(&buffer[at..]) {
                Ok(Some(request)) => {
                    request.iter().for_each(|arg| trace.add(&arg));
                    trace.add(&request.len());
                    assert!(request.consumed() > 0);
                    at += request.consumed();
                }
                Ok(None) => break,
                Err(error) => {
                    trace.add(&error);
                    return trace.finish();
                }
            }
        }
        buffer.drain(..at);
    }
    trace.finish()
}

fn replies<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let (mut decoder, mut trace) = (ReplyDecoder::new(), Trace::default());
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.next_value() {
                Ok(Some(value)) => trace.add(&value),
                Ok(None) => break,
                Err(error) => {
                    trace.add(&error);
                    return trace.finish();
                }
            }
        }
    }
    trace.finish()
}

fuzz_target!(|bytes: &[u8]| {
    let whole = || std::iter::once(bytes);
    for limits in [Limits::default(), Limits::UNAUTHENTICATED, Limits::LOG] {
        let expected = within_budget(bytes.len(), || requests(whole(), limits));
        assert_eq!(requests(pieces(bytes), limits), expected);
        assert_eq!(requests(bytes.chunks(1), limits), expected);
    }
    let expected = within_budget(bytes.len(), || replies(whole()));
    assert_eq!(replies(pieces(bytes)), expected);
    assert_eq!(replies(bytes.chunks(1)), expected);
});

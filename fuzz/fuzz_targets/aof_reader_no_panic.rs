//! No log makes the reader panic or hold more than the log pays for, and records come out the same in any split.
#![no_main]

use aof::{Record, RecordReader};
use harness::{Trace, pieces, within_budget};
use libfuzzer_sys::fuzz_target;

fn read<'a>(len: usize, pieces: impl Iterator<Item = &'a [u8]>) -> (String, (u64, u64)) {
    let (mut reader, mut trace) = (RecordReader::new(0, len as u64), Trace::default());
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.next_record() {
                Ok(Some(Record::Command(request))) => trace.add(&Vec::from_iter(request.iter())),
                Ok(Some(other)) => trace.add(&other),
                Ok(None) => break,
                Err(error) => return (format!("{error:?}"), trace.finish()),
            }
        }
    }
    (format!("{:?}", reader.finish()), trace.finish())
}

fuzz_target!(|bytes: &[u8]| {
    let expected = within_budget(bytes.len(), || read(bytes.len(), std::iter::once(bytes)));
    assert_eq!(read(bytes.len(), pieces(bytes)), expected);
    assert_eq!(read(bytes.len(), bytes.chunks(1)), expected);
});

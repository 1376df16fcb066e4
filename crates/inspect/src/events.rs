//! The loop that feeds a decoder, and nothing else.

use crate::error::Error;
use rdb::{Decoder, DecoderOptions, Event};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

/// How much is read at once, in bytes.
pub(crate) const BLOCK: usize = 256 << 10;

/// What tells a snapshot from a log is in the first bytes.
const MAGIC_BYTES: u64 = 9;

/// How a file begins: up to nine bytes of it.
pub(crate) fn begin(path: &Path, input: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut begin = Vec::new();
    let read = input.take(MAGIC_BYTES).read_to_end(&mut begin);
    read.map_err(|source| unreadable(path, source))?;
    Ok(begin)
}

/// Decodes a snapshot that begins with `begin` and goes on with `input`. Each event comes with the
/// offset at which its bytes begin, those that say when a key expires included. Gives the decoder,
/// whose rest is what was read beyond the snapshot.
pub(crate) fn follow(
    path: &Path,
    begin: &[u8],
    input: &mut impl Read,
    mut each: impl FnMut(&Event<'_>, u64) -> Result<ControlFlow<()>, Error>,
) -> Result<Decoder, Error> {
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(begin);
    let mut offset = 0;
    loop {
        loop {
            // Taken by reference: to move an event costs more than most of them take to decode.
            match decoder.next() {
                Ok(Some(ref event)) => {
                    if each(event, offset)?.is_break() {
                        return Ok(decoder);
                    }
                }
                Ok(None) => break,
                Err(source) => return Err(Error::snapshot(path, source)),
            }
            offset = decoder.offset();
        }
        if decoder.is_done() {
            return Ok(decoder);
        }
        let read = read_some(input, decoder.space(BLOCK));
        match read.map_err(|source| unreadable(path, source))? {
            0 => decoder.finish_input(),
            read => decoder.advance(read),
        }
    }
}

/// Reads a block; 0 at the end.
pub(crate) fn read_some(input: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

pub(crate) fn unreadable(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    Error::Read { path, source }
}

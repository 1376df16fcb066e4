//! LZF that comes in pieces is what it is in one: the same bytes or the same fault, and blocks of one size. The claim is
//! the first three bytes.
#![no_main]

use harness::{pieces, within_budget};
use libfuzzer_sys::fuzz_target;
use packed::Error;
use packed::lzf::{self, Unpacker};

/// Decompresses input that comes in the pieces given.
fn unpack<'a>(
    len: usize,
    claimed: u64,
    mut pieces: impl Iterator<Item = &'a [u8]>,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let (mut unpacker, mut waiting) = (Unpacker::default(), Vec::new());
    unpacker.start(len as u64, claimed)?;
    while !unpacker.is_done() {
        let taken = unpacker.feed(&waiting)?;
        waiting.drain(..taken);
        let is_last = unpacker.is_at_last();
        match unpacker.block() {
            Some(block) => {
                assert!(block.len() == Unpacker::BLOCK || is_last);
                take(block);
            }
            None => waiting.extend_from_slice(pieces.next().expect("the string is not whole")),
        }
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((claim, input)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let claimed = u32::from_le_bytes([claim[0], claim[1], claim[2], 0]);
    let mut whole = Vec::new();
    let expected = lzf::decompress(input, claimed as usize, &mut whole);
    let mut count = 0;
    let found = within_budget(0, || {
        let count = |block: &[u8]| count += block.len();
        unpack(input.len(), u64::from(claimed), input.chunks(512), count)
    });
    assert_eq!(found, expected);
    assert!(expected.is_err() || count == whole.len());
    let mut again = Vec::new();
    let take = |block: &[u8]| again.extend_from_slice(block);
    assert_eq!(
        unpack(input.len(), u64::from(claimed), pieces(input), take),
        expected
    );
    assert!(expected.is_err() || again == whole);
});

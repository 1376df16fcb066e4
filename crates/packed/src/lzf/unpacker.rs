//! Decompression of what comes in pieces, in constant memory.

use super::{DISTANCE_MAX, LITERALS_MAX, MATCH_MAX, check_claim, check_whole, expand_item};
use crate::{Error, ErrorKind};

/// Decompresses one string of any length through a window.
///
/// [`Unpacker::start`], then by turns [`Unpacker::feed`] with the bytes that wait and [`Unpacker::block`], until
/// [`Unpacker::is_done`]. Blocks have [`Unpacker::BLOCK`] bytes, the last one fewer, however the input was cut. It refuses
/// what [`decompress`](super::decompress) refuses, and good for any number of strings it holds some 72 KiB.
///
/// ```text
///   place  [ history | ready | room ]      history: what references may reach, 8 KiB
///          0         ready   end
/// ```
#[derive(Debug, Default)]
pub struct Unpacker {
    place: Vec<u8>,
    ready: usize,
    end: usize,
    /// The compressed and the original size.
    compressed: u64,
    claimed: u64,
    /// Compressed bytes that were taken.
    taken: u64,
    /// Original bytes that came before those in the place.
    dropped: u64,
}

/// No item takes more bytes.
const ITEM_MAX: usize = 1 + LITERALS_MAX;
/// History, and a block that was one byte short of being whole when another match came.
const PLACE_LEN: usize = DISTANCE_MAX + Unpacker::BLOCK + MATCH_MAX;

impl Unpacker {
    /// The size of blocks, in bytes.
    pub const BLOCK: usize = 64 << 10;

    /// What comes next is a string of `claimed` bytes, `compressed` ones in this form.
    pub fn start(&mut self, compressed: u64, claimed: u64) -> Result<(), Error> {
        check_claim(usize::try_from(compressed).unwrap_or(usize::MAX), claimed)?;
        if compressed == 0 {
            check_whole(0, claimed, 0)?;
        }
        self.place.resize(PLACE_LEN, 0);
        (self.ready, self.end) = (0, 0);
        (self.compressed, self.claimed) = (compressed, claimed);
        (self.taken, self.dropped) = (0, 0);
        Ok(())
    }

    /// Takes bytes from the start of `input`, which may go on beyond the string, until a block is ready or what is
    /// left is no whole item. Gives how many it took. An error's offset counts from the start of the string.
    pub fn feed(&mut self, input: &[u8]) -> Result<usize, Error> {
        let left = usize::try_from(self.compressed - self.taken).unwrap_or(usize::MAX);
        let is_all = left <= input.len();
        let input = input.get(..left).unwrap_or(input);
        self.drop_history();
        // The place has room for whatever an item stands for, so only the claim can be exceeded.
        let room = usize::try_from(self.claimed - self.dropped).unwrap_or(usize::MAX);
        let out_len = room.min(self.place.len());
        let mut at = 0;
        while self.end - self.ready < Unpacker::BLOCK
            && at < input.len()
            && (is_all || input.len() - at >= ITEM_MAX)
        {
            let out = self.place.get_mut(..out_len).unwrap_or_default();
            let item =
                expand_item(input, at, out, self.end).map_err(|error| self.shifted(error))?;
            at += item.width;
            self.end += item.len;
        }
        self.taken += at as u64;
        if self.taken == self.compressed {
            let (end, found) = (self.taken as usize, self.dropped + self.end as u64);
            check_whole(end, self.claimed, found)?;
        }
        Ok(at)
    }

    /// Makes room for a block, if none is ready.
    fn drop_history(&mut self) {
        let count = self.ready.saturating_sub(DISTANCE_MAX);
        if count == 0 || self.end - self.ready >= Unpacker::BLOCK {
            return;
        }
        self.place.copy_within(count..self.end, 0);
        self.ready -= count;
        self.end -= count;
        self.dropped += count as u64;
    }

    /// The same error, with places and sizes counted from the start of the string.
    fn shifted(&self, mut error: Error) -> Error {
        error.offset += self.taken as usize;
        if let ErrorKind::OriginalSize { expected, found } = &mut error.kind {
            *expected = self.claimed;
            *found += self.dropped;
        }
        error
    }

    /// How many more bytes of input another call of [`Unpacker::feed`] is sure to get on with.
    pub fn needed(&self) -> usize {
        let left = self.compressed - self.taken;
        left.min(ITEM_MAX as u64) as usize
    }

    /// The compressed bytes taken so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Gives out the next block, `None` if it takes more input, or after the last.
    pub fn block(&mut self) -> Option<&[u8]> {
        let count = (self.end - self.ready).min(Unpacker::BLOCK);
        let is_last = self.taken == self.compressed;
        if count == 0 || count < Unpacker::BLOCK && !is_last {
            return None;
        }
        let block = self.place.get(self.ready..self.ready + count);
        self.ready += count;
        block
    }

    /// Whether the block that is ready is the last.
    pub fn is_at_last(&self) -> bool {
        self.taken == self.compressed && self.end - self.ready <= Unpacker::BLOCK
    }

    /// Whether all of the string was given out.
    pub fn is_done(&self) -> bool {
        self.taken == self.compressed && self.ready == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lzf::{Table, compress, decompress};
    use proptest::prelude::*;

    /// Decompresses input that comes in pieces of the sizes that `size` gives.
    fn unpack(
        input: &[u8],
        claimed: usize,
        mut size: impl FnMut() -> usize,
    ) -> Result<Vec<u8>, Error> {
        let mut unpacker = Unpacker::default();
        unpacker.start(input.len() as u64, claimed as u64)?;
        let (mut out, mut come, mut at) = (Vec::new(), 0, 0);
        while !unpacker.is_done() {
            at += unpacker.feed(&input[at..come])?;
            match unpacker.block() {
                Some(block) => out.extend_from_slice(block),
                None if come == input.len() => assert!(unpacker.is_done()),
                None => come = (come + size().max(1)).min(input.len()),
            }
        }
        assert_eq!(
            (at as u64, unpacker.place.len()),
            (unpacker.taken(), PLACE_LEN)
        );
        Ok(out)
    }

    fn text() -> Vec<u8> {
        let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8;
        let mut text: Vec<u8> = (0..90_000).map(|n| noise(n / 7) & 15).collect();
        text.resize(300_000, b'x');
        text.extend_from_within(..50_000);
        text.extend_from_within(200_000..320_000);
        text
    }

    #[test]
    fn any_pieces_give_what_the_whole_gives() {
        let text = text();
        let mut packed = Vec::new();
        compress(&text, &mut packed, &mut Table::new()).expect("it repeats itself");
        for size in [1, 2, 32, 33, 1000, usize::MAX / 2] {
            assert_eq!(unpack(&packed, text.len(), || size).as_ref(), Ok(&text));
        }
    }

    #[test]
    fn references_reach_back_the_whole_window_and_no_further() {
        let text = text();
        let mut packed = Vec::new();
        for run in text[..80_000].chunks(LITERALS_MAX) {
            packed.push((run.len() - 1) as u8);
            packed.extend_from_slice(run);
        }
        packed.extend_from_slice(&[0xff, 0xff, 0xff]);
        let out = unpack(&packed, 80_264, || 50).expect("8192 bytes back");
        assert_eq!(out[80_000..], text[80_000 - 8192..][..264]);
        let short = [0, b'a', 0x20, 1];
        let kind = ErrorKind::Reference {
            distance: 2,
            available: 1,
        };
        assert_eq!(unpack(&short, 4, || 1), Err(Error::new(2, kind)));
    }

    #[test]
    fn no_bytes_stand_for_nothing() {
        let (expected, found) = (16, 0);
        let error = Error::new(0, ErrorKind::OriginalSize { expected, found });
        assert_eq!(unpack(b"", 16, || 1), Err(error));
    }

    #[test]
    fn blocks_are_of_one_size_and_the_unpacker_is_good_for_another_string() {
        let mut packed = Vec::new();
        compress(&text(), &mut packed, &mut Table::new()).expect("it repeats itself");
        let mut unpacker = Unpacker::default();
        for _ in 0..2 {
            unpacker
                .start(packed.len() as u64, text().len() as u64)
                .unwrap();
            let (mut at, mut sizes) = (0, Vec::new());
            while !unpacker.is_done() {
                at += unpacker.feed(&packed[at..]).unwrap();
                sizes.push(unpacker.block().expect("all is there").len());
            }
            let last = sizes.pop().expect("blocks");
            assert!(sizes.iter().all(|size| *size == Unpacker::BLOCK));
            assert_eq!(sizes.len() * Unpacker::BLOCK + last, text().len());
        }
    }

    proptest! {
        #[test]
        fn bad_bytes_are_refused_as_a_whole_is(
            input in prop::collection::vec(any::<u8>(), 0..80),
            claimed in 0_usize..2000,
            size in 1_usize..80,
        ) {
            let mut whole = Vec::new();
            let result = decompress(&input, claimed, &mut whole).map(|()| whole);
            prop_assert_eq!(unpack(&input, claimed, || size), result);
        }
    }
}

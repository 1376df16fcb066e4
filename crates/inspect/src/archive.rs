//! Archives: a snapshot or log in an LZ4 frame, behind a mark that says whose it is.
//!
//! The mark is what the LZ4 frame format calls a skippable frame, so that `lz4 -d` unpacks archives
//! as well. No server reads them.

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use std::io::{self, Chain, Cursor, Read, Write};

/// A skippable frame of 16 bytes: its magic number, its length, and what it holds.
const MARK: [u8; 24] = *b"\x5d\x2a\x4d\x18\x10\0\0\0duramen archive1";

/// A reader that was looked at, from its first byte on again.
type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

/// The bytes of a file, unpacked if it is an archive.
pub enum Unpacked<R: Read> {
    /// As they are in the file.
    Plain(Begun<R>),
    /// Out of an archive.
    Archive(Box<FrameDecoder<R>>),
}

impl<R: Read> Unpacked<R> {
    /// Looks whether `input` is an archive.
    pub fn new(mut input: R) -> io::Result<Unpacked<R>> {
        let mut begin = Vec::with_capacity(MARK.len());
        input
            .by_ref()
            .take(MARK.len() as u64)
            .read_to_end(&mut begin)?;
        Ok(match begin == MARK {
            true => Unpacked::Archive(Box::new(FrameDecoder::new(input))),
            false => Unpacked::Plain(Cursor::new(begin).chain(input)),
        })
    }

    /// Whether it is one.
    pub fn is_archive(&self) -> bool {
        matches!(self, Unpacked::Archive(_))
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Plain(input) => input.read(out),
            Unpacked::Archive(input) => input.read(out),
        }
    }
}

/// Packs what is written.
pub(crate) struct Packer<W: Write>(FrameEncoder<W>);

impl<W: Write> Packer<W> {
    pub(crate) fn new(mut out: W) -> io::Result<Packer<W>> {
        out.write_all(&MARK)?;
        let info = FrameInfo::new()
            .block_size(BlockSize::Max256KB)
            .block_mode(BlockMode::Linked)
            .content_checksum(true);
        Ok(Packer(FrameEncoder::with_frame_info(info, out)))
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Ends the frame with the checksum of its content.
    pub(crate) fn finish(self) -> io::Result<W> {
        Ok(self.0.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = Packer::new(Vec::new()).unwrap();
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Unpacked::new(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn what_was_packed_comes_out_and_what_was_not_stays() {
        let long: Vec<u8> = (0..3_000_000u32).map(|n| (n / 100) as u8).collect();
        for bytes in [&b""[..], b"REDIS0011", &MARK[..23], &long] {
            assert_eq!(unpacked(bytes).unwrap(), bytes);
            assert_eq!(unpacked(&packed(bytes)).unwrap(), bytes);
        }
        assert!(packed(&long).len() < long.len() / 10);
        assert_eq!(MARK.len(), 8 + usize::from(MARK[4]));
    }

    #[test]
    fn damage_is_noticed() {
        let whole = packed(
            &(0..100_000u32)
                .flat_map(u32::to_le_bytes)
                .collect::<Vec<_>>(),
        );
        for at in (MARK.len()..whole.len()).step_by(997) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(unpacked(&damaged).is_err(), "byte {at}");
        }
        assert!(unpacked(&whole[..whole.len() - 1]).is_err());
    }
}

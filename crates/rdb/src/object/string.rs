//! Strings that are values of their own, in one part or in chunks.
//!
//! # Layout
//!
//! ```text
//!   value (kind 0) = str, see `string.rs`
//! ```
//!
//! Example: `00 01 6B 03 66 6F 6F` key "k" = "foo".
//!
//! A string of at most [`CHUNK_LEN`] bytes is one part. A longer one is passed on in chunks as its
//! bytes come, and expanded through a window if it is compressed, so that it takes no more memory
//! however long it is. A writer must know the compressed size before the first byte, so that it holds
//! a string back to compress it, or does not compress it.

use packed::lzf::Unpacker;

use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::{CHUNK_LEN, Part};
use crate::string::{Opening, StringWriter, open_str, put_len};

/// Strings up to this size are held back to be compressed, in bytes.
const HELD_MAX: u64 = 16 << 20;

/// Reads strings.
#[derive(Debug, Default)]
pub(crate) struct StringReader {
    place: Place,
    unpacker: Unpacker,
}

/// What comes next in the input.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Start,
    Raw {
        left: u64,
    },
    Lzf,
    End,
}

impl StringReader {
    /// The next bytes are a string.
    pub(crate) fn start(&mut self) {
        self.place = Place::Start;
    }

    /// Whether the string has no parts left.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.place == Place::End
    }

    /// The next part. Moves the cursor past it and commits.
    #[inline]
    pub(crate) fn next<'a, 'i: 'a>(
        &'a mut self,
        cur: &mut Cursor<'i>,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Part<'a>, Stop> {
        if self.place != Place::Start {
            return self.chunk(cur);
        }
        let at = cur.at();
        let opening = open_str(cur, scratch, CHUNK_LEN, READING)?;
        let (place, part) = match opening {
            Opening::Whole(text) => (Place::End, Part::String(text.resolve(scratch))),
            Opening::Raw { len } => (Place::Raw { left: len }, Part::LongString { len }),
            Opening::Lzf { compressed, len } => {
                let started = self.unpacker.start(compressed, len);
                started.map_err(|error| cur.wrong(at, bad_lzf(error)))?;
                (Place::Lzf, Part::LongString { len })
            }
        };
        self.place = place;
        cur.commit();
        Ok(part)
    }

    fn chunk<'a, 'i: 'a>(&'a mut self, cur: &mut Cursor<'i>) -> Result<Part<'a>, Stop> {
        let Place::Raw { left } = self.place else {
            return self.lzf_chunk(cur);
        };
        let size = left.min(CHUNK_LEN as u64);
        let chunk = cur.bytes(size as usize, READING)?;
        self.place = match left - size {
            0 => Place::End,
            left => Place::Raw { left },
        };
        cur.commit();
        Ok(Part::Chunk(chunk))
    }

    /// Commits what the unpacker took even if that was not enough for a chunk.
    fn lzf_chunk<'a>(&'a mut self, cur: &mut Cursor<'_>) -> Result<Part<'a>, Stop> {
        let (at, before) = (cur.at(), self.unpacker.taken());
        let fed = self.unpacker.feed(cur.rest());
        let taken = fed.map_err(|error| {
            let item = error.offset - before as usize;
            cur.wrong(at + item, bad_lzf(error))
        })?;
        cur.bytes(taken, READING)?;
        cur.commit();
        let stop = cur.need(READING, self.unpacker.needed());
        if self.unpacker.is_at_last() {
            self.place = Place::End;
        }
        self.unpacker.block().map(Part::Chunk).ok_or(stop)
    }
}

const READING: &str = "a string";

fn bad_lzf(error: packed::Error) -> ErrorKind {
    let what = "LZF string";
    ErrorKind::Blob { what, error }
}

/// Writes a string whose bytes come in chunks.
#[derive(Debug)]
pub(crate) struct StringChunks {
    left: u64,
    /// Whether the bytes are held back until all are there.
    held: bool,
}

impl StringChunks {
    /// A string of `len` bytes follows.
    pub(crate) fn start(len: u64, strings: &StringWriter, out: &mut Vec<u8>) -> StringChunks {
        let held = strings.compress && len <= HELD_MAX;
        if !held {
            put_len(len, out);
        }
        StringChunks { left: len, held }
    }

    /// Appends a chunk to `out`, or to `hold` until there are all; false if it is too long.
    pub(crate) fn put(
        &mut self,
        chunk: &[u8],
        hold: &mut Vec<u8>,
        strings: &mut StringWriter,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
            return false;
        };
        self.left = left;
        match self.held {
            true => hold.extend_from_slice(chunk),
            false => out.extend_from_slice(chunk),
        }
        if self.held && left == 0 {
            strings.put(hold, out);
            hold.clear();
        }
        true
    }

    /// Whether all chunks came.
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }
}

use crate::account::{Block, free, own};
use crate::usable_size;
use crate::value::arc_bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// Size of each chunk but the last.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// What a chunk of zeros reads as.
static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

/// A chunk; `None` is [`CHUNK_BYTES`] zeros, which take no memory until one is written.
type Chunk = Option<Arc<Vec<u8>>>;

fn bytes_of(chunk: &Chunk) -> &[u8] {
    chunk.as_ref().map_or(&ZEROS, |chunk| &chunk[..])
}

/// The chunk for writing.
fn write_to(chunk: &mut Chunk) -> &mut Vec<u8> {
    own(chunk.get_or_insert_with(|| Arc::new(ZEROS.to_vec())))
}

/// A long string as chunks of 64 KiB, the last one shorter. Writing to a clone copies a chunk.
#[derive(Debug, Clone)]
pub struct ChunkedString {
    chunks: Vec<Chunk>,
    len: usize,
}

impl Block for Vec<u8> {
    /// By length: a chunk but the last is full.
    fn block_bytes(&self) -> usize {
        arc_bytes::<Vec<u8>>() + usable_size(self.len())
    }
}

impl Block for ChunkedString {
    fn block_bytes(&self) -> usize {
        arc_bytes::<ChunkedString>() + usable_size(self.chunks.capacity() * size_of::<Chunk>())
    }
}

impl ChunkedString {
    pub(super) fn from_bytes(bytes: &[u8]) -> ChunkedString {
        let chunks = bytes
            .chunks(CHUNK_BYTES)
            .map(|chunk| Some(Arc::new(chunk.to_vec())));
        ChunkedString {
            chunks: chunks.collect(),
            len: bytes.len(),
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Panics where an invariant does not hold.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let lens: Vec<usize> = self.chunks().map(<[u8]>::len).collect();
        assert_eq!(lens.iter().sum::<usize>(), self.len);
        let (last, full) = lens.split_last().expect("a long string has chunks");
        assert!(full.iter().all(|len| *len == CHUNK_BYTES));
        assert!((1..=CHUNK_BYTES).contains(last));
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The byte at `at`.
    pub fn byte(&self, at: usize) -> Option<u8> {
        let chunk = self.chunks.get(at / CHUNK_BYTES)?;
        bytes_of(chunk).get(at % CHUNK_BYTES).copied()
    }

    /// The chunks in order.
    pub fn chunks(&self) -> Chunks<'_> {
        Chunks {
            first: None,
            rest: self.chunks.iter(),
        }
    }

    /// The bytes from `start` up to `end`, both within the string.
    pub(super) fn range(&self, start: usize, end: usize) -> Cow<'_, [u8]> {
        let (first, last) = (start / CHUNK_BYTES, end.saturating_sub(1) / CHUNK_BYTES);
        if first >= last {
            let base = first * CHUNK_BYTES;
            let chunk = self.chunks.get(first).map_or(&[][..], bytes_of);
            return Cow::Borrowed(
                chunk
                    .get(start - base..end.max(start) - base)
                    .unwrap_or(&[]),
            );
        }
        let mut bytes = Vec::with_capacity(end - start);
        for (number, chunk) in self.chunks.iter().enumerate().take(last + 1).skip(first) {
            let base = number * CHUNK_BYTES;
            let chunk = bytes_of(chunk);
            bytes.extend_from_slice(&chunk[start.max(base) - base..(end - base).min(chunk.len())]);
        }
        Cow::Owned(bytes)
    }

    pub(super) fn eq_bytes(&self, bytes: &[u8]) -> bool {
        self.len == bytes.len()
            && self
                .chunks()
                .zip(bytes.chunks(CHUNK_BYTES))
                .all(|(own, other)| own == other)
    }

    /// Adds zeros up to `len`.
    pub(super) fn grow(&mut self, len: usize) {
        if len <= self.len {
            return;
        }
        if let Some(last) = self.chunks.last_mut()
            && !self.len.is_multiple_of(CHUNK_BYTES)
        {
            let end = self.len % CHUNK_BYTES + (len - self.len);
            write_to(last).resize(end.min(CHUNK_BYTES), 0);
        }
        let missing = len - (self.chunks.len() * CHUNK_BYTES).min(len);
        let whole = std::iter::repeat_n(None, missing / CHUNK_BYTES);
        self.chunks.extend(whole);
        let rest = missing % CHUNK_BYTES;
        if rest > 0 {
            self.chunks.push(Some(Arc::new(vec![0; rest])));
        }
        self.len = len;
    }

    /// Overwrites bytes that are there.
    pub(super) fn write(&mut self, mut offset: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = offset % CHUNK_BYTES;
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - at));
            let chunk = write_to(&mut self.chunks[offset / CHUNK_BYTES]);
            chunk[at..at + now.len()].copy_from_slice(now);
            offset += now.len();
            bytes = later;
        }
    }

    /// Bytes taken of an allocator, behind an `Arc`.
    pub(super) fn heap_bytes(&self) -> usize {
        let chunks = self.chunks.iter().flatten();
        self.block_bytes() + chunks.map(|chunk| chunk.block_bytes()).sum::<usize>()
    }
}

/// The chunks, to be freed one by one: the bytes of each. What others share is left to them and does
/// not count.
pub(super) fn parts(string: Arc<ChunkedString>) -> impl Iterator<Item = usize> + Send {
    free(string).into_iter().flat_map(|(own, string)| {
        let chunks = string.chunks.into_iter().flatten().map(free);
        std::iter::once(own).chain(chunks.map(|chunk| chunk.map_or(0, |(bytes, _)| bytes)))
    })
}

/// The pieces of a string in order.
#[derive(Debug, Clone, Default)]
pub struct Chunks<'a> {
    first: Option<&'a [u8]>,
    rest: std::slice::Iter<'a, Chunk>,
}

impl<'a> Chunks<'a> {
    pub(super) fn one(bytes: &'a [u8]) -> Chunks<'a> {
        Chunks {
            first: Some(bytes),
            rest: [].iter(),
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self.first.take() {
            Some(first) => Some(first),
            None => self.rest.next().map(bytes_of),
        }
    }
}

use crate::{Error, File, Mode, Result, Storage};
use std::io;
use std::path::Path;

/// Reads a file forward through a buffer that grows as far as its user needs it to.
///
/// A decoder looks at [`buffer`](Self::buffer); if that does not hold a whole item it asks for
/// [`fill`](Self::fill), else it [`consume`](Self::consume)s the item. Room is taken for bytes that
/// the file has, whatever lengths it claims.
#[derive(Debug)]
pub struct Reader<F> {
    file: F,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were consumed.
    consumed: usize,
    /// Offset in the file of the buffer's first byte.
    start: u64,
}

impl<F: File> Reader<F> {
    /// Reads from the beginning.
    pub fn new(file: F) -> Reader<F> {
        Reader::at(file, 0)
    }

    /// Reads from `offset`.
    pub fn at(file: F, offset: u64) -> Reader<F> {
        Reader {
            file,
            buffer: Vec::new(),
            consumed: 0,
            start: offset,
        }
    }

    /// What was read and not consumed.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// Offset in the file of the first byte of [`buffer`](Self::buffer).
    pub fn position(&self) -> u64 {
        self.start + self.consumed as u64
    }

    /// Reads more behind the buffer and returns how many bytes; 0 means the end of the file.
    pub fn fill(&mut self) -> Result<usize> {
        self.drop_consumed();
        let held = self.buffer.len();
        // As much again as is held, so that a long item costs linear time.
        let wanted = held.clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        self.buffer.resize(held + wanted, 0);
        let unread = self.buffer.get_mut(held..).unwrap_or_default();
        let read = self.file.read_at(self.start + held as u64, unread);
        self.buffer
            .truncate(held + read.as_ref().map_or(0, |read| *read));
        read
    }

    /// Moves `bytes` forward, at most to the end of the buffer.
    pub fn consume(&mut self, bytes: usize) {
        self.consumed = (self.consumed + bytes).min(self.buffer.len());
    }

    /// Goes on at `offset`, forward or back.
    pub fn seek(&mut self, offset: u64) {
        let end = self.start + self.buffer.len() as u64;
        if (self.start..=end).contains(&offset) {
            self.consumed = (offset - self.start) as usize;
        } else {
            self.buffer.clear();
            (self.start, self.consumed) = (offset, 0);
        }
    }

    /// The file.
    pub fn file(&self) -> &F {
        &self.file
    }

    /// The file, for other use.
    pub fn into_file(self) -> F {
        self.file
    }

    fn drop_consumed(&mut self) {
        if self.consumed * 2 >= self.buffer.len() {
            self.buffer.drain(..self.consumed);
            self.start += self.consumed as u64;
            self.consumed = 0;
        }
    }
}

impl<F: File> io::Read for Reader<F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer().is_empty() && self.fill()? == 0 {
            return Ok(0);
        }
        let read = io::Read::read(&mut self.buffer(), out)?;
        self.consume(read);
        Ok(read)
    }
}

/// The whole content of a file of at most `max` bytes.
pub fn read<S: Storage>(storage: &S, path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = storage.open(path, Mode::Read)?;
    let len = file.len()?;
    if len > max {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            len,
            max,
        });
    }
    let mut reader = Reader::new(file);
    while (reader.buffer().len() as u64) <= max && reader.fill()? > 0 {}
    let mut content = reader.buffer;
    content.truncate(usize::try_from(max).unwrap_or(usize::MAX));
    Ok(content)
}

const READ_BYTES_MIN: usize = 64 * 1024;
const READ_BYTES_MAX: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;
    use std::io::Read as _;

    fn numbered(len: usize) -> (Memory, Vec<u8>) {
        let content: Vec<u8> = (0..len).map(|i| (i / 3) as u8).collect();
        let memory = Memory::new();
        memory
            .open(Path::new("f"), Mode::CreateNew)
            .unwrap()
            .append(&content)
            .unwrap();
        (memory, content)
    }

    #[test]
    fn offsets_follow_what_is_consumed() {
        let (memory, content) = numbered(200_000);
        let mut reader = Reader::at(memory.open(Path::new("f"), Mode::Read).unwrap(), 10);
        let mut seen = Vec::new();
        loop {
            let take = reader.buffer().len().min(7001);
            assert_eq!(reader.position(), 10 + seen.len() as u64);
            seen.extend_from_slice(&reader.buffer()[..take]);
            reader.consume(take);
            if reader.buffer().len() < 30_000
                && reader.fill().unwrap() == 0
                && reader.buffer().is_empty()
            {
                break;
            }
        }
        assert_eq!(seen, content[10..]);
    }

    #[test]
    fn the_buffer_grows_while_nothing_is_consumed() {
        let (memory, content) = numbered(1_000_000);
        let mut reader = Reader::new(memory.open(Path::new("f"), Mode::Read).unwrap());
        let mut fills = 0;
        while reader.fill().unwrap() > 0 {
            fills += 1;
        }
        assert_eq!(reader.buffer(), content);
        assert!(fills < 8, "{fills}");
    }

    #[test]
    fn whole_files_up_to_a_limit() {
        let (memory, content) = numbered(100);
        assert_eq!(read(&memory, Path::new("f"), 100).unwrap(), content);
        assert!(matches!(
            read(&memory, Path::new("f"), 99),
            Err(Error::TooLarge { len: 100, .. })
        ));
        let mut out = Vec::new();
        let file = memory.open(Path::new("f"), Mode::Read).unwrap();
        Reader::new(file).read_to_end(&mut out).unwrap();
        assert_eq!(out, content);
    }
}

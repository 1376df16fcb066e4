//! Batches: what was appended at once, under an annotation that says how much it is and what its
//! checksum is. Servers from 7.0 on skip such lines.
//!
//! ```text
//! #D 1024 62 512 8c1f0a5bd2e7f3c4\r\n     offset of this line in the file, bytes behind it that
//! *3\r\n$3\r\nSET\r\n ...                 belong to it, offset up to which the file was known to
//!                                         be synced, CRC-64 of those numbers and of the bytes
//! ```
//!
//! A batch that does not match is torn if nothing says that it was synced, and corrupt if a whole
//! one does. Bytes under no such line are foreign: another server appended them.

use crate::RecordReader;
use packed::crc64::Crc64;
use storage::{File, Reader, Result};

/// The line in front of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the line in the file.
    pub at: u64,
    /// Bytes behind it.
    pub len: u64,
    /// Up to here the file was synced when the line was written.
    pub synced: u64,
}

impl BatchHeader {
    /// The line for these bytes, in pieces.
    pub fn line<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> String {
        let mut crc = self.checksum();
        pieces.for_each(|piece| crc.update(piece));
        self.line_with(&crc)
    }

    /// The checksum of the numbers, for the bytes to be added.
    pub(crate) fn checksum(&self) -> Crc64 {
        let mut crc = Crc64::new();
        crc.update(self.numbers().as_bytes());
        crc
    }

    /// The line for bytes whose checksum, begun by [`Self::checksum`], is known.
    pub(crate) fn line_with(&self, crc: &Crc64) -> String {
        format!("{} {:016x}\r\n", self.numbers(), crc.value())
    }

    fn numbers(&self) -> String {
        format!("{MARK}{} {} {}", self.at, self.len, self.synced)
    }

    /// Reads a line that begins at offset `at`, and its checksum.
    fn parse(line: &[u8], at: u64) -> Option<(BatchHeader, u64)> {
        let text = std::str::from_utf8(line).ok()?;
        let mut words = text.strip_prefix(MARK)?.split(' ');
        let mut number = || words.next()?.parse().ok();
        let header = BatchHeader {
            at: number()?,
            len: number()?,
            synced: number()?,
        };
        let crc = u64::from_str_radix(words.next()?, 16).ok()?;
        // Letter for letter: other spellings of the same numbers are damage.
        let is_ours = text == format!("{} {crc:016x}", header.numbers());
        (is_ours && header.at == at).then_some((header, crc))
    }
}

/// What a file of batches begins with: a batch of nothing, which says that all others have headers.
pub(crate) fn first_line() -> String {
    let first = BatchHeader {
        at: 0,
        len: 0,
        synced: 0,
    };
    first.line(std::iter::empty())
}

/// Whether a log file of `len` bytes is as it was made: it holds no command.
pub fn holds_nothing(len: u64) -> bool {
    len <= FIRST_LINE_BYTES
}

/// Whether everything in `file` stands under headers, or stood: by its first line.
pub fn has_batches<F: File + ?Sized>(file: &F) -> Result<bool> {
    let mut line = [0; FIRST_LINE_BYTES as usize];
    let read = file.read_at(0, &mut line)?;
    Ok(line
        .get(..read)
        .is_some_and(|line| header(line, 0).is_some()))
}

/// How far the batches of a file match their checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The first byte that does not count, or the file's end.
    pub valid_up_to: u64,
    /// Up to here the file was synced once, as its whole batches say.
    pub synced: u64,
}

impl Checked {
    /// Whether something does not match that was on disk once: no crash does that.
    pub fn is_corrupt(&self) -> bool {
        self.valid_up_to < self.synced
    }
}

/// Compares the batches of `file` with their checksums. A file that does not begin with one is
/// foreign, and counts in full.
pub fn check_batches<F: File>(file: F) -> Result<Checked> {
    let file_len = file.len()?;
    if !has_batches(&file)? {
        return Ok(Checked {
            valid_up_to: file_len,
            synced: 0,
        });
    }
    let mut scan = Scan {
        file_len,
        input: Reader::new(file),
        synced: 0,
    };
    let mut valid_up_to = None;
    loop {
        let at = scan.input.position();
        match scan.next()? {
            Next::Whole => {}
            Next::Foreign => {
                scan.skip_to_header()?;
                if let Some(wrong) = scan.judge_foreign(at)? {
                    valid_up_to.get_or_insert(wrong);
                }
            }
            Next::Wrong => {
                valid_up_to.get_or_insert(at);
                scan.input.consume(1);
                scan.skip_to_header()?;
            }
            Next::End => {
                return Ok(Checked {
                    valid_up_to: valid_up_to.unwrap_or(at),
                    synced: scan.synced,
                });
            }
        }
    }
}

/// Whether what begins at `at`, and does not match, may be what a failed write left: bytes are
/// missing at its end, or were never written and read as NULs.
pub fn lacks_bytes<F: File>(file: F, at: u64) -> Result<bool> {
    let file_len = file.len()?;
    let (mut line, mut last) = ([0; LINE_BYTES_MAX], [0; 1]);
    let read = file.read_at(at, &mut line)?;
    file.read_at(file_len.saturating_sub(1), &mut last)?;
    let found = header(line.get(..read).unwrap_or_default(), at);
    let end = found.map(|(header, _, line)| (at + line as u64).saturating_add(header.len));
    Ok(last == [0] || end.map_or(read < LINE_BYTES_MAX, |end| end > file_len))
}

/// The batch that `end` lies in, if it lies in one's bytes, and where these begin.
pub(crate) fn batch_across<F: File>(file: F, end: u64) -> Result<Option<(BatchHeader, u64)>> {
    if !has_batches(&file)? {
        return Ok(None);
    }
    let file_len = file.len()?;
    let (input, synced) = (Reader::new(file), 0);
    let mut scan = Scan {
        file_len,
        input,
        synced,
    };
    loop {
        let at = scan.input.position();
        match scan.next()? {
            Next::Whole if scan.input.position() <= end => {}
            Next::Whole if at >= end => return Ok(None),
            Next::Whole => {
                scan.input.seek(at);
                while scan.input.buffer().len() < LINE_BYTES_MAX && scan.input.fill()? > 0 {}
                let found = header(scan.input.buffer(), at);
                return Ok(found.map(|(header, _, line)| (header, at + line as u64)));
            }
            Next::Foreign => scan.skip_to_header()?,
            Next::Wrong | Next::End => return Ok(None),
        }
    }
}

struct Scan<F> {
    input: Reader<F>,
    file_len: u64,
    synced: u64,
}

enum Next {
    Whole,
    /// The beginning of a command or annotation that stands under no header.
    Foreign,
    Wrong,
    End,
}

impl<F: File> Scan<F> {
    /// Passes a batch if one is here and whole.
    fn next(&mut self) -> Result<Next> {
        while self.input.buffer().len() < LINE_BYTES_MAX && self.input.fill()? > 0 {}
        let buffer = self.input.buffer();
        if buffer.is_empty() {
            return Ok(Next::End);
        }
        if !buffer.starts_with(MARK.as_bytes()) {
            let is_record = buffer.starts_with(b"*") || buffer.starts_with(b"#TS:");
            return Ok(if is_record {
                Next::Foreign
            } else {
                Next::Wrong
            });
        }
        let at = self.input.position();
        let Some((header, crc, line)) = header(buffer, at) else {
            return Ok(Next::Wrong);
        };
        let matches = self.payload_matches(&header, crc, line)?;
        if matches {
            self.synced = self.synced.max(header.synced);
        }
        Ok(if matches { Next::Whole } else { Next::Wrong })
    }

    /// Compares the bytes behind a header; passes them if they match, and goes back if not.
    fn payload_matches(&mut self, header: &BatchHeader, crc: u64, line: usize) -> Result<bool> {
        let mut left = header.len;
        if left > self.file_len.saturating_sub(header.at + line as u64) {
            return Ok(false);
        }
        let mut found = Crc64::new();
        found.update(header.numbers().as_bytes());
        let mut at = header.at + line as u64;
        let mut buffer = [0; READ_BYTES];
        while left > 0 {
            let wanted = READ_BYTES.min(usize::try_from(left).unwrap_or(READ_BYTES));
            let room = buffer.get_mut(..wanted).unwrap_or_default();
            let read = self.input.file().read_at(at, room)?;
            if read == 0 {
                return Ok(false);
            }
            found.update(buffer.get(..read).unwrap_or_default());
            at += read as u64;
            left -= read as u64;
        }
        let matches = found.value() == crc;
        if matches {
            self.input.seek(at);
        }
        Ok(matches)
    }

    /// Where the bytes from `from` up to here stop being records, if they do so before their end; at
    /// the file's end a record may be cut short.
    fn judge_foreign(&self, from: u64) -> Result<Option<u64>> {
        let to = self.input.position();
        let mut records = RecordReader::new(from, to);
        let (mut at, mut buffer) = (from, [0; READ_BYTES]);
        loop {
            match records.advance() {
                Ok(true) => continue,
                Ok(false) if at < to => {}
                Ok(false) => break,
                Err(error) => return Ok(Some(error.record)),
            }
            let wanted = READ_BYTES.min(usize::try_from(to - at).unwrap_or(READ_BYTES));
            let room = buffer.get_mut(..wanted).unwrap_or_default();
            let read = self.input.file().read_at(at, room)?;
            if read == 0 {
                break;
            }
            records.feed(buffer.get(..read).unwrap_or_default());
            at += read as u64;
        }
        Ok(match records.finish() {
            Ok(tail) if tail.is_whole() || to == self.file_len => None,
            Ok(tail) => Some(tail.valid_up_to),
            Err(error) => Some(error.record),
        })
    }

    /// Goes on to the next line that is a header of its own place, or to the end.
    fn skip_to_header(&mut self) -> Result<()> {
        loop {
            let at = self.input.position();
            let buffer = self.input.buffer();
            let mut marks = memchr::memmem::find_iter(buffer, MARK.as_bytes());
            let found = marks.find(|&mark| {
                let rest = buffer.get(mark..).unwrap_or_default();
                header(rest, at + mark as u64).is_some()
            });
            if let Some(mark) = found {
                self.input.consume(mark);
                return Ok(());
            }
            // A line may be cut by the buffer's end.
            let passed = buffer.len().saturating_sub(LINE_BYTES_MAX);
            self.input.consume(passed);
            if self.input.fill()? == 0 {
                self.input.consume(self.input.buffer().len());
                return Ok(());
            }
        }
    }
}

/// The header at the front of `buffer`, its checksum, and the length of its line.
fn header(buffer: &[u8], at: u64) -> Option<(BatchHeader, u64, usize)> {
    let line = buffer.get(..LINE_BYTES_MAX.min(buffer.len()))?;
    let end = memchr::memchr(b'\n', line)?;
    let text = line.get(..end)?.strip_suffix(b"\r")?;
    let (header, crc) = BatchHeader::parse(text, at)?;
    Some((header, crc, end + 1))
}

/// Bytes of [`first_line`].
const FIRST_LINE_BYTES: u64 = 27;

/// What a header begins with.
const MARK: &str = "#D ";

const READ_BYTES: usize = 16 << 10;

/// More than a header can have: three numbers of 20 digits and a checksum.
const LINE_BYTES_MAX: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use storage::{Memory, Mode, Storage as _};

    /// Batches behind a first line, each synced before the next is written.
    fn log(batches: &[&[u8]]) -> Vec<u8> {
        let mut bytes = first_line().into_bytes();
        for batch in batches {
            let (at, len) = (bytes.len() as u64, batch.len() as u64);
            let header = BatchHeader {
                at,
                len,
                synced: at,
            };
            bytes.extend_from_slice(header.line([*batch].into_iter()).as_bytes());
            bytes.extend_from_slice(batch);
        }
        bytes
    }

    fn check(bytes: &[u8]) -> Checked {
        let disk = Memory::new();
        let file = disk.open(Path::new("f"), Mode::CreateNew).unwrap();
        storage::append_all(&file, bytes).unwrap();
        check_batches(file).unwrap()
    }

    const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
    const DEL: &[u8] = b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n";

    #[test]
    fn a_line_names_place_length_and_checksum() {
        assert_eq!(first_line().len() as u64, FIRST_LINE_BYTES);
        let text = String::from_utf8(log(&[PING])).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("#D 0 0 0 "), "{text}");
        assert!(lines[1].starts_with("#D 27 14 27 "), "{text}");
    }

    #[test]
    fn whole_batches_and_foreign_records_count() {
        let mut bytes = log(&[DEL, PING]);
        let synced = log(&[DEL]).len() as u64;
        let valid_up_to = bytes.len() as u64;
        let whole = Checked {
            valid_up_to,
            synced,
        };
        assert_eq!(check(&bytes), whole);
        bytes.extend_from_slice(PING);
        assert_eq!(check(&bytes).valid_up_to, bytes.len() as u64);
        bytes.extend_from_slice(b"*garbage");
        assert_eq!(check(&bytes).valid_up_to, valid_up_to + 14);
        assert_eq!(check(b"").valid_up_to, 0);
        assert_eq!(check(b"anything").valid_up_to, 8);
    }

    #[test]
    fn every_flipped_bit_is_found_and_only_the_last_batch_may_be_torn() {
        let bytes = log(&[PING, DEL, PING]);
        let last = log(&[PING, DEL]).len();
        for at in FIRST_LINE_BYTES as usize..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let checked = check(&flipped);
                let place = format!("bit {bit} of byte {at}: {checked:?}");
                assert!(checked.valid_up_to <= at as u64, "{place}");
                assert_eq!(checked.is_corrupt(), at < last, "{place}");
            }
        }
    }

    #[test]
    fn a_cut_is_torn_at_its_batch() {
        let bytes = log(&[PING, DEL]);
        let ends = [log(&[]).len(), log(&[PING]).len(), bytes.len()];
        for len in ends[0]..bytes.len() {
            let checked = check(&bytes[..len]);
            let whole = ends.iter().rfind(|end| **end <= len).unwrap();
            assert_eq!(checked.valid_up_to, *whole as u64, "{len}");
            assert!(!checked.is_corrupt());
        }
    }
}

//! The beginning of a log file, copied.

use crate::batch::{BatchHeader, batch_across};
use std::path::Path;
use storage::{File, Mode, Reader, Result, Storage, Writer};

/// Copies the first `end` bytes of a log file to `to`, which must not be there; synced when this
/// returns. `end` is where a record ends. A batch that it cuts short gets a line for what is left of
/// it, so that the copy is sound.
pub fn copy_prefix<S: Storage>(storage: &S, from: &Path, to: &Path, end: u64) -> Result<()> {
    let open = || storage.open(from, Mode::Read);
    let mut copy = Writer::new(storage.open(to, Mode::CreateNew)?);
    match batch_across(open()?, end)? {
        None => copy_range(open()?, 0..end, |bytes| copy.write_all(bytes))?,
        Some((header, begin)) => {
            copy_range(open()?, 0..header.at, |bytes| copy.write_all(bytes))?;
            let header = BatchHeader {
                len: end.saturating_sub(begin),
                synced: header.at,
                ..header
            };
            let mut crc = header.checksum();
            copy_range(open()?, begin..end, |bytes| {
                crc.update(bytes);
                Ok(())
            })?;
            copy.write_all(header.line_with(&crc).as_bytes())?;
            copy_range(open()?, begin..end, |bytes| copy.write_all(bytes))?;
        }
    }
    copy.sync()
}

/// Hands the bytes of a range to `put`, as far as there are so many.
fn copy_range<F: File>(
    file: F,
    range: std::ops::Range<u64>,
    mut put: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut input = Reader::at(file, range.start);
    while input.position() < range.end {
        if input.buffer().is_empty() && input.fill()? == 0 {
            break;
        }
        let left = usize::try_from(range.end - input.position()).unwrap_or(usize::MAX);
        let bytes = input.buffer();
        let bytes = bytes.get(..left.min(bytes.len())).unwrap_or_default();
        put(bytes)?;
        let taken = bytes.len();
        input.consume(taken);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::first_line;
    use crate::{LogReader, Record};
    use storage::Memory;

    const PING: &str = "*1\r\n$4\r\nPING\r\n";

    /// Two batches of two commands each, and where each command ends.
    fn file(disk: &Memory) -> Vec<u64> {
        let file = disk.open(Path::new("log"), Mode::CreateNew).unwrap();
        let mut text = first_line();
        let mut ends = Vec::new();
        for _ in 0..2 {
            let header = BatchHeader {
                at: text.len() as u64,
                len: 2 * PING.len() as u64,
                synced: 0,
            };
            text += &header.line([PING.as_bytes(), PING.as_bytes()].into_iter());
            for _ in 0..2 {
                text += PING;
                ends.push(text.len() as u64);
            }
        }
        file.append(text.as_bytes()).unwrap();
        ends
    }

    #[test]
    fn a_copy_up_to_any_command_is_sound() {
        let disk = Memory::new();
        for (kept, end) in file(&disk).into_iter().enumerate() {
            let path = format!("copy{kept}");
            copy_prefix(&disk, Path::new("log"), Path::new(&path), end).unwrap();
            let open = || disk.open(Path::new(&path), Mode::Read).unwrap();
            let mut log = LogReader::open(open()).unwrap();
            log.check_batches(open()).unwrap();
            let mut commands = 0;
            while let Some(record) = log.next_record().unwrap() {
                commands += usize::from(matches!(record, Record::Command(_)));
            }
            assert_eq!(commands, kept + 1);
            assert!(log.finish().unwrap().is_whole(), "up to {end}");
        }
    }
}

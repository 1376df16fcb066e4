//! A snapshot that a primary sends, on its way into a file.

use super::LinkError;
use crate::datadir::SaveError;
use std::sync::Arc;
use storage::File;

/// How the end of a snapshot is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// After so many bytes.
    Size(u64),
    /// Behind these forty bytes, which are none of it.
    Mark([u8; 40]),
}

impl End {
    /// What `$..` says of it.
    pub(super) fn parse(line: &[u8]) -> Option<End> {
        let text = line.strip_prefix(b"$")?;
        match text.strip_prefix(b"EOF:") {
            Some(mark) => mark.try_into().ok().map(End::Mark),
            None => str::from_utf8(text).ok()?.parse().ok().map(End::Size),
        }
    }
}

/// The file under way.
#[derive(Debug)]
pub(super) struct Transfer {
    file: Arc<dyn File>,
    end: End,
    written: u64,
    /// With a mark: the last bytes that came, which may be a part of it.
    tail: Vec<u8>,
}

impl Transfer {
    pub(super) fn new(file: Arc<dyn File>, end: End) -> Transfer {
        Transfer {
            file,
            end,
            written: 0,
            tail: Vec::new(),
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn total(&self) -> Option<u64> {
        match self.end {
            End::Size(size) => Some(size),
            End::Mark(_) => None,
        }
    }

    /// Takes what is of the snapshot; how many bytes that were, and whether it is whole.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), LinkError> {
        match self.end.clone() {
            End::Size(size) => {
                let left = usize::try_from(size - self.written).unwrap_or(usize::MAX);
                let taken = left.min(bytes.len());
                self.write(&bytes[..taken])?;
                Ok((taken, self.written == size))
            }
            End::Mark(mark) => self.take_to_mark(bytes, &mark),
        }
    }

    /// The mark is the last thing that the primary sends for now, so nothing comes behind it.
    fn take_to_mark(&mut self, bytes: &[u8], mark: &[u8; 40]) -> Result<(usize, bool), LinkError> {
        let mut all = std::mem::take(&mut self.tail);
        all.extend_from_slice(bytes);
        let keep = all.len().min(mark.len());
        self.tail = all.split_off(all.len() - keep);
        self.write(&all)?;
        Ok((bytes.len(), self.tail == mark))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        storage::append_all(&*self.file, bytes).map_err(SaveError::Storage)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use storage::{Memory, Mode, Storage};

    fn file() -> Arc<dyn File> {
        Arc::new(Memory::new().open(Path::new("f"), Mode::CreateNew).unwrap())
    }

    fn content(file: &Arc<dyn File>) -> Vec<u8> {
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_size_leaves_what_is_behind_it() {
        assert_eq!(End::parse(b"$5"), Some(End::Size(5)));
        assert_eq!(End::parse(b"$-5"), None);
        let file = file();
        let mut transfer = Transfer::new(file.clone(), End::Size(5));
        assert_eq!(transfer.take(b"abc").unwrap(), (3, false));
        assert_eq!(transfer.take(b"defg").unwrap(), (2, true));
        assert_eq!(content(&file), b"abcde");
    }

    #[test]
    fn a_mark_is_found_however_it_comes() {
        let mark = [b'm'; 40];
        let line = [b"$EOF:".as_slice(), &mark].concat();
        for step in [1, 7, 39, 40, 41, 100] {
            let file = file();
            let mut transfer = Transfer::new(file.clone(), End::parse(&line).unwrap());
            let all = [b"REDIS mm data".as_slice(), &mark].concat();
            let mut whole = false;
            for part in all.chunks(step) {
                assert!(!whole);
                whole = transfer.take(part).unwrap().1;
            }
            assert!(whole);
            assert_eq!(content(&file), b"REDIS mm data");
        }
        assert_eq!(End::parse(b"$EOF:short"), None);
    }
}

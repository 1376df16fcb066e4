use crate::{Error, File, Operation, Result};
use std::io;

/// Collects appends into large ones.
///
/// After an error it refuses everything: what reached the file is unknown. Dropping it drops what
/// was not flushed.
#[derive(Debug)]
pub struct Writer<F> {
    file: F,
    buffer: Vec<u8>,
    written: u64,
    failed: bool,
}

impl<F: File> Writer<F> {
    /// Appends to `file` in pieces of about 64 KiB.
    pub fn new(file: F) -> Writer<F> {
        Writer {
            file,
            buffer: Vec::new(),
            written: 0,
            failed: false,
        }
    }

    /// Takes all of `bytes`.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.refuse_after_failure()?;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            let appended = append_all(&self.file, bytes);
            self.note(appended)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Hands everything taken so far to the file.
    pub fn flush(&mut self) -> Result<()> {
        self.refuse_after_failure()?;
        let appended = append_all(&self.file, &self.buffer);
        self.buffer.clear();
        self.note(appended)
    }

    /// Flushes, then syncs the file's contents.
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let synced = self.file.sync_data();
        self.note(synced)
    }

    /// Bytes taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The file, without what was not flushed.
    pub fn into_file(self) -> F {
        self.file
    }

    fn note(&mut self, result: Result<()>) -> Result<()> {
        self.failed |= result.is_err();
        result
    }

    fn refuse_after_failure(&self) -> Result<()> {
        if self.failed {
            let source = io::Error::other("an earlier write or sync of it failed");
            return Err(Error::io(Operation::Append, self.file.path(), source));
        }
        Ok(())
    }
}

impl<F: File> io::Write for Writer<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(Writer::flush(self)?)
    }
}

/// Appends all of `bytes`. After an error, an unknown part of them is there.
pub fn append_all<F: File + ?Sized>(file: &F, bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let appended = file.append(rest)?;
        if appended == 0 {
            let source = io::ErrorKind::WriteZero.into();
            return Err(Error::io(Operation::Append, file.path(), source));
        }
        rest = rest.get(appended..).unwrap_or_default();
    }
    Ok(())
}

const BUFFER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Mode, Recording, Stamp, Storage as _};
    use std::path::Path;

    #[test]
    fn small_writes_are_gathered_and_large_ones_pass() {
        let storage = Recording::new(Memory::new());
        let mut writer = Writer::new(storage.open(Path::new("f"), Mode::CreateNew).unwrap());
        for _ in 0..3 {
            writer.write_all(&[1; 30_000]).unwrap();
        }
        writer.write_all(&[2; 100_000]).unwrap();
        writer.sync().unwrap();
        assert_eq!(writer.written(), 190_000);
        assert_eq!(
            storage.take_transcript(),
            "create f\nappend f 60000\nappend f 30000\nappend f 100000\nsync f\n"
        );
    }

    /// Takes a byte a call, and fails once it has taken three.
    #[derive(Debug)]
    struct Slow(std::sync::atomic::AtomicUsize);

    impl File for Slow {
        fn path(&self) -> &Path {
            Path::new("slow")
        }
        fn append(&self, _: &[u8]) -> Result<usize> {
            match self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0..3 => Ok(1),
                _ => Err(Error::io(
                    Operation::Append,
                    self.path(),
                    io::ErrorKind::StorageFull.into(),
                )),
            }
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> Result<usize> {
            Ok(0)
        }
        fn sync_data(&self) -> Result<()> {
            Ok(())
        }
        fn set_len(&self, _: u64) -> Result<()> {
            Ok(())
        }
        fn stamp(&self) -> Result<Stamp> {
            Ok(Stamp {
                len: 0,
                modified_ns: 0,
                inode: 0,
                is_dir: false,
            })
        }
    }

    #[test]
    fn short_appends_go_on_and_failures_are_final() {
        let mut writer = Writer::new(Slow(Default::default()));
        writer.write_all(b"abc").unwrap();
        writer.sync().unwrap();
        writer.write_all(b"d").unwrap();
        assert_eq!(
            writer.flush().unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert_eq!(
            writer.write_all(b"e").unwrap_err().kind(),
            io::ErrorKind::Other
        );
        assert!(writer.sync().is_err());
    }
}

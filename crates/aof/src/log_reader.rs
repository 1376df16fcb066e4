use crate::{Error, Record, RecordReader, Result, Tail, TailReason, check_batches, is_rdb};
use std::path::PathBuf;
use storage::{File, Reader};

/// The commands of one log file, read from a [`storage::File`].
///
/// ```
/// use aof::{LogReader, Record};
/// use storage::{File, Memory, Mode, Storage};
/// # use std::path::Path;
///
/// let disk = Memory::new();
/// let file = disk.open(Path::new("appendonly.aof"), Mode::CreateNew)?;
/// file.append(b"*1\r\n$8\r\nFLUSHALL\r\n*2\r\n$3\r\nDE")?;
///
/// let mut log = LogReader::open(file)?;
/// assert!(!log.has_preamble());
/// while let Some(record) = log.next_record()? {
///     if let Record::Command(command) = record {
///         assert_eq!(command.get(0), Some(&b"FLUSHALL"[..]));
///     }
/// }
/// assert_eq!(log.finish()?.valid_up_to, 18);
/// # Ok::<(), aof::Error>(())
/// ```
#[derive(Debug)]
pub struct LogReader<F> {
    input: Reader<F>,
    file_len: u64,
    /// Where to stop, if the file's batches do not match their checksums from there on.
    torn_at: Option<u64>,
    /// Behind the preamble, once something was asked for.
    records: Option<RecordReader>,
}

impl<F: File> LogReader<F> {
    /// Reads `file` from the start.
    pub fn open(file: F) -> Result<LogReader<F>> {
        let file_len = file.len()?;
        let mut input = Reader::new(file);
        while input.buffer().len() < MAGIC_BYTES && input.fill()? > 0 {}
        Ok(LogReader {
            input,
            file_len,
            torn_at: None,
            records: None,
        })
    }

    /// Compares the file's batches with their checksums, if it has any: reads it once for that. What
    /// is torn at the end is then not read as records.
    pub fn check_batches(&mut self, file: F) -> Result<()> {
        let checked = check_batches(file)?;
        if checked.is_corrupt() {
            return Err(Error::Corrupt {
                path: self.path(),
                offset: checked.valid_up_to,
                synced: checked.synced,
            });
        }
        let is_torn = checked.valid_up_to < self.file_len;
        self.torn_at = is_torn.then_some(checked.valid_up_to);
        Ok(())
    }

    /// Reads as if the file ended at `offset`, which is where a record does.
    pub fn stop_at(&mut self, offset: u64) {
        if offset < self.torn_at.unwrap_or(self.file_len) {
            self.file_len = offset;
            self.torn_at = Some(offset);
        }
    }

    /// True between MULTI and EXEC.
    pub fn in_multi(&self) -> bool {
        self.records.as_ref().is_some_and(RecordReader::in_multi)
    }

    /// True if the file starts with an RDB. The caller then decodes that from
    /// [`preamble`](Self::preamble) before it asks for records.
    pub fn has_preamble(&self) -> bool {
        self.records.is_none() && is_rdb(self.input.buffer())
    }

    /// The file's bytes, to consume the RDB from. Commands begin where that ends.
    pub fn preamble(&mut self) -> &mut Reader<F> {
        &mut self.input
    }

    /// Length of the file in bytes when it was opened.
    pub fn file_len(&self) -> u64 {
        self.file_len
    }

    /// Offset in the file of the next record.
    pub fn offset(&self) -> u64 {
        self.records
            .as_ref()
            .map_or(self.input.position(), RecordReader::offset)
    }

    /// The next record, `None` at the end.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let LogReader {
            input,
            file_len,
            torn_at,
            records,
        } = self;
        let end = torn_at.unwrap_or(*file_len);
        let records = records.get_or_insert_with(|| RecordReader::new(input.position(), end));
        while !records.advance().map_err(|source| error(input, source))? {
            if input.buffer().is_empty() && input.fill()? == 0 {
                return Ok(None);
            }
            let left = torn_at.map_or(u64::MAX, |end| end.saturating_sub(input.position()));
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let bytes = input.buffer();
            let bytes = bytes.get(..left.min(bytes.len())).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(None);
            }
            records.feed(bytes);
            input.consume(bytes.len());
        }
        Ok(records.current())
    }

    /// How the file ends, once all records were taken.
    pub fn finish(self) -> Result<Tail> {
        let end = self.torn_at.unwrap_or(self.file_len);
        let records = self
            .records
            .unwrap_or_else(|| RecordReader::new(self.input.position(), end));
        let tail = records
            .finish()
            .map_err(|source| error(&self.input, source))?;
        let is_torn = self.torn_at.is_some_and(|at| at < self.file_len) && tail.is_whole();
        Ok(Tail {
            file_len: self.file_len,
            reason: if is_torn {
                TailReason::TornBatch
            } else {
                tail.reason
            },
            ..tail
        })
    }

    /// As [`finish`](Self::finish), for a file that must be whole: one that is not the last of the
    /// log, or any under `aof-load-truncated no`.
    pub fn finish_whole(self) -> Result<Tail> {
        let path = self.path();
        match self.finish()? {
            tail if tail.is_whole() => Ok(tail),
            tail => Err(Error::Truncated { path, tail }),
        }
    }

    fn path(&self) -> PathBuf {
        self.input.file().path().to_owned()
    }
}

fn error<F: File>(input: &Reader<F>, source: crate::RecordError) -> Error {
    Error::Record {
        path: input.file().path().to_owned(),
        source,
    }
}

/// `VALKEY`
const MAGIC_BYTES: usize = 6;

//! Keys with their values, written one after another.
//!
//! Each exporter is a [`crate::Visitor`] over an [`Output`]: one large buffer that is written out
//! when it is full, so that a key costs no allocation and no call. Only Parquet, which is written by
//! columns, has none.

mod csv;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
mod resp;

pub use csv::CsvRows;
pub use json::{JsonOptions, JsonRows};
#[cfg(feature = "parquet")]
pub use parquet::ParquetRows;
pub use resp::Commands;

use std::fmt;
use std::io::{self, Write};

/// Written out at this size, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Where an exporter writes.
pub struct Output<W> {
    buffer: Vec<u8>,
    sink: W,
    /// Where the key under way begins in the buffer, while it may yet have to be taken back.
    held: Option<usize>,
    hold: bool,
}

impl<W: Write> Output<W> {
    /// An output to `sink`. With `hold` keys are kept back until they are complete, since they may
    /// turn out to be none that are wanted; see [`crate::Filter::waits_for_size`].
    pub fn new(sink: W, hold: bool) -> Output<W> {
        Output {
            buffer: Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 8),
            sink,
            held: None,
            hold,
        }
    }

    /// The buffer, to be appended to.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// A key begins.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.held = self.hold.then_some(self.buffer.len());
    }

    /// The key is complete; without `keep` nothing of it is written.
    #[inline]
    pub(crate) fn end(&mut self, keep: bool) -> io::Result<()> {
        if let Some(begin) = self.held.take().filter(|_| !keep) {
            self.buffer.truncate(begin);
        }
        self.relieve()
    }

    /// Writes the buffer out if it is full.
    #[inline]
    pub(crate) fn relieve(&mut self) -> io::Result<()> {
        match self.buffer.len() >= BUFFER_BYTES && self.held.is_none() {
            true => self.write_out(),
            false => Ok(()),
        }
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.buffer)?;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES * 2);
        Ok(())
    }

    /// Writes everything out.
    pub fn finish(mut self) -> io::Result<()> {
        self.write_out()?;
        self.sink.flush()
    }
}

impl<W> fmt::Debug for Output<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

/// Appends a decimal number.
#[inline]
pub(crate) fn put_number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a stream id.
pub(crate) fn put_id(id: units::StreamId, out: &mut Vec<u8>) {
    put_number(id.ms, out);
    out.push(b'-');
    put_number(id.seq, out);
}

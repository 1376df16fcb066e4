//! A row a key in Apache Parquet: what it is and how large, without its value.
//!
//! Rows gather by column until they make a row group, which is written and forgotten. What the end of
//! the file repeats of each group is some kilobytes.

use crate::record::{Fact, Figures, Key, Piece, Visitor};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// Columns in the order in which rows give them: texts, counts, and what is not known of every key.
const SCHEMA: &str = "message keys {
  required binary key;
  required binary type (STRING);
  required binary encoding (STRING);
  required int64 db;
  required int64 elements;
  required int64 memory;
  required int64 serialized;
  required int64 longest;
  optional int64 expires (TIMESTAMP(MILLIS,true));
  optional int64 idle_s;
  optional int64 freq;
}";
const TEXTS: usize = 3;
const COUNTS: usize = 5;
const KNOWN: usize = 3;

/// A row group has at most so many rows, and ends once its names have so many bytes.
const ROWS_MAX: usize = 64 << 10;
const NAME_BYTES: usize = 8 << 20;

/// Writes keys as Parquet, compressed by Snappy; `docs/inspect.md` has the columns.
pub struct ParquetRows<W: Write + Send> {
    file: SerializedFileWriter<W>,
    rows: usize,
    name_bytes: usize,
    texts: [Vec<ByteArray>; TEXTS],
    counts: [Vec<i64>; COUNTS],
    known: [Known; KNOWN],
}

/// Numbers that some rows have: a level of 1 and a value, or a level of 0.
#[derive(Default)]
struct Known {
    values: Vec<i64>,
    levels: Vec<i16>,
}

impl Known {
    fn push(&mut self, value: Option<i64>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

impl<W: Write + Send> ParquetRows<W> {
    /// Rows to `sink`. Fails if that does.
    pub fn new(sink: W) -> io::Result<ParquetRows<W>> {
        let schema = parse_message_type(SCHEMA).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true);
        let properties = Arc::new(properties.build());
        let file = SerializedFileWriter::new(sink, Arc::new(schema), properties);
        Ok(ParquetRows {
            file: file.map_err(failed)?,
            rows: 0,
            name_bytes: 0,
            texts: Default::default(),
            counts: Default::default(),
            known: Default::default(),
        })
    }

    /// Writes everything out: without this there is no file.
    pub fn finish(mut self) -> io::Result<()> {
        self.write_group().map_err(failed)?;
        let mut sink = self.file.into_inner().map_err(failed)?;
        sink.flush()
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        let mut next = |write: &mut dyn FnMut(&mut SerializedColumnWriter<'_>) -> Written| {
            let mut column = group
                .next_column()?
                .ok_or(ParquetError::EOF(String::new()))?;
            write(&mut column)?;
            column.close()
        };
        for texts in &mut self.texts {
            next(&mut |column| {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(texts, None, None)
            })?;
            texts.clear();
        }
        for counts in &mut self.counts {
            next(&mut |column| column.typed::<Int64Type>().write_batch(counts, None, None))?;
            counts.clear();
        }
        for Known { values, levels } in &mut self.known {
            let levels_of = Some(levels.as_slice());
            next(&mut |column| {
                column
                    .typed::<Int64Type>()
                    .write_batch(values, levels_of, None)
            })?;
            values.clear();
            levels.clear();
        }
        group.close()?;
        (self.rows, self.name_bytes) = (0, 0);
        Ok(())
    }
}

/// How many values were written.
type Written = Result<usize, ParquetError>;

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}

impl<W: Write + Send> fmt::Debug for ParquetRows<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetRows").finish_non_exhaustive()
    }
}

impl<W: Write + Send> Visitor for ParquetRows<W> {
    fn fact(&mut self, _: &Fact<'_>) -> io::Result<()> {
        Ok(())
    }

    fn key(&mut self, _: &Key<'_>) -> io::Result<bool> {
        Ok(false)
    }

    fn piece(&mut self, _: &Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> io::Result<()> {
        if !keep {
            return Ok(());
        }
        let texts = [
            key.name,
            key.kind.name().as_bytes(),
            key.encoding.name().as_bytes(),
        ];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text.into());
        }
        let Figures {
            elements,
            memory,
            serialized,
            longest,
        } = *figures;
        let counts = [key.db.into(), elements, memory, serialized, longest];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.push(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let idle = key.idle_secs.and_then(|secs| i64::try_from(secs).ok());
        let known = [key.expire.map(|at| at.0), idle, key.freq.map(i64::from)];
        for (column, known) in self.known.iter_mut().zip(known) {
            column.push(known);
        }
        self.rows += 1;
        self.name_bytes += key.name.len();
        match self.rows >= ROWS_MAX || self.name_bytes >= NAME_BYTES {
            true => self.write_group().map_err(failed),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Encoding, Type};
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;
    use units::UnixMillis;

    /// Key `number`; every third has a deadline.
    fn key(number: u32, name: &[u8]) -> Key<'_> {
        Key {
            db: number % 5,
            name,
            expire: number
                .is_multiple_of(3)
                .then_some(UnixMillis(number.into())),
            idle_secs: None,
            freq: Some(7),
            kind: Type::Hash,
            encoding: Encoding::Listpack,
            offset: 0,
        }
    }

    fn name(number: u32) -> Vec<u8> {
        [b"k\xFF\0", number.to_string().as_bytes()].concat()
    }

    #[test]
    fn what_was_written_reads_back() {
        let count = ROWS_MAX as u32 + 1000;
        let mut bytes = Vec::new();
        let mut rows = ParquetRows::new(&mut bytes).unwrap();
        for number in 0..count {
            let (name, elements) = (name(number), number.into());
            let figures = Figures {
                elements,
                ..Figures::default()
            };
            rows.end_key(&key(number, &name), &figures, false).unwrap();
            rows.end_key(&key(number, &name), &figures, true).unwrap();
        }
        rows.finish().unwrap();
        let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(file.num_row_groups(), 2);
        let mut number = 0;
        for row in file.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            assert_eq!(row.get_bytes(0).unwrap().data(), name(number));
            assert_eq!(row.get_string(1).unwrap(), "hash");
            assert_eq!(row.get_long(3).unwrap(), i64::from(number % 5));
            assert_eq!(row.get_long(4).unwrap(), i64::from(number));
            let expires = row.get_timestamp_millis(8).ok();
            assert_eq!(expires, number.is_multiple_of(3).then_some(number.into()));
            assert!(row.get_long(9).is_err() && row.get_long(10).unwrap() == 7);
            number += 1;
        }
        assert_eq!(number, count);
    }
}

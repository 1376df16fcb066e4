//! A line a key: what it is and how large, without its value.

use super::{Output, put_number};
use crate::record::{Fact, Figures, Key, Piece, Visitor};
use std::io::{self, Write};

const HEADER: &[u8] =
    b"db,key,type,encoding,elements,memory,serialized,longest,expire_ms,idle_s,freq\r\n";

/// Writes keys as CSV (RFC 4180). Bytes of names that are not printable ASCII, and backslashes, are
/// `\xHH`.
#[derive(Debug)]
pub struct CsvRows<W> {
    out: Output<W>,
}

impl<W: Write> CsvRows<W> {
    /// Rows to that output, below a header.
    pub fn new(mut out: Output<W>) -> CsvRows<W> {
        out.buffer().extend_from_slice(HEADER);
        CsvRows { out }
    }

    /// Writes everything out.
    pub fn finish(self) -> io::Result<()> {
        self.out.finish()
    }
}

impl<W: Write> Visitor for CsvRows<W> {
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
        let out = self.out.buffer();
        put_number(key.db, out);
        out.push(b',');
        put_name(key.name, out);
        for name in [key.kind.name(), key.encoding.name()] {
            out.push(b',');
            out.extend_from_slice(name.as_bytes());
        }
        for count in [
            figures.elements,
            figures.memory,
            figures.serialized,
            figures.longest,
        ] {
            out.push(b',');
            put_number(count, out);
        }
        for known in [
            key.expire.map(|at| at.0),
            key.idle_secs.and_then(|secs| i64::try_from(secs).ok()),
            key.freq.map(i64::from),
        ] {
            out.push(b',');
            if let Some(known) = known {
                put_number(known, out);
            }
        }
        out.extend_from_slice(b"\r\n");
        self.out.end(true)
    }
}

fn put_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in name {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            b'\\' => out.extend_from_slice(b"\\x5c"),
            0x20..=0x7E => out.push(*byte),
            _ => {
                out.extend_from_slice(b"\\x");
                out.extend([byte >> 4, byte & 15].map(hex));
            }
        }
    }
    out.push(b'"');
}

fn hex(nibble: u8) -> u8 {
    match nibble {
        0..10 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Encoding, Type};

    #[test]
    fn names_can_hold_anything() {
        let mut bytes = Vec::new();
        let mut rows = CsvRows::new(Output::new(&mut bytes, false));
        let key = Key {
            db: 3,
            name: b"a,\"\\\n\xFF",
            expire: None,
            idle_secs: Some(7),
            freq: None,
            kind: Type::Set,
            encoding: Encoding::Intset,
            offset: 0,
        };
        let figures = Figures {
            elements: 1,
            memory: 2,
            serialized: 3,
            longest: 4,
        };
        rows.end_key(&key, &figures, false).unwrap();
        rows.end_key(&key, &figures, true).unwrap();
        rows.finish().unwrap();
        let row = bytes.strip_prefix(HEADER).unwrap();
        assert_eq!(
            row,
            b"3,\"a,\"\"\\x5c\\x0a\\xff\",set,intset,1,2,3,4,,7,\r\n"
        );
    }
}

//! Lengths, and strings in their four forms: `len` and `str` in the drawings of the other files.
//!
//! # Layout
//!
//! ```text
//!   len:   00xxxxxx                6 bits
//!          01xxxxxx +1             14 bits, big-endian
//!          80 +4, 81 +8            u32, u64, big-endian
//!          11tttttt                not a length: form t of a string
//!
//!   str:   len, bytes              raw
//!          C0 i8 | C1 i16 | C2 i32 little-endian; the string is the number's decimal text
//!          C3 len len' bytes       LZF: `len` bytes that expand to `len'`
//! ```
//!
//! Example: `03 66 6F 6F` "foo"; `C1 39 30` "12345"; `C3 04 06 01 61 61 60 00` "aaaaaa".
//!
//! Any string of a file may come in any form, keys and whole listpacks included. Writers use an
//! integer form whenever the text is exactly the number's, then LZF if it saves 4 bytes, then raw.

use std::ops::Range;

use packed::length::{self, Length};
use packed::{lzf, number};

use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;

const FORM_I8: u8 = 0;
const FORM_I16: u8 = 1;
const FORM_I32: u8 = 2;
const FORM_LZF: u8 = 3;
/// The first byte of a string in form t is this, or t.
const FORM_MARK: u8 = 0xC0;

/// Longer texts are no i32.
const INTEGER_TEXT_MAX: usize = 11;
/// Strings up to this size are not worth compressing, as Redis has it.
const LZF_MIN: usize = 20;

/// A string that was read: where it lies in the input, or in the scratch space it was decoded to.
///
/// Not a slice yet, because the scratch space still grows while other strings are read.
#[derive(Debug, Clone)]
pub(crate) enum Text<'i> {
    Input(&'i [u8]),
    Scratch(Range<usize>),
}

impl<'i> Text<'i> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Text::Input(bytes) => bytes.len(),
            Text::Scratch(range) => range.len(),
        }
    }

    #[inline]
    pub(crate) fn resolve<'a>(&self, scratch: &'a [u8]) -> &'a [u8]
    where
        'i: 'a,
    {
        match self {
            Text::Input(bytes) => bytes,
            Text::Scratch(range) => scratch.get(range.clone()).unwrap_or(&[]),
        }
    }
}

/// Reads a length where only a length will do.
#[inline]
pub(crate) fn read_len(cur: &mut Cursor<'_>, reading: &'static str) -> Result<u64, Stop> {
    let at = cur.at();
    match read_length(cur, reading)? {
        Length::Plain(len) => Ok(len),
        Length::Special(form) => {
            let found = FORM_MARK | form;
            Err(cur.wrong(at, ErrorKind::BadLength { found }))
        }
    }
}

#[inline]
fn read_length(cur: &mut Cursor<'_>, reading: &'static str) -> Result<Length, Stop> {
    match length::read(cur.rest()) {
        Ok(Some((length, size))) => {
            cur.bytes(size, reading)?;
            Ok(length)
        }
        Ok(None) => Err(cur.need(reading, cur.rest().len() + 1)),
        Err(_) => {
            let found = cur.peek().unwrap_or_default();
            Err(cur.wrong(cur.at(), ErrorKind::BadLength { found }))
        }
    }
}

/// A string that is one whole value.
#[derive(Debug)]
pub(crate) enum Opening<'i> {
    /// All of it.
    Whole(Text<'i>),
    /// So many bytes as they are follow.
    Raw { len: u64 },
    /// So many bytes follow, which expand to `len`.
    Lzf { compressed: u64, len: u64 },
}

/// Reads a string, unless it takes more than `whole_max` bytes of input or memory: then only what
/// comes before its bytes.
#[inline]
pub(crate) fn open_str<'i>(
    cur: &mut Cursor<'i>,
    scratch: &mut Vec<u8>,
    whole_max: usize,
    reading: &'static str,
) -> Result<Opening<'i>, Stop> {
    let at = cur.at();
    let whole_max = whole_max as u64;
    let length = read_length(cur, reading)?;
    match length {
        Length::Plain(len) if len > whole_max => {
            check_len(cur, at, len)?;
            return Ok(Opening::Raw { len });
        }
        Length::Special(FORM_LZF) => {
            let head = cur.at();
            let (compressed, len) = read_lzf_head(cur, at, reading)?;
            let len = len as u64;
            if len.max(compressed) > whole_max {
                return Ok(Opening::Lzf { compressed, len });
            }
            cur.back_to(head);
        }
        _ => {}
    }
    read_form(cur, at, length, scratch, reading).map(Opening::Whole)
}

/// Reads a string; forms other than raw are decoded to the end of `scratch`.
#[inline]
pub(crate) fn read_str<'i>(
    cur: &mut Cursor<'i>,
    scratch: &mut Vec<u8>,
    reading: &'static str,
) -> Result<Text<'i>, Stop> {
    let at = cur.at();
    let length = read_length(cur, reading)?;
    read_form(cur, at, length, scratch, reading)
}

/// Reads what follows the `length` at `at`.
#[inline]
fn read_form<'i>(
    cur: &mut Cursor<'i>,
    at: usize,
    length: Length,
    scratch: &mut Vec<u8>,
    reading: &'static str,
) -> Result<Text<'i>, Stop> {
    let integer = match length {
        Length::Plain(len) => return read_raw(cur, at, len, reading).map(Text::Input),
        Length::Special(FORM_LZF) => return read_lzf(cur, at, scratch, reading),
        Length::Special(FORM_I8) => i64::from(i8::from_le_bytes(cur.array(reading)?)),
        Length::Special(FORM_I16) => i64::from(i16::from_le_bytes(cur.array(reading)?)),
        Length::Special(FORM_I32) => i64::from(i32::from_le_bytes(cur.array(reading)?)),
        Length::Special(form) => {
            let found = FORM_MARK | form;
            return Err(cur.wrong(at, ErrorKind::BadLength { found }));
        }
    };
    let start = scratch.len();
    number::write_i64(integer, scratch);
    Ok(Text::Scratch(start..scratch.len()))
}

#[inline]
fn read_raw<'i>(
    cur: &mut Cursor<'i>,
    at: usize,
    len: u64,
    reading: &'static str,
) -> Result<&'i [u8], Stop> {
    let size = check_len(cur, at, len)?;
    cur.bytes(size, reading)
}

/// Refuses the length at `at` if it is beyond what is accepted.
#[inline]
fn check_len(cur: &Cursor<'_>, at: usize, len: u64) -> Result<usize, Stop> {
    let max = cur.string_len_max();
    match usize::try_from(len) {
        Ok(size) if len <= max => Ok(size),
        _ => Err(cur.wrong(at, ErrorKind::StringTooLong { len, max })),
    }
}

fn read_lzf<'i>(
    cur: &mut Cursor<'i>,
    at: usize,
    scratch: &mut Vec<u8>,
    reading: &'static str,
) -> Result<Text<'i>, Stop> {
    let (compressed, len) = read_lzf_head(cur, at, reading)?;
    let bytes = read_raw(cur, at, compressed, reading)?;
    let start = scratch.len();
    match lzf::decompress(bytes, len, scratch) {
        Ok(()) => Ok(Text::Scratch(start..scratch.len())),
        Err(error) => {
            let what = "LZF string";
            Err(cur.wrong(at, ErrorKind::Blob { what, error }))
        }
    }
}

/// The compressed and the original size of a string in LZF form, after its first byte.
fn read_lzf_head(
    cur: &mut Cursor<'_>,
    at: usize,
    reading: &'static str,
) -> Result<(u64, usize), Stop> {
    let compressed = read_len(cur, reading)?;
    let len = read_len(cur, reading)?;
    Ok((compressed, check_len(cur, at, len)?))
}

/// Moves past a string without decoding it.
pub(crate) fn skip_str(cur: &mut Cursor<'_>, reading: &'static str) -> Result<(), Stop> {
    let at = cur.at();
    let len = match read_length(cur, reading)? {
        Length::Plain(len) => len,
        Length::Special(FORM_LZF) => read_lzf_head(cur, at, reading)?.0,
        Length::Special(form @ FORM_I8..=FORM_I32) => 1 << form,
        Length::Special(form) => {
            let found = FORM_MARK | form;
            return Err(cur.wrong(at, ErrorKind::BadLength { found }));
        }
    };
    read_raw(cur, at, len, reading).map(|_| ())
}

/// How long the string ahead says it is once decoded, without reading it. Integer forms count as 1.
pub(crate) fn peek_str_len(cur: &mut Cursor<'_>, reading: &'static str) -> Result<u64, Stop> {
    let at = cur.at();
    let len = match read_length(cur, reading)? {
        Length::Plain(len) => len,
        Length::Special(FORM_LZF) => read_lzf_head(cur, at, reading)?.1 as u64,
        Length::Special(_) => 1,
    };
    cur.back_to(at);
    Ok(len)
}

/// How strings are written.
#[derive(Debug, Default)]
pub(crate) struct StringWriter {
    /// Whether to try LZF.
    pub(crate) compress: bool,
    table: lzf::Table,
    packed: Vec<u8>,
}

impl StringWriter {
    pub(crate) fn new(compress: bool) -> StringWriter {
        StringWriter {
            compress,
            ..StringWriter::default()
        }
    }

    /// Appends `text` in the form a server would choose.
    pub(crate) fn put(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if text.len() <= INTEGER_TEXT_MAX && put_integer(text, out) {
            return;
        }
        if self.compress && text.len() > LZF_MIN && self.put_lzf(text, out) {
            return;
        }
        put_len(text.len() as u64, out);
        out.extend_from_slice(text);
    }

    fn put_lzf(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
        self.packed.clear();
        let Some(size) = lzf::compress(text, &mut self.packed, &mut self.table) else {
            return false;
        };
        out.push(FORM_MARK | FORM_LZF);
        put_len(size as u64, out);
        put_len(text.len() as u64, out);
        out.extend_from_slice(&self.packed);
        self.packed.shrink_to(PACKED_KEPT);
        true
    }
}

/// The buffer for compressed bytes keeps no more than this between strings.
const PACKED_KEPT: usize = 64 << 10;

fn put_integer(text: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(n) = number::parse_i64(text).and_then(|n| i32::try_from(n).ok()) else {
        return false;
    };
    if let Ok(n) = i8::try_from(n) {
        out.push(FORM_MARK | FORM_I8);
        out.extend_from_slice(&n.to_le_bytes());
    } else if let Ok(n) = i16::try_from(n) {
        out.push(FORM_MARK | FORM_I16);
        out.extend_from_slice(&n.to_le_bytes());
    } else {
        out.push(FORM_MARK | FORM_I32);
        out.extend_from_slice(&n.to_le_bytes());
    }
    true
}

/// Appends a length in its shortest form.
pub(crate) fn put_len(len: u64, out: &mut Vec<u8>) {
    length::write(len, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<u8>, Stop> {
        let mut cur = Cursor::new(bytes, 1 << 20);
        let mut scratch = b"before".to_vec();
        let text = read_str(&mut cur, &mut scratch, "test")?;
        assert_eq!(cur.at(), bytes.len());
        Ok(text.resolve(&scratch).to_vec())
    }

    #[test]
    fn the_examples_above_read() {
        assert_eq!(read(b"\x03foo").expect("raw"), b"foo");
        assert_eq!(read(b"\xC1\x39\x30").expect("integer"), b"12345");
        assert_eq!(read(b"\xC0\xFF").expect("integer"), b"-1");
        assert_eq!(read(b"\xC3\x04\x06\x00a\x60\x00").expect("lzf"), b"aaaaaa");
    }

    #[test]
    fn every_cut_asks_for_what_is_missing() {
        let whole = b"\x80\x00\x00\x00\x03abc";
        for cut in 0..whole.len() {
            match read(&whole[..cut]) {
                Err(Stop::Need { end, .. }) => assert!(end > cut && end <= whole.len()),
                other => panic!("{other:?} at {cut}"),
            }
        }
        assert!(matches!(read(b"\xC4"), Err(Stop::Wrong(e)) if e.offset() == 0));
        assert!(matches!(read(b"\x82"), Err(Stop::Wrong(e)) if e.offset() == 0));
        let huge = b"\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
        assert!(matches!(read(huge), Err(Stop::Wrong(e)) if e.offset() == 0));
    }

    #[test]
    fn writers_choose_the_form_by_text_and_size() {
        let mut strings = StringWriter::new(true);
        let mut form = |text: &[u8]| {
            let mut out = Vec::new();
            strings.put(text, &mut out);
            assert_eq!(read(&out).expect("ours"), text);
            out.first().copied()
        };
        assert_eq!(form(b"-128"), Some(0xC0));
        assert_eq!(form(b"128"), Some(0xC1));
        assert_eq!(form(b"-2147483648"), Some(0xC2));
        assert_eq!(form(b"2147483648"), Some(10));
        assert_eq!(form(b"-0"), Some(2));
        assert_eq!(form(b"007"), Some(3));
        assert_eq!(form(&[b'a'; 20]), Some(20));
        assert_eq!(form(&[b'a'; 21]), Some(0xC3));
    }
}

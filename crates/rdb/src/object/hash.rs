//! Hashes: plain, as a listpack, each with and without deadlines of fields, and two old blobs.
//!
//! # Layout
//!
//! ```text
//!   kind 4   hash            = len n, n x (str field, str value)
//!   kind 9   zipmap          = str(zipmap)                             before 2.6
//!   kind 13  ziplist         = str(ziplist of field, value ...)        before 7.0
//!   kind 16  listpack        = str(listpack of field, value ...)       7.0 and later
//!
//!   Redis 7.4 and later:
//!   kind 24  with TTLs       = u64 min, len n, n x (len t, str field, str value)
//!                              t = 0: no deadline, else it is min + t - 1
//!   kind 25  listpack        = u64 min, str(listpack of field, value, deadline or 0 ...)
//!   kind 22  with TTLs       = len n, n x (len deadline or 0, str field, str value)    7.4 rc
//!   kind 23  listpack        = as 25 without min                                       7.4 rc
//!
//!   Valkey 9 and later:
//!   kind 22  with TTLs       = len n, n x (str field, str value, i64 deadline or -1)
//!
//!   min and i64 little-endian; deadlines in ms since the epoch
//! ```
//!
//! Example: `16 01 68 01  01 61 C0 01 00D8C32CBB030000` (Valkey) the hash "h" of a = 1 until 2100.
//!
//! # Invariants
//!
//! - Redis refuses deadlines above 2^48 - 1. `min` is advice only and may be stale.
//! - Triples of kinds 23 and 25 are ordered by deadline, those without last. Kept as found.

use std::borrow::Cow;

use packed::Element;
use packed::listpack::{Listpack, ListpackBuf};
use units::UnixMillis;

use crate::blob::{Unique, check_groups};
use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::Part;
use crate::kind::Kind;
use crate::object::list::put_element;
use crate::old_forms::{ziplist_to_listpack, zipmap_to_listpack};
use crate::string::{StringWriter, Text, put_len, read_len, read_str};

/// The latest deadline that Redis loads, in ms.
const DEADLINE_MAX: i64 = (1 << 48) - 1;
/// Valkey's mark for a field without a deadline.
const NO_DEADLINE: i64 = -1;

/// How the fields of a hash that comes field by field are laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FieldForm {
    Plain,
    /// Kind 24.
    Relative {
        min: u64,
    },
    /// Kind 22 of Redis; only read.
    Absolute,
    /// Kind 22 of Valkey.
    Trailing,
}

impl FieldForm {
    /// The form of this kind, and what comes before its length.
    pub(crate) fn read(kind: Kind, cur: &mut Cursor<'_>) -> Result<FieldForm, Stop> {
        match kind {
            Kind::HashTtl24 => {
                let min = u64::from_le_bytes(cur.array("a hash's earliest deadline")?);
                Ok(FieldForm::Relative { min })
            }
            Kind::HashTtl22Redis => Ok(FieldForm::Absolute),
            Kind::HashTtl22Valkey => Ok(FieldForm::Trailing),
            _ => Ok(FieldForm::Plain),
        }
    }
}

type Field<'i> = (Text<'i>, Text<'i>, Option<UnixMillis>);

pub(crate) fn read_field<'i>(
    form: FieldForm,
    cur: &mut Cursor<'i>,
    scratch: &mut Vec<u8>,
) -> Result<Field<'i>, Stop> {
    let at = cur.at();
    let leading = match form {
        FieldForm::Relative { .. } | FieldForm::Absolute => read_len(cur, "a field's deadline")?,
        FieldForm::Plain | FieldForm::Trailing => 0,
    };
    let field = read_str(cur, scratch, "a hash's field")?;
    let value = read_str(cur, scratch, "a hash's value")?;
    let expire = match (form, leading) {
        (FieldForm::Trailing, _) => read_trailing(cur)?,
        (_, 0) => None,
        (FieldForm::Relative { min }, t) => {
            let found = i128::from(min) + i128::from(t) - 1;
            Some(deadline(found).map_err(|kind| cur.wrong(at, kind))?)
        }
        (_, t) => Some(deadline(i128::from(t)).map_err(|kind| cur.wrong(at, kind))?),
    };
    Ok((field, value, expire))
}

fn read_trailing(cur: &mut Cursor<'_>) -> Result<Option<UnixMillis>, Stop> {
    let at = cur.at();
    match i64::from_le_bytes(cur.array("a field's deadline")?) {
        NO_DEADLINE => Ok(None),
        ms @ 0.. => Ok(Some(never_zero(ms))),
        found => {
            let found = i128::from(found);
            let expected = "a deadline, or -1 for none,";
            Err(cur.wrong(at, ErrorKind::BadNumber { expected, found }))
        }
    }
}

/// The first millisecond of 1970 is taken for the second: 0 means none in the listpack forms, and a field long expired
/// must not live for ever.
fn never_zero(ms: i64) -> UnixMillis {
    UnixMillis(ms.max(1))
}

fn deadline(found: i128) -> Result<UnixMillis, ErrorKind> {
    let expected = "a field's deadline, below 2^48 ms,";
    match i64::try_from(found) {
        Ok(ms @ 0..=DEADLINE_MAX) => Ok(never_zero(ms)),
        _ => Err(ErrorKind::BadNumber { expected, found }),
    }
}

/// The kinds that are one blob.
pub(crate) fn read_listpack<'a, 'i: 'a>(
    kind: Kind,
    cur: &mut Cursor<'i>,
    scratch: &'a mut Vec<u8>,
    unique: &mut Unique,
) -> Result<Part<'a>, Stop> {
    let min = match kind {
        Kind::HashListpackTtl25 => u64::from_le_bytes(cur.array("a hash's earliest deadline")?),
        _ => 0,
    };
    let at = cur.at();
    let blob = read_str(cur, scratch, "a hash's fields")?;
    let blob = converted(kind, blob, scratch).map_err(|kind| cur.wrong(at, kind))?;
    let listpack = blob.resolve(scratch);
    let ttl = matches!(kind, Kind::HashListpackTtl25 | Kind::HashListpackTtl23Redis);
    let checked = match ttl {
        true => check_triples(listpack, unique),
        false => check_groups(listpack, 2, "field", unique).map(|_| ()),
    };
    match checked {
        Ok(()) if ttl => Ok(Part::HashListpackTtl { min, listpack }),
        Ok(()) => Ok(Part::HashListpack(listpack)),
        Err(kind) => Err(cur.wrong(at, kind)),
    }
}

fn converted<'i>(kind: Kind, blob: Text<'i>, scratch: &mut Vec<u8>) -> Result<Text<'i>, ErrorKind> {
    let listpack = match kind {
        Kind::HashZiplist => ziplist_to_listpack(blob.resolve(scratch))?,
        Kind::HashZipmap => zipmap_to_listpack(blob.resolve(scratch))?,
        _ => return Ok(blob),
    };
    let start = scratch.len();
    scratch.extend_from_slice(&listpack);
    Ok(Text::Scratch(start..scratch.len()))
}

fn check_triples(blob: &[u8], unique: &mut Unique) -> Result<(), ErrorKind> {
    let listpack = check_groups(blob, 3, "field", unique)?;
    for element in listpack.iter().skip(2).step_by(3) {
        deadline(element.as_int().map_or(-1, i128::from))?;
    }
    Ok(())
}

/// The fields, values and deadlines of a listpack of triples.
pub(crate) fn triples(
    blob: &[u8],
) -> impl Iterator<Item = (Element<'_>, Element<'_>, Option<UnixMillis>)> {
    let mut elements = Listpack::new(blob).iter();
    std::iter::from_fn(move || {
        let (field, value, ms) = (elements.next()?, elements.next()?, elements.next()?);
        let expire = ms.as_int().filter(|ms| *ms != 0).map(UnixMillis);
        Some((field, value, expire))
    })
}

/// Appends a listpack of fields and values as a plain hash.
pub(crate) fn put_plain(blob: &[u8], strings: &mut StringWriter, out: &mut Vec<u8>) {
    let listpack = Listpack::new(blob);
    put_len(listpack.len() as u64 / 2, out);
    for element in listpack.iter() {
        put_element(element, strings, out);
    }
}

/// The listpack of fields and values that is left of triples without their deadlines.
pub(crate) fn without_deadlines(blob: &[u8]) -> Vec<u8> {
    let mut listpack = ListpackBuf::new();
    for (field, value, _) in triples(blob) {
        listpack.push_element(field);
        listpack.push_element(value);
    }
    listpack.into_vec()
}

/// The same triples with deadlines that Redis takes. Valkey's kind knows no upper limit; whoever lives to see the
/// limit, in the year 10889, loses the field then.
pub(crate) fn with_deadlines_in_range(blob: &[u8]) -> Cow<'_, [u8]> {
    let in_range = |at: UnixMillis| (1..=DEADLINE_MAX).contains(&at.0);
    if triples(blob).all(|(_, _, expire)| expire.is_none_or(in_range)) {
        return Cow::Borrowed(blob);
    }
    let mut listpack = ListpackBuf::new();
    for (field, value, expire) in triples(blob) {
        listpack.push_element(field);
        listpack.push_element(value);
        listpack.push_back_int(expire.map_or(0, |at| at.0.clamp(1, DEADLINE_MAX)));
    }
    Cow::Owned(listpack.into_vec())
}

/// Appends a listpack of triples as a hash of Valkey's kind 22.
pub(crate) fn put_trailing(blob: &[u8], strings: &mut StringWriter, out: &mut Vec<u8>) {
    put_len(Listpack::new(blob).len() as u64 / 3, out);
    for (field, value, expire) in triples(blob) {
        put_element(field, strings, out);
        put_element(value, strings, out);
        put_trailing_deadline(expire, out);
    }
}

fn put_trailing_deadline(expire: Option<UnixMillis>, out: &mut Vec<u8>) {
    let ms = expire.map_or(NO_DEADLINE, |at| at.0.max(0));
    out.extend_from_slice(&ms.to_le_bytes());
}

/// Appends what a hash in this form has before its fields.
pub(crate) fn put_header(form: FieldForm, len: u64, out: &mut Vec<u8>) {
    if let FieldForm::Relative { min } = form {
        out.extend_from_slice(&min.to_le_bytes());
    }
    put_len(len, out);
}

/// Appends a field. A form that has no room for the deadline drops it.
pub(crate) fn put_field(
    form: FieldForm,
    (field, value, expire): (&[u8], &[u8], Option<UnixMillis>),
    strings: &mut StringWriter,
    out: &mut Vec<u8>,
) {
    let ms = expire.map(|at| at.0.clamp(0, DEADLINE_MAX).cast_unsigned());
    match form {
        FieldForm::Relative { min } => {
            put_len(ms.map_or(0, |ms| ms.saturating_sub(min) + 1), out);
        }
        FieldForm::Absolute => put_len(ms.unwrap_or(0), out),
        FieldForm::Plain | FieldForm::Trailing => {}
    }
    strings.put(field, out);
    strings.put(value, out);
    if form == FieldForm::Trailing {
        put_trailing_deadline(expire, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(form: FieldForm, bytes: &[u8]) -> Result<Option<UnixMillis>, Stop> {
        let mut cur = Cursor::new(bytes, 100);
        let mut scratch = Vec::new();
        read_field(form, &mut cur, &mut scratch).map(|(_, _, expire)| expire)
    }

    #[test]
    fn each_form_has_its_own_idea_of_none() {
        let relative = FieldForm::Relative { min: 1000 };
        let none = field(relative, b"\x00\x01a\x01b").expect("no deadline");
        assert_eq!(none, None);
        let some = field(relative, b"\x03\x01a\x01b").expect("a deadline");
        assert_eq!(some, Some(UnixMillis(1002)));
        let none = field(
            FieldForm::Trailing,
            b"\x01a\x01b\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        );
        assert_eq!(none.expect("no deadline"), None);
        let wrong = field(
            FieldForm::Trailing,
            b"\x01a\x01b\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        );
        assert!(matches!(wrong, Err(Stop::Wrong(e)) if e.offset() == 4));
    }

    #[test]
    fn a_deadline_of_zero_is_not_none() {
        for (form, bytes) in [
            (FieldForm::Trailing, &b"\x01a\x01b\0\0\0\0\0\0\0\0"[..]),
            (FieldForm::Relative { min: 0 }, b"\x01\x01a\x01b"),
        ] {
            assert_eq!(field(form, bytes).expect("a field"), Some(UnixMillis(1)));
        }
    }

    #[test]
    fn deadlines_that_redis_refuses_are_written_as_the_last_it_takes() {
        let triples = |ms: i64| {
            let mut listpack = ListpackBuf::new();
            listpack.extend([&b"f"[..], b"v", ms.to_string().as_bytes()]);
            listpack.into_vec()
        };
        for (given, written) in [
            (i64::MAX, DEADLINE_MAX),
            (-5, 1),
            (0, 0),
            (DEADLINE_MAX, DEADLINE_MAX),
        ] {
            let blob = triples(given);
            assert_eq!(*with_deadlines_in_range(&blob), triples(written), "{given}");
        }
    }

    #[test]
    fn deadlines_past_the_limit_are_refused() {
        let huge = FieldForm::Relative { min: u64::MAX };
        let stop = field(huge, b"\x03\x01a\x01b");
        assert!(matches!(stop, Err(Stop::Wrong(e)) if e.offset() == 0));
    }

    #[test]
    fn written_fields_read_back() {
        let expire = Some(UnixMillis(4_102_444_800_000));
        let mut strings = StringWriter::new(false);
        for form in [
            FieldForm::Relative { min: 0 },
            FieldForm::Absolute,
            FieldForm::Trailing,
        ] {
            let mut out = Vec::new();
            put_field(form, (b"a", b"1", expire), &mut strings, &mut out);
            assert_eq!(field(form, &out).expect("ours"), expire);
        }
    }
}

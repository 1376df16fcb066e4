//! Sorted sets: plain with two forms of score, and as a listpack or ziplist.
//!
//! # Layout
//!
//! ```text
//!   kind 3   zset            = len n, n x (str member, score)          before 4.0
//!            score           = 253 NaN | 254 +inf | 255 -inf | u8 size, decimal text
//!   kind 5   zset            = len n, n x (str member, f64 little-endian)
//!   kind 12  ziplist         = str(ziplist of member, score ...)       before 7.0
//!   kind 17  listpack        = str(listpack of member, score ...)      7.0 and later
//! ```
//!
//! Example: `05 01 7A  01 01 61 000000000000F03F` the sorted set "z" of "a" with score 1.
//!
//! # Invariants
//!
//! - Compact forms are ordered by score, then member. Servers do not check it and then answer
//!   wrongly; the reader puts them in order.
//! - A score is never NaN. In compact forms it is an integer, or text.
//! - A score of -0 survives every form; servers since 7.0 make it 0 when they load kind 5.

use packed::Element;
use packed::listpack::{Listpack, ListpackBuf};
use packed::number;

use crate::blob::{self, Unique, check_groups};
use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::Part;
use crate::kind::Kind;
use crate::object::list::put_element;
use crate::old_forms::ziplist_to_listpack;
use crate::string::{StringWriter, Text, put_len, read_str};

const SCORE_NAN: u8 = 253;
const SCORE_INF: u8 = 254;
const SCORE_NEG_INF: u8 = 255;

pub(crate) fn read_scored<'i>(
    text: bool,
    cur: &mut Cursor<'i>,
    scratch: &mut Vec<u8>,
) -> Result<(Text<'i>, f64), Stop> {
    let member = read_str(cur, scratch, "a sorted set's member")?;
    let at = cur.at();
    let score = match text {
        true => read_text_score(cur)?,
        false => f64::from_le_bytes(cur.array("a score")?),
    };
    if score.is_nan() {
        let found = b"nan".as_slice().into();
        return Err(cur.wrong(at, ErrorKind::BadScore { found }));
    }
    Ok((member, score))
}

fn read_text_score(cur: &mut Cursor<'_>) -> Result<f64, Stop> {
    let at = cur.at();
    let size = match cur.byte("a score")? {
        SCORE_NAN => return Ok(f64::NAN),
        SCORE_INF => return Ok(f64::INFINITY),
        SCORE_NEG_INF => return Ok(f64::NEG_INFINITY),
        size => usize::from(size),
    };
    let text = cur.bytes(size, "a score")?;
    number::parse_f64(text).ok_or_else(|| {
        let found = text.into();
        cur.wrong(at, ErrorKind::BadScore { found })
    })
}

pub(crate) fn read_listpack<'a, 'i: 'a>(
    kind: Kind,
    cur: &mut Cursor<'i>,
    scratch: &'a mut Vec<u8>,
    unique: &mut Unique,
) -> Result<Part<'a>, Stop> {
    let at = cur.at();
    let blob = read_str(cur, scratch, "a sorted set's members")?;
    let blob = converted(kind, blob, scratch, unique).map_err(|kind| cur.wrong(at, kind))?;
    Ok(Part::ZsetListpack(blob.resolve(scratch)))
}

/// The listpack, checked, from another form and in order if it was not.
fn converted<'i>(
    kind: Kind,
    mut blob: Text<'i>,
    scratch: &mut Vec<u8>,
    unique: &mut Unique,
) -> Result<Text<'i>, ErrorKind> {
    if kind == Kind::ZsetZiplist {
        let listpack = ziplist_to_listpack(blob.resolve(scratch))?;
        blob = append(&listpack, scratch);
    }
    let listpack = check_groups(blob.resolve(scratch), 2, "member", unique)?;
    match sorted(listpack)? {
        Some(listpack) => Ok(append(&listpack, scratch)),
        None => Ok(blob),
    }
}

fn append<'i>(listpack: &[u8], scratch: &mut Vec<u8>) -> Text<'i> {
    let start = scratch.len();
    scratch.extend_from_slice(listpack);
    Text::Scratch(start..scratch.len())
}

/// The same members in order, if they are not.
fn sorted(listpack: Listpack<'_>) -> Result<Option<Vec<u8>>, ErrorKind> {
    let mut last: Option<(f64, Element<'_>)> = None;
    for (member, text) in pairs(listpack) {
        let score = blob::score(text)?;
        if last.is_some_and(|(s, m)| score < s || score == s && m.cmp_text(&member).is_gt()) {
            return sort(listpack).map(Some);
        }
        last = Some((score, member));
    }
    Ok(None)
}

fn sort(listpack: Listpack<'_>) -> Result<Vec<u8>, ErrorKind> {
    let mut members = Vec::new();
    for (member, text) in pairs(listpack) {
        members.push((blob::score(text)?, member, text));
    }
    members.sort_by(|(s, m, _), (score, member, _)| {
        let by_score = s.partial_cmp(score);
        by_score
            .filter(|o| o.is_ne())
            .unwrap_or_else(|| m.cmp_text(member))
    });
    let mut listpack = ListpackBuf::new();
    for (_, member, text) in members {
        listpack.push_element(member);
        listpack.push_element(text);
    }
    Ok(listpack.into_vec())
}

fn pairs(listpack: Listpack<'_>) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
    let mut elements = listpack.iter();
    std::iter::from_fn(move || Some((elements.next()?, elements.next()?)))
}

/// Appends a listpack of members and scores as a sorted set of kind 5, highest first as servers do.
pub(crate) fn put_plain(
    blob: &[u8],
    strings: &mut StringWriter,
    out: &mut Vec<u8>,
) -> Result<(), ErrorKind> {
    let listpack = Listpack::new(blob);
    put_len(listpack.len() as u64 / 2, out);
    let mut backwards = listpack.iter().rev();
    while let (Some(score), Some(member)) = (backwards.next(), backwards.next()) {
        put_element(member, strings, out);
        put_score(blob::score(score)?, out);
    }
    Ok(())
}

/// Appends the score of a member of kind 5.
pub(crate) fn put_score(score: f64, out: &mut Vec<u8>) {
    debug_assert!(!score.is_nan());
    out.extend_from_slice(&score.to_le_bytes());
}

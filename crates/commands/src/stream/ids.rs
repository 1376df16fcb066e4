//! Stream ids as commands take them.

use crate::{Args, Error};
use packed::number;
use units::StreamId;

/// What an id text leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdText {
    /// `ms-seq`, or `ms` where that stands for a whole id.
    Full(StreamId),
    /// `ms-*`: the sequence number is for the stream to choose.
    Milliseconds(u64),
}

fn invalid() -> Error {
    Error::err("Invalid stream ID specified as stream command argument")
}

/// An id; one without a sequence number gets `missing_seq`.
pub(super) fn parse_id(text: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
    match parse_id_text(text, missing_seq)? {
        IdText::Full(id) => Ok(id),
        IdText::Milliseconds(_) => Err(invalid()),
    }
}

/// An id as XADD takes it, where the sequence number may be `*`.
pub(super) fn parse_id_text(text: &[u8], missing_seq: u64) -> Result<IdText, Error> {
    let dash = text.iter().position(|&byte| byte == b'-');
    let (ms, seq) = match dash {
        None => (text, None),
        Some(at) => (&text[..at], Some(&text[at + 1..])),
    };
    let ms = parse_u64(ms).ok_or_else(invalid)?;
    Ok(match seq {
        None => IdText::Full(StreamId::new(ms, missing_seq)),
        Some(b"*") => IdText::Milliseconds(ms),
        Some(seq) => IdText::Full(StreamId::new(ms, parse_u64(seq).ok_or_else(invalid)?)),
    })
}

/// A part of an id as servers take it: what no canonical number is goes to C's `strtoull`, with its
/// blanks in front, its signs, and its end at a NUL. A sign wraps around.
fn parse_u64(text: &[u8]) -> Option<u64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if let Some(number) = number::parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let text = text.trim_ascii_start();
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] => (digits, false),
        digits => (digits, false),
    };
    if !digits.first()?.is_ascii_digit() {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// The first id of an interval: `-`, `+`, an id, or `(` and an id for the one behind it.
pub(super) fn parse_start(text: &[u8]) -> Result<StreamId, Error> {
    match text {
        [b'(', text @ ..] => parse_id(text, 0)?
            .next()
            .ok_or_else(|| Error::err("invalid start ID for the interval")),
        text => parse_bound(text, 0),
    }
}

/// The last id of an interval, likewise.
pub(super) fn parse_end(text: &[u8]) -> Result<StreamId, Error> {
    match text {
        [b'(', text @ ..] => parse_id(text, u64::MAX)?
            .prev()
            .ok_or_else(|| Error::err("invalid end ID for the interval")),
        text => parse_bound(text, u64::MAX),
    }
}

pub(super) fn parse_bound(text: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        text => parse_id(text, missing_seq),
    }
}

/// Takes a limit of entries; 0 and less stand for none.
pub(super) fn parse_limit(args: &mut Args<'_>) -> Result<usize, Error> {
    let count = number::parse_i64(args.bytes()?).ok_or(Error::NotInteger)?;
    Ok(match usize::try_from(count) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(count) => count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_filled_in() {
        assert_eq!(parse_id(b"5", 7), Ok(StreamId::new(5, 7)));
        assert_eq!(parse_id(b"5-1", 7), Ok(StreamId::new(5, 1)));
        assert_eq!(parse_id_text(b"5-*", 0), Ok(IdText::Milliseconds(5)));
        for bad in [
            &b""[..],
            b"-",
            b"5-",
            b"-5",
            b"5-1-1",
            b"5--1",
            b"+-5",
            b"5 ",
            b"5-*x",
            b"x",
            b"5-*",
        ] {
            assert!(parse_id(bad, 0).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_strtoull_takes_is_taken() {
        // As real servers did.
        for (text, ms, seq) in [
            (&b"+5"[..], 5, 0),
            (b" 5- 1", 5, 1),
            (b"007", 7, 0),
            (b"5--05", 5, u64::MAX - 4),
            (b"5\0x", 5, 0),
            (b"18446744073709551615", u64::MAX, 0),
        ] {
            assert_eq!(parse_id(text, 0), Ok(StreamId::new(ms, seq)), "{text:?}");
        }
        assert!(parse_id(b"18446744073709551616", 0).is_err());
    }

    #[test]
    fn intervals_may_leave_their_ends_out() {
        assert_eq!(parse_start(b"(5"), Ok(StreamId::new(5, 1)));
        assert_eq!(parse_end(b"(5-0"), Ok(StreamId::new(4, u64::MAX)));
        assert_eq!(parse_start(b"-"), Ok(StreamId::MIN));
        assert_eq!(parse_end(b"5"), Ok(StreamId::new(5, u64::MAX)));
        assert!(parse_start(b"(18446744073709551615-18446744073709551615").is_err());
        assert!(parse_end(b"(0-0").is_err() && parse_start(b"(-").is_err());
    }
}

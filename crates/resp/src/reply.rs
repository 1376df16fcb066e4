//! Replies, read by a client: bytes fed in any split, values pulled.
//!
//! Nested aggregates are kept on a stack of their own, at most [`DEPTH_MAX`] deep, so no reply can
//! exhaust the thread's. A length is believed only as far as bytes have arrived.

use crate::number::{Header, header};
use crate::{ReplyError, Value};
use memchr::memchr;

/// Most aggregates inside one another.
pub const DEPTH_MAX: usize = 128;

/// Bytes in, [`Value`]s out.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are decoded.
    position: usize,
    /// Bytes behind `position` known to hold no line feed.
    searched: usize,
    /// Bytes fed and since dropped from the buffer's front.
    dropped: u64,
    open: Vec<Aggregate>,
    failed: Option<ReplyError>,
}

#[derive(Debug)]
struct Aggregate {
    kind: Kind,
    /// Replies still to come; for a map, keys and values both count.
    left: u64,
    items: Vec<Value>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Array,
    Map,
    Set,
    Push,
    /// In front of the reply that it belongs to; dropped.
    Attribute,
}

/// What one step of decoding gave.
enum Token {
    Value(Value),
    Open(Kind, u64),
}

impl ReplyDecoder {
    /// A decoder at the start of a reply.
    pub fn new() -> ReplyDecoder {
        ReplyDecoder::default()
    }

    /// Takes more bytes from the peer.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.position > self.buffer.len() / 2 {
            self.buffer.drain(..self.position);
            self.dropped += self.position as u64;
            self.position = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes fed that belong to no reply that came out yet and are not decoded.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.position
    }

    /// The next whole reply, pushes included; `None` means that bytes are missing. An error is
    /// final.
    pub fn next_value(&mut self) -> Result<Option<Value>, ReplyError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let next = self.advance();
        if let Err(error) = &next {
            self.failed = Some(error.clone());
        }
        next
    }

    fn advance(&mut self) -> Result<Option<Value>, ReplyError> {
        while let Some(token) = self.token()? {
            let done = match token {
                Token::Value(value) => self.close(value),
                Token::Open(kind, left) => self.open(kind, left)?,
            };
            if done.is_some() {
                return Ok(done);
            }
        }
        Ok(None)
    }

    /// Starts an aggregate, which may be whole at once.
    fn open(&mut self, kind: Kind, left: u64) -> Result<Option<Value>, ReplyError> {
        if left == 0 {
            return Ok(kind.finish(Vec::new()).and_then(|value| self.close(value)));
        }
        if self.open.len() == DEPTH_MAX {
            return Err(ReplyError::TooDeep { at: self.offset() });
        }
        self.open.push(Aggregate {
            kind,
            left,
            items: Vec::new(),
        });
        Ok(None)
    }

    /// Hands a value to the aggregate around it; returns it if there is none.
    fn close(&mut self, mut value: Value) -> Option<Value> {
        while let Some(around) = self.open.last_mut() {
            around.left -= 1;
            around.items.push(value);
            if around.left > 0 {
                return None;
            }
            let whole = self.open.pop()?;
            value = whole.kind.finish(whole.items)?;
        }
        Some(value)
    }

    fn offset(&self) -> u64 {
        self.dropped + self.position as u64
    }

    fn token(&mut self) -> Result<Option<Token>, ReplyError> {
        let unread = self.buffer.get(self.position..).unwrap_or_default();
        let Some((&kind, body)) = unread.split_first() else {
            return Ok(None);
        };
        let at = self.offset();
        let found = match kind {
            b'*' | b'%' | b'~' | b'>' | b'|' => aggregate(kind, body, at)?,
            b'$' | b'!' | b'=' => bulk(kind, body, at)?,
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {
                line(kind, body, &mut self.searched, at)?
            }
            found => return Err(ReplyError::UnknownType { at, found }),
        };
        Ok(found.map(|(token, used)| {
            self.position += 1 + used;
            self.searched = 0;
            token
        }))
    }
}

impl Kind {
    fn finish(self, items: Vec<Value>) -> Option<Value> {
        Some(match self {
            Kind::Array => Value::Array(items),
            Kind::Set => Value::Set(items),
            Kind::Push => Value::Push(items),
            Kind::Map => Value::Map(pairs(items)),
            Kind::Attribute => return None,
        })
    }
}

fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::with_capacity(items.len() / 2);
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// A token and the bytes used behind the type byte.
type Found = Option<(Token, usize)>;

fn count(body: &[u8], at: u64, expected: &'static str) -> Result<Option<(i64, usize)>, ReplyError> {
    match header(body) {
        Header::Number(number, used) if number >= -1 => Ok(Some((number, used))),
        Header::Incomplete => Ok(None),
        Header::Number(..) | Header::Bad(_) => Err(ReplyError::Malformed { at, expected }),
    }
}

fn aggregate(kind: u8, body: &[u8], at: u64) -> Result<Found, ReplyError> {
    let Some((number, used)) = count(body, at, "a count of replies")? else {
        return Ok(None);
    };
    let Ok(count) = u64::try_from(number) else {
        return Ok(Some((Token::Value(Value::Null), used)));
    };
    let open = match kind {
        b'%' => Token::Open(Kind::Map, count.saturating_mul(2)),
        b'|' => Token::Open(Kind::Attribute, count.saturating_mul(2)),
        b'~' => Token::Open(Kind::Set, count),
        b'>' => Token::Open(Kind::Push, count),
        _ => Token::Open(Kind::Array, count),
    };
    Ok(Some((open, used)))
}

fn bulk(kind: u8, body: &[u8], at: u64) -> Result<Found, ReplyError> {
    let Some((number, used)) = count(body, at, "a length in bytes")? else {
        return Ok(None);
    };
    let Ok(len) = usize::try_from(number) else {
        return Ok(Some((Token::Value(Value::Null), used)));
    };
    let end = used.saturating_add(len);
    let Some(tail) = body.get(end..).filter(|tail| tail.len() >= 2) else {
        return Ok(None);
    };
    if !tail.starts_with(b"\r\n") {
        return Err(ReplyError::MissingCrlf {
            at: at + 1 + end as u64,
        });
    }
    let bytes = body.get(used..end).unwrap_or_default();
    let value = match kind {
        b'!' => Value::Error(bytes.to_vec()),
        b'=' => verbatim(bytes, at)?,
        _ => Value::Bulk(bytes.to_vec()),
    };
    Ok(Some((Token::Value(value), end + 2)))
}

fn verbatim(bytes: &[u8], at: u64) -> Result<Value, ReplyError> {
    match bytes {
        [a, b, c, b':', text @ ..] => Ok(Value::Verbatim {
            format: [*a, *b, *c],
            text: text.to_vec(),
        }),
        _ => Err(ReplyError::Malformed {
            at,
            expected: "a format of three letters and a colon",
        }),
    }
}

fn line(kind: u8, body: &[u8], searched: &mut usize, at: u64) -> Result<Found, ReplyError> {
    let Some(found) = memchr(b'\n', body.get(*searched..).unwrap_or_default()) else {
        *searched = body.len();
        return if body.len() > LINE_BYTES_MAX {
            Err(ReplyError::LineTooLong { at })
        } else {
            Ok(None)
        };
    };
    let end = *searched + found;
    let text = body
        .get(..end)
        .and_then(|line| line.strip_suffix(b"\r"))
        .ok_or(ReplyError::MissingCrlf {
            at: at + 1 + end as u64,
        })?;
    let malformed = |expected| ReplyError::Malformed { at, expected };
    let value = match kind {
        b'+' => Value::Simple(text.to_vec()),
        b'-' => Value::Error(text.to_vec()),
        b':' => Value::Integer(parse(text).ok_or(malformed("an integer"))?),
        b',' => Value::Double(parse(text).ok_or(malformed("a double"))?),
        b'(' => Value::BigNumber(text.to_vec()),
        b'#' => Value::Boolean(boolean(text).ok_or(malformed("t or f"))?),
        _ if text.is_empty() => Value::Null,
        _ => return Err(malformed("an empty line")),
    };
    Ok(Some((Token::Value(value), end + 1)))
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"t" => Some(true),
        b"f" => Some(false),
        _ => None,
    }
}

/// Longest line that is not a bulk; Redis's own replies stay far below.
const LINE_BYTES_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = b"+OK\r\n-ERR no\r\n:-5\r\n$2\r\na\n\r\n$-1\r\n*-1\r\n_\r\n*0\r\n\
        *2\r\n:1\r\n*1\r\n+x\r\n%1\r\n+k\r\n,1.5\r\n~1\r\n#t\r\n>2\r\n+a\r\n+b\r\n(123456789012345678901\r\n\
        =6\r\ntxt:hi\r\n!5\r\nERR z\r\n|1\r\n+ttl\r\n:3\r\n:7\r\n*2\r\n|1\r\n+a\r\n:1\r\n:2\r\n%0\r\n,-inf\r\n";

    fn sample_values() -> Vec<Value> {
        use Value::*;
        let simple = |text: &str| Simple(text.as_bytes().to_vec());
        vec![
            simple("OK"),
            Error(b"ERR no".to_vec()),
            Integer(-5),
            Bulk(b"a\n".to_vec()),
            Null,
            Null,
            Null,
            Array(vec![]),
            Array(vec![Integer(1), Array(vec![simple("x")])]),
            Map(vec![(simple("k"), Double(1.5))]),
            Set(vec![Boolean(true)]),
            Push(vec![simple("a"), simple("b")]),
            BigNumber(b"123456789012345678901".to_vec()),
            Verbatim {
                format: *b"txt",
                text: b"hi".to_vec(),
            },
            Error(b"ERR z".to_vec()),
            Integer(7),
            Array(vec![Integer(2), Map(vec![])]),
            Double(f64::NEG_INFINITY),
        ]
    }

    #[test]
    fn every_type_in_every_split() {
        for step in 1..SAMPLE.len() {
            let mut decoder = ReplyDecoder::new();
            let mut seen = Vec::new();
            for piece in SAMPLE.chunks(step) {
                decoder.feed(piece);
                while let Some(value) = decoder.next_value().unwrap() {
                    seen.push(value);
                }
            }
            assert_eq!(seen, sample_values(), "pieces of {step}");
            assert_eq!(decoder.buffered(), 0);
        }
    }

    #[test]
    fn errors_name_the_place_and_stay() {
        for (input, error) in [
            ("+a\r\n?", ReplyError::UnknownType { at: 4, found: b'?' }),
            (
                ":x\r\n",
                ReplyError::Malformed {
                    at: 0,
                    expected: "an integer",
                },
            ),
            ("$1\r\nabc", ReplyError::MissingCrlf { at: 5 }),
            (
                "*-2\r\n",
                ReplyError::Malformed {
                    at: 0,
                    expected: "a count of replies",
                },
            ),
            ("+a\n", ReplyError::MissingCrlf { at: 2 }),
        ] {
            let mut decoder = ReplyDecoder::new();
            decoder.feed(input.as_bytes());
            let mut last = decoder.next_value();
            while matches!(last, Ok(Some(_))) {
                last = decoder.next_value();
            }
            assert_eq!(last, Err(error.clone()), "{input:?}");
            assert_eq!(decoder.next_value(), Err(error));
        }
    }

    #[test]
    fn depth_is_bounded_and_claims_reserve_nothing() {
        let mut decoder = ReplyDecoder::new();
        decoder.feed(&b"*1\r\n".repeat(DEPTH_MAX));
        assert_eq!(decoder.next_value(), Ok(None));
        decoder.feed(b"*1\r\n");
        assert!(matches!(
            decoder.next_value(),
            Err(ReplyError::TooDeep { .. })
        ));

        let mut decoder = ReplyDecoder::new();
        decoder.feed(b"*9223372036854775807\r\n%9223372036854775807\r\n$9223372036854775807\r\n");
        assert_eq!(decoder.next_value(), Ok(None));
        assert_eq!(decoder.open[0].items.capacity(), 0);
    }
}

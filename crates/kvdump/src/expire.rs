//! When a key expires, in Unix milliseconds, from any server.

use crate::{Call, Error, Reply};

/// Tries before a time that keeps slipping is given up (6.2 only).
const TRIES: usize = 1000;

/// The key's deadline, or `None` if it has none.
///
/// PEXPIRETIME (7.0) answers it. Before, it is the sum of PTTL and TIME of one transaction in
/// which the clock stood in the same millisecond before and after.
pub(crate) fn expire_ms(call: &mut impl Call, key: &[u8]) -> Result<Option<i64>, Error> {
    match call.call(&[b"PEXPIRETIME", key])? {
        Reply::Error(text) if text.contains("unknown command") => from_pttl(call, key),
        Reply::Error(text) => Err(Error::Refused {
            command: "PEXPIRETIME".to_owned(),
            text,
        }),
        reply => Ok(Some(reply.integer()?).filter(|ms| *ms >= 0)),
    }
}

fn from_pttl(call: &mut impl Call, key: &[u8]) -> Result<Option<i64>, Error> {
    if call.ask_bytes(&[b"PTTL", key])?.integer()? < 0 {
        return Ok(None);
    }
    for _ in 0..TRIES {
        call.ask(&["MULTI"])?;
        call.ask(&["TIME"])?;
        call.ask_bytes(&[b"PTTL", key])?;
        call.ask(&["TIME"])?;
        let mut replies = call.ask(&["EXEC"])?.into_items()?.into_iter();
        let mut next = || replies.next().unwrap_or(Reply::Nil);
        let (before, ttl, after) = (time_ms(next())?, next().integer()?, time_ms(next())?);
        if ttl < 0 {
            return Ok(None);
        }
        if before == after {
            return Ok(Some(before + ttl));
        }
    }
    Err(Error::Shape {
        expected: "PTTL within one millisecond",
        found: "a clock that slips".to_owned(),
    })
}

/// The milliseconds of a TIME reply.
fn time_ms(reply: Reply) -> Result<i64, Error> {
    match reply.into_items()?.as_slice() {
        [seconds, micros] => Ok(seconds.integer()? * 1000 + micros.integer()? / 1000),
        _ => Err(Reply::Nil.unexpected("the two numbers of TIME")),
    }
}

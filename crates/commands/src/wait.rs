//! What commands wait for that find nothing: `BLPOP`, `XREAD BLOCK` and their like.
//!
//! A handler never waits. It says what would serve it, and is tried again by whoever knows sessions.

use crate::{Args, Context, Error, ReplySink};
use keyspace::Type;
use units::UnixMillis;

/// What a command waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The keys of which one may serve it.
    pub keys: Vec<Vec<u8>>,
    /// The type that such a key has to be of.
    pub ty: Type,
    /// A key that goes, or becomes something else, ends the waiting with an error (`XREADGROUP`).
    pub needs_key: bool,
    /// Until when; for ever if `None`.
    pub until: Option<UnixMillis>,
    /// What is replied where nobody may wait, as in transactions.
    pub at_once: Otherwise,
    /// The command to try again, if it is not the one that was sent.
    pub again: Option<Vec<Vec<u8>>>,
}

/// A reply that says that there was nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// No value.
    Null,
    /// No array.
    NullArray,
}

impl Otherwise {
    /// Writes it.
    pub fn reply(self, reply: &mut dyn ReplySink) {
        match self {
            Otherwise::Null => reply.null(),
            Otherwise::NullArray => reply.null_array(),
        }
    }
}

impl Wait {
    /// Waiting for one of `keys` to hold something of type `ty`, where nothing is no array.
    pub(crate) fn for_keys(keys: &[&[u8]], ty: Type, until: Option<UnixMillis>) -> Wait {
        Wait {
            keys: keys.iter().map(|key| key.to_vec()).collect(),
            ty,
            needs_key: false,
            until,
            at_once: Otherwise::NullArray,
            again: None,
        }
    }
}

impl Context<'_, '_> {
    /// Has the command wait, in place of replying.
    pub(crate) fn wait_for(&mut self, wait: Wait) {
        self.wait = Some(wait);
    }
}

/// Takes a timeout in seconds, which may be a fraction; 0 is for ever.
pub(crate) fn timeout_secs(
    args: &mut Args<'_>,
    now: UnixMillis,
) -> Result<Option<UnixMillis>, Error> {
    let refusal = || Error::err("timeout is not a float or out of range");
    let seconds = args.float().map_err(|_| refusal())?;
    if seconds < 0.0 {
        return Err(Error::err("timeout is negative"));
    }
    let ms = (seconds * 1000.0).ceil();
    if ms > i64::MAX as f64 {
        return Err(out_of_range());
    }
    deadline(ms as i64, now)
}

/// Takes a timeout in milliseconds; 0 is for ever.
pub(crate) fn timeout_millis(
    args: &mut Args<'_>,
    now: UnixMillis,
) -> Result<Option<UnixMillis>, Error> {
    let refusal = || Error::err("timeout is not an integer or out of range");
    match args.int().map_err(|_| refusal())? {
        ..0 => Err(Error::err("timeout is negative")),
        ms => deadline(ms, now),
    }
}

fn deadline(ms: i64, now: UnixMillis) -> Result<Option<UnixMillis>, Error> {
    match ms {
        0 => Ok(None),
        _ => now.checked_add(ms).map(Some).ok_or_else(out_of_range),
    }
}

fn out_of_range() -> Error {
    Error::err("timeout is out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1000);

    fn secs(text: &str) -> Result<Option<i64>, String> {
        let argv: [&[u8]; 2] = [b"BLPOP", text.as_bytes()];
        let until = timeout_secs(&mut Args::new(&argv), NOW);
        until
            .map(|until| until.map(|at| at.0))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn seconds_are_rounded_up_to_milliseconds() {
        assert_eq!(secs("0"), Ok(None));
        assert_eq!(secs("1.5"), Ok(Some(2500)));
        assert_eq!(secs("0.0001"), Ok(Some(1001)));
        let negative = Err("ERR timeout is negative".to_owned());
        assert_eq!(secs("-1"), negative);
        let far = Err("ERR timeout is out of range".to_owned());
        assert_eq!(secs("1e100"), far);
        assert_eq!(secs("9223372036854775"), far);
        let no_number = Err("ERR timeout is not a float or out of range".to_owned());
        assert_eq!(secs("x"), no_number);
        assert_eq!(secs("nan"), no_number);
    }

    #[test]
    fn milliseconds_are_whole() {
        let millis = |text: &str| {
            let argv: [&[u8]; 2] = [b"XREAD", text.as_bytes()];
            timeout_millis(&mut Args::new(&argv), NOW).map_err(|error| error.to_string())
        };
        assert_eq!(millis("0"), Ok(None));
        assert_eq!(millis("5"), Ok(Some(UnixMillis(1005))));
        let no_integer = "ERR timeout is not an integer or out of range";
        assert_eq!(millis("0.5"), Err(no_integer.to_owned()));
        assert_eq!(millis("-5"), Err("ERR timeout is negative".to_owned()));
        assert_eq!(
            millis("9223372036854775807"),
            Err("ERR timeout is out of range".to_owned())
        );
    }
}

//! The options that SET and MSETEX have in common: under which condition, and until when.

use super::condition::Condition;
use crate::expire_time::ExpireUnit;
use crate::{Args, Context, Error};
use keyspace::Ttl;
use units::UnixMillis;

/// The time is read once everything else is known to be right.
#[derive(Debug, Default)]
pub(super) struct WriteOptions<'a> {
    pub(super) condition: Option<Condition<'a>>,
    keep_ttl: bool,
    expire: Option<(ExpireUnit, &'a [u8])>,
}

impl<'a> WriteOptions<'a> {
    /// Takes one option, if one is next.
    pub(super) fn parse_one(&mut self, args: &mut Args<'a>) -> Result<bool, Error> {
        if let Some(presence) = Condition::presence(args) {
            // The same word twice says nothing new.
            if self
                .condition
                .replace(presence)
                .is_some_and(|old| old != presence)
            {
                return Err(Error::Syntax);
            }
        } else if args.keyword("KEEPTTL") {
            self.keep_ttl = true;
        } else if let Some(unit) = ExpireUnit::keyword(args) {
            if self.expire.replace((unit, args.bytes()?)).is_some() {
                return Err(Error::Syntax);
            }
        } else {
            return Ok(false);
        }
        self.agrees()
    }

    /// Takes a condition that compares, if one is next.
    pub(super) fn parse_comparison(&mut self, args: &mut Args<'a>) -> Result<bool, Error> {
        let Some(comparison) = Condition::comparison(args)? else {
            return Ok(false);
        };
        if self.condition.replace(comparison).is_some() {
            return Err(Error::Syntax);
        }
        Ok(true)
    }

    /// A deadline and the one that is there can't both be wanted.
    fn agrees(&self) -> Result<bool, Error> {
        if self.keep_ttl && self.expire.is_some() {
            return Err(Error::Syntax);
        }
        Ok(true)
    }

    /// What becomes of the deadline; `command` is named in a refusal.
    pub(super) fn ttl(&self, now: UnixMillis, command: &'static str) -> Result<Ttl, Error> {
        match self.expire {
            Some((unit, text)) => Ok(Ttl::At(unit.positive_deadline(text, now, command)?)),
            None if self.keep_ttl => Ok(Ttl::Keep),
            None => Ok(Ttl::Clear),
        }
    }
}

/// Has other copies of the data set a string, whatever they hold.
pub(super) fn push_set(ctx: &mut Context<'_, '_>, key: &[u8], value: &[u8], ttl: Ttl) {
    match ttl {
        Ttl::At(deadline) => {
            let mut buffer = itoa::Buffer::new();
            let ms = buffer.format(deadline.0).as_bytes();
            ctx.effects.push(&[b"SET", key, value, b"PXAT", ms]);
        }
        Ttl::Keep => ctx.effects.push(&[b"SET", key, value, b"KEEPTTL"]),
        Ttl::Clear => ctx.effects.push(&[b"SET", key, value]),
    }
}

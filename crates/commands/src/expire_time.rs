//! Times at which keys expire, as commands take them: seconds or milliseconds, from now or from
//! the epoch.

use crate::{Args, Context, Error};
use packed::number;
use units::UnixMillis;

/// How the number of an expire option is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpireUnit {
    /// `EX`: seconds from now.
    Ex,
    /// `PX`: milliseconds from now.
    Px,
    /// `EXAT`: seconds since the epoch.
    ExAt,
    /// `PXAT`: milliseconds since the epoch.
    PxAt,
}

impl ExpireUnit {
    /// Takes the word of an option, if one is next.
    pub(crate) fn keyword(args: &mut Args<'_>) -> Option<ExpireUnit> {
        let words = [
            ("EX", ExpireUnit::Ex),
            ("PX", ExpireUnit::Px),
            ("EXAT", ExpireUnit::ExAt),
            ("PXAT", ExpireUnit::PxAt),
        ];
        words
            .into_iter()
            .find_map(|(word, unit)| args.keyword(word).then_some(unit))
    }

    /// The point in time that `number` stands for; `None` where it does not fit.
    pub(crate) fn deadline(self, number: i64, now: UnixMillis) -> Option<UnixMillis> {
        let ms = match self {
            ExpireUnit::Ex | ExpireUnit::ExAt => number.checked_mul(1000)?,
            ExpireUnit::Px | ExpireUnit::PxAt => number,
        };
        match self {
            ExpireUnit::Ex | ExpireUnit::Px => now.checked_add(ms),
            ExpireUnit::ExAt | ExpireUnit::PxAt => Some(UnixMillis(ms)),
        }
    }

    /// The same for a text that must be a positive number, as the options of SET and its kin
    /// want it; `command` names it in a refusal.
    pub(crate) fn positive_deadline(
        self,
        text: &[u8],
        now: UnixMillis,
        command: &'static str,
    ) -> Result<UnixMillis, Error> {
        let number = number::parse_i64(text).ok_or(Error::NotInteger)?;
        if number <= 0 {
            return Err(Error::InvalidExpire(command));
        }
        self.deadline(number, now)
            .ok_or(Error::InvalidExpire(command))
    }
}

impl Context<'_, '_> {
    /// Whether a key with this deadline must go at once. A log that is replayed still refers to
    /// keys whose time is over, so there nothing goes by itself.
    pub(crate) fn is_past(&self, deadline: UnixMillis) -> bool {
        deadline <= self.keys.now() && !self.settings.replaying
    }

    /// Has other copies of the data set the deadline of a key.
    pub(crate) fn push_pexpireat(&mut self, key: &[u8], deadline: UnixMillis) {
        let mut buffer = itoa::Buffer::new();
        let ms = buffer.format(deadline.0).as_bytes();
        self.effects.push(&[b"PEXPIREAT", key, ms]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_are_refused() {
        let now = UnixMillis(1_000);
        assert_eq!(ExpireUnit::Ex.deadline(2, now), Some(UnixMillis(3_000)));
        assert_eq!(ExpireUnit::ExAt.deadline(2, now), Some(UnixMillis(2_000)));
        assert_eq!(ExpireUnit::Px.deadline(i64::MAX, now), None);
        assert_eq!(ExpireUnit::ExAt.deadline(i64::MAX / 999, now), None);
        let refused = ExpireUnit::Px.positive_deadline(b"0", now, "set");
        assert_eq!(refused, Err(Error::InvalidExpire("set")));
    }
}

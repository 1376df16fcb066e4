use std::fmt;

/// A point in time: milliseconds since the Unix epoch, negative before it.
///
/// Deadlines of keys and fields are kept in this unit, as RDB and `PEXPIREAT` do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The latest point that fits; as a bound it means "never".
    pub const MAX: UnixMillis = UnixMillis(i64::MAX);

    /// The point `secs` seconds after the epoch, or `None` where milliseconds overflow.
    pub fn from_secs(secs: i64) -> Option<UnixMillis> {
        secs.checked_mul(1000).map(UnixMillis)
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This point moved by `ms` milliseconds, or `None` on overflow.
    pub fn checked_add(self, ms: i64) -> Option<UnixMillis> {
        self.0.checked_add(ms).map(UnixMillis)
    }

    /// Milliseconds from `earlier` to this point; negative if it lies before.
    pub fn since(self, earlier: UnixMillis) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(UnixMillis(1999).secs(), 1);
        assert_eq!(UnixMillis(-1).secs(), -1);
        assert_eq!(UnixMillis::from_secs(i64::MAX), None);
    }
}

//! `client-output-buffer-limit`: how much may wait for a client that does not read.

use units::UnixMillis;

/// How much may wait for one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    /// Bytes that end the conversation at once; 0 for no limit.
    pub(crate) hard: u64,
    /// Bytes that end it if they wait for [`OutputLimit::soft_seconds`]; 0 for no limit.
    pub(crate) soft: u64,
    pub(crate) soft_seconds: u64,
}

impl OutputLimit {
    const fn new(hard: u64, soft: u64, soft_seconds: u64) -> OutputLimit {
        OutputLimit {
            hard,
            soft,
            soft_seconds,
        }
    }

    /// Whether `waiting` bytes are too many, the soft limit being passed since `over_since`.
    pub(super) fn is_passed(
        &self,
        waiting: usize,
        over_since: &mut Option<UnixMillis>,
        now: UnixMillis,
    ) -> bool {
        let over = |limit: u64| limit > 0 && waiting as u64 > limit;
        if !over(self.soft) {
            *over_since = None;
            return over(self.hard);
        }
        let since = *over_since.get_or_insert(now);
        let too_long = now.since(since) / 1000 > self.soft_seconds as i64;
        over(self.hard) || too_long
    }
}

/// The limits of every class of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputLimits {
    normal: OutputLimit,
    replica: OutputLimit,
    pub(crate) pubsub: OutputLimit,
}

impl Default for OutputLimits {
    fn default() -> OutputLimits {
        OutputLimits {
            normal: OutputLimit::new(0, 0, 0),
            replica: OutputLimit::new(256 << 20, 64 << 20, 60),
            pubsub: OutputLimit::new(32 << 20, 8 << 20, 60),
        }
    }
}

impl OutputLimits {
    /// The limit of the class of that name.
    pub(crate) fn class_mut(&mut self, class: &str) -> Option<&mut OutputLimit> {
        match class.to_ascii_lowercase().as_str() {
            "normal" => Some(&mut self.normal),
            "slave" | "replica" => Some(&mut self.replica),
            "pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }

    /// Every class with its limit, by the names that Redis prints.
    pub(crate) fn classes(&self) -> [(&'static str, OutputLimit); 3] {
        [
            ("normal", self.normal),
            ("slave", self.replica),
            ("pubsub", self.pubsub),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soft_limit_waits_and_a_hard_one_does_not() {
        let limit = OutputLimit::new(100, 10, 2);
        let mut since = None;
        assert!(!limit.is_passed(11, &mut since, UnixMillis(1000)));
        assert!(!limit.is_passed(11, &mut since, UnixMillis(3000)));
        assert!(limit.is_passed(11, &mut since, UnixMillis(4000)));
        assert!(!limit.is_passed(10, &mut since, UnixMillis(5000)));
        assert!(!limit.is_passed(11, &mut since, UnixMillis(5000)));
        assert!(limit.is_passed(101, &mut None, UnixMillis(0)));
        let none = OutputLimit::new(0, 0, 0);
        assert!(!none.is_passed(usize::MAX, &mut None, UnixMillis(0)));
    }
}

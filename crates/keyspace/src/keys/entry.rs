use crate::ValueRef;
use crate::access::{self, AccessPolicy};
use units::UnixMillis;

/// What becomes of a key's deadline when its value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// The deadline stays as it is.
    Keep,
    /// The key will not expire.
    Clear,
    /// The key expires then.
    At(UnixMillis),
}

/// What [`crate::Keys::edit`] does about a key that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Starts from an empty value.
    Create,
    /// Answers `None`.
    Skip,
}

/// How the keys of one command treat deadlines that have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// As a primary: an expired key is missing, is noted, and goes away.
    Delete,
    /// As a replica serving its clients: an expired key is missing, but stays.
    Hide,
    /// As a loader, or a replica applying its primary's stream: deadlines are only stored.
    Ignore,
}

/// The key holds a value of another type than the command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongType;

impl std::fmt::Display for WrongType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operation against a key holding the wrong kind of value")
    }
}

impl std::error::Error for WrongType {}

/// How recently or how often a key was used, as RDB files and RESTORE carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// Seconds since the last use; for an LRU policy.
    pub idle_secs: Option<u64>,
    /// The logarithmic counter; for an LFU policy.
    pub freq: Option<u8>,
}

impl Access {
    /// The stamp that says the same, if the policy keeps it.
    pub(crate) fn stamp(self, policy: AccessPolicy, now: UnixMillis) -> Option<u32> {
        match policy {
            AccessPolicy::Lru | AccessPolicy::Lrm => {
                self.idle_secs.map(|secs| access::idle_stamp(secs, now))
            }
            AccessPolicy::Lfu { .. } => self.freq.map(|freq| access::freq_stamp(freq, now)),
            AccessPolicy::Lrfu { .. } => None,
        }
    }
}

/// An entry of a keyspace, borrowed under the locks.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    pub(super) value: ValueRef<'a>,
    pub(super) deadline: Option<UnixMillis>,
    pub(super) stamp: u32,
    pub(super) policy: AccessPolicy,
    /// Of the keyspace's age.
    pub(super) clock: u32,
}

impl<'a> EntryRef<'a> {
    /// The value.
    pub fn value(&self) -> ValueRef<'a> {
        self.value
    }

    /// When the key expires, if it does.
    pub fn deadline(&self) -> Option<UnixMillis> {
        self.deadline
    }

    /// Seconds since the key was last used, or last changed under an LRM policy; 0 under a policy
    /// that counts, which does not know.
    pub fn idle_secs(&self, now: UnixMillis) -> u64 {
        match self.policy {
            AccessPolicy::Lru | AccessPolicy::Lrm => access::idle_secs(self.stamp, now),
            AccessPolicy::Lfu { .. } | AccessPolicy::Lrfu { .. } => 0,
        }
    }

    /// Whether the policy counts uses ([`EntryRef::freq`]) or times them ([`EntryRef::idle_secs`]).
    pub fn counts_uses(&self) -> bool {
        self.policy.counts_uses()
    }

    /// The LFU counter as decayed to `now`, or the uses that an LRFU weight stands for; 0 under a
    /// policy that does not count.
    pub fn freq(&self, now: UnixMillis) -> u8 {
        match self.policy {
            AccessPolicy::Lru | AccessPolicy::Lrm => 0,
            AccessPolicy::Lfu { decay_minutes, .. } => access::freq(self.stamp, decay_minutes, now),
            AccessPolicy::Lrfu { .. } => access::weight(self.stamp, self.clock),
        }
    }
}

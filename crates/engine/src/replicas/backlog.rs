//! How much of the log is kept for replicas that were away for a while.

use crate::Engine;
use crate::builder::JOURNAL_BYTES_MAX;
use crate::engine::Inner;
use std::sync::atomic::Ordering::Relaxed;
use units::UnixMillis;

impl Inner {
    /// Whether this is a replica, or has had any.
    pub(crate) fn has_followed(&self) -> bool {
        self.following.is_replica() || self.replicas.followed_at.load(Relaxed) > 0
    }
}

impl Engine {
    /// What `repl-backlog-size` says, in bytes.
    pub(crate) fn backlog_size(&self) -> u64 {
        let size = self.config("repl-backlog-size");
        let size = size.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        JOURNAL_BYTES_MAX.max(size)
    }

    /// Keeps as much of the log as the settings say, if a replica may ask for it.
    pub(crate) fn size_backlog(&self) {
        let bytes = match self.may_be_followed() {
            true => self.backlog_size(),
            false => JOURNAL_BYTES_MAX,
        };
        self.log().journal().set_limit(bytes);
    }

    /// Whether there are replicas, or were within `repl-backlog-ttl`; or whether this is one, whom
    /// others will follow if it takes over.
    fn may_be_followed(&self) -> bool {
        let (replicas, now) = (self.replicas(), self.now());
        if replicas.count() > 0 {
            replicas.followed_at.store(now.0, Relaxed);
            return true;
        }
        let ttl = self.config("repl-backlog-ttl");
        let ttl: i64 = ttl.and_then(|secs| secs.parse().ok()).unwrap_or(0);
        let last = UnixMillis(replicas.followed_at.load(Relaxed));
        let is_recent = last.0 > 0 && (ttl == 0 || now.since(last) <= ttl.saturating_mul(1000));
        is_recent || self.following().is_replica()
    }
}

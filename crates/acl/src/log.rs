//! What was refused, for `ACL LOG`: the newest first, the like of it counted together.

use crate::denial::Denial;
use std::collections::VecDeque;

/// How far apart refusals may be to count as one entry, in milliseconds.
const TOGETHER_MS: u64 = 60_000;

/// How many entries are looked at for one like it.
const LOOKED_AT: usize = 10;

/// Why somebody was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogReason {
    /// A command.
    Command,
    /// A key.
    Key,
    /// A channel.
    Channel,
    /// A password.
    Auth,
}

impl LogReason {
    /// Its name in `ACL LOG`.
    pub fn name(self) -> &'static str {
        match self {
            LogReason::Command => "command",
            LogReason::Key => "key",
            LogReason::Channel => "channel",
            LogReason::Auth => "auth",
        }
    }
}

impl From<Denial> for LogReason {
    fn from(denial: Denial) -> LogReason {
        match denial {
            Denial::Command => LogReason::Command,
            Denial::Key(_) => LogReason::Key,
            Denial::Channel(_) => LogReason::Channel,
        }
    }
}

/// Where the refused command stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogContext {
    /// By itself.
    TopLevel,
    /// In a transaction.
    Multi,
    /// In a script.
    Lua,
}

impl LogContext {
    /// Its name in `ACL LOG`.
    pub fn name(self) -> &'static str {
        match self {
            LogContext::TopLevel => "toplevel",
            LogContext::Multi => "multi",
            LogContext::Lua => "lua",
        }
    }
}

/// Somebody was refused something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: LogReason,
    /// Where.
    pub context: LogContext,
    /// The command, key or channel.
    pub object: Vec<u8>,
    /// Who, or who somebody claimed to be.
    pub user: Vec<u8>,
}

/// Refusals of one kind.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Unlike that of any other entry.
    pub id: u64,
    /// What was refused.
    pub refusal: Refusal,
    /// How often.
    pub count: u64,
    /// When first, in milliseconds since 1970.
    pub created: u64,
    /// When last, in milliseconds since 1970.
    pub updated: u64,
    /// The client that met it last, as a line of `CLIENT LIST`.
    pub client: String,
}

/// The latest refusals.
#[derive(Debug, Default)]
pub struct AccessLog {
    entries: VecDeque<LogEntry>,
    next_id: u64,
}

impl AccessLog {
    /// Notes a refusal at `now`, in milliseconds since 1970, and forgets the oldest entries beyond
    /// `most`.
    pub fn note(&mut self, refusal: Refusal, client: String, now: u64, most: usize) {
        let like = |entry: &LogEntry| {
            entry.refusal == refusal && now.abs_diff(entry.updated) <= TOGETHER_MS
        };
        let known = self.entries.iter().take(LOOKED_AT).position(like);
        match known.and_then(|at| self.entries.remove(at)) {
            Some(mut entry) => {
                entry.count += 1;
                entry.updated = now;
                entry.client = client;
                self.entries.push_front(entry);
            }
            None => {
                let id = self.next_id;
                self.next_id += 1;
                self.entries.push_front(LogEntry {
                    id,
                    refusal,
                    count: 1,
                    created: now,
                    updated: now,
                    client,
                });
            }
        }
        self.entries.truncate(most);
    }

    /// The entries, the newest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &LogEntry> {
        self.entries.iter()
    }

    /// Forgets every entry.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(object: &str) -> Refusal {
        Refusal {
            reason: LogReason::Key,
            context: LogContext::TopLevel,
            object: object.as_bytes().to_vec(),
            user: b"bob".to_vec(),
        }
    }

    fn told(log: &AccessLog) -> Vec<(u64, &[u8], u64)> {
        let entry = |entry: &'_ LogEntry| (entry.id, entry.count);
        let ids = log.entries().map(entry);
        let objects = log.entries().map(|entry| &entry.refusal.object[..]);
        ids.zip(objects)
            .map(|((id, count), object)| (id, object, count))
            .collect()
    }

    #[test]
    fn the_like_of_it_is_counted_together() {
        let mut log = AccessLog::default();
        for (object, now) in [("a", 0), ("b", 1), ("a", 60_000), ("b", 60_002)] {
            log.note(refusal(object), String::new(), now, 128);
        }
        assert_eq!(told(&log), [(2, &b"b"[..], 1), (0, b"a", 2), (1, b"b", 1)]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut log = AccessLog::default();
        for object in ["a", "b", "c"] {
            log.note(refusal(object), String::new(), 0, 2);
        }
        assert_eq!(told(&log), [(2, &b"c"[..], 1), (1, b"b", 1)]);
        log.clear();
        assert_eq!(log.entries().len(), 0);
    }
}

//! How far a group has come, as a number of entries: kept exactly where that is possible, else
//! estimated, else unknown. As Redis 7 does it.

use super::{Group, Stream};
use units::StreamId;

impl Stream {
    /// How many entries were added up to and with `id`, deleted ones included, where that can be
    /// said: for the first and the last entry, and for ids in front of the first, as long as no
    /// deletion lies ahead.
    pub fn entries_read_at(&self, id: StreamId) -> Option<u64> {
        let alive = self.length as u64;
        if self.entries_added == 0 {
            return Some(0);
        }
        if alive == 0 && id <= self.last_id {
            return Some(self.entries_added);
        }
        if id != StreamId::MIN && id < self.max_deleted_id {
            return None;
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.entries_added);
        }
        let unbroken = self.max_deleted_id == StreamId::MIN || self.max_deleted_id < self.first_id;
        let before_first = self.entries_added.checked_sub(alive)?;
        if !unbroken || id > self.first_id {
            None
        } else if id == self.first_id {
            before_first.checked_add(1)
        } else {
            Some(before_first)
        }
    }

    /// Whether a deletion lies at or behind `id`.
    pub(super) fn has_tombstone_from(&self, id: StreamId) -> bool {
        self.length > 0 && self.max_deleted_id != StreamId::MIN && id <= self.max_deleted_id
    }

    /// How many entries a group has not read yet, `None` if unknown (XINFO).
    pub fn lag(&self, group: &Group) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        let read = match group.entries_read() {
            Some(read) if !self.has_tombstone_from(group.last_id()) => read,
            _ => self.entries_read_at(group.last_id())?,
        };
        Some(self.entries_added.saturating_sub(read))
    }
}

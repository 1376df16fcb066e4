//! Memory for a number of keys.

use kvdump::{Call, Tcp};

use crate::{Outcome, info};

/// The limit that makes a server hold so many keys.
///
/// What it uses besides, buffers of its client above all, would fill a small cache. So the limit is
/// tried out, and set again now and then by what is held; all servers hold the same then.
pub(super) struct Room {
    capacity: usize,
    /// In bytes, as what follows.
    limit: u64,
    bytes_each: u64,
    /// Keys evicted so far.
    evicted: u64,
}

impl Room {
    /// Sets the limit to what `capacity` keys use that `fill` adds, and removes them.
    pub(super) fn give(
        connection: &mut Tcp,
        capacity: usize,
        fill: impl FnOnce(&mut Tcp) -> Outcome<()>,
    ) -> Outcome<Room> {
        let empty = used(connection)?;
        fill(connection)?;
        let limit = used(connection)?;
        connection.ask(&["FLUSHALL"])?;
        let room = Room {
            capacity,
            limit,
            bytes_each: limit.saturating_sub(empty) / capacity.max(1) as u64,
            evicted: 0,
        };
        room.set(connection)?;
        Ok(room)
    }

    /// Sets the limit again where it has been met; how many keys are held. `refused` says that a
    /// write was.
    pub(super) fn adjust(&mut self, connection: &mut Tcp, refused: bool) -> Outcome<usize> {
        let held = usize::try_from(connection.ask(&["DBSIZE"])?.integer()?)?;
        let evicted = info::number(connection, "stats", "evicted_keys")?;
        if evicted > self.evicted || refused || held > self.capacity {
            let missing = self.capacity as i64 - held as i64;
            let more = missing * self.bytes_each as i64;
            self.limit = self.limit.saturating_add_signed(more);
            self.set(connection)?;
        }
        self.evicted = evicted;
        Ok(held)
    }

    fn set(&self, connection: &mut Tcp) -> Outcome<()> {
        connection.ask(&["CONFIG", "SET", "maxmemory", &self.limit.to_string()])?;
        Ok(())
    }
}

/// What counts against `maxmemory`.
fn used(connection: &mut Tcp) -> Outcome<u64> {
    let used = info::number(connection, "memory", "used_memory")?;
    let not_counted = info::number(connection, "memory", "mem_not_counted_for_evict")?;
    Ok(used - not_counted)
}

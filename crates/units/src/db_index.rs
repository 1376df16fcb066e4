use std::fmt;

/// The number of a logical database, as `SELECT` takes it. Whether a database of that number
/// exists is for the keyspace to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DbIndex(pub u32);

impl DbIndex {
    /// Database 0, where every session and every AOF file starts.
    pub const ZERO: DbIndex = DbIndex(0);

    /// The number as an index into a slice of databases.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for DbIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

use super::Keys;
use units::DbIndex;

impl Keys<'_> {
    /// Bytes that a key and its value take of an allocator, with their share of what the entries
    /// around them have in common; over all keys of a database they sum up to nearly what
    /// [`crate::Keyspace::used_bytes`] counts. Not a use of the key. An expired key is missing.
    pub fn memory_usage(&self, db: DbIndex, key: &[u8]) -> Option<usize> {
        self.peek(db, key)?;
        let hash = self.hash_of(key);
        let segment = self.shard(hash).table(db)?.segment_of(hash);
        segment.usage(segment.find(hash, key)?)
    }
}

use crate::KeyHasher;

/// Up to where collections stay in their compact forms, named as in the configuration.
///
/// The defaults are those of Redis 7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of a list node: -1 to -5 for 4, 8, 16, 32, 64 KiB, or else a number of elements.
    pub list_max_listpack_size: i32,
    /// Accepted and kept; nodes in memory are never compressed.
    pub list_compress_depth: u32,
    /// Members of a set of integers.
    pub set_max_intset_entries: usize,
    /// Members of a set in a listpack.
    pub set_max_listpack_entries: usize,
    /// Bytes of each member of a set in a listpack.
    pub set_max_listpack_value: usize,
    /// Fields of a hash in a listpack.
    pub hash_max_listpack_entries: usize,
    /// Bytes of each field and each value of a hash in a listpack.
    pub hash_max_listpack_value: usize,
    /// Members of a sorted set in a listpack.
    pub zset_max_listpack_entries: usize,
    /// Bytes of each member of a sorted set in a listpack.
    pub zset_max_listpack_value: usize,
    /// Bytes of a stream node; 0 for no such limit.
    pub stream_node_max_bytes: usize,
    /// Entries of a stream node; 0 for no such limit.
    pub stream_node_max_entries: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            list_max_listpack_size: -2,
            list_compress_depth: 0,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
        }
    }
}

/// What mutators of values need to know.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Where compact forms end.
    pub limits: Limits,
    /// The hash of the members and fields of large collections.
    pub hasher: KeyHasher,
}

#[cfg(test)]
impl Settings {
    /// The defaults under a fixed hash key.
    pub(crate) fn for_tests() -> Settings {
        Settings {
            limits: Limits::default(),
            hasher: KeyHasher::new(1, 2),
        }
    }
}

/// A compact form with a blob beyond this is given up, whatever the configuration says.
pub(crate) const LISTPACK_BYTES_MAX: usize = 1 << 30;

//! What an allocator keeps for a request: the same wherever bytes are counted.

pub use packed::usable_size;

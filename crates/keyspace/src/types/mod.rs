//! The values, one file or folder a type. Each has an owned form that is edited and a borrowed one
//! that is read, the latter also straight out of a page.
//!
//! Small collections are the blobs that RDB files hold. Large ones lie behind `Arc`s, down to their
//! nodes, so that a clone shares everything and the first write after it copies one node and
//! references to others.

#[cfg(test)]
mod frozen;
mod hash;
mod list;
mod set;
mod stream;
mod string;
mod zset;

pub use hash::{Hash, HashIter, HashRef, HashRepr};
pub use list::{List, ListIter, ListRef, Node};
pub use set::{Set, SetIter, SetRef, SetRepr};
pub use stream::{
    AutoClaimed, Claim, Claimed, Consumer, Entry, Fields, Group, Pending, Stream, StreamError,
    StreamIter, Trim,
};
pub use string::{ChunkedString, Chunks, StringRef, StringValue};
pub use zset::{LexBound, ScoreBound, Zset, ZsetChange, ZsetIter, ZsetRef, ZsetRepr};

use crate::usable_size;
use crate::value::arc_bytes;
use packed::listpack::ListpackBuf;
use std::sync::Arc;

/// Bytes that a listpack behind an `Arc` takes of an allocator.
fn listpack_heap(blob: &Arc<ListpackBuf>) -> usize {
    arc_bytes::<ListpackBuf>() + usable_size(blob.byte_len())
}

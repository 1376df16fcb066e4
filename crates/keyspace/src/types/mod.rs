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
    AutoClaimed, Claim, Claimed, Consumer, Entry, Fields, Group, Pending, References, Stream,
    StreamError, StreamIter, Trim,
};
pub use string::{ChunkedString, Chunks, StringRef, StringValue};
pub use zset::{LexBound, ScoreBound, Zset, ZsetChange, ZsetIter, ZsetRef, ZsetRepr};

use crate::account::Block;
use crate::usable_size;
use crate::value::arc_bytes;
use packed::intset::IntsetBuf;
use packed::listpack::ListpackBuf;

impl Block for ListpackBuf {
    fn block_bytes(&self) -> usize {
        arc_bytes::<ListpackBuf>() + usable_size(self.byte_len())
    }
}

impl Block for IntsetBuf {
    fn block_bytes(&self) -> usize {
        arc_bytes::<IntsetBuf>() + usable_size(self.bytes().len())
    }
}

//! The replication log: the bytes of all effects in the one order that counts, with their offsets.
//!
//! Effects are appended under the locks of what they changed, and that order is *the* order: the
//! append-only file and every replica read the same bytes from here. The newest `limit` bytes are
//! kept; a reader that falls behind them is told so and must find the rest elsewhere.
//!
//! ```text
//! offset   1000          66536          132072   140000
//!            | sealed       | sealed       | tail   |          appends go to the tail
//!            first_offset                           offset
//! ```
//!
//! This crate does *not* know what the bytes mean (they are RESP commands), which database the next
//! effect is for, who reads, or any file. It starts no thread and wakes nobody.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

mod error;
mod log;
mod piece;

pub use error::Error;
pub use log::{CHUNK_BYTES, Holder, Journal};
pub use piece::Piece;

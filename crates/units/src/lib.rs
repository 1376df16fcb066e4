//! Newtypes shared by every layer: what a number *is*, so that a length is never taken for an
//! offset or a second for a millisecond.
//!
//! This crate knows no format, no clock and no keyspace. A value is checked once, where it enters,
//! and arithmetic exists only where it means something.

mod db_index;
mod repl;
mod stream_id;
mod time;

pub use db_index::DbIndex;
pub use repl::{ReplId, ReplIdError, ReplOffset};
pub use stream_id::{StreamId, StreamIdError};
pub use time::UnixMillis;

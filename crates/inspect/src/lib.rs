//! What is in RDB and append-only files, found in one pass without loading them.
//!
//! [`files`] says which files a path stands for, a [`Source`] follows them and hands keys, values
//! piece by piece, and facts to a [`Visitor`]. A [`Summary`] is one; so are the exporters.
//!
//! This crate does *not* know terminals, arguments or clocks, and never changes what it reads. Its
//! memory is bounded whatever a file holds, but for one item of it at a time.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

mod archive;
pub mod diff;
mod digest;
mod error;
mod estimate;
mod events;
pub mod export;
mod filter;
mod input;
pub mod lookup;
mod radix;
mod record;
pub mod redact;
mod repeats;
pub mod report;
pub mod rewrite;
pub mod slot;
mod sorter;
mod source;
mod stream_node;
pub mod summary;
pub mod what_if;

pub use archive::Unpacked;
pub use error::Error;
pub use filter::{Filter, NameTest, Ttl};
pub use input::{Blocks, Input, files, open};
pub use record::{Encoding, Entry, Fact, Figures, Key, Piece, StreamMeta, Type, Visitor};
pub use repeats::{Repeat, Repeats, unique_name};
pub use source::Source;
pub use summary::{Summary, SummaryOptions};

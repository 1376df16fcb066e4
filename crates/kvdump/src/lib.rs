//! kvdump/1: the logical content of a keyspace as JSON, read through commands.
//!
//! Whatever answers commands can be read: a server over TCP ([`Tcp`]) or an engine in the same
//! process, through the one-method trait [`Call`]. Two dumps, or a dump and a [`Sidecar`] file,
//! are compared field by field with [`compare`]. The shape is described in the corpus's README.
//!
//! This crate does *not* know files of a data directory, the engine, or how a server is started.
//! Its RESP reader is its own, so that a fault in the project's codec cannot hide itself here.

mod bytes;
mod call;
mod compare;
mod dump;
mod error;
mod expire;
mod reply;
mod sidecar;
mod tcp;
mod value;

pub use bytes::{base64_decode, base64_encode, from_json, to_json};
pub use call::Call;
pub use compare::{Difference, Encodings, Options, ScoreTexts, compare, compare_rows};
pub use dump::{Dump, dump};
pub use error::Error;
pub use reply::Reply;
pub use sidecar::Sidecar;
pub use tcp::Tcp;

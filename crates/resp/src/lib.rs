//! RESP2 and RESP3: an incremental, borrowing decoder of requests, an incremental decoder of
//! replies, and an encoder that appends to a `Vec<u8>`.
//!
//! This crate does *not* know: commands (a request is a list of byte strings, whatever the first
//! one says), sockets, files, or sessions. Who may send how much is told by [`Limits`]; where bytes
//! come from and when, by the caller.
//!
//! ```
//! use resp::{Limits, RequestDecoder};
//!
//! let mut decoder = RequestDecoder::new(Limits::default());
//! assert!(decoder.decode(b"*2\r\n$3\r\nGET\r\n$1\r").unwrap().is_none());
//! let request = decoder.decode(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n").unwrap().unwrap();
//! assert_eq!(request.iter().collect::<Vec<_>>(), [&b"GET"[..], b"k"]);
//! assert_eq!(request.consumed(), 20);
//! ```
//!
//! # Where it is stricter than Redis
//!
//! * The two bytes behind a bulk must be CR LF; Redis skips them unread.
//! * A count or length is refused at its first wrong byte; Redis waits for the end of the line, or
//!   for 64 KiB of it ("too big mbulk count string", an error that this decoder therefore never
//!   needs).
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

pub mod encode;
mod error;
mod inline;
mod limits;
mod number;
mod reply;
mod request;
mod value;

pub use encode::Protocol;
pub use error::{ProtocolError, ReplyError};
pub use inline::{UnbalancedQuotes, quoted, quoted_word, split_words};
pub use limits::Limits;
pub use reply::{DEPTH_MAX, ReplyDecoder};
pub use request::{ArgRange, Request, RequestDecoder};
pub use value::Value;

//! RDB, the snapshot format of Redis and Valkey: events to and from bytes.
//!
//! This crate knows no keyspace and no file. A [`Decoder`] is fed bytes in any split and gives
//! [`Event`]s that borrow from them; an [`Encoder`] takes the same events and appends the bytes that
//! one [`Target`] reads. So a conversion is a loop, an inspector stops at the events, and a loader
//! is whoever puts the events into a keyspace. [`dump`] does the same for the payloads of `DUMP` and
//! `RESTORE`, which hold one value and a footer.
//!
//! A file of any size takes a megabyte: strings longer than [`CHUNK_LEN`] come in chunks, collections an
//! element or a node at a time. What is held whole is what lies in the file as one blob: elements, compact
//! values, sources of functions, values of modules.
//!
//! What it promises about bytes from outside: no panic, no memory reserved from a claim the input
//! has not backed, no value handed out that was not checked in depth. What it leaves to the loader:
//! elements repeated in collections too large to be one blob, and a key that occurs twice.
//!
//! # File layout
//!
//! ```text
//!   size  field
//!   9     header     magic and version, see `header.rs`
//!   ..    records    an opcode (`opcode.rs`) or a value's kind (`kind.rs`) and its payload
//!   1     0xFF       end
//!   8     checksum   CRC-64/Jones of all the above, little-endian; 0 = not computed; since version 5
//!
//!   one key = [expire] [idle] [freq] kind str(key) value
//! ```
//!
//! # Versions
//!
//! ```text
//!   REDIS   1 to 8    read    files of others' tests, which their servers load
//!           9         both    files of Redis 6.2.14, which loads what is written
//!           10        both    Redis 7.0.15, likewise
//!           11        both    7.0.15 to 9.1.2: no server that writes it was at hand, but the two below load it
//!           12        both    Redis 8.2.3, likewise
//!           13 to 15  read    only read about: Redis 8.6 to 8.10. Not arrays and rate limiters
//!   VALKEY  80        both    Valkey 9.1.2, likewise
//!           81        read    only read about: what is as in 80
//! ```
//!
//! A kind that is not read is refused by its name: a module's value from before 4.0, which has no end
//! mark; arrays and rate limiters; Valkey's path hashes, inline updates and compressed streams.
//!
//! Example: `52 45 44 49 53 30 30 30 34  FE 00  00 01 6B 01 76  FF` is a file of version 4 with key
//! "k" = "v" in database 0.

mod blob;
mod cursor;
mod decoder;
pub mod dump;
pub mod dump_functions;
mod encode_error;
mod encoder;
mod error;
mod event;
mod header;
mod input;
mod kind;
mod object;
mod old_forms;
mod opcode;
mod record;
mod string;
mod target;

pub use decoder::{Decoder, DecoderOptions};
pub use encode_error::{EncodeError, LossRow, Losses};
pub use encoder::{Encoder, EncoderOptions};
pub use error::{Error, ErrorKind};
pub use event::{CHUNK_LEN, Checksum, Event, KeyMeta, Part};
pub use header::{Family, Version};
pub use object::{ModuleId, ModulePiece, ModulePieces};
pub use target::{Loss, Target, UnknownTarget};

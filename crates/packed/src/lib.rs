//! Compact encodings: the byte blobs in which Redis and Valkey keep small collections, and the small codecs that
//! their files are made of.
//!
//! Read and written: [`listpack`], [`intset`], [`lzf`], [`crc64`], [`length`] and [`number`] (numbers as text).
//! Read only, because old files hold them: [`ziplist`], [`zipmap`].
//!
//! This crate does **not** know what a blob stands for: whether a listpack is a hash or a stream node, whether its
//! length must be even, whether a member may come twice. It knows no RDB opcode, no key, no file and no clock.
//!
//! Invariants of every module here:
//!
//! * Reading never panics, whatever the bytes are. `validate` says where a blob is wrong; iterating over a blob that
//!   was not validated ends early at worst.
//! * No memory is reserved from a claimed length that the input cannot back.
//! * Offsets in an [`Error`] count from the start of the slice that was given.

pub mod crc64;
mod element;
mod error;
pub mod intset;
pub mod length;
pub mod listpack;
pub mod lzf;
pub mod number;
mod room;
mod wire;
pub mod ziplist;
pub mod zipmap;

pub use element::{Element, IntText};
pub use error::{Error, ErrorKind};
pub use room::usable_size;

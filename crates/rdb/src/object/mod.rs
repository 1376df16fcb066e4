//! Values: what follows a key, or the first byte of a `DUMP` payload.
//!
//! A file for each type, in the order `string list set hash zset stream`; each holds the reader and
//! the writer of every form of the type. [`reader`] and [`writer`] choose the form.

mod hash;
mod list;
mod module;
mod reader;
mod set;
mod stream;
mod stream_node;
mod stream_producers;
mod stream_writer;
mod string;
mod template;
mod writer;
mod zset;

pub(crate) use module::ModuleScan;
pub use module::{ModuleId, ModulePiece, ModulePieces};
pub(crate) use reader::ValueReader;
pub(crate) use template::Templates;
pub(crate) use writer::ValueWriter;

/// A listpack without entries has this size, in bytes.
const EMPTY_LISTPACK_LEN: u64 = 7;

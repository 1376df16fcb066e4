//! Keyspace to and from RDB events: snapshots, `DUMP` and `RESTORE` of a value, and the digest.
//!
//! [`write()`] turns a frozen view into events for an [`rdb::Encoder`]; [`load()`] takes the
//! events of an [`rdb::Decoder`] into a keyspace. Both work on a value through the same [`rdb::Part`]s, as
//! do [`dump`] and [`restore`].
//!
//! This crate knows no file, no command and no clock. Bytes are the codec's business, and where a
//! value lives is the keyspace's; what is here is the correspondence between the two.

mod digest;
mod intake;
mod load;
mod parts;
mod payload;
mod save;
mod stream_loader;
mod value_loader;

pub use digest::{DigestForm, digest, digest_value};
pub use load::{LoadError, LoadOptions, LoadSummary, Loader, load};
pub use payload::{DumpError, RestoreError, dump, restore, restore_unchecked};
pub use save::{Access, Preamble, WriteError, write};

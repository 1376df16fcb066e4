//! The command table: arguments in, keyspace changed, reply and effects out.
//!
//! A command is a row in the table of its family: name, arity, flags, key positions, documentation
//! and handler. A handler reads its arguments through one cursor ([`Args`]), calls the locked
//! keyspace ([`keyspace::Keys`]), and writes its reply straight into a [`ReplySink`]. What other
//! copies of the data must repeat is the command as it was sent, unless the handler put a
//! deterministic [effect](Effects) in its place; nothing is repeated if nothing changed.
//!
//! This crate knows no socket, session, transaction, file or clock. Locks are taken and effects
//! are logged by whoever calls [`Command::run`].

mod args;
mod bitmap;
mod channels;
mod compat;
mod context;
mod effects;
mod error;
mod event;
mod expire_time;
mod flags;
mod float;
mod geo;
pub mod glob;
mod hash;
mod hyperloglog;
mod key;
mod key_access;
mod key_spec;
mod list;
mod missing;
mod numkeys;
mod peers;
mod picks;
mod rank_range;
mod reply;
mod scan_options;
mod set;
mod sort;
mod spec;
mod stream;
mod string;
mod table;
#[cfg(test)]
mod testing;
pub mod tips;
pub mod wait;
mod zset;

pub use args::Args;
pub use channels::Channels;
pub use compat::Compat;
pub use context::{Context, Outcome, Settings};
pub use effects::Effects;
pub use error::Error;
pub use event::{Event, EventClass};
pub use flags::{CATEGORIES, Category, Flags, Group};
pub use key_access::{KeyAccess, KeyRef, KeyRefs};
pub use key_spec::{KeyBegin, KeyPositions, KeySpec};
pub use peers::{Answers, Broken, Destination, Peers};
pub use reply::{Protocol, ReplySink};
pub use spec::{AccessByArgs, Command, Handler, Spec};
pub use table::{FAMILIES, all};

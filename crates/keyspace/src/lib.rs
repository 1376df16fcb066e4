//! Tables, values, expiry, frozen views and memory accounting.
//!
//! This crate knows no files, sockets, clocks, commands or RDB: the time and random numbers are
//! handed in, and what changed is for the caller to log. A [`Keyspace`] is a set of shards; a
//! command takes the shards of its keys with a [`Plan`] and works on them through [`Keys`]; a
//! [`FrozenView`] is the whole keyspace as it was at one moment.
//!
//! Every table, the keyspace's and those inside large hashes, sets and sorted sets, is made of the
//! segments of `table/`, where entries lie in small shared pages.

mod access;
mod account;
mod alarm;
mod batch;
mod budget;
mod evict;
mod field_table;
mod hasher;
mod keys;
mod keyspace;
mod limits;
mod observe;
mod plan;
mod reclaim;
mod shard;
mod sync;
mod table;
mod ttl;
mod types;
mod value;
mod view;
mod watch;

pub use access::AccessPolicy;
pub use account::usable_size;
pub use batch::{Batch, NewKey, Taken};
pub use budget::{OverBudget, ViewCancelled, Views};
pub use evict::{EvictionOrder, EvictionRule, Evictor};
pub use field_table::{Field, FieldTable};
pub use hasher::KeyHasher;
pub use keys::{
    Access, EntryRef, Expiry, IfMissing, Keys, Lapsed, LapsedFields, Lookups, Ttl, WrongType,
};
pub use keyspace::{Keyspace, Options, Stats};
pub use limits::{Limits, Settings};
pub use observe::Changed;
pub use plan::{Mode, Plan};
pub use reclaim::{LazyFree, Reclaim};
pub use ttl::TtlSample;
pub use types::*;
pub use value::*;
pub use view::{FrozenEntry, FrozenSegment, FrozenView};

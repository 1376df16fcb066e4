//! The table of the keyspace and of every large collection: segments of entries in small pages,
//! under an extendible directory.
//!
//! Bottom up: `page` and `slab` hold bytes and values, `entry` is the layout of one entry, `index`
//! says where entries are, `bounds` when they are due, `segment` finds and changes entries, `due`
//! finds what is due, `compact` and `split` rewrite segments, `usage` weighs entries; `directory`
//! finds segments, `wheel` those that are due, `tree` is a whole table, `bulk` adds many keys to one,
//! `scan` is its cursors, `draw` picks entries at random. Segments are kept in place (`inline`, with
//! `share` and `deposit` for frozen views) or shared (`shared`).

mod bounds;
mod bulk;
mod check;
mod compact;
mod deposit;
mod directory;
mod draw;
mod due;
mod entry;
mod index;
mod inline;
mod page;
mod scan;
mod segment;
mod share;
mod shared;
mod slab;
mod split;
mod stamp;
mod tree;
mod usage;
mod wheel;

pub(crate) use deposit::{Deposit, Frozen};
pub(crate) use due::Due;
pub(crate) use inline::KeyTable;
pub(crate) use scan::{END as SCAN_END, position};
pub(crate) use segment::{Item, Payload};
pub(crate) use share::{Found, Share};
pub(crate) use shared::Shared;
pub(crate) use stamp::{Mark, Stamp, Unmarked};
pub(crate) use tree::Tree;

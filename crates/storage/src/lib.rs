//! The file system as the engine sees it: two traits, and their implementations.
//!
//! [`File`] appends (possibly short), reads at an offset, syncs, and changes its length.
//! [`Storage`] is the directory side: it opens, renames, removes, lists, makes and syncs
//! directories, tells whether a file changed, and locks a directory. Both are chosen statically.
//!
//! | Implementation | For |
//! | --- | --- |
//! | [`Os`] | the real file system; the only place in the project that uses `std::fs` |
//! | [`Memory`] | tests, and engines without a directory |
//! | [`Faulty`] | tests: fails when told to, and knows what a power cut would leave |
//! | [`Recording`] | tests: wraps another and keeps a transcript of what was done |
//!
//! This crate does *not* know what is in a file, which names matter, or when something must be on
//! disk. It retries nothing but interrupted calls, and it never removes what it did not create.
//!
//! What outlives a power cut: bytes after [`File::sync_data`], names after
//! [`Storage::sync_dir`] of their directory. Nothing else.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the one crate that reaches the real file system"
)]

mod error;
mod faulty;
mod memory;
mod os;
mod reader;
mod recording;
mod replace;
mod traits;
mod writer;

pub use error::{Error, Operation, Result};
pub use faulty::{Crash, FailedSync, Failing, Fault, Faulty, FaultyFile, Moment, Random};
pub use memory::{Memory, MemoryFile, MemoryLock};
pub use os::{LOCK_FILE, Os, OsFile, OsLock};
pub use reader::{Reader, read};
pub use recording::{Recorded, Recording, RecordingFile};
pub use replace::{ensure_dir, replace};
pub use traits::{Entry, File, Mode, Stamp, Storage};
pub use writer::{Writer, append_all};

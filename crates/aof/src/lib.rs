//! The append-only file on disk: which files a data directory's log consists of, and the commands
//! in them.
//!
//! ```text
//! DIR/appendonlydir/appendonly.aof.manifest        which files, in which order
//!                   appendonly.aof.2.base.rdb      a state: RDB, or commands
//!                   appendonly.aof.2.incr.aof      commands since
//! DIR/appendonly.aof                               all in one, before Redis 7.0
//! ```
//!
//! [`locate`] says what a directory holds, [`Manifest`] is the list, [`LogReader`] reads one file's
//! commands ([`RecordReader`] does so without any file), [`create_incr`] makes the file that is
//! appended to, and [`commit_base`] puts a new state in place of the old files, which may stay as
//! [`past_logs`]. [`copy_prefix`] copies a file up to some command.
//!
//! This crate does *not* know RDB (it only recognises one by its first bytes), what a command does,
//! or whether it exists; of commands it tells MULTI and EXEC from the rest, since a log must not
//! end between them.
//!
//! # Where it is stricter than the servers, and where it is kinder
//!
//! * A folder with data but no manifest is refused; servers start empty and overwrite it.
//! * Lengths that are no numbers, and bulks not ended by CR LF, are errors with their offset;
//!   servers take `$abc` for 0, crash on `$-1`, and skip whatever two bytes end a bulk.
//! * A torn transaction is cut in front of its MULTI, as Valkey does; Redis leaves the MULTI open,
//!   and what is appended behind it is lost at the next start.
//! * A torn annotation is cut: servers would glue the next command to it.
//! * A tail of NULs, as power cuts leave it, is cut; servers refuse to start.
//! * What this crate's users append has checksums ([`BatchHeader`]): a change is found, and told from
//!   a torn end.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::indexing_slicing))]

mod append;
mod batch;
mod commit;
mod error;
mod history;
mod locate;
mod log_reader;
mod manifest;
mod names;
mod prefix;
mod reader;
mod record;
mod tail;

pub use append::{adopt_single, create_incr, cut_tail};
pub use batch::{BatchHeader, Checked, check_batches, has_batches, holds_nothing, lacks_bytes};
pub use commit::{BaseFormat, History, commit_base, persist, prepare_folder};
pub use error::{Error, Result};
pub use history::{PastLog, Retention, past_logs};
pub use locate::{Located, MANIFEST_BYTES_MAX, locate};
pub use log_reader::LogReader;
pub use manifest::{FileInfo, FileKind, Manifest, ManifestError, ManifestProblem};
pub use names::Names;
pub use prefix::copy_prefix;
pub use reader::{RecordError, RecordProblem, RecordReader};
pub use record::{Annotation, Record, is_rdb, offset_line};
pub use tail::{Tail, TailReason};

//! Duramen: a Redis-compatible storage engine that a program links in.
//!
//! It holds the keyspace of Redis and Valkey, reads the data directories that they leave behind,
//! and writes ones that they open. There is no network inside.
//!
//! ```
//! use duramen::{Engine, Expiry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path();
//! let engine = Engine::open(path)?;
//! let mut session = engine.session();
//!
//! session.set("greeting", "hello")?;
//! session.set_expiring("token", "t0ps3cret", Expiry::InMillis(60_000))?;
//! session.hset("user:1", &[("name", "Ada"), ("born", "1815")])?;
//! assert_eq!(session.get("greeting")?, Some(b"hello".to_vec()));
//!
//! // Any command, as a client would send it.
//! let reply = session.execute(&["ZADD", "scores", "1.5", "ada", "2", "bob"]);
//! assert_eq!(reply, duramen::Reply::Integer(2));
//!
//! drop(session);
//! engine.close()?; // dump.rdb is on disk, and a real server opens it
//! # Ok(())
//! # }
//! ```
//!
//! This crate composes the layers below it and knows them all; it knows no socket, no terminal and
//! no clock but the one it was handed ([`Clock`]).

mod access;
mod blocking;
mod builder;
mod calls;
mod clients;
mod clock;
mod config;
mod configuring;
mod datadir;
mod durable;
mod ending;
mod engine;
mod evict;
mod expiry;
mod failover;
mod families;
mod following;
mod functions;
mod histogram;
mod lag;
mod loading;
mod log;
mod memory;
mod migrating;
mod notes;
mod past;
mod place;
mod pubsub;
mod rates;
mod registry;
mod replicas;
mod reply;
mod saving;
mod scripting;
mod session;
mod slow_log;
mod spikes;
mod stats;
mod telling;
mod tracking;

pub use builder::Builder;
pub use clients::{Buffers, Peer};
pub use clock::{Clock, ManualClock, SystemClock};
pub use commands::{Error, Protocol, ReplySink};
pub use config::{Config, ConfigError, Directive, DirectiveKind, Policy, SavePoint};
pub use configuring::{ConfigChange, RewriteError};
pub use datadir::{
    BackupError, BackupReport, FileReport, LogReport, OpenError, RdbReport, RecoveryReport,
    SaveError, SaveReport,
};
pub use durable::Committer;
pub use ending::{Shutdown, ShutdownSave};
pub use engine::Engine;
pub use following::{Link, LinkError, Primary};
pub use keyspace::{
    FrozenEntry, FrozenSegment, FrozenView, HashRef, ListRef, ModuleValue, SetRef, Stream,
    StringRef, ValueRef, ViewCancelled, Views, ZsetRef,
};
pub use loading::{LoadProgress, Opening};
pub use memory::MemoryUse;
pub use migrating::PeerStream;
pub use notes::LogLevel;
pub use past::{
    LogHistory, OffsetRange, PastError, Point, PointError, Restored, Rfc3339, StretchReport,
    restore,
};
pub use pubsub::{Message, Subscriber};
pub use rdb::Target;
pub use reply::{Reply, RespSink};
pub use saving::Saver;
pub use session::{
    Aggregate, BitField, BitOp, BitOverflow, BitWidth, Claimed, Expiry, Extreme, FieldValue,
    GeoArea, Group, KeyElement, KeyElements, KeyEntries, KeyMemberScore, MemberScore, Pending,
    PendingEntry, Place, Scan, Scanned, Session, SetIf, SetOp, Side, Sort, StreamEntry,
    StreamRange, XAdd, XRead, ZAdd, ZCombine, ZRange,
};
pub use snapshot::DigestForm;
pub use storage;
pub use telling::InfoLine;
pub use units::{DbIndex, ReplOffset, StreamId, UnixMillis};

/// Whose snapshots are written when neither the configuration nor the directory says otherwise.
const DEFAULT_TARGET: Target = Target::Redis10;

/// The version that snapshots for Redis name as their writer's.
const REDIS_VERSION: &str = "7.2.4";

/// The version that snapshots for Valkey name as their writer's.
const VALKEY_VERSION: &str = "9.0.0";

/// What `HELLO` calls the server. Clients look for this name.
const SERVER_NAME: &str = "redis";

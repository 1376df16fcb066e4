//! The configuration: one struct of typed settings, and one table that gives each its name.

mod directive;
mod lines;
mod names;
mod percentiles;
mod rewrite;
mod save_points;
mod table;
mod value;

pub use directive::{Directive, DirectiveKind};
pub(crate) use lines::Lines;
pub(crate) use percentiles::Percentiles;
pub(crate) use rewrite::{Scope, rewrite};
pub use save_points::SavePoint;
pub use table::ConfigError;
pub(crate) use table::{Marks, Row};
pub(crate) use value::Within;

use crate::durable::Fsync;
use crate::following::Primary;
use crate::pubsub::OutputLimits;
use commands::{Compat, EventClass};
use keyspace::{AccessPolicy, Keyspace, LazyFree, Limits};
use rdb::Target;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be configured. Names and defaults are Redis's; see [`Config::set`].
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where users are read from and written to; none for an empty path. Within `dir`, unless it
    /// says from the root.
    pub(crate) aclfile: String,
    pub(crate) acllog_max_len: usize,
    pub(crate) acl_pubsub_default: ChannelsByDefault,
    /// The password of the user `default`; empty for none.
    pub(crate) requirepass: String,
    /// In milliseconds; 0 for never.
    pub(crate) busy_reply_threshold: u32,
    pub(crate) client_output_buffer_limit: OutputLimits,
    /// From how many microseconds on a request is kept for `SLOWLOG`; negative for never.
    pub(crate) latency_monitor_threshold: u64,
    pub(crate) latency_tracking: bool,
    pub(crate) latency_tracking_info_percentiles: Percentiles,
    pub(crate) replicaof: Option<Primary>,
    pub(crate) slowlog_log_slower_than: i64,
    pub(crate) slowlog_max_len: usize,
    pub(crate) dir: PathBuf,
    pub(crate) dbfilename: String,
    pub(crate) databases: u32,
    /// Whether strangers may use `DEBUG`.
    pub(crate) enable_debug_command: Allowed,
    /// Whether strangers may change settings that say where files lie.
    pub(crate) enable_protected_configs: Allowed,
    pub(crate) save: Vec<SavePoint>,
    pub(crate) rdbcompression: bool,
    pub(crate) rdbchecksum: bool,
    /// `None`: the family and version of the file that was opened, else REDIS 10.
    pub(crate) rdb_target: Option<Target>,
    pub(crate) rdb_save_lossy: bool,
    /// `None`: as the directory says. A directory that holds an AOF opens with one.
    pub(crate) appendonly: Option<bool>,
    pub(crate) appendfilename: String,
    pub(crate) appenddirname: String,
    pub(crate) appendfsync: Fsync,
    pub(crate) aof_batch_checksums: bool,
    pub(crate) aof_disable_auto_gc: bool,
    /// In seconds; 0 for no superseded log.
    pub(crate) aof_history_retention: u32,
    pub(crate) aof_load_truncated: bool,
    pub(crate) aof_timestamp_enabled: bool,
    pub(crate) aof_use_rdb_preamble: bool,
    /// 0 for never.
    pub(crate) auto_aof_rewrite_percentage: Within<0, { i32::MAX as u32 }>,
    /// In bytes.
    pub(crate) auto_aof_rewrite_min_size: u64,
    pub(crate) lazy_free: LazyFree,
    pub(crate) replica_lazy_flush: bool,
    /// In bytes; 0 for no limit.
    pub(crate) maxmemory: u64,
    pub(crate) maxmemory_eviction_tenacity: Within<0, 100>,
    pub(crate) maxmemory_policy: Policy,
    pub(crate) maxmemory_samples: Within<1, 64>,
    pub(crate) compat_version: Compat,
    pub(crate) hll_sparse_max_bytes: usize,
    pub(crate) lfu_decay_time: Within<0, { i32::MAX as u32 }>,
    pub(crate) lfu_log_factor: Within<0, { i32::MAX as u32 }>,
    pub(crate) lrfu_half_life: Within<1, 1024>,
    /// In seconds; 0 for no limit to write by.
    pub(crate) min_replicas_max_lag: Within<0, { i32::MAX as u32 }>,
    /// With fewer replicas that keep up, writes are refused; 0 for never.
    pub(crate) min_replicas_to_write: Within<0, { i32::MAX as u32 }>,
    /// What of keys is told as messages, and where.
    pub(crate) notify_keyspace_events: EventClass,
    pub(crate) proto_max_bulk_len: u64,
    /// In bytes; 0 for no limit.
    pub(crate) snapshot_copy_budget: u64,
    /// In milliseconds.
    pub(crate) snapshot_copy_wait: u32,
    /// Copies of saved snapshots; 0 for none.
    pub(crate) snapshot_keep: u32,
    pub(crate) stop_writes_on_bgsave_error: bool,
    /// Keys that are remembered for clients that cache; 0 for no limit.
    pub(crate) tracking_table_max_keys: usize,
    pub(crate) limits: Limits,
    /// What is only kept and answered.
    pub(crate) kept: directive::Kept,
}

/// What is evicted when memory runs out, and with it what is remembered of each access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are Redis's names")]
pub enum Policy {
    NoEviction,
    AllkeysLru,
    AllkeysLfu,
    AllkeysLrfu,
    AllkeysLrm,
    AllkeysRandom,
    VolatileLru,
    VolatileLfu,
    VolatileLrfu,
    VolatileLrm,
    VolatileRandom,
    VolatileTtl,
}

impl Policy {
    /// Every policy with its name.
    pub(crate) const NAMES: [(&'static str, Policy); 12] = [
        ("volatile-lru", Policy::VolatileLru),
        ("volatile-lfu", Policy::VolatileLfu),
        ("volatile-random", Policy::VolatileRandom),
        ("volatile-ttl", Policy::VolatileTtl),
        ("allkeys-lru", Policy::AllkeysLru),
        ("allkeys-lfu", Policy::AllkeysLfu),
        ("allkeys-random", Policy::AllkeysRandom),
        ("noeviction", Policy::NoEviction),
        ("volatile-lrm", Policy::VolatileLrm),
        ("allkeys-lrm", Policy::AllkeysLrm),
        ("volatile-lrfu", Policy::VolatileLrfu),
        ("allkeys-lrfu", Policy::AllkeysLrfu),
    ];

    /// Whether only keys with a deadline are evicted.
    pub(crate) fn is_volatile(self) -> bool {
        use Policy::{VolatileLfu, VolatileLrfu, VolatileLrm, VolatileLru};
        let ordered = matches!(self, VolatileLfu | VolatileLrfu | VolatileLrm | VolatileLru);
        ordered || matches!(self, Policy::VolatileRandom | Policy::VolatileTtl)
    }

    /// Whether accesses are counted (LFU) instead of dated (LRU).
    pub(crate) fn is_lfu(self) -> bool {
        matches!(self, Policy::AllkeysLfu | Policy::VolatileLfu)
    }

    /// Whether a snapshot carries the idle time of each key.
    pub(crate) fn is_lru(self) -> bool {
        matches!(self, Policy::AllkeysLru | Policy::VolatileLru)
    }
}

/// Which channels a new user may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelsByDefault {
    AllChannels,
    ResetChannels,
}

impl ChannelsByDefault {
    pub(crate) const NAMES: [(&'static str, ChannelsByDefault); 2] = [
        ("allchannels", ChannelsByDefault::AllChannels),
        ("resetchannels", ChannelsByDefault::ResetChannels),
    ];

    pub(crate) fn allows_all(self) -> bool {
        self == ChannelsByDefault::AllChannels
    }
}

/// Whether clients from outside the program may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    No,
    Yes,
    /// If they are on the same machine.
    Local,
}

impl Allowed {
    pub(crate) const NAMES: [(&'static str, Allowed); 3] = [
        ("no", Allowed::No),
        ("yes", Allowed::Yes),
        ("local", Allowed::Local),
    ];
}

impl Config {
    /// Sets what a keyspace takes from here but the limits of its encodings.
    pub(crate) fn apply(&self, keyspace: &Keyspace) {
        keyspace.set_access_policy(self.access_policy());
        keyspace.set_lazy_free(self.lazy_free);
        let budget = usize::try_from(self.snapshot_copy_budget).unwrap_or(usize::MAX);
        let wait = Duration::from_millis(self.snapshot_copy_wait.into());
        keyspace.set_copy_budget(budget, wait);
    }

    /// What is remembered of each access: its time, or how many there were.
    pub(crate) fn access_policy(&self) -> AccessPolicy {
        match self.maxmemory_policy {
            Policy::AllkeysLfu | Policy::VolatileLfu => AccessPolicy::Lfu {
                log_factor: self.lfu_log_factor.0,
                decay_minutes: self.lfu_decay_time.0,
            },
            Policy::AllkeysLrm | Policy::VolatileLrm => AccessPolicy::Lrm,
            Policy::AllkeysLrfu | Policy::VolatileLrfu => AccessPolicy::Lrfu {
                half_life: self.lrfu_half_life.0,
            },
            _ => AccessPolicy::Lru,
        }
    }
}

impl Config {
    /// Whether writes need replicas that keep up, of which there are none.
    pub(crate) fn wants_replicas(&self) -> bool {
        self.min_replicas_to_write.0 > 0 && self.min_replicas_max_lag.0 > 0
    }

    /// `key-load-delay`, see [`crate::loading::Loading::set_key_delay`].
    pub(crate) fn key_load_delay(&self) -> i64 {
        self.kept.get("key-load-delay").parse().unwrap_or(0)
    }

    /// `maxmemory-clients` in bytes, if it is said in per cent then of `maxmemory`; 0 for no limit.
    pub(crate) fn client_bytes_max(&self) -> usize {
        let text = self.kept.get("maxmemory-clients");
        let bytes = match text.strip_suffix('%') {
            Some(percent) => percent
                .parse()
                .map(|percent: u64| self.maxmemory / 100 * percent),
            None => text.parse(),
        };
        bytes.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Whether Redis would keep a small integer once for all keys: not if keys are evicted by their
    /// uses.
    pub(crate) fn shares_integers(&self) -> bool {
        let policy = self.maxmemory_policy;
        self.maxmemory == 0 || !(policy.is_lru() || policy.is_lfu())
    }

    /// The classes of events that are told, none of them if there is no place to tell them.
    pub(crate) fn notify(&self) -> EventClass {
        let classes = self.notify_keyspace_events;
        match classes.tells_anything() {
            true => classes,
            false => EventClass::empty(),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            aclfile: String::new(),
            acllog_max_len: 128,
            acl_pubsub_default: ChannelsByDefault::ResetChannels,
            requirepass: String::new(),
            busy_reply_threshold: 5000,
            client_output_buffer_limit: OutputLimits::default(),
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_tracking_info_percentiles: Percentiles::default(),
            replicaof: None,
            slowlog_log_slower_than: 10_000,
            slowlog_max_len: 128,
            dir: PathBuf::from("."),
            dbfilename: "dump.rdb".to_owned(),
            databases: 16,
            enable_debug_command: Allowed::No,
            enable_protected_configs: Allowed::No,
            save: SavePoint::defaults(),
            rdbcompression: true,
            rdbchecksum: true,
            rdb_target: None,
            rdb_save_lossy: false,
            appendonly: None,
            appendfilename: "appendonly.aof".to_owned(),
            appenddirname: "appendonlydir".to_owned(),
            appendfsync: Fsync::Everysec,
            aof_batch_checksums: true,
            aof_disable_auto_gc: false,
            aof_history_retention: 0,
            aof_load_truncated: true,
            aof_timestamp_enabled: false,
            aof_use_rdb_preamble: true,
            auto_aof_rewrite_percentage: Within(100),
            auto_aof_rewrite_min_size: 64 << 20,
            lazy_free: LazyFree::default(),
            replica_lazy_flush: false,
            maxmemory: 0,
            maxmemory_eviction_tenacity: Within(10),
            maxmemory_policy: Policy::NoEviction,
            maxmemory_samples: Within(5),
            compat_version: Compat::default(),
            hll_sparse_max_bytes: 3000,
            lfu_decay_time: Within(1),
            lfu_log_factor: Within(10),
            lrfu_half_life: Within(4),
            min_replicas_max_lag: Within(10),
            min_replicas_to_write: Within(0),
            notify_keyspace_events: EventClass::empty(),
            proto_max_bulk_len: 512 << 20,
            snapshot_copy_budget: 0,
            snapshot_copy_wait: 100,
            snapshot_keep: 0,
            stop_writes_on_bgsave_error: true,
            tracking_table_max_keys: 1_000_000,
            limits: Limits::default(),
            kept: directive::Kept::new(&names::directives()),
        }
    }
}

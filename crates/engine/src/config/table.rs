use super::Config;
use super::directive::Directive;
use super::value::Setting;
use bitflags::bitflags;
use std::fmt;

/// A setting that was refused: which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no setting of that name.
    Unknown(String),
    /// The setting can be chosen only before the engine is opened.
    Immutable(&'static str),
    /// The value is not one that the setting takes.
    Invalid {
        /// The setting.
        name: &'static str,
        /// The value as it was given.
        value: String,
        /// What it should have been.
        expected: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Unknown(name) => write!(f, "unknown setting '{name}'"),
            ConfigError::Immutable(_) => f.write_str("can't set immutable config"),
            ConfigError::Invalid { expected, .. } => f.write_str(expected),
        }
    }
}

impl std::error::Error for ConfigError {}

bitflags! {
    /// What is special about a setting.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Marks: u8 {
        /// It can be chosen only before the engine is opened.
        const IMMUTABLE = 1;
        /// Patterns do not find it.
        const HIDDEN = 1 << 1;
        /// Strangers may change it only as `enable-protected-configs` says.
        const PROTECTED = 1 << 2;
        /// A line of a file may have several words for it.
        const WORDS = 1 << 3;
    }
}

/// One setting that the engine has a field for: its name, and how it is read and written.
pub(crate) struct Parameter {
    name: &'static str,
    /// An older name that still works.
    alias: Option<&'static str>,
    marks: Marks,
    get: fn(&Config) -> String,
    set: fn(&mut Config, &str) -> Result<(), String>,
}

macro_rules! parameter {
    ($name:literal $(or $alias:literal)?, $($field:ident).+ $(, $mark:ident)*) => {
        Parameter {
            name: $name,
            alias: parameter!(@alias $($alias)?),
            marks: Marks::empty()$(.union(parameter!(@mark $mark)))*,
            get: |config| config.$($field).+.print(),
            set: |config, text| read(text, &mut config.$($field).+),
        }
    };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
    (@mark immutable) => { Marks::IMMUTABLE };
    (@mark protected) => { Marks::PROTECTED };
    (@mark words) => { Marks::WORDS };
}

/// Every setting that the engine has a field for, by name.
const PARAMETERS: &[Parameter] = &[
    parameter!("acl-pubsub-default", acl_pubsub_default),
    parameter!("aclfile", aclfile, immutable),
    parameter!("acllog-max-len", acllog_max_len),
    parameter!("aof-batch-checksums", aof_batch_checksums),
    parameter!("aof-disable-auto-gc", aof_disable_auto_gc),
    parameter!("aof-history-retention", aof_history_retention),
    parameter!("aof-load-truncated", aof_load_truncated),
    parameter!("aof-timestamp-enabled", aof_timestamp_enabled),
    parameter!("aof-use-rdb-preamble", aof_use_rdb_preamble),
    parameter!("appenddirname", appenddirname, immutable),
    parameter!("appendfilename", appendfilename, immutable),
    parameter!("appendfsync", appendfsync),
    parameter!("appendonly", appendonly),
    parameter!("auto-aof-rewrite-min-size", auto_aof_rewrite_min_size),
    parameter!("auto-aof-rewrite-percentage", auto_aof_rewrite_percentage),
    parameter!("busy-reply-threshold" or "lua-time-limit", busy_reply_threshold),
    parameter!(
        "client-output-buffer-limit",
        client_output_buffer_limit,
        words
    ),
    parameter!("compat-version", compat_version),
    parameter!("databases", databases, immutable),
    parameter!("dbfilename", dbfilename, protected),
    parameter!("dir", dir, immutable, protected),
    parameter!("enable-debug-command", enable_debug_command, immutable),
    parameter!(
        "enable-protected-configs",
        enable_protected_configs,
        immutable
    ),
    parameter!("hash-max-listpack-entries" or "hash-max-ziplist-entries", limits.hash_max_listpack_entries),
    parameter!("hash-max-listpack-value" or "hash-max-ziplist-value", limits.hash_max_listpack_value),
    parameter!("hll-sparse-max-bytes", hll_sparse_max_bytes),
    parameter!("lazyfree-lazy-eviction", lazy_free.eviction),
    parameter!("lazyfree-lazy-expire", lazy_free.expire),
    parameter!("lazyfree-lazy-server-del", lazy_free.server_del),
    parameter!("lazyfree-lazy-user-del", lazy_free.user_del),
    parameter!("lazyfree-lazy-user-flush", lazy_free.user_flush),
    parameter!("latency-monitor-threshold", latency_monitor_threshold),
    parameter!("latency-tracking", latency_tracking),
    parameter!(
        "latency-tracking-info-percentiles",
        latency_tracking_info_percentiles,
        words
    ),
    parameter!("lfu-decay-time", lfu_decay_time),
    parameter!("lfu-log-factor", lfu_log_factor),
    parameter!("list-compress-depth", limits.list_compress_depth),
    parameter!("list-max-listpack-size" or "list-max-ziplist-size", limits.list_max_listpack_size),
    parameter!("lrfu-half-life", lrfu_half_life),
    parameter!("maxmemory", maxmemory),
    parameter!("maxmemory-eviction-tenacity", maxmemory_eviction_tenacity),
    parameter!("maxmemory-policy", maxmemory_policy),
    parameter!("maxmemory-samples", maxmemory_samples),
    parameter!("min-replicas-max-lag" or "min-slaves-max-lag", min_replicas_max_lag),
    parameter!("min-replicas-to-write" or "min-slaves-to-write", min_replicas_to_write),
    parameter!("notify-keyspace-events", notify_keyspace_events),
    parameter!("proto-max-bulk-len", proto_max_bulk_len),
    parameter!("rdb-save-lossy", rdb_save_lossy),
    parameter!("rdb-target", rdb_target),
    parameter!("rdbchecksum", rdbchecksum),
    parameter!("rdbcompression", rdbcompression),
    parameter!("replica-lazy-flush" or "slave-lazy-flush", replica_lazy_flush),
    parameter!("replicaof" or "slaveof", replicaof, immutable, words),
    parameter!("requirepass", requirepass),
    parameter!("save", save, words),
    parameter!("set-max-intset-entries", limits.set_max_intset_entries),
    parameter!("set-max-listpack-entries", limits.set_max_listpack_entries),
    parameter!("set-max-listpack-value", limits.set_max_listpack_value),
    parameter!("slowlog-log-slower-than", slowlog_log_slower_than),
    parameter!("slowlog-max-len", slowlog_max_len),
    parameter!("snapshot-copy-budget", snapshot_copy_budget),
    parameter!("snapshot-copy-wait", snapshot_copy_wait),
    parameter!("snapshot-keep", snapshot_keep),
    parameter!("stop-writes-on-bgsave-error", stop_writes_on_bgsave_error),
    parameter!("stream-node-max-bytes", limits.stream_node_max_bytes),
    parameter!("stream-node-max-entries", limits.stream_node_max_entries),
    parameter!("tracking-table-max-keys", tracking_table_max_keys),
    parameter!("zset-max-listpack-entries" or "zset-max-ziplist-entries", limits.zset_max_listpack_entries),
    parameter!("zset-max-listpack-value" or "zset-max-ziplist-value", limits.zset_max_listpack_value),
];

fn read<T: Setting>(text: &str, into: &mut T) -> Result<(), String> {
    into.update(text).ok_or_else(T::expected)
}

/// A setting, wherever its value is.
#[derive(Clone, Copy)]
pub(crate) enum Row {
    /// In a field.
    Field(&'static Parameter),
    /// Among the texts that are kept.
    Kept(Directive),
}

impl Row {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Row::Field(row) => row.name,
            Row::Kept(row) => row.name,
        }
    }

    /// Its name, and its older name if it has one.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let alias = match self {
            Row::Field(row) => row.alias,
            Row::Kept(row) => row.alias,
        };
        [Some(self.name()), alias].into_iter().flatten()
    }

    pub(crate) fn marks(&self) -> Marks {
        match self {
            Row::Field(row) => row.marks,
            Row::Kept(row) => row.marks,
        }
    }

    pub(crate) fn get(&self, config: &Config) -> String {
        match self {
            Row::Field(row) => (row.get)(config),
            Row::Kept(row) => config.kept.get(row.name).to_owned(),
        }
    }

    fn set(&self, config: &mut Config, text: &str) -> Result<(), String> {
        match self {
            Row::Field(row) => (row.set)(config, text),
            Row::Kept(row) => config.kept.set(*row, text),
        }
    }
}

impl Config {
    /// Every setting there is, by name.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let fields = PARAMETERS.iter().map(Row::Field);
        let mut rows: Vec<Row> = fields
            .chain(self.kept.directives().map(Row::Kept))
            .collect();
        rows.sort_by_key(Row::name);
        rows
    }

    /// The setting of that name or older name, in any case.
    pub(crate) fn row(&self, name: &str) -> Option<Row> {
        let named = |row: &Row| row.names().any(|known| known.eq_ignore_ascii_case(name));
        let mut fields = PARAMETERS.iter().map(Row::Field);
        let field = fields.find(named);
        field.or_else(|| self.kept.directives().map(Row::Kept).find(named))
    }

    /// The same settings with their defaults.
    pub(crate) fn defaults(&self) -> Config {
        Config {
            kept: self.kept.defaults(),
            ..Config::default()
        }
    }

    /// Sets the setting `name`, by the names and in the notation of `redis.conf`.
    ///
    /// Besides Redis's there are:
    ///
    /// - `aof-batch-checksums`: what is appended to the append-only file stands under lines with
    ///   checksums, which servers from 7.0 on skip;
    /// - `aof-history-retention`: seconds for which logs that a rewrite superseded stay in a folder
    ///   beside the log, 0 for none; with them goes a log of times and offsets, as under
    ///   `aof-timestamp-enabled`, so that [`crate::restore`] finds any point in them;
    /// - `compat-version` (`7.0` or `7.2`): like whose answers are, where they differ;
    /// - `lrfu-half-life`, of the policies `allkeys-lrfu` and `volatile-lrfu`;
    /// - `rdb-target` (`auto`, `redis-7.0`, `valkey-9` ...): who must be able to read snapshots;
    /// - `rdb-save-lossy`: save what the target can hold and drop the rest, instead of refusing;
    /// - `snapshot-copy-budget`: bytes that frozen views may keep of what has changed since, 0 for
    ///   no bound. Over it, views that the program took are cancelled;
    /// - `snapshot-copy-wait`: milliseconds that writers wait for the engine's own views (of a save)
    ///   before these are cancelled, too;
    /// - `snapshot-keep`: how many saved snapshots stay under names of their own beside `dump.rdb`,
    ///   0 for none.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let row = self.row(name);
        let row = row.ok_or_else(|| ConfigError::Unknown(name.to_owned()))?;
        row.set(self, value)
            .map_err(|expected| ConfigError::Invalid {
                name: row.name(),
                value: value.to_owned(),
                expected,
            })
    }

    /// The same, refusing what can't change any more.
    pub(crate) fn set_while_open(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match self.row(name) {
            Some(row) if row.marks().contains(Marks::IMMUTABLE) => {
                Err(ConfigError::Immutable(row.name()))
            }
            _ => self.set(name, value),
        }
    }

    /// The value of the setting `name` as `redis.conf` would have it.
    pub fn get(&self, name: &str) -> Option<String> {
        self.row(name).map(|row| row.get(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_print_what_they_read() {
        let defaults = Config::default();
        let rows = defaults.rows();
        let mut names: Vec<&str> = rows.iter().flat_map(Row::names).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for row in rows {
            let mut config = Config::default();
            let text = row.get(&defaults);
            assert_eq!(config.set(row.name(), &text), Ok(()), "{}", row.name());
            assert_eq!(row.get(&config), text);
        }
    }

    #[test]
    fn refusals_name_the_setting() {
        let mut config = Config::default();
        assert_eq!(
            config.set("nope", "1"),
            Err(ConfigError::Unknown("nope".into()))
        );
        let refused = config.set("RDBchecksum", "maybe");
        assert!(matches!(
            refused,
            Err(ConfigError::Invalid {
                name: "rdbchecksum",
                ..
            })
        ));
        assert_eq!(config.set("hash-max-ziplist-entries", "7"), Ok(()));
        assert_eq!(
            config.get("hash-max-listpack-entries").as_deref(),
            Some("7")
        );
    }
}

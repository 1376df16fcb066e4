//! Names of Redis's settings that mean nothing to this engine, or not yet. They are checked, kept
//! and answered, so that configuration files of servers and clients that set them work.
//! `docs/differences.md` lists them.

use super::directive::Directive;
use super::directive::DirectiveKind::{Bytes, BytesOrPercent, Checked, Flag, Number, OneOf, Text};

const INT: i64 = i32::MAX as i64;
const LONG: i64 = i64::MAX;

/// Background work and memory: tables grow by themselves here, and the allocator is the program's.
const MEMORY: &[Directive] = &[
    Directive::new("active-defrag-cycle-max", Number(1, 99), "25"),
    Directive::new("active-defrag-cycle-min", Number(1, 99), "1"),
    Directive::new("active-defrag-ignore-bytes", Bytes(1, LONG), "104857600"),
    Directive::new("active-defrag-max-scan-fields", Number(1, LONG), "1000"),
    Directive::new("active-defrag-threshold-lower", Number(0, 1000), "10"),
    Directive::new("active-defrag-threshold-upper", Number(0, 1000), "100"),
    Directive::new("active-expire-effort", Number(1, 10), "1"),
    Directive::new("activedefrag", Checked(no_defrag), "no"),
    Directive::new("activerehashing", Flag, "yes"),
    Directive::new("dynamic-hz", Flag, "yes"),
    Directive::new("hz", Checked(hz), "10"),
    Directive::new("jemalloc-bg-thread", Flag, "yes"),
    Directive::new("maxmemory-clients", BytesOrPercent, "0"),
];

/// Files. What is read is always checked in depth, and nothing is written by a child.
const FILES: &[Directive] = &[
    Directive::new("aof-rewrite-incremental-fsync", Flag, "yes"),
    Directive::new("key-load-delay", Number(i32::MIN as i64, INT), "0").hidden(),
    Directive::new(
        "loading-process-events-interval-bytes",
        Number(1024, INT),
        "2097152",
    )
    .hidden(),
    Directive::new("no-appendfsync-on-rewrite", Flag, "no"),
    Directive::new("rdb-del-sync-files", Flag, "no"),
    Directive::new("rdb-key-save-delay", Number(i32::MIN as i64, INT), "0").hidden(),
    Directive::new("rdb-save-incremental-fsync", Flag, "yes"),
    Directive::new(
        "sanitize-dump-payload",
        OneOf(&["no", "yes", "clients"]),
        "no",
    ),
];

/// What is measured of commands.
const MEASURES: &[Directive] = &[];

const REPLICATION: &[Directive] = &[
    Directive::new("masterauth", Text, ""),
    Directive::new("masteruser", Text, ""),
    Directive::new(
        "propagation-error-behavior",
        OneOf(&["ignore", "panic", "panic-on-replicas"]),
        "ignore",
    ),
    Directive::new("repl-backlog-size", Bytes(1, LONG), "1048576"),
    Directive::new("repl-backlog-ttl", Number(0, LONG), "3600"),
    Directive::new("repl-disable-tcp-nodelay", Flag, "no"),
    Directive::new(
        "repl-diskless-load",
        OneOf(&["disabled", "on-empty-db", "swapdb"]),
        "disabled",
    ),
    Directive::new("repl-diskless-sync", Flag, "yes"),
    Directive::new("repl-diskless-sync-delay", Number(0, INT), "5"),
    Directive::new("repl-diskless-sync-max-replicas", Number(0, INT), "0"),
    Directive::new("repl-ping-replica-period", Number(1, INT), "10").or("repl-ping-slave-period"),
    Directive::new("repl-timeout", Number(1, INT), "60"),
    Directive::new("replica-announce-ip", Text, "").or("slave-announce-ip"),
    Directive::new("replica-announce-port", Number(0, 65535), "0").or("slave-announce-port"),
    Directive::new("replica-announced", Flag, "yes"),
    Directive::new("replica-ignore-disk-write-errors", Flag, "no"),
    Directive::new("replica-ignore-maxmemory", Flag, "yes").or("slave-ignore-maxmemory"),
    Directive::new("replica-priority", Number(0, INT), "100").or("slave-priority"),
    Directive::new("replica-read-only", Flag, "yes").or("slave-read-only"),
    Directive::new("replica-serve-stale-data", Flag, "yes").or("slave-serve-stale-data"),
];

const CLUSTER: &[Directive] = &[
    Directive::new("cluster-allow-pubsubshard-when-down", Flag, "yes"),
    Directive::new("cluster-allow-reads-when-down", Flag, "no"),
    Directive::new("cluster-allow-replica-migration", Flag, "yes"),
    Directive::new("cluster-announce-bus-port", Number(0, 65535), "0"),
    Directive::new("cluster-announce-hostname", Text, ""),
    Directive::new("cluster-announce-human-nodename", Text, ""),
    Directive::new("cluster-announce-ip", Text, ""),
    Directive::new("cluster-announce-port", Number(0, 65535), "0"),
    Directive::new("cluster-announce-tls-port", Number(0, 65535), "0"),
    Directive::new("cluster-config-file", Text, "nodes.conf").immutable(),
    Directive::new("cluster-enabled", OneOf(&["no"]), "no").immutable(),
    Directive::new("cluster-link-sendbuf-limit", Bytes(0, LONG), "0"),
    Directive::new("cluster-migration-barrier", Number(0, INT), "1"),
    Directive::new("cluster-node-timeout", Number(0, LONG), "15000"),
    Directive::new("cluster-port", Number(0, 65535), "0").immutable(),
    Directive::new(
        "cluster-preferred-endpoint-type",
        OneOf(&["ip", "hostname", "unknown-endpoint"]),
        "ip",
    ),
    Directive::new("cluster-replica-no-failover", Flag, "no").or("cluster-slave-no-failover"),
    Directive::new("cluster-replica-validity-factor", Number(0, INT), "10")
        .or("cluster-slave-validity-factor"),
    Directive::new("cluster-require-full-coverage", Flag, "yes"),
];

/// All of them.
pub(super) fn directives() -> Vec<Directive> {
    [MEMORY, FILES, MEASURES, REPLICATION, CLUSTER].concat()
}

/// What was said and forgotten again: read, and kept by nobody, as in Redis.
pub(super) const FORGOTTEN: &[&str] = &[
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
];

/// Redis takes any number, and the nearest that it can do.
fn hz(text: &str) -> Result<String, String> {
    let number: i32 = text
        .parse()
        .map_err(|_| "argument couldn't be parsed into an integer")?;
    match number {
        ..0 => Err(format!("argument must be between 0 and {INT} inclusive")),
        _ => Ok(number.clamp(1, 500).to_string()),
    }
}

fn no_defrag(text: &str) -> Result<String, String> {
    match text.to_ascii_lowercase().as_str() {
        "no" => Ok("no".to_owned()),
        "yes" => Err(
            "Active defragmentation cannot be enabled: it requires a Redis server \
                      compiled with a modified Jemalloc like the one shipped by default with the \
                      Redis source distribution"
                .to_owned(),
        ),
        _ => Err(super::directive::NOT_A_FLAG.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hz_is_brought_into_its_range() {
        assert_eq!(hz("0").unwrap(), "1");
        assert_eq!(hz("1000").unwrap(), "500");
        assert!(hz("-1").is_err());
    }
}

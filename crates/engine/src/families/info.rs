//! The sections of INFO.

use crate::SERVER_NAME;
use crate::pubsub::Kind;
use crate::session::Session;
use keyspace::TtlSample;
use std::fmt::Write;
use units::DbIndex;

/// A section: its name, and what writes its lines.
type Section = (&'static str, fn(&Session, &mut String));

const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients),
    ("Memory", memory),
    ("Persistence", super::persistence::info),
    ("Stats", stats),
    ("Replication", replication),
    ("Keyspace", keyspace),
];

/// The wanted sections (all of them for none named, `all`, `everything` or `default`).
pub(super) fn render(session: &Session, wanted: &[&[u8]]) -> String {
    let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    let every = ["all", "everything", "default"];
    let all = wanted.is_empty()
        || wanted
            .iter()
            .any(|name| every.iter().any(|all| is(name, all)));
    let mut text = String::new();
    for (name, write) in SECTIONS {
        if all || wanted.iter().any(|wanted| is(wanted, name)) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            let _ = write!(text, "# {name}\r\n");
            write(session, &mut text);
        }
    }
    text
}

pub(super) fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = write!(text, "{name}:{value}\r\n");
}

fn server(session: &Session, text: &mut String) {
    let inner = session.engine.inner();
    let version = inner.compat().version();
    line(text, "redis_version", version);
    line(text, "server_name", SERVER_NAME);
    line(text, "duramen_version", env!("CARGO_PKG_VERSION"));
    line(text, "redis_mode", "standalone");
    line(text, "os", std::env::consts::OS);
    line(text, "arch_bits", usize::BITS);
    line(text, "process_id", std::process::id());
    line(
        text,
        "uptime_in_seconds",
        session.engine.now().since(inner.opened_at) / 1000,
    );
    line(
        text,
        "server_time_usec",
        session.engine.now().0.saturating_mul(1000),
    );
}

fn clients(session: &Session, text: &mut String) {
    line(text, "connected_clients", session.engine.open_sessions());
    let tracking = session.engine.tracking().stats();
    line(text, "tracking_clients", tracking.clients);
    let held = session.engine.clients().pause().sessions();
    let blocked = session.engine.blocking().waiting() + held;
    line(text, "blocked_clients", blocked);
}

fn memory(session: &Session, text: &mut String) {
    for (name, value) in super::memory::info(&session.engine) {
        line(text, name, value);
    }
    let census = session.engine.inner().scripting.census();
    line(text, "used_memory_vm_eval", census.script_bytes);
    line(text, "used_memory_vm_functions", census.function_bytes);
    line(text, "number_of_cached_scripts", census.scripts);
    line(text, "number_of_functions", census.functions);
    line(text, "number_of_libraries", census.libraries);
}

fn stats(session: &Session, text: &mut String) {
    let stats = session.engine.stats();
    let tracking = session.engine.tracking().stats();
    line(text, "tracking_total_keys", tracking.keys);
    line(text, "tracking_total_items", tracking.items);
    line(text, "tracking_total_prefixes", tracking.prefixes);
    line(text, "total_connections_received", stats.sessions.value());
    line(text, "total_commands_processed", stats.commands.value());
    line(text, "expired_keys", stats.expired_keys.value());
    line(text, "evicted_keys", stats.evicted_keys.value());
    line(text, "evicted_clients", 0);
    line(text, "evicted_scripts", 0);
    line(text, "expired_subkeys", stats.expired_fields.value());
    line(
        text,
        "expired_stale_perc",
        format_args!("{:.2}", stale_percent(session)),
    );
    line(
        text,
        "expired_time_cap_reached_count",
        stats.ticks_cut_short.value(),
    );
    let hub = session.engine.hub();
    line(text, "pubsub_channels", hub.count(Kind::Channel));
    line(text, "pubsub_patterns", hub.count(Kind::Pattern));
    line(text, "pubsubshard_channels", hub.count(Kind::Sharded));
    let lag = &stats.expiry_lag;
    line(text, "expire_lag_ms_last", lag.last());
    line(text, "expire_lag_ms_p50", lag.percentile(50));
    line(text, "expire_lag_ms_p99", lag.percentile(99));
    line(text, "expire_lag_ms_max", lag.max());
}

/// Keys with a deadline, some of them.
fn sample(session: &Session, db: DbIndex) -> TtlSample {
    let now = session.engine.now();
    let mut rng = session.engine.seeded_rng(now.0 as u64);
    session.engine.keyspace().sample_ttls(db, now, &mut rng)
}

/// Of all keys with a deadline, how many per cent are over and still there, by a sample.
fn stale_percent(session: &Session) -> f64 {
    let mut all = TtlSample::default();
    (0..session.engine.keyspace().databases()).for_each(|db| all.add(sample(session, DbIndex(db))));
    all.over as f64 * 100.0 / all.seen.max(1) as f64
}

fn replication(session: &Session, text: &mut String) {
    let journal = session.engine.log().journal();
    line(text, "role", "master");
    line(text, "connected_slaves", 0);
    line(text, "master_replid", journal.replid());
    line(text, "master_repl_offset", journal.offset());
}

fn keyspace(session: &Session, text: &mut String) {
    let keyspace = session.engine.keyspace();
    for db in (0..keyspace.databases()).map(DbIndex) {
        let keys = keyspace.len(db);
        if keys > 0 {
            let expires = keyspace.expires(db);
            let avg_ttl = sample(session, db).mean();
            let _ = write!(
                text,
                "db{db}:keys={keys},expires={expires},avg_ttl={avg_ttl}\r\n"
            );
        }
    }
}

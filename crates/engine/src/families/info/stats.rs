//! Counters since the engine was opened, or `CONFIG RESETSTAT`.

use super::{line, sample, zeros};
use crate::pubsub::Kind;
use crate::session::Session;
use crate::stats::Stats;
use keyspace::TtlSample;
use units::DbIndex;

pub(super) fn stats(session: &Session, text: &mut String) {
    let stats = session.engine.stats();
    traffic(session, stats, text);
    line(text, "sync_full", stats.full_syncs.value());
    line(text, "sync_partial_ok", stats.partial_syncs.value());
    let refused = stats.refused_partial_syncs.value();
    line(text, "sync_partial_err", refused);
    lifetimes(session, stats, text);
    line(text, "keyspace_hits", stats.hits.value());
    line(text, "keyspace_misses", stats.misses.value());
    let hub = session.engine.hub();
    line(text, "pubsub_channels", hub.count(Kind::Channel));
    line(text, "pubsub_patterns", hub.count(Kind::Pattern));
    line(text, "pubsubshard_channels", hub.count(Kind::Sharded));
    zeros(text, &["latest_fork_usec"]);
    // What Redis forks for.
    let rewrites = session.engine.inner().durable.rewrite_record().count;
    let snapshots = stats.saves.value() + stats.full_syncs.value();
    line(text, "total_forks", snapshots + rewrites);
    let kept = session.engine.inner().migrating.kept();
    line(text, "migrate_cached_sockets", kept);
    zeros(text, &["slave_expires_tracked_keys"]);
    let tracking = session.engine.tracking().stats();
    line(text, "tracking_total_keys", tracking.keys);
    line(text, "tracking_total_items", tracking.items);
    line(text, "tracking_total_prefixes", tracking.prefixes);
    zeros(text, &["unexpected_error_replies"]);
    let errors = session.engine.inner().calls.errors();
    line(text, "total_error_replies", errors.total());
}

fn traffic(session: &Session, stats: &Stats, text: &mut String) {
    let inner = session.engine.inner();
    let (calls, rates) = (inner.calls.total(), inner.stats.rates.now(inner));
    line(text, "total_connections_received", stats.sessions.value());
    line(text, "total_commands_processed", calls);
    line(text, "instantaneous_ops_per_sec", rates.calls as u64);
    line(text, "total_net_input_bytes", stats.input_bytes.value());
    line(text, "total_net_output_bytes", stats.output_bytes.value());
    zeros(
        text,
        &["total_net_repl_input_bytes", "total_net_repl_output_bytes"],
    );
    let kilobytes = |bytes: f64| format!("{:.2}", bytes / 1024.0);
    line(
        text,
        "instantaneous_input_kbps",
        kilobytes(rates.input_bytes),
    );
    line(
        text,
        "instantaneous_output_kbps",
        kilobytes(rates.output_bytes),
    );
    line(
        text,
        "rejected_connections",
        stats.refused_connections.value(),
    );
}

fn lifetimes(session: &Session, stats: &Stats, text: &mut String) {
    line(text, "expired_keys", stats.expired_keys.value());
    line(text, "expired_subkeys", stats.expired_fields.value());
    let stale = format!("{:.2}", stale_percent(session));
    line(text, "expired_stale_perc", stale);
    let cut_short = stats.ticks_cut_short.value();
    line(text, "expired_time_cap_reached_count", cut_short);
    let lag = &stats.expiry_lag;
    line(text, "expire_lag_ms_last", lag.last());
    line(text, "expire_lag_ms_p50", lag.percentile(50));
    line(text, "expire_lag_ms_p99", lag.percentile(99));
    line(text, "expire_lag_ms_max", lag.max());
    line(text, "evicted_keys", stats.evicted_keys.value());
    line(text, "evicted_clients", stats.evicted_clients.value());
    zeros(text, &["evicted_scripts"]);
}

/// Of all keys with a deadline, how many per cent are over and still there, by a sample.
fn stale_percent(session: &Session) -> f64 {
    let mut all = TtlSample::default();
    (0..session.engine.keyspace().databases()).for_each(|db| all.add(sample(session, DbIndex(db))));
    all.over as f64 * 100.0 / all.seen.max(1) as f64
}

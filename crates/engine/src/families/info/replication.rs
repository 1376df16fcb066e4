//! Who follows this engine, or whom it follows.

use super::line;
use crate::following::{Stage, Standing};
use crate::replicas::About;
use crate::session::Session;
use crate::{Engine, Primary};

pub(super) fn replication(session: &Session, text: &mut String) {
    let engine = &session.engine;
    match engine.primary() {
        (_, None) => line(text, "role", "master"),
        (_, Some(primary)) => followed(engine, &primary, text),
    }
    replicas(engine, text);
    let state = engine.failover().state();
    line(text, "master_failover_state", state);
    history(engine, text);
}

fn followed(engine: &Engine, primary: &Primary, text: &mut String) {
    let (standing, now) = (engine.following().standing(), engine.now());
    let (is_up, is_syncing) = (
        standing.stage == Stage::Up,
        standing.stage == Stage::Syncing,
    );
    line(text, "role", "slave");
    line(text, "master_host", &primary.host);
    line(text, "master_port", primary.port);
    line(
        text,
        "master_link_status",
        if is_up { "up" } else { "down" },
    );
    let silent = now.since(standing.heard_at) / 1000;
    line(
        text,
        "master_last_io_seconds_ago",
        if is_up { silent } else { -1 },
    );
    line(text, "master_sync_in_progress", u8::from(is_syncing));
    line(text, "slave_read_repl_offset", standing.read);
    line(text, "slave_repl_offset", standing.processed);
    if is_syncing {
        transfer(&standing, silent, text);
    }
    if let Some(since) = standing.down_since.filter(|_| !is_up) {
        line(
            text,
            "master_link_down_since_seconds",
            now.since(since) / 1000,
        );
    }
    let setting = |name| engine.config(name).unwrap_or_default();
    let flag = |name| u8::from(setting(name) == "yes");
    line(text, "slave_priority", setting("replica-priority"));
    line(text, "slave_read_only", flag("replica-read-only"));
    line(text, "replica_announced", flag("replica-announced"));
}

fn transfer(standing: &Standing, silent: i64, text: &mut String) {
    let progress = standing.transfer;
    let total = progress.total.unwrap_or(0);
    let left = total.saturating_sub(progress.read);
    let percent = progress.read as f64 * 100.0 / total.max(1) as f64;
    line(text, "master_sync_total_bytes", total);
    line(text, "master_sync_read_bytes", progress.read);
    line(text, "master_sync_left_bytes", left);
    line(text, "master_sync_perc", format_args!("{percent:.2}"));
    line(text, "master_sync_last_io_seconds_ago", silent);
}

fn replicas(engine: &Engine, text: &mut String) {
    let (replicas, now) = (engine.replicas().list(), engine.now());
    line(text, "connected_slaves", replicas.len());
    for (number, replica) in replicas.iter().enumerate() {
        let About { address, port, .. } = replica.about();
        let (stage, offset, lag) = (replica.stage_name(), replica.acked().0, replica.lag(now));
        let value = format!("ip={address},port={port},state={stage},offset={offset},lag={lag}");
        line(text, &format!("slave{number}"), value);
    }
}

fn history(engine: &Engine, text: &mut String) {
    let (journal, past) = (engine.log().journal(), *engine.inner().past.lock());
    line(text, "master_replid", journal.replid());
    let replid2 = past.map_or("0".repeat(40), |(id, _)| id.to_string());
    line(text, "master_replid2", replid2);
    line(text, "master_repl_offset", journal.offset());
    let second = past.map_or(-1, |(_, end)| end.0 as i64 + 1);
    line(text, "second_repl_offset", second);
    line(text, "repl_backlog_active", 1);
    let size = engine.config("repl-backlog-size");
    line(text, "repl_backlog_size", size.unwrap_or_default());
    let first = journal.first_offset().0 + 1;
    line(text, "repl_backlog_first_byte_offset", first);
    line(text, "repl_backlog_histlen", journal.bytes_kept());
}

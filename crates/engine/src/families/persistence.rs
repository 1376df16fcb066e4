//! BGREWRITEAOF, and what INFO tells of snapshots and of the append-only file.

use super::info::line;
use crate::LoadProgress;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use units::UnixMillis;

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::NO_ASYNC_LOADING);

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        Spec::new("bgrewriteaof", 1, Group::Server, FLAGS).doc(
            "1.0.0",
            "O(1)",
            "",
            "Writes the append-only file anew while commands go on.",
        ),
        bgrewriteaof,
    ),
    SessionCommand::new(
        Spec::new("backup", 3, Group::Server, FLAGS.union(Flags::NO_MULTI)).doc(
            "7.0.0",
            "O(N) in the bytes that are copied",
            "TO path",
            "Copies the data directory as it is now to another place; ours alone.",
        ),
        backup,
    ),
];

/// `BACKUP TO path`: how many files and bytes the copy has, and how many files were copied now.
fn backup(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if !args.keyword("TO") {
        return Err(Error::Syntax);
    }
    let path = Path::new(OsStr::from_bytes(args.bytes()?)).to_owned();
    let made = session.engine.backup(path).map_err(Error::err)?;
    let files = made.copied.len() + made.kept.len();
    reply.map(3);
    for (name, count) in [
        ("files", files as u64),
        ("copied", made.copied.len() as u64),
        ("bytes", made.bytes),
    ] {
        reply.bulk(name.as_bytes());
        reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }
    Ok(())
}

fn bgrewriteaof(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let is_saving = session.engine.inner().saving.record().began.is_some();
    let is_in_exec = session.is_in_exec();
    if is_in_exec && !session.engine.inner().saving.has_saver() {
        return Err(Error::err("Command not allowed inside a transaction"));
    }
    let asked = session.engine.rewrite_log_in_background();
    asked.map_err(Error::err)?;
    reply.simple(match is_saving || is_in_exec {
        false => "Background append only file rewriting started",
        true => "Background append only file rewriting scheduled",
    });
    Ok(())
}

/// The section `Persistence` of INFO.
pub(super) fn info(session: &Session, text: &mut String) {
    let appendonly = session.engine.inner().config.read().appendonly == Some(true);
    let views = session.engine.views();
    let progress = session.engine.load_progress();
    line(text, "loading", u8::from(progress.is_some()));
    line(text, "async_loading", 0);
    line(text, "current_cow_peak", views.kept_peak);
    line(text, "current_cow_size", views.kept_bytes);
    snapshots(session, text);
    rewrites(session, text);
    if appendonly {
        log_file(session, text);
    }
    if let Some(progress) = progress {
        loading(&progress, session.engine.now(), text);
    }
    line(text, "snapshot_views", views.alive);
    line(text, "snapshot_kept_bytes", views.kept_bytes);
    line(text, "snapshot_waits", views.waits);
    line(text, "snapshot_cancelled", views.cancelled);
}

fn loading(progress: &LoadProgress, now: UnixMillis, text: &mut String) {
    line(text, "loading_start_time", progress.began.secs());
    line(text, "loading_total_bytes", progress.total);
    line(text, "loading_rdb_used_mem", progress.used_memory);
    line(text, "loading_loaded_bytes", progress.read);
    let percent = format!("{:.2}", progress.percent());
    line(text, "loading_loaded_perc", percent);
    let left = progress.seconds_left(now).unwrap_or(1);
    line(text, "loading_eta_seconds", left);
}

fn snapshots(session: &Session, text: &mut String) {
    let inner = session.engine.inner();
    let (last, now) = (inner.saving.record(), session.engine.now());
    let dirty = inner.dirty.load(Relaxed);
    line(text, "rdb_changes_since_last_save", dirty);
    let in_progress = u8::from(last.began.is_some());
    line(text, "rdb_bgsave_in_progress", in_progress);
    line(text, "rdb_last_save_time", last.at.secs());
    let status = status(!inner.saving.has_failed());
    line(text, "rdb_last_bgsave_status", status);
    line(text, "rdb_last_bgsave_time_sec", seconds(last.took));
    let current = last.began.map(|began| now.since(began));
    line(text, "rdb_current_bgsave_time_sec", seconds(current));
    line(text, "rdb_saves", inner.stats.saves.value());
    line(text, "rdb_last_cow_size", last.kept);
    let snapshots = session.engine.recovery_report().files.iter();
    let snapshots: Vec<_> = snapshots.filter_map(|file| file.rdb.as_ref()).collect();
    let expired: u64 = snapshots.iter().map(|rdb| rdb.expired).sum();
    let loaded: u64 = snapshots.iter().map(|rdb| rdb.keys).sum();
    line(text, "rdb_last_load_keys_expired", expired);
    line(text, "rdb_last_load_keys_loaded", loaded);
}

fn rewrites(session: &Session, text: &mut String) {
    let inner = session.engine.inner();
    let (last, now) = (inner.durable.rewrite_record(), session.engine.now());
    let appendonly = inner.config.read().appendonly == Some(true);
    line(text, "aof_enabled", u8::from(appendonly));
    // Who was told that it started shall see that, unless a snapshot comes first.
    let waits = inner.saving.record().began.is_some();
    let in_progress = u8::from(last.began.is_some() || (last.is_wanted && !waits));
    line(text, "aof_rewrite_in_progress", in_progress);
    let scheduled = u8::from(last.is_wanted && waits);
    line(text, "aof_rewrite_scheduled", scheduled);
    line(text, "aof_last_rewrite_time_sec", seconds(last.took));
    let current = last.began.map(|began| now.since(began));
    line(text, "aof_current_rewrite_time_sec", seconds(current));
    let status = status(last.failures == 0);
    line(text, "aof_last_bgrewrite_status", status);
    line(text, "aof_rewrites", last.count);
    line(text, "aof_rewrites_consecutive_failures", last.failures);
    line(text, "aof_last_write_status", inner.durable.write_status());
    line(text, "aof_last_cow_size", last.kept);
    line(text, "module_fork_in_progress", 0);
    line(text, "module_fork_last_cow_size", 0);
}

fn log_file(session: &Session, text: &mut String) {
    let inner = session.engine.inner();
    let (size, base) = inner.durable.sizes();
    line(text, "aof_current_size", size);
    line(text, "aof_base_size", base);
    line(text, "aof_pending_rewrite", 0);
    line(text, "aof_buffer_length", inner.unwritten_bytes());
    line(text, "aof_pending_bio_fsync", 0);
    line(text, "aof_delayed_fsync", 0);
}

fn status(ok: bool) -> &'static str {
    if ok { "ok" } else { "err" }
}

/// Whole seconds of some milliseconds; -1 for none.
fn seconds(ms: Option<i64>) -> i64 {
    ms.map_or(-1, |ms| ms / 1000)
}

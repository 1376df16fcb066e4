//! What the program is, and who is connected.

use super::{line, zeros};
use crate::SERVER_NAME;
use crate::clients::{Card, Filter, Marks};
use crate::session::Session;
use std::sync::Arc;

/// How often Redis would look after itself in a second, and clients are told that we do.
const HZ: u32 = 10;

pub(super) fn server(session: &Session, text: &mut String) {
    let (inner, now) = (session.engine.inner(), session.engine.now());
    line(text, "redis_version", inner.compat().version());
    line(text, "server_name", SERVER_NAME);
    line(text, "duramen_version", env!("CARGO_PKG_VERSION"));
    line(text, "redis_mode", "standalone");
    line(text, "os", std::env::consts::OS);
    line(text, "arch_bits", usize::BITS);
    line(text, "process_id", std::process::id());
    line(text, "process_supervised", "no");
    line(text, "run_id", inner.run_id);
    if let Some(port) = session.engine.config("port") {
        line(text, "tcp_port", port);
    }
    line(text, "server_time_usec", now.0.saturating_mul(1000));
    let seconds = now.since(inner.opened_at) / 1000;
    line(text, "uptime_in_seconds", seconds);
    line(text, "uptime_in_days", seconds / 86_400);
    if let Some(until) = session.engine.ends_by() {
        let left = until.since(session.engine.now()).max(0);
        line(text, "shutdown_in_milliseconds", left);
    }
    line(text, "hz", HZ);
    line(text, "configured_hz", HZ);
    line(text, "lru_clock", now.secs() & 0xff_ffff);
    let program = std::env::current_exe().unwrap_or_default();
    line(text, "executable", program.display());
    let file = inner.configuring.file.as_deref();
    let file = file.map(|file| file.display().to_string());
    line(text, "config_file", file.unwrap_or_default());
    zeros(text, &["io_threads_active"]);
}

pub(super) fn clients(session: &Session, text: &mut String) {
    let engine = &session.engine;
    let clients = engine.open_sessions() - engine.replicas().count();
    line(text, "connected_clients", clients);
    zeros(text, &["cluster_connections"]);
    if let Some(most) = engine.config("maxclients") {
        line(text, "maxclients", most);
    }
    let cards = engine.clients().select(&Filter::default());
    let buffers: Vec<_> = cards.iter().map(|card| card.state().buffers).collect();
    let input = buffers.iter().map(|all| all.input + all.input_free).max();
    let output = buffers.iter().map(|all| all.output).max();
    line(text, "client_recent_max_input_buffer", input.unwrap_or(0));
    line(text, "client_recent_max_output_buffer", output.unwrap_or(0));
    let blocked = |card: &&Arc<Card>| card.state().marks.contains(Marks::BLOCKED);
    let blocked = cards.iter().filter(blocked).count();
    line(text, "blocked_clients", blocked);
    let tracking = engine.tracking().stats();
    line(text, "tracking_clients", tracking.clients);
    zeros(text, &["clients_in_timeout_table"]);
}

/// The engine knows no process: front-ends tell.
pub(super) fn cpu(_: &Session, _: &mut String) {}

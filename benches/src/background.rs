//! Snapshots that servers take while they go on, and what those tell of it.

use std::{
    process::Command,
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use kvdump::{Call, Reply, Tcp};

use crate::{Outcome, info, server::Server};

/// How often a server is asked whether it has ended.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// The longest that ending a child may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A snapshot in the background where the server has that, else one that the thread waits for.
pub(crate) fn start_snapshot(server: &Server) -> Outcome<JoinHandle<Result<(), String>>> {
    let mut connection = server.connect()?;
    Ok(std::thread::spawn(move || {
        snapshot(&mut connection).map_err(|error| error.to_string())
    }))
}

fn snapshot(connection: &mut Tcp) -> Outcome<()> {
    if let Reply::Error(_) = connection.call(&[b"BGSAVE"])? {
        connection.ask(&["SAVE"])?;
        return Ok(());
    }
    while is_saving(connection)? {
        sleep(ASK_EVERY);
    }
    Ok(())
}

/// Begins a snapshot and gives it up at once: microseconds that the fork took, `None` where the
/// server does not fork.
pub(crate) fn fork_micros(server: &Server, connection: &mut Tcp) -> Outcome<Option<f64>> {
    if let Reply::Error(_) = connection.call(&[b"BGSAVE"])? {
        return Ok(None);
    }
    let micros = info::text(connection, "stats", "latest_fork_usec")?;
    for child in server.children()? {
        // The way in which Redis ends a child itself. It may have ended already.
        Command::new("kill").args(["-USR1", &child]).status()?;
    }
    let deadline = Instant::now() + PATIENCE;
    while is_saving(connection)? {
        if Instant::now() > deadline {
            return Err("a snapshot was not given up".into());
        }
        sleep(ASK_EVERY);
    }
    Ok(micros.and_then(|text| text.parse().ok()))
}

fn is_saving(connection: &mut Tcp) -> Outcome<bool> {
    Ok(info::number(connection, "persistence", "rdb_bgsave_in_progress")? != 0)
}

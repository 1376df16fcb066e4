//! Snapshots that servers take, and logs that they rewrite, while they go on, and what they tell of
//! it.

use std::{
    process::Command,
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use kvdump::{Call, Reply, Tcp};

use crate::{Outcome, info, server::Server};

/// Whether a snapshot is under way, in INFO persistence.
const SAVING: &str = "rdb_bgsave_in_progress";
/// How often a server is asked whether it has ended.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// The longest that ending a child may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Job {
    /// A snapshot into a file.
    Snapshot,
    /// A new base for the log.
    Rewrite,
}

impl Job {
    /// Has the server begin; the thread ends when the job has.
    pub(crate) fn start(self, server: &Server) -> Outcome<JoinHandle<Result<(), String>>> {
        let mut connection = server.connect()?;
        Ok(std::thread::spawn(move || {
            self.run(&mut connection).map_err(|error| error.to_string())
        }))
    }

    fn run(self, connection: &mut Tcp) -> Outcome<()> {
        let (command, field) = match self {
            Job::Snapshot => ("BGSAVE", SAVING),
            Job::Rewrite => ("BGREWRITEAOF", "aof_rewrite_in_progress"),
        };
        connection.ask(&[command])?;
        while info::number(connection, "persistence", field)? != 0 {
            sleep(ASK_EVERY);
        }
        Ok(())
    }
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
    Ok(info::number(connection, "persistence", SAVING)? != 0)
}

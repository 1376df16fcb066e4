//! A RESP server on the duramen engine: sockets, signals, and `redis-server`'s flags and
//! configuration file.
//!
//! One thread a core, each with a runtime of its own; a connection lives on one of them and never
//! moves. This crate knows no command and no file of the data directory: a connection turns bytes
//! into requests, hands them to its [`duramen::Session`], and sends what that wrote.

mod accept;
mod aside;
mod committer;
mod config;
mod connection;
mod expirer;
mod huge_pages;
mod pipeline;
mod reclaimer;
mod saver;
mod shutdown;
mod stream;
mod worker;

pub use config::{ConfigError, ServerConfig};

use duramen::{Engine, OpenError, SaveError};
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Why the server did not start, or did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The data directory could not be opened.
    Open(Box<OpenError>),
    /// An address could not be listened on.
    Listen {
        /// The address or path.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// A thread or its runtime could not be started.
    Start(io::Error),
    /// The last save failed. What was changed since the save before is not on disk.
    Save(Box<SaveError>),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Open(error) => error.fmt(f),
            ServeError::Listen { address, error } => {
                write!(f, "Failed listening on {address}: {error}")
            }
            ServeError::Start(error) => write!(f, "could not start: {error}"),
            ServeError::Save(error) => write!(f, "could not save before ending: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Opens the data directory and serves it until a signal says to end; then saves as configured.
///
/// What happens is told on standard output, in lines like `redis-server`'s.
pub fn run(config: ServerConfig) -> Result<(), ServeError> {
    let listeners = accept::listen(&config)?;
    tell(&format!("PID: {}", std::process::id()));
    let engine = config.engine.open().map_err(|error| {
        if let Some(words) = error.in_redis_words() {
            tell(&format!("{error}: {words}"));
        }
        ServeError::Open(Box::new(error))
    })?;
    tell(&engine.recovery_report().to_string());
    tell("Server initialized");
    serve(engine, listeners, config.threads, config.client)
}

fn serve(
    engine: Engine,
    listeners: accept::Listeners,
    threads: usize,
    client: config::ClientConfig,
) -> Result<(), ServeError> {
    let (stop, stopped) = shutdown::channel();
    let workers = worker::start(&engine, threads, client, &stopped).map_err(ServeError::Start)?;
    let reclaimer = reclaimer::Reclaimer::start(&engine).map_err(ServeError::Start)?;
    let expirer = expirer::Expirer::start(&engine).map_err(ServeError::Start)?;
    let committer = committer::Committer::start(&engine).map_err(ServeError::Start)?;
    let saver = saver::Saver::start(&engine).map_err(ServeError::Start)?;
    accept::run(listeners, &engine, &workers, stop).map_err(ServeError::Start)?;
    tell("User requested shutdown...");
    engine.abort_scripts();
    worker::join(workers);
    saver.join();
    committer.join();
    expirer.join();
    reclaimer.join();
    engine
        .close()
        .map_err(|error| ServeError::Save(Box::new(error)))?;
    tell("ready to exit, bye bye...");
    Ok(())
}

/// A line of the log. The server goes on if nobody reads it any more.
fn tell(line: &str) {
    let pid = std::process::id();
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{pid}:M * {line}").and_then(|()| out.flush());
}

/// Does what `redis-server` does with these arguments: serves until the end, or prints its version
/// or its usage. Errors go to standard error.
pub fn command_line(args: &[String]) -> ExitCode {
    let (text, flag) = match args.first().map(String::as_str) {
        Some("--version" | "-v") => (version(), true),
        Some("--help" | "-h") => (USAGE.to_owned(), true),
        _ => (String::new(), false),
    };
    if flag {
        println!("{text}");
        return ExitCode::SUCCESS;
    }
    let config = ServerConfig::from_args(args).map_err(|error| error.to_string());
    match config.and_then(|config| run(config).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn version() -> String {
    format!("Duramen server v={}", env!("CARGO_PKG_VERSION"))
}

const USAGE: &str = "\
Usage: duramen-server [/path/to/redis.conf] [--<setting> <value> ...]

Serves a data directory over RESP, in place of redis-server.

  duramen-server                         port 6379, data in the current directory
  duramen-server redis.conf
  duramen-server --port 7000 --dir /var/lib/redis --save 900 1
  duramen-server --port 0 --unixsocket /run/redis.sock --appendonly no

Settings are redis.conf's; one that does not exist here is an error that names it.";

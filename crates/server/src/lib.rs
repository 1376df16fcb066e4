//! A RESP server on the duramen engine: sockets, signals, and `redis-server`'s flags and
//! configuration file.
//!
//! One thread a core, each with a runtime of its own; a connection lives on one of them and never
//! moves. This crate knows no command and no file of the data directory: a connection turns bytes
//! into requests, hands them to its [`duramen::Session`], and sends what that wrote.

mod accept;
mod addresses;
mod aside;
mod committer;
mod config;
mod connection;
mod directives;
mod ending;
mod expirer;
mod huge_pages;
mod info;
mod link;
mod listening;
mod live;
mod loader;
mod migration;
mod oom;
mod pid_file;
mod pipeline;
mod reclaimer;
mod saver;
mod shutdown;
mod stream;
mod tell;
mod worker;

pub use config::{ConfigError, ServerConfig};

use duramen::{OpenError, Opening, SaveError};
use pid_file::PidFile;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use tell::tell;

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
/// What happens is told on standard output or in `logfile`, in lines like `redis-server`'s.
pub fn run(config: ServerConfig) -> Result<(), ServeError> {
    open_log_file(&config)?;
    let listeners = accept::listen(&config)?;
    tell(&format!("PID: {}", std::process::id()));
    let (threads, pid_file) = (config.threads(), PidFile::new(&config.text("pidfile")));
    let opening = config.engine.begin().map_err(loader::refused)?;
    opening.engine().on_log(tell::at);
    tell("Server initialized");
    let served = serve(opening, listeners, threads);
    drop(pid_file);
    served
}

fn open_log_file(config: &ServerConfig) -> Result<(), ServeError> {
    tell::set_level(&config.text("loglevel"));
    let path = config.text("logfile");
    if path.is_empty() {
        return Ok(());
    }
    let opened = tell::into_file(Path::new(&path));
    opened.map_err(|error| ServeError::Start(io::Error::other(error)))
}

fn serve(opening: Opening, listeners: accept::Listeners, threads: usize) -> Result<(), ServeError> {
    let engine = opening.engine().clone();
    let (stop, stopped) = shutdown::channel();
    let live = live::Live::new(&engine);
    let (rebinder, rebinds) = listening::channel();
    let workers =
        worker::start(&engine, threads, live.clone(), &stopped).map_err(ServeError::Start)?;
    live::follow(&engine, live, rebinder);
    info::tell(&engine);
    migration::enable(&engine);
    let (loader, loaded) = loader::start(opening, stopped).map_err(ServeError::Start)?;
    accept::run(listeners, rebinds, &engine, &workers, stop, loaded).map_err(ServeError::Start)?;
    engine.abort_scripts();
    worker::join(workers);
    if let Some(services) = loader.join()? {
        services.join();
    }
    engine
        .close()
        .map_err(|error| ServeError::Save(Box::new(error)))?;
    tell("ready to exit, bye bye...");
    Ok(())
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

//! Starting a server, talking to it, ending it.

use std::{
    fmt, fs,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use kvdump::{Call, Dump, Reply, Tcp};
use tempfile::TempDir;

use crate::Build;

/// Longest time a server may take to start and load, and to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest time a single reply may take.
const REPLY_PATIENCE: Duration = Duration::from_secs(60);
/// How often a port that was free a moment ago may turn out to be taken.
const PORT_TRIES: usize = 5;
/// How much of a log is shown when something went wrong, in lines.
const LOG_LINES_SHOWN: usize = 30;

/// How to start a server: any binary that takes `redis-server`'s flags.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    dir: Option<PathBuf>,
    settings: Vec<(String, String)>,
}

impl Launch {
    /// The server at `binary`, without snapshots or AOF, in a fresh directory.
    pub fn new(binary: impl Into<PathBuf>) -> Launch {
        let launch = Launch {
            binary: binary.into(),
            dir: None,
            settings: Vec::new(),
        };
        launch.set("save", "").set("appendonly", "no")
    }

    /// A real server, with DEBUG allowed, and without access counters that sink while it is asked.
    pub fn build(build: Build, binary: impl Into<PathBuf>) -> Launch {
        let launch = Launch::new(binary).set("lfu-decay-time", "0");
        match build.guards_debug() {
            true => launch.set("enable-debug-command", "yes"),
            false => launch,
        }
    }

    /// Works in `dir` instead of a fresh directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Launch {
        self.dir = Some(dir.into());
        self
    }

    /// Adds or replaces a setting by its name in `redis.conf`.
    pub fn set(mut self, name: &str, value: &str) -> Launch {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it has loaded its files.
    pub fn start(&self) -> Result<Peer, PeerError> {
        for _ in 1..PORT_TRIES {
            match self.start_once() {
                Err(PeerError::Ended { log, .. }) if log.contains("ddress already in use") => {}
                other => return other,
            }
        }
        self.start_once()
    }

    fn start_once(&self) -> Result<Peer, PeerError> {
        let own = tempfile::Builder::new().prefix("interop-").tempdir()?;
        let dir = self.dir.clone().unwrap_or_else(|| own.path().join("data"));
        fs::create_dir_all(&dir)?;
        let port = free_port()?;
        let log = own.path().join("log");
        let mut command = Command::new(&self.binary);
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--daemonize",
            "no",
        ]);
        command.arg("--dir").arg(&dir);
        for (name, value) in &self.settings {
            command.arg(format!("--{name}")).arg(value);
        }
        let output = File::create(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .current_dir(&dir);
        let child = command.spawn()?;
        let mut peer = Peer {
            child,
            port,
            dir,
            log,
            connection: None,
            _own: own,
        };
        peer.wait_until_loaded()?;
        Ok(peer)
    }
}

/// A port nobody listens on at the moment.
fn free_port() -> Result<u16, PeerError> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A running server. Dropped, it is killed; its log is shown if a test is failing.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    port: u16,
    dir: PathBuf,
    log: PathBuf,
    connection: Option<Tcp>,
    _own: TempDir,
}

impl Peer {
    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The directory that it works in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A further connection.
    pub fn connect(&self) -> Result<Tcp, PeerError> {
        Ok(Tcp::connect(("127.0.0.1", self.port), REPLY_PATIENCE)?)
    }

    /// `DEBUG DIGEST`: 40 hex digits.
    pub fn digest(&mut self) -> Result<String, PeerError> {
        Ok(self.ask(&["DEBUG", "DIGEST"])?.into_text()?)
    }

    /// Everything in it.
    pub fn kvdump(&mut self) -> Result<Dump, PeerError> {
        Ok(kvdump::dump(self)?)
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Ends it by SIGTERM, as a system does, and waits for that.
    pub fn end(mut self) -> Result<ExitStatus, PeerError> {
        self.connection = None;
        Command::new("kill")
            .args(["-TERM", &self.pid().to_string()])
            .status()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(PeerError::Slow {
            doing: "ending",
            log: self.log_tail(),
        })
    }

    fn wait_until_loaded(&mut self) -> Result<(), PeerError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Err(PeerError::Ended {
                    status,
                    log: self.log_tail(),
                });
            }
            if self.connection.is_none() {
                self.connection = self.connect().ok();
            }
            match self.connection.as_mut().map(|to| to.call(&[b"PING"])) {
                Some(Ok(Reply::Simple(_))) => return Ok(()),
                Some(Err(_)) => self.connection = None,
                // Still loading, or not listening yet.
                _ => {}
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(PeerError::Slow {
            doing: "loading",
            log: self.log_tail(),
        })
    }
}

impl Call for Peer {
    fn call(&mut self, argv: &[&[u8]]) -> Result<Reply, kvdump::Error> {
        let port = self.port;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(Tcp::connect(("127.0.0.1", port), REPLY_PATIENCE)?),
        };
        let reply = connection.call(argv);
        if reply.is_err() {
            self.connection = None;
        }
        reply
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "log of the server on port {}:\n{}",
                self.port,
                self.log_tail()
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

/// Why a server could not be started, asked or ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum PeerError {
    /// It ended by itself while starting.
    Ended {
        /// How.
        status: ExitStatus,
        /// Its last words.
        log: String,
    },
    /// It did not get there in time.
    Slow {
        /// What it should have done.
        doing: &'static str,
        /// Its last words.
        log: String,
    },
    /// A file, a process or a socket failed.
    Io(std::io::Error),
    /// It could not be asked.
    Ask(kvdump::Error),
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerError::Ended { status, log } => {
                write!(f, "ended with {status} while starting:\n{log}")
            }
            PeerError::Slow { doing, log } => write!(f, "still {doing} after {PATIENCE:?}:\n{log}"),
            PeerError::Io(error) => write!(f, "{error}"),
            PeerError::Ask(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for PeerError {}

impl From<std::io::Error> for PeerError {
    fn from(error: std::io::Error) -> PeerError {
        PeerError::Io(error)
    }
}

impl From<kvdump::Error> for PeerError {
    fn from(error: kvdump::Error) -> PeerError {
        PeerError::Ask(error)
    }
}

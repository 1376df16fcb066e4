//! Listening, and handing each new connection to a worker in turn.

use crate::ServeError;
use crate::addresses::Address;
use crate::config::{ServerConfig, UnixSocket};
use crate::ending;
use crate::listening::{self, Listening, Rebind};
use crate::shutdown::Stop;
use crate::stream::Accepted;
use crate::tell::tell;
use crate::worker::Worker;
use duramen::Engine;
use duramen::storage::{Os, Storage as _};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

/// Sockets that listen. Removes the Unix socket's file when dropped.
pub(crate) struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Option<(UnixListener, SocketFile)>,
    backlog: i32,
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = remove_socket(&self.0);
    }
}

/// Removes what an earlier server left at `path`, if that is a socket and nothing else.
fn remove_socket(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => Os.remove(path).map_err(io::Error::other),
        _ => Ok(()),
    }
}

/// Listens on every address of the configuration.
pub(crate) fn listen(config: &ServerConfig) -> Result<Listeners, ServeError> {
    let mut tcp = Vec::new();
    for Address { socket, optional } in config.addresses() {
        match listening::listen(socket, config.backlog()) {
            Ok(listener) => tcp.push(listener),
            Err(_) if optional => {}
            Err(error) => {
                return Err(ServeError::Listen {
                    address: format!("port {socket}"),
                    error,
                });
            }
        }
    }
    let unix = config.unix_socket();
    let unix = unix.map(|socket| listen_unix(&socket)).transpose()?;
    Ok(Listeners {
        tcp,
        unix,
        backlog: config.backlog(),
    })
}

/// The mode is set before the socket listens, so that nobody slips in between.
fn listen_unix(socket: &UnixSocket) -> Result<(UnixListener, SocketFile), ServeError> {
    let open = || {
        remove_socket(&socket.path)?;
        let unix = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        unix.bind(&socket2::SockAddr::unix(&socket.path)?)?;
        if let Some(mode) = socket.mode {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&socket.path, mode)?;
        }
        unix.listen(511)?;
        unix.set_nonblocking(true)?;
        Ok(unix.into())
    };
    let listener = open().map_err(|error| ServeError::Listen {
        address: format!("Unix socket {}", socket.path.display()),
        error,
    })?;
    Ok((listener, SocketFile(socket.path.clone())))
}

/// Most directories are read within this time: nobody need hear `LOADING` of them.
const LOADED_WITHIN: Duration = Duration::from_millis(50);

/// Accepts until a signal or a client says to end, or the directory can't be read.
pub(crate) fn run(
    listeners: Listeners,
    rebinds: UnboundedReceiver<Rebind>,
    engine: &Engine,
    workers: &[Worker],
    stop: Stop,
    loaded: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let outcome = runtime.block_on(accept(listeners, rebinds, engine, workers, loaded));
    // Who sees its connection end must not find another one accepted: the listeners go first.
    drop(runtime);
    stop.stop();
    outcome
}

async fn accept(
    listeners: Listeners,
    mut rebinds: UnboundedReceiver<Rebind>,
    engine: &Engine,
    workers: &[Worker],
    mut loaded: oneshot::Receiver<()>,
) -> io::Result<()> {
    let mut turn = Turn { workers, next: 0 };
    let (send, mut accepted) = tokio::sync::mpsc::channel(64);
    let mut listening = Listening::new(send.clone(), listeners.backlog);
    for listener in listeners.tcp {
        listening.add(listener)?;
    }
    // The socket's file is there as long as this function runs.
    let (unix, _file) = listeners.unix.unzip();
    if let Some(listener) = unix {
        let listener = tokio::net::UnixListener::from_std(listener)?;
        tokio::spawn(accept_unix(listener, send.clone()));
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut ended = std::pin::pin!(ending::ended(engine));
    // Why a directory could not be read, the loader says.
    let mut is_loading = match tokio::time::timeout(LOADED_WITHIN, &mut loaded).await {
        Err(_) => true,
        Ok(Ok(())) => false,
        Ok(Err(_)) => return Ok(()),
    };
    if !is_loading {
        tell(READY);
    }
    loop {
        tokio::select! {
            read = &mut loaded, if is_loading => match read {
                Ok(()) => {
                    is_loading = false;
                    tell(READY);
                }
                Err(_) => return Ok(()),
            },
            Some(stream) = accepted.recv() => turn.give(stream),
            Some(request) = rebinds.recv() => listening.rebind(request).await,
            _ = terminate.recv() => ending::ask(engine, "shutdown-on-sigterm"),
            _ = interrupt.recv() => ending::ask_or_exit(engine, "shutdown-on-sigint"),
            () = &mut ended => return Ok(()),
        }
    }
}

const READY: &str = "Ready to accept connections";

/// How long to let others end when no connection can be accepted.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(20);

pub(crate) type Accepting = tokio::sync::mpsc::Sender<Accepted>;

/// Accepts until nobody takes what was accepted.
pub(crate) async fn accept_tcp(listener: tokio::net::TcpListener, send: Accepting) {
    loop {
        let accepted = listener
            .accept()
            .await
            .and_then(|(stream, _)| Accepted::tcp(stream));
        if !pass_on(accepted, &send).await {
            return;
        }
    }
}

async fn accept_unix(listener: tokio::net::UnixListener, send: Accepting) {
    loop {
        let accepted = listener
            .accept()
            .await
            .and_then(|(stream, _)| Accepted::unix(stream));
        if !pass_on(accepted, &send).await {
            return;
        }
    }
}

/// Whether to go on accepting. A failure (no descriptors left, or a peer that hung up at once)
/// concerns one connection; a pause lets others end and free what is missing.
async fn pass_on(accepted: io::Result<Accepted>, send: &Accepting) -> bool {
    match accepted {
        Ok(stream) => send.send(stream).await.is_ok(),
        Err(_) => {
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            true
        }
    }
}

/// Workers take turns.
struct Turn<'w> {
    workers: &'w [Worker],
    next: usize,
}

impl Turn<'_> {
    fn give(&mut self, stream: Accepted) {
        self.workers[self.next].take(stream);
        self.next = (self.next + 1) % self.workers.len();
    }
}

//! Listening, and handing each new connection to a worker in turn.

use crate::config::{ServerConfig, UnixSocket};
use crate::shutdown::Stop;
use crate::stream::Accepted;
use crate::worker::Worker;
use crate::{ServeError, tell};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Sockets that listen. Removes the Unix socket's file when dropped.
pub(crate) struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Option<(UnixListener, SocketFile)>,
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Listens on every address of the configuration.
pub(crate) fn listen(config: &ServerConfig) -> Result<Listeners, ServeError> {
    let mut tcp = Vec::new();
    for (address, optional) in config.addresses() {
        match listen_tcp(address, config.backlog) {
            Ok(listener) => tcp.push(listener),
            Err(_) if optional => {}
            Err(error) => {
                return Err(ServeError::Listen {
                    address: format!("port {address}"),
                    error,
                });
            }
        }
    }
    let unix = config.unix_socket.as_ref().map(listen_unix).transpose()?;
    Ok(Listeners { tcp, unix })
}

fn listen_tcp(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The mode is set before the socket listens, so that nobody slips in between.
fn listen_unix(socket: &UnixSocket) -> Result<(UnixListener, SocketFile), ServeError> {
    let open = || {
        let _ = std::fs::remove_file(&socket.path);
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

/// Accepts until a signal says to end.
pub(crate) fn run(listeners: Listeners, workers: &[Worker], stop: Stop) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut turn = Turn { workers, next: 0 };
        let (send, mut accepted) = tokio::sync::mpsc::channel(64);
        for listener in listeners.tcp {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(accept_tcp(listener, send.clone()));
        }
        let mut file = None;
        if let Some((listener, socket_file)) = listeners.unix {
            let listener = tokio::net::UnixListener::from_std(listener)?;
            tokio::spawn(accept_unix(listener, send.clone()));
            file = Some(socket_file);
        }
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tell("Ready to accept connections");
        loop {
            tokio::select! {
                Some(stream) = accepted.recv() => turn.give(stream),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        stop.stop();
        drop(file);
        Ok(())
    })
}

type Accepting = tokio::sync::mpsc::Sender<Accepted>;

async fn accept_tcp(listener: tokio::net::TcpListener, send: Accepting) {
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
/// concerns one connection; giving way lets others end and free what is missing.
async fn pass_on(accepted: io::Result<Accepted>, send: &Accepting) -> bool {
    match accepted {
        Ok(stream) => send.send(stream).await.is_ok(),
        Err(_) => {
            tokio::task::yield_now().await;
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

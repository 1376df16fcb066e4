//! The TCP sockets that listen, which may be others while the server runs (`CONFIG SET port`).

use crate::accept::{Accepting, accept_tcp};
use crate::addresses::Address;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// A socket that listens on `address`.
pub(crate) fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
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

/// Asks the thread that accepts to listen elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Rebinder(UnboundedSender<Rebind>);

/// What is asked of that thread.
#[derive(Debug)]
pub(crate) struct Rebind {
    wanted: Vec<Address>,
    answer: std::sync::mpsc::Sender<Result<(), String>>,
}

/// The two ends of asking.
pub(crate) fn channel() -> (Rebinder, UnboundedReceiver<Rebind>) {
    let (send, receive) = unbounded_channel();
    (Rebinder(send), receive)
}

impl Rebinder {
    /// Returns once the server listens on the addresses that are wanted and no others; or on those
    /// that it had, and why.
    pub(crate) fn rebind(&self, wanted: Vec<Address>) -> Result<(), String> {
        let (answer, answered) = std::sync::mpsc::channel();
        let gone = "the server ends".to_owned();
        let sent = self.0.send(Rebind { wanted, answer });
        sent.map_err(|_| gone.clone())?;
        answered.recv().unwrap_or(Err(gone))
    }
}

/// Tasks that accept, each from its socket.
pub(crate) struct Listening {
    open: Vec<(SocketAddr, JoinHandle<()>)>,
    backlog: i32,
    accepting: Accepting,
}

impl Listening {
    pub(crate) fn new(accepting: Accepting, backlog: i32) -> Listening {
        Listening {
            open: Vec::new(),
            backlog,
            accepting,
        }
    }

    /// Accepts from `listener` as well.
    pub(crate) fn add(&mut self, listener: TcpListener) -> io::Result<()> {
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let task = tokio::spawn(accept_tcp(listener, self.accepting.clone()));
        self.open.push((address, task));
        Ok(())
    }

    /// Does what is asked, and answers.
    pub(crate) async fn rebind(&mut self, request: Rebind) {
        let before: Vec<SocketAddr> = self.open.iter().map(|(address, _)| *address).collect();
        let wanted: Vec<SocketAddr> = request.wanted.iter().map(|one| one.socket).collect();
        self.close_all_but(&wanted).await;
        let mut outcome = Ok(());
        for one in &request.wanted {
            match self.open_one(one.socket) {
                Err(error) if !one.optional => {
                    outcome = Err(format!("Failed listening on {}: {error}", one.socket));
                    break;
                }
                _ => {}
            }
        }
        if outcome.is_err() {
            self.close_all_but(&before).await;
            for address in before {
                let _ = self.open_one(address);
            }
        }
        let _ = request.answer.send(outcome);
    }

    fn open_one(&mut self, address: SocketAddr) -> io::Result<()> {
        if self.open.iter().any(|(there, _)| *there == address) {
            return Ok(());
        }
        self.add(listen(address, self.backlog)?)
    }

    /// A task that was ended has closed its socket.
    async fn close_all_but(&mut self, wanted: &[SocketAddr]) {
        let (kept, closed) = self
            .open
            .drain(..)
            .partition::<Vec<_>, _>(|(address, _)| wanted.contains(address));
        self.open = kept;
        for (_, task) in closed {
            task.abort();
            let _ = task.await;
        }
    }
}

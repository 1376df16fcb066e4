//! A connection's socket, whichever kind it is.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// An accepted socket on its way to the thread that will serve it.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Accepted {
    /// From a socket of the accepting runtime.
    pub(crate) fn tcp(stream: tokio::net::TcpStream) -> io::Result<Accepted> {
        stream.set_nodelay(true)?;
        stream.into_std().map(Accepted::Tcp)
    }

    /// Whether the peer is on the same machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Accepted::Tcp(stream) => stream
                .peer_addr()
                .is_ok_and(|peer| peer.ip().to_canonical().is_loopback()),
            Accepted::Unix(_) => true,
        }
    }

    /// From a socket of the accepting runtime.
    pub(crate) fn unix(stream: tokio::net::UnixStream) -> io::Result<Accepted> {
        stream.into_std().map(Accepted::Unix)
    }
}

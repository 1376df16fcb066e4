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

    /// From a socket of the accepting runtime.
    pub(crate) fn unix(stream: tokio::net::UnixStream) -> io::Result<Accepted> {
        stream.into_std().map(Accepted::Unix)
    }
}

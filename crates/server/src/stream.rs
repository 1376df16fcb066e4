//! A connection's socket, whichever kind it is.

use duramen::Peer;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
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

    /// Where it comes from.
    pub(crate) fn peer(&self) -> Peer {
        match self {
            Accepted::Tcp(stream) => Peer {
                address: text(stream.peer_addr()),
                local_address: text(stream.local_addr()),
                descriptor: stream.as_raw_fd().into(),
                is_unix: false,
            },
            Accepted::Unix(stream) => {
                let local = stream.local_addr().ok();
                let path = local.as_ref().and_then(|address| address.as_pathname());
                let path = path.map_or_else(String::new, |path| path.display().to_string());
                Peer {
                    address: format!("{path}:0"),
                    local_address: format!("{path}:0"),
                    descriptor: stream.as_raw_fd().into(),
                    is_unix: true,
                }
            }
        }
    }
}

/// An address as clients write it; one that is gone already is empty.
fn text(address: io::Result<SocketAddr>) -> String {
    address.map_or_else(|_| String::new(), |address| address.to_string())
}

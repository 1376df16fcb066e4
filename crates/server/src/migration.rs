//! Connections to other servers, for `MIGRATE`.

use duramen::{Engine, PeerStream};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Lets the engine reach other servers.
pub(crate) fn enable(engine: &Engine) {
    engine.on_migrate(connect);
}

fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Box<dyn PeerStream>> {
    let mut failed = io::ErrorKind::NotFound.into();
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(Box::new(stream));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

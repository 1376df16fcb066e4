//! A connection whose replies are taken as they stand, byte by byte.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Elements in which replies may nest.
const DEPTH_MAX: usize = 64;

/// One connection to a server on this machine.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Wire {
    /// Connects to `port` on the loopback address.
    pub fn connect(port: u16) -> io::Result<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Wire {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends a command.
    pub fn send<W: AsRef<[u8]>>(&mut self, command: &[W]) -> io::Result<()> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for word in command {
            let word = word.as_ref();
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        self.stream.write_all(&bytes)
    }

    /// The next reply, or `None` if none came in time.
    pub fn reply(&mut self, patience: Duration) -> io::Result<Option<Vec<u8>>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(length) = frame(&self.received, DEPTH_MAX)? {
                let rest = self.received.split_off(length);
                return Ok(Some(std::mem::replace(&mut self.received, rest)));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.receive(left)? {
                return Ok(None);
            }
        }
    }

    /// Takes what arrives within `patience`; false if nothing does.
    fn receive(&mut self, patience: Duration) -> io::Result<bool> {
        let mut some = [0; 1 << 14];
        self.stream.set_read_timeout(Some(patience))?;
        match self.stream.read(&mut some) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                self.received.extend_from_slice(&some[..length]);
                Ok(true)
            }
            Err(error) if is_late(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// How long the reply at the front of `bytes` is, or `None` if not all of it is there.
fn frame(bytes: &[u8], depth: usize) -> io::Result<Option<usize>> {
    let Some(line) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let head = line + 2;
    let count = || number(&bytes[1..line]);
    match bytes[0] {
        b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => Ok(Some(head)),
        b'$' | b'=' | b'!' => {
            let end = count()?.map_or(head, |length| head.saturating_add(length + 2));
            Ok((bytes.len() >= end).then_some(end))
        }
        b'*' | b'~' | b'>' => items(bytes, head, count()?.unwrap_or(0), depth),
        b'%' => items(bytes, head, count()?.unwrap_or(0).saturating_mul(2), depth),
        _ => Err(io::Error::other(format!(
            "no reply: {}",
            bytes[..line].escape_ascii()
        ))),
    }
}

/// Where `count` replies end, the first of which begins at `start`.
fn items(bytes: &[u8], start: usize, count: usize, depth: usize) -> io::Result<Option<usize>> {
    let inside = depth
        .checked_sub(1)
        .ok_or_else(|| io::Error::other("nested too deep"))?;
    let mut at = start;
    for _ in 0..count {
        match frame(&bytes[at..], inside)? {
            Some(length) => at += length,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// A length; `None` for the -1 that stands for nothing.
fn number(digits: &[u8]) -> io::Result<Option<usize>> {
    if digits == b"-1" {
        return Ok(None);
    }
    let text = std::str::from_utf8(digits).ok();
    let length = text
        .and_then(|text| text.parse().ok())
        .filter(|length| *length < 1 << 30);
    match length {
        Some(length) => Ok(Some(length)),
        None => Err(io::Error::other(format!("{digits:?} is no length"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_where_its_last_element_does() {
        let reply = b"*3\r\n$3\r\na\r\n\r\n%1\r\n+f\r\n,1.5\r\n$-1\r\n+next\r\n";
        let whole = reply.len() - b"+next\r\n".len();
        assert_eq!(frame(reply, DEPTH_MAX).unwrap(), Some(whole));
        for short in 0..whole {
            assert_eq!(frame(&reply[..short], DEPTH_MAX).unwrap(), None, "{short}");
        }
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for bytes in [&b"?1\r\n"[..], b"$x\r\n", b"$99999999999\r\n"] {
            assert!(frame(bytes, DEPTH_MAX).is_err());
        }
        assert!(frame(&b"*1\r\n".repeat(80), DEPTH_MAX).is_err());
    }
}

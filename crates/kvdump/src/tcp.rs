//! A blocking RESP connection to a server.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use crate::{Call, Error, Reply};

/// How deep replies may nest.
const DEPTH_MAX: usize = 32;
/// Longest bulk that is believed, in bytes.
const BULK_BYTES_MAX: usize = 1 << 30;

/// One connection; RESP2 unless `HELLO 3` is sent over it.
#[derive(Debug)]
pub struct Tcp {
    input: BufReader<TcpStream>,
    output: Vec<u8>,
}

impl Tcp {
    /// Connects, with `timeout` for connecting and for each read and write.
    pub fn connect(address: impl ToSocketAddrs, timeout: Duration) -> Result<Tcp, Error> {
        let address = address
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no address"))?;
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Tcp {
            input: BufReader::with_capacity(1 << 16, stream),
            output: Vec::new(),
        })
    }

    /// Adds a command to what the next [`Tcp::flush`] sends.
    pub fn push(&mut self, argv: &[&[u8]]) {
        self.output
            .extend_from_slice(format!("*{}\r\n", argv.len()).as_bytes());
        for word in argv {
            self.output
                .extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            self.output.extend_from_slice(word);
            self.output.extend_from_slice(b"\r\n");
        }
    }

    /// Sends what was pushed.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.input.get_mut().write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    /// Waits for one reply.
    pub fn reply(&mut self) -> Result<Reply, Error> {
        read_reply(&mut self.input, DEPTH_MAX)
    }
}

impl Call for Tcp {
    fn call(&mut self, argv: &[&[u8]]) -> Result<Reply, Error> {
        self.push(argv);
        self.flush()?;
        self.reply()
    }
}

/// The reply that `bytes` begin with.
pub(crate) fn parse(mut bytes: &[u8]) -> Result<Reply, Error> {
    read_reply(&mut bytes, DEPTH_MAX)
}

fn read_reply(input: &mut impl BufRead, depth: usize) -> Result<Reply, Error> {
    let line = read_line(input)?;
    let (kind, rest) = line
        .split_at_checked(1)
        .ok_or_else(|| Error::Protocol("empty line".to_owned()))?;
    match kind {
        "+" => Ok(Reply::Simple(rest.to_owned())),
        "-" => Ok(Reply::Error(rest.to_owned())),
        ":" => Ok(Reply::Int(number(rest)?)),
        "_" => Ok(Reply::Nil),
        "#" => Ok(Reply::Int(i64::from(rest == "t"))),
        "," => rest
            .parse()
            .map(Reply::Double)
            .map_err(|_| Error::Protocol(line)),
        "(" => Ok(Reply::Bulk(rest.into())),
        "$" => read_bulk(input, number(rest)?),
        "=" => match read_bulk(input, number(rest)?)? {
            Reply::Bulk(mut text) => Ok(Reply::Bulk(text.split_off(4.min(text.len())))),
            other => Ok(other),
        },
        "*" | "~" | ">" => read_items(input, number(rest)?, depth)
            .map(|items| items.map_or(Reply::Nil, Reply::Array)),
        "%" => {
            let items = read_items(input, number(rest)?.saturating_mul(2), depth)?;
            Ok(items.map_or(Reply::Nil, Reply::Map))
        }
        _ => Err(Error::Protocol(line)),
    }
}

fn read_line(input: &mut impl BufRead) -> Result<String, Error> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        None if line.is_empty() => Err(Error::Io(io::ErrorKind::UnexpectedEof.into())),
        None => Err(Error::Protocol(line.escape_ascii().to_string())),
    }
}

fn number(text: &str) -> Result<i64, Error> {
    text.parse()
        .map_err(|_| Error::Protocol(format!("not a number: {text}")))
}

fn read_bulk(input: &mut impl BufRead, len: i64) -> Result<Reply, Error> {
    let Ok(len) = usize::try_from(len) else {
        return Ok(Reply::Nil);
    };
    if len > BULK_BYTES_MAX {
        return Err(Error::Protocol(format!("a bulk of {len} bytes")));
    }
    let mut bytes = Vec::new();
    input
        .by_ref()
        .take(len as u64 + 2)
        .read_to_end(&mut bytes)?;
    if bytes.len() != len + 2 || bytes.split_off(len) != b"\r\n" {
        return Err(Error::Protocol(format!(
            "a bulk of {len} bytes that does not end there"
        )));
    }
    Ok(Reply::Bulk(bytes))
}

/// The elements of an aggregate; `None` for RESP2's null array.
fn read_items(
    input: &mut impl BufRead,
    count: i64,
    depth: usize,
) -> Result<Option<Vec<Reply>>, Error> {
    if count < 0 {
        return Ok(None);
    }
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| Error::Protocol("nested too deep".to_owned()))?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(read_reply(input, depth)?);
    }
    Ok(Some(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind() {
        let cases: [(&[u8], Reply); 9] = [
            (b"+OK\r\n", Reply::Simple("OK".to_owned())),
            (b"-ERR no\r\n", Reply::Error("ERR no".to_owned())),
            (b":-7\r\n", Reply::Int(-7)),
            (b"$-1\r\n", Reply::Nil),
            (b"$2\r\n\r\n\r\n", Reply::Bulk(b"\r\n".to_vec())),
            (b"*-1\r\n", Reply::Nil),
            (b",inf\r\n", Reply::Double(f64::INFINITY)),
            (b"*1\r\n*0\r\n", Reply::Array(vec![Reply::Array(vec![])])),
            (
                b"%1\r\n+a\r\n:1\r\n",
                Reply::Map(vec![Reply::Simple("a".to_owned()), Reply::Int(1)]),
            ),
        ];
        for (bytes, want) in cases {
            assert_eq!(parse(bytes).ok(), Some(want), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn broken_input_is_an_error() {
        let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
        let cases: [&[u8]; 6] = [
            b"",
            b"+OK",
            b"$5\r\nab\r\n",
            b"$99999999999\r\n",
            b"?x\r\n",
            &deep,
        ];
        for bytes in cases {
            assert!(parse(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}

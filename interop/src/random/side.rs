//! One of the two servers, with its connections.

use std::{
    io,
    time::{Duration, Instant},
};

use kvdump::Reply;

use super::{Command, duel::PATIENCE, script::CONNECTIONS, wire::Wire};
use crate::{Launch, Peer};

/// How long to look for a reply before asking whether the connection waits.
const GLANCE: Duration = Duration::from_micros(300);
/// How long one server may take to serve whom the other has served.
const MOMENT: Duration = Duration::from_secs(2);
/// How often a server that has not counted yet who waits is asked again.
const ASKED_MAX: usize = 2000;
/// The databases that commands choose.
const DATABASES: [&[u8]; 3] = [b"0", b"1", b"2"];

/// What came of a command.
#[derive(Debug)]
pub(super) enum Answer {
    /// Its reply.
    Reply(Vec<u8>),
    /// Its connection waits.
    Waits,
}

impl Answer {
    /// The reply, or a word in its place.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Answer::Reply(bytes) => bytes,
            Answer::Waits => b"(waits)",
        }
    }
}

/// A server, the connections of a sequence, and one to ask how it goes.
#[derive(Debug)]
pub(super) struct Side {
    peer: Peer,
    control: Wire,
    wires: Vec<Wire>,
    ids: Vec<Vec<u8>>,
    /// How many of its connections wait.
    waiting: usize,
}

impl Side {
    /// Starts it.
    pub fn start(launch: &Launch) -> io::Result<Side> {
        let peer = launch.start().map_err(io::Error::other)?;
        Ok(Side {
            control: Wire::connect(peer.port())?,
            peer,
            wires: Vec::new(),
            ids: Vec::new(),
            waiting: 0,
        })
    }

    /// Empties it, and connects anew.
    pub fn begin(&mut self, library: &str) -> io::Result<()> {
        self.wires.clear();
        self.ids.clear();
        self.waiting = 0;
        for _ in 0..ASKED_MAX {
            if self.count_waiting()? == 0 {
                break;
            }
        }
        self.ask(&[b"FLUSHALL"])?;
        self.ask(&[b"SCRIPT", b"FLUSH"])?;
        self.ask(&[b"FUNCTION", b"FLUSH"])?;
        self.ask(&[b"FUNCTION", b"LOAD", library.as_bytes()])?;
        for connection in 0..CONNECTIONS {
            self.wires.push(Wire::connect(self.peer.port())?);
            if connection % 2 == 1 {
                self.call(connection, &["HELLO", "3"])?;
            }
            let id = self.call(connection, &["CLIENT", "ID"])?;
            self.ids.push(id[1..id.len() - 2].to_vec());
        }
        Ok(())
    }

    /// Asks on the connection of its own.
    pub fn ask(&mut self, command: &[&[u8]]) -> io::Result<Vec<u8>> {
        self.control.send(command)?;
        reply_in_time(&mut self.control)
    }

    /// Has keys go whose time is over: a digest may count them, and a scan does not.
    pub fn drop_expired(&mut self) -> io::Result<()> {
        for db in DATABASES {
            self.ask(&[b"SELECT", db])?;
            self.ask(&[b"SCAN", b"0", b"COUNT", b"1000000"])?;
        }
        Ok(())
    }

    /// Sends on a connection.
    pub fn send<W: AsRef<[u8]>>(&mut self, connection: usize, command: &[W]) -> io::Result<()> {
        self.wires[connection].send(command)
    }

    /// Sends on a connection that does not wait then, and takes the reply.
    pub fn call<W: AsRef<[u8]>>(
        &mut self,
        connection: usize,
        command: &[W],
    ) -> io::Result<Vec<u8>> {
        self.send(connection, command)?;
        reply_in_time(&mut self.wires[connection])
    }

    /// What came of what was sent last on a connection.
    pub fn answer(&mut self, connection: usize, may_wait: bool) -> io::Result<Answer> {
        if !may_wait {
            return reply_in_time(&mut self.wires[connection]).map(Answer::Reply);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(reply) = self.wires[connection].reply(GLANCE)? {
                return Ok(Answer::Reply(reply));
            }
            if self.count_waiting()? > self.waiting {
                self.waiting += 1;
                return Ok(Answer::Waits);
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// How many of its connections wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// The replies to those of `waiting` that wait no more. So many as are `expected` to wait on are
    /// given a moment to get there: a server with threads counts them when it gets to them.
    pub fn served(
        &mut self,
        waiting: &[Option<Command>],
        expected: Option<usize>,
    ) -> io::Result<Vec<Option<Vec<u8>>>> {
        let mut replies = vec![None; waiting.len()];
        let mut left = self.count_waiting()?;
        let moment = Instant::now() + MOMENT;
        while expected.is_some_and(|expected| left > expected) && Instant::now() < moment {
            left = self.count_waiting()?;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.waiting > left && Instant::now() < deadline {
            for connection in (0..waiting.len()).filter(|at| waiting[*at].is_some()) {
                if replies[connection].is_none() {
                    replies[connection] = self.wires[connection].reply(GLANCE)?;
                    self.waiting -= usize::from(replies[connection].is_some());
                }
            }
        }
        Ok(replies)
    }

    /// Frees a connection that waits.
    pub fn unblock(&mut self, connection: usize, error: bool) -> io::Result<()> {
        let how: &[u8] = if error { b"ERROR" } else { b"TIMEOUT" };
        let id = self.ids[connection].clone();
        self.ask(&[b"CLIENT", b"UNBLOCK", &id, how])?;
        let deadline = Instant::now() + PATIENCE;
        while self.count_waiting()? >= self.waiting && Instant::now() < deadline {}
        Ok(())
    }

    fn count_waiting(&mut self) -> io::Result<usize> {
        let info = self.ask(&[b"INFO", b"clients"])?;
        let Ok(Reply::Bulk(info)) = Reply::parse(&info) else {
            return Err(io::Error::other("INFO is no text"));
        };
        let info = String::from_utf8_lossy(&info);
        info.lines()
            .find_map(|line| line.strip_prefix("blocked_clients:")?.parse().ok())
            .ok_or_else(|| io::Error::other("INFO without blocked_clients"))
    }
}

fn reply_in_time(wire: &mut Wire) -> io::Result<Vec<u8>> {
    wire.reply(PATIENCE)?
        .ok_or_else(|| io::ErrorKind::TimedOut.into())
}

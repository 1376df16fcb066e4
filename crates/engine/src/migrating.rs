//! What `MIGRATE` says to other servers, over connections that a front-end opens.

use crate::Engine;
use commands::{Answers, Broken, Destination, Peers};
use parking_lot::Mutex;
use resp::{ReplyDecoder, Value, encode};
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A connection to another server. Reading and writing block, for as long as was asked for at most.
pub trait PeerStream: Read + Write + Send {}

impl<S: Read + Write + Send> PeerStream for S {}

type Connect = Box<dyn Fn(&str, u16, Duration) -> io::Result<Box<dyn PeerStream>> + Send + Sync>;

/// How many connections are kept for the next `MIGRATE`, and for how long.
const KEPT_MAX: usize = 64;
const KEPT_FOR: Duration = Duration::from_secs(10);

/// How much is read at once.
const READ_BYTES: usize = 4096;

/// The connections, and who opens more.
#[derive(Default)]
pub(crate) struct Migrating {
    connect: OnceLock<Connect>,
    kept: Mutex<Vec<Kept>>,
}

impl fmt::Debug for Migrating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrating").finish_non_exhaustive()
    }
}

/// A connection that may serve again, for the same peer and the same patience.
struct Kept {
    peer: (String, u16, Duration),
    stream: Box<dyn PeerStream>,
    /// The database that it is in, if that is known.
    db: Option<i64>,
    since: Instant,
}

impl Engine {
    /// Has `connect` open the connections over which `MIGRATE` moves keys: to a host and a port, where
    /// connecting, and each read and write afterwards, fail with [`io::ErrorKind::TimedOut`] or
    /// [`io::ErrorKind::WouldBlock`] once they take longer than that. The first that is given stays;
    /// without one `MIGRATE` is refused. The keys are locked while it goes on.
    pub fn on_migrate(
        &self,
        connect: impl Fn(&str, u16, Duration) -> io::Result<Box<dyn PeerStream>> + Send + Sync + 'static,
    ) {
        // Commands look at it, so it is not to change.
        let _ = self.inner().migrating.connect.set(Box::new(connect));
    }

    /// Hangs up where `MIGRATE` was not used for ten seconds: to be called every few seconds.
    pub fn end_idle_migrations(&self) {
        self.inner().migrating.kept();
    }
}

impl Migrating {
    /// The way to other servers, if a front-end opens connections.
    pub(crate) fn peers(&self) -> Option<&dyn Peers> {
        self.connect.get().map(|_| self as &dyn Peers)
    }

    /// How many connections wait to be used again.
    pub(crate) fn kept(&self) -> usize {
        let mut kept = self.kept.lock();
        kept.retain(|kept| kept.since.elapsed() <= KEPT_FOR);
        kept.len()
    }

    fn take(&self, peer: &(String, u16, Duration)) -> Option<Kept> {
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|kept| kept.peer == *peer)?;
        Some(kept.swap_remove(at))
    }

    fn keep(&self, mut used: Kept) {
        used.since = Instant::now();
        let mut kept = self.kept.lock();
        if kept.len() == KEPT_MAX {
            kept.swap_remove(0);
        }
        kept.push(used);
    }

    fn open(&self, peer: (String, u16, Duration)) -> io::Result<Kept> {
        let connect = self.connect.get().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Kept {
            stream: connect(&peer.0, peer.1, peer.2)?,
            peer,
            db: None,
            since: Instant::now(),
        })
    }
}

impl Peers for Migrating {
    fn ask(&self, to: &Destination<'_>, requests: &[Vec<Vec<u8>>]) -> Answers {
        let peer = (to.host.to_owned(), to.port, to.timeout);
        // What was kept may have been hung up since: then nothing was heard, and a new one is tried.
        if let Some(mut used) = self.take(&peer) {
            let (answers, may_retry) = used.converse(to, requests);
            if !may_retry {
                if answers.broken.is_none() {
                    self.keep(used);
                }
                return answers;
            }
        }
        let Ok(mut used) = self.open(peer) else {
            return broken(Broken::Connecting);
        };
        let (answers, _) = used.converse(to, requests);
        if answers.broken.is_none() {
            self.keep(used);
        }
        answers
    }
}

fn broken(at: Broken) -> Answers {
    Answers {
        replies: Vec::new(),
        broken: Some(at),
    }
}

impl Kept {
    /// Sends everything, hears everything; and whether it may be tried again, as the connection was
    /// gone before anything was heard.
    fn converse(&mut self, to: &Destination<'_>, requests: &[Vec<Vec<u8>>]) -> (Answers, bool) {
        let (bytes, before) = self.encode(to, requests);
        if let Err(error) = self.stream.write_all(&bytes) {
            return (broken(Broken::Writing), !is_timeout(&error));
        }
        let mut replies = Vec::new();
        let failed = self.hear(before + requests.len(), &mut replies).err();
        let is_over = failed.as_ref().is_some_and(|error| !is_timeout(error));
        let may_retry = is_over && replies.is_empty();
        let refused = replies.iter().any(Result::is_err);
        self.db = (!refused).then_some(to.db);
        let answers = Answers {
            replies: behind(replies, before),
            broken: failed.map(|_| Broken::Reading),
        };
        (answers, may_retry)
    }

    /// The bytes of all requests, behind those that say who asks and where it goes; how many these
    /// are.
    fn encode(&self, to: &Destination<'_>, requests: &[Vec<Vec<u8>>]) -> (Vec<u8>, usize) {
        let (mut bytes, mut before) = (Vec::new(), 0);
        if !to.auth.is_empty() {
            encode::command(&mut bytes, &[&[b"AUTH".as_slice()], to.auth].concat());
            before += 1;
        }
        if self.db != Some(to.db) {
            encode::command(&mut bytes, &[b"SELECT", to.db.to_string().as_bytes()]);
            before += 1;
        }
        for request in requests {
            let argv: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            encode::command(&mut bytes, &argv);
        }
        (bytes, before)
    }

    fn hear(&mut self, count: usize, replies: &mut Vec<Result<(), String>>) -> io::Result<()> {
        let mut decoder = ReplyDecoder::new();
        let mut block = [0; READ_BYTES];
        while replies.len() < count {
            match decoder.next_value().map_err(io::Error::other)? {
                Some(Value::Error(line)) => {
                    replies.push(Err(String::from_utf8_lossy(&line).into_owned()));
                }
                Some(_) => replies.push(Ok(())),
                None => match self.stream.read(&mut block)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => decoder.feed(&block[..read]),
                },
            }
        }
        Ok(())
    }
}

/// A read that took too long says either, by the system.
fn is_timeout(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::TimedOut || kind == io::ErrorKind::WouldBlock
}

/// The replies behind the first few, whose refusals are about all of the others.
fn behind(mut replies: Vec<Result<(), String>>, before: usize) -> Vec<Result<(), String>> {
    let rest = replies.split_off(before.min(replies.len()));
    match replies.into_iter().find_map(Result::err) {
        None => rest,
        Some(refusal) => vec![Err(refusal); rest.len().max(1)],
    }
}

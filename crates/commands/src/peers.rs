//! Other servers, as far as `MIGRATE` needs them.

use std::fmt;
use std::time::Duration;

/// Where keys are to go.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// A name or an address.
    pub host: &'a str,
    /// Its TCP port.
    pub port: u16,
    /// The number of the database, which that server may not have.
    pub db: i64,
    /// How long it may take to connect, and to take or to give some bytes.
    pub timeout: Duration,
    /// What `AUTH` is to be told: a password, or a user and a password.
    pub auth: &'a [&'a [u8]],
}

/// Where a conversation broke off. Shown as `MIGRATE` replies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// There was no connection.
    Connecting,
    /// It failed while requests were sent.
    Writing,
    /// It failed while replies were awaited.
    Reading,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Broken::Connecting => "IOERR error or timeout connecting to the client",
            Broken::Writing => "IOERR error or timeout writing to target instance",
            Broken::Reading => "IOERR error or timeout reading to target instance",
        })
    }
}

/// What another server said to requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether each request was carried out, or the error that came instead; those that were
    /// answered, in order.
    pub replies: Vec<Result<(), String>>,
    /// Why there are no more.
    pub broken: Option<Broken>,
}

/// The way to other servers.
pub trait Peers: Sync {
    /// Sends requests, each as its arguments, to the destination's database, and hears the answers.
    fn ask(&self, to: &Destination<'_>, requests: &[Vec<Vec<u8>>]) -> Answers;
}

//! Runs real servers beside ours: finds them, starts them, feeds them, compares, ends them.
//!
//! [`Build`] names a real server, [`Launch`] starts one in a directory of its own, [`Peer`] is it
//! while it runs, [`Ours`] is our engine in this process. [`corpus`] lists the files that real servers wrote, each with what it holds.
//! `scripts/bring_peers` brings the binaries; where one is missing a test says so and skips it,
//! but fails if `CI` is `true`.
//!
//! This package knows nothing of how a file is read or written: it only compares what two
//! programs say about it.

mod build;
pub mod corpus;
pub mod losses;
mod ours;
mod peer;
pub mod random;

pub use build::{Build, Missing, available, our_program, our_server};
pub use ours::Ours;
pub use peer::{Launch, Peer, PeerError};

/// What a test returns: any error ends it, with its text.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Fails with every line of `problems`, or says how much was compared.
pub fn conclude(what: &str, compared: usize, problems: &[String]) -> Outcome {
    println!("{what}: {compared} compared, {} differ", problems.len());
    if problems.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = problems.iter().take(60).map(String::as_str).collect();
    Err(format!("{} of {what} differ:\n{}", problems.len(), shown.join("\n")).into())
}

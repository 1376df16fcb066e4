//! Commands on the session and the engine as a whole, one family a file.

mod command;
mod config;
mod connection;
mod debug;
mod function;
mod info;
mod memory;
mod persistence;
mod pubsub;
mod server;
mod syntax;
mod transactions;

use crate::registry::SessionCommand;
use commands::{Outcome, ReplySink};

/// Every such family.
pub(crate) const ALL: &[&[SessionCommand]] = &[
    connection::COMMANDS,
    server::COMMANDS,
    persistence::COMMANDS,
    memory::COMMANDS,
    config::COMMANDS,
    command::COMMANDS,
    debug::COMMANDS,
    function::COMMANDS,
    pubsub::COMMANDS,
    transactions::COMMANDS,
];

/// Answers a `HELP` subcommand.
fn help(reply: &mut dyn ReplySink, lines: &[&str]) -> Outcome {
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
    Ok(())
}

//! Commands on the session and the engine as a whole, one family a file.

mod acl;
mod auth;
mod client;
mod cluster;
mod command;
mod config;
mod connection;
mod debug;
mod function;
mod info;
mod latency;
mod lolwut;
mod memory;
mod module;
mod persistence;
mod pubsub;
mod replication;
#[cfg(feature = "scripts")]
mod script;
mod server;
mod shutdown;
mod slowlog;
mod tracking;
mod transactions;

use crate::registry::{ScriptCommand, SessionCommand};
use commands::{Outcome, ReplySink};

/// Every such family.
pub(crate) const ALL: &[&[SessionCommand]] = &[
    connection::COMMANDS,
    client::COMMANDS,
    client::WAITING,
    auth::COMMANDS,
    tracking::COMMANDS,
    acl::COMMANDS,
    server::COMMANDS,
    shutdown::COMMANDS,
    slowlog::COMMANDS,
    replication::COMMANDS,
    cluster::COMMANDS,
    latency::COMMANDS,
    lolwut::COMMANDS,
    persistence::COMMANDS,
    memory::COMMANDS,
    module::COMMANDS,
    config::COMMANDS,
    command::COMMANDS,
    debug::COMMANDS,
    function::COMMANDS,
    #[cfg(feature = "scripts")]
    script::COMMANDS,
    pubsub::COMMANDS,
    transactions::COMMANDS,
];

/// The commands that run scripts.
#[cfg(feature = "scripts")]
pub(crate) const SCRIPTS: &[ScriptCommand] = script::SCRIPTS;
/// There are none without the feature `scripts`.
#[cfg(not(feature = "scripts"))]
pub(crate) const SCRIPTS: &[ScriptCommand] = &[];

/// Answers a `HELP` subcommand.
fn help(reply: &mut dyn ReplySink, lines: &[&str]) -> Outcome {
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
    Ok(())
}

//! Commands that run other commands: under the locks of every shard, and for as long as they like.

use super::Session;
use crate::registry::{self, Entry, ScriptCommand};
use commands::{Flags, Outcome, ReplySink};
use keyspace::{Mode, Plan};

impl Session {
    /// Runs a script with every shard locked: it may touch keys that it did not name.
    pub(super) fn run_script(
        &mut self,
        command: &ScriptCommand,
        argv: &[&[u8]],
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        self.refresh_settings();
        let engine = self.engine.clone();
        let mode = match command.spec.flags.contains(Flags::READONLY) {
            true => Mode::Read,
            false => Mode::Write,
        };
        let mut keys = self.lock(&engine, Plan::all(mode))?;
        let outcome = command.run(self, &mut keys, argv, reply);
        self.commit(keys);
        outcome
    }

    /// Whether a request runs scripts or waits for another server, which take as long as they like:
    /// a front-end with few threads does not let it hold one of them.
    pub fn may_take_long(&self, argv: &[&[u8]]) -> bool {
        // Every request passes here, and few are meant.
        let begins = argv.first().and_then(|name| name.first());
        if !matches!(begins, Some(b'e' | b'E' | b'f' | b'F' | b'm' | b'M')) {
            return false;
        }
        match registry::identify(argv) {
            Ok(entry) if takes_long(&entry) => !self.in_transaction(),
            Ok(entry) => entry.spec().name == "exec" && self.transaction.takes_long(),
            Err(_) => false,
        }
    }
}

/// Whether it runs scripts or waits for another server.
pub(super) fn takes_long(entry: &Entry) -> bool {
    matches!(entry, Entry::Script(_)) || entry.spec().name == "migrate"
}

#[cfg(not(feature = "scripts"))]
impl Session {
    /// There are no scripts.
    pub(super) fn says_it_only_reads(&self, _: &[&[u8]]) -> bool {
        false
    }
}

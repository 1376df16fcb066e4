//! CLUSTER and what clients of one send, which there is none of: all of it says so.

use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Category, Error, Flags, Group, Outcome, ReplySink, Spec, tips};

const ASKS: Flags = Flags::STALE;
const LOOKS_INTO: Flags = Flags::ADMIN.union(Flags::STALE);
const CHANGES: Flags = LOOKS_INTO.union(Flags::NO_ASYNC_LOADING);
const RESETS: Flags = LOOKS_INTO.union(Flags::NOSCRIPT);
const HELPS: Flags = Flags::LOADING.union(Flags::STALE);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Cluster, flags).doc(
        "3.0.0",
        "O(1)",
        "",
        "Is refused: there are no clusters here.",
    )
}

/// What clients say of their connection to a node.
const SAYS: Flags = Flags::FAST;
const SAYS_EARLY: Flags = Flags::LOADING.union(Flags::STALE).union(SAYS);
const CONNECTION: &[Category] = &["connection"];

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(spec("asking", 1, SAYS).also_in(CONNECTION), refuse),
    SessionCommand::new(spec("readonly", 1, SAYS_EARLY).also_in(CONNECTION), refuse),
    SessionCommand::new(spec("readwrite", 1, SAYS_EARLY).also_in(CONNECTION), refuse),
    SessionCommand::new(spec("cluster|addslots", -3, CHANGES), refuse),
    SessionCommand::new(spec("cluster|addslotsrange", -4, CHANGES), refuse),
    SessionCommand::new(
        spec("cluster|bumpepoch", 2, CHANGES).tips(tips::VARIES),
        refuse,
    ),
    SessionCommand::new(
        spec("cluster|count-failure-reports", 3, LOOKS_INTO).tips(tips::VARIES),
        refuse,
    ),
    SessionCommand::new(spec("cluster|countkeysinslot", 3, ASKS), refuse),
    SessionCommand::new(spec("cluster|delslots", -3, CHANGES), refuse),
    SessionCommand::new(spec("cluster|delslotsrange", -4, CHANGES), refuse),
    SessionCommand::new(spec("cluster|failover", -2, CHANGES), refuse),
    SessionCommand::new(spec("cluster|flushslots", 2, CHANGES), refuse),
    SessionCommand::new(spec("cluster|forget", 3, CHANGES), refuse),
    SessionCommand::new(
        spec("cluster|getkeysinslot", 4, ASKS).tips(tips::VARIES),
        refuse,
    ),
    SessionCommand::new(spec("cluster|help", 2, HELPS), refuse),
    SessionCommand::new(spec("cluster|info", 2, ASKS).tips(tips::VARIES), refuse),
    SessionCommand::new(spec("cluster|keyslot", 3, ASKS), refuse),
    SessionCommand::new(spec("cluster|links", 2, ASKS).tips(tips::VARIES), refuse),
    SessionCommand::new(spec("cluster|meet", -4, CHANGES), refuse),
    SessionCommand::new(spec("cluster|myid", 2, ASKS), refuse),
    SessionCommand::new(spec("cluster|nodes", 2, ASKS).tips(tips::VARIES), refuse),
    SessionCommand::new(
        spec("cluster|replicas", 3, LOOKS_INTO).tips(tips::VARIES),
        refuse,
    ),
    SessionCommand::new(spec("cluster|replicate", 3, CHANGES), refuse),
    SessionCommand::new(spec("cluster|reset", -2, RESETS), refuse),
    SessionCommand::new(spec("cluster|saveconfig", 2, CHANGES), refuse),
    SessionCommand::new(spec("cluster|set-config-epoch", 3, CHANGES), refuse),
    SessionCommand::new(spec("cluster|setslot", -4, CHANGES), refuse),
    SessionCommand::new(spec("cluster|shards", 2, ASKS).tips(tips::VARIES), refuse),
    SessionCommand::new(
        spec("cluster|slaves", 3, LOOKS_INTO).tips(tips::VARIES),
        refuse,
    ),
    SessionCommand::new(spec("cluster|slots", 2, ASKS).tips(tips::VARIES), refuse),
];

fn refuse(_: &mut Session, _: &mut Args<'_>, _: &mut dyn ReplySink) -> Outcome {
    Err(Error::err("This instance has cluster support disabled"))
}

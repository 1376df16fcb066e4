//! Commands on keys of any type: life and death, deadlines, names, walks, and what OBJECT tells.

mod dump;
mod expire;
mod life;
mod migrate;
mod object;
mod rename;
mod walk;

use crate::{Category, Command, Flags, Group, KeyAccess, KeySpec, Spec, tips};

const fn row(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Generic, flags).keys(KeySpec::FIRST)
}

const fn server_row(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Server, flags)
}

/// The key of a subcommand.
const SECOND: KeySpec = KeySpec::Range {
    first: 2,
    last: 2,
    step: 1,
};

/// Categories of commands that can do much harm.
const DANGEROUS: &[Category] = &["dangerous"];
const RESTORES: &[Category] = &["keyspace", "dangerous"];
const WHOLE_KEYSPACE: &[Category] = &["keyspace", "dangerous"];

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.union(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = Flags::WRITE.union(Flags::FAST);
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);

#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(row("del", -2, WRITE).keys(KeySpec::ALL).access(&[KeyAccess::REMOVE]).tips(tips::SPLIT_AND_SUM)
        .doc("1.0.0", "O(N) where N is the number of keys", "key [key ...]", "Removes keys."), life::del),
    Command::new(row("unlink", -2, WRITE_FAST).keys(KeySpec::ALL).access(&[KeyAccess::REMOVE]).tips(tips::SPLIT_AND_SUM)
        .doc("4.0.0", "O(N) where N is the number of keys", "key [key ...]", "Removes keys; what they held is freed in the background."), life::unlink),
    Command::new(row("exists", -2, READ_FAST).keys(KeySpec::ALL).access(&[KeyAccess::LOOK]).tips(tips::SPLIT_AND_SUM)
        .doc("1.0.0", "O(N) where N is the number of keys", "key [key ...]", "Counts how many of the named keys there are."), life::exists),
    Command::new(row("touch", -2, READ_FAST).keys(KeySpec::ALL).access(&[KeyAccess::LOOK]).tips(tips::SPLIT_AND_SUM)
        .doc("3.2.1", "O(N) where N is the number of keys", "key [key ...]", "Counts the named keys that there are, and has them count as used."), life::touch),
    Command::new(row("type", 2, READ_FAST).access(&[KeyAccess::LOOK])
        .doc("1.0.0", "O(1)", "key", "Tells which type of value a key holds."), life::type_of),

    Command::new(row("expire", -3, WRITE_FAST)
        .doc("1.0.0", "O(1)", "key seconds [NX | XX | GT | LT]", "Has a key expire in a number of seconds."), expire::expire),
    Command::new(row("pexpire", -3, WRITE_FAST)
        .doc("2.6.0", "O(1)", "key milliseconds [NX | XX | GT | LT]", "Has a key expire in a number of milliseconds."), expire::pexpire),
    Command::new(row("expireat", -3, WRITE_FAST)
        .doc("1.2.0", "O(1)", "key unix-time-seconds [NX | XX | GT | LT]", "Has a key expire at a time in seconds."), expire::expireat),
    Command::new(row("pexpireat", -3, WRITE_FAST)
        .doc("2.6.0", "O(1)", "key unix-time-milliseconds [NX | XX | GT | LT]", "Has a key expire at a time in milliseconds."), expire::pexpireat),
    Command::new(row("ttl", 2, READ_FAST).tips(tips::VARIES)
        .doc("1.0.0", "O(1)", "key", "Returns the seconds that a key has left."), expire::ttl),
    Command::new(row("pttl", 2, READ_FAST).tips(tips::VARIES)
        .doc("2.6.0", "O(1)", "key", "Returns the milliseconds that a key has left."), expire::pttl),
    Command::new(row("expiretime", 2, READ_FAST)
        .doc("7.0.0", "O(1)", "key", "Returns when a key expires, in seconds since the epoch."), expire::expiretime),
    Command::new(row("pexpiretime", 2, READ_FAST)
        .doc("7.0.0", "O(1)", "key", "Returns when a key expires, in milliseconds since the epoch."), expire::pexpiretime),
    Command::new(row("persist", 2, WRITE_FAST)
        .doc("2.2.0", "O(1)", "key", "Has a key stay until it is removed."), expire::persist),

    Command::new(row("rename", 3, WRITE).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::OVERWRITE])
        .doc("1.0.0", "O(1)", "key newkey", "Gives a value another key, in place of what that held."), rename::rename),
    Command::new(row("renamenx", 3, WRITE_FAST).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::CREATE])
        .doc("1.0.0", "O(1)", "key newkey", "Gives a value another key unless that exists."), rename::renamenx),
    Command::new(row("copy", -3, GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::READ, KeyAccess::OVERWRITE])
        .doc("6.2.0", "O(1): big values are shared until one of them changes", "source destination [DB destination-db] [REPLACE]", "Puts a copy of a value at another key."), rename::copy),
    Command::new(row("move", 3, WRITE_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.0.0", "O(1)", "key db", "Moves a key to another database."), rename::move_to),

    Command::new(row("dump", 2, READ).tips(tips::VARIES)
        .doc("2.6.0", "O(N) where N is the size of the value", "key", "Returns a value as a payload for RESTORE."), dump::dump),
    Command::new(row("restore", -4, GROW).also_in(DANGEROUS).access(&[KeyAccess::OVERWRITE])
        .doc("2.6.0", "O(N) where N is the size of the value", "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]", "Puts the value of a payload at a key."), dump::restore),
    Command::new(Spec::new("restore-asking", -4, Group::Server, GROW.union(Flags::ASKING)).keys(KeySpec::FIRST).also_in(RESTORES).access(&[KeyAccess::OVERWRITE])
        .doc("3.0.0", "O(N) where N is the size of the value", "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]", "Puts the value of a payload at a key, as nodes of clusters have each other do."), dump::restore),

    Command::new(row("migrate", -6, WRITE.union(Flags::MOVABLEKEYS)).keys(migrate::KEYS).also_in(DANGEROUS).access(&[KeyAccess::TAKE]).tips(tips::VARIES)
        .doc("2.6.0", "O(N) where N is the size of the values", "host port <key | \"\"> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password] [KEYS key [key ...]]", "Moves keys to another server."), migrate::migrate),

    Command::new(row("scan", -2, READ).keys(KeySpec::None).tips(tips::WALK)
        .doc("2.8.0", "O(1) for a call, O(N) for a whole walk", "cursor [MATCH pattern] [COUNT count] [TYPE type]", "Walks the keys of the database, some at a time."), walk::scan),
    Command::new(row("keys", 2, READ).keys(KeySpec::None).also_in(DANGEROUS).tips(tips::EVERY_SHARD_UNORDERED)
        .doc("1.0.0", "O(N) where N is the number of keys", "pattern", "Lists the keys that fit a pattern."), walk::keys),
    Command::new(row("randomkey", 1, READ).keys(KeySpec::None).tips(tips::ANY_SHARD)
        .doc("1.0.0", "O(1)", "", "Returns some key of the database."), walk::randomkey),

    Command::new(row("object|encoding", 3, READ).keys(SECOND).access(&[KeyAccess::LOOK]).tips(tips::VARIES)
        .doc("2.2.3", "O(1)", "key", "Tells in which form a value is kept."), object::encoding),
    Command::new(row("object|refcount", 3, READ).keys(SECOND).access(&[KeyAccess::LOOK]).tips(tips::VARIES)
        .doc("2.2.3", "O(1)", "key", "Tells how often a value is referred to."), object::refcount),
    Command::new(row("object|idletime", 3, READ).keys(SECOND).access(&[KeyAccess::LOOK]).tips(tips::VARIES)
        .doc("2.2.3", "O(1)", "key", "Returns the seconds since a key was last used."), object::idletime),
    Command::new(row("object|freq", 3, READ).keys(SECOND).access(&[KeyAccess::LOOK]).tips(tips::VARIES)
        .doc("4.0.0", "O(1)", "key", "Returns how often a key is used, on a logarithmic scale."), object::freq),
    Command::new(row("object|help", 2, Flags::LOADING.union(Flags::STALE)).keys(KeySpec::None)
        .doc("6.2.0", "O(1)", "", "Lists the subcommands of OBJECT."), object::help),
    Command::new(server_row("memory|usage", -3, READ).keys(SECOND).access(&[KeyAccess::LOOK])
        .doc("4.0.0", "O(1)", "key [SAMPLES count]", "Tells how many bytes a key and its value take."), object::memory_usage),

    Command::new(server_row("dbsize", 1, READ_FAST).also_in(&["keyspace"]).tips(tips::EVERY_SHARD_SUM)
        .doc("1.0.0", "O(1)", "", "Returns the number of keys in the database."), life::dbsize),
    Command::new(server_row("flushdb", -1, WRITE).also_in(WHOLE_KEYSPACE).tips(tips::EVERY_SHARD)
        .doc("1.0.0", "O(N) where N is the number of keys", "[ASYNC | SYNC]", "Removes every key of the database."), life::flushdb),
    Command::new(server_row("flushall", -1, WRITE).also_in(WHOLE_KEYSPACE).tips(tips::EVERY_SHARD)
        .doc("1.0.0", "O(N) where N is the number of keys", "[ASYNC | SYNC]", "Removes every key of every database."), life::flushall),
    Command::new(server_row("swapdb", 3, WRITE_FAST).also_in(WHOLE_KEYSPACE)
        .doc("4.0.0", "O(1)", "index1 index2", "Has two databases change places."), rename::swapdb),
];

#[cfg(test)]
mod tests {
    use crate::testing::{check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("key");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("key");
    }
}

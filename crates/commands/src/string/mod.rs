//! Commands on strings, in six groups: whole values, conditional removal, ranges, numbers, several
//! keys, and the longest common subsequence.

mod condition;
mod lcs;
mod many;
mod number;
mod range;
mod remove;
mod whole;
mod write_options;

use crate::{Command, Flags, Group, KeyAccess, KeySpec, Spec, tips};

const fn row(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::String, flags).keys(KeySpec::FIRST)
}

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.union(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.union(Flags::FAST);
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);
const GROW_FAST: Flags = GROW.union(Flags::FAST);

/// Every key, each followed by its value.
const KEYS_AND_VALUES: KeySpec = KeySpec::Range {
    first: 1,
    last: -1,
    step: 2,
};

/// With `GET` or a comparison it tells what is there.
const SET_ACCESS: &[KeyAccess] = &[KeyAccess::READ_AND_CHANGE.union(KeyAccess::VARIABLE_FLAGS)];

fn set_access(argv: &[&[u8]]) -> KeyAccess {
    let telling = ["GET", "IFEQ", "IFNE", "IFDEQ", "IFDNE"];
    let tells = |word: &&[u8]| {
        telling
            .iter()
            .any(|one| word.eq_ignore_ascii_case(one.as_bytes()))
    };
    match argv.iter().skip(3).any(tells) {
        true => KeyAccess::READ_AND_CHANGE,
        false => KeyAccess::OVERWRITE,
    }
}

#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(row("get", 2, READ_FAST)
        .doc("1.0.0", "O(1)", "key", "Returns the string at a key."), whole::get),
    Command::new(row("set", -3, GROW).access(SET_ACCESS).access_by_args(set_access)
        .doc("1.0.0", "O(1)", "key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
            "Puts a string at a key, whatever was there before."), whole::set),
    Command::new(row("setnx", 3, GROW_FAST).access(&[KeyAccess::CREATE])
        .doc("1.0.0", "O(1)", "key value", "Puts a string at a key that holds nothing yet."), whole::setnx),
    Command::new(row("setex", 4, GROW).access(&[KeyAccess::OVERWRITE])
        .doc("2.0.0", "O(1)", "key seconds value", "Puts a string at a key for a number of seconds."), whole::setex),
    Command::new(row("psetex", 4, GROW).access(&[KeyAccess::OVERWRITE])
        .doc("2.6.0", "O(1)", "key milliseconds value", "Puts a string at a key for a number of milliseconds."), whole::psetex),
    Command::new(row("getset", 3, GROW_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.0.0", "O(1)", "key value", "Puts a string at a key and returns the one it replaces."), whole::getset),
    Command::new(row("getdel", 2, WRITE_FAST).access(&[KeyAccess::TAKE])
        .doc("6.2.0", "O(1)", "key", "Removes a key and returns the string it held."), whole::getdel),
    Command::new(row("getex", -2, WRITE_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("6.2.0", "O(1)", "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
            "Returns the string at a key and changes when the key expires."), whole::getex),

    Command::new(row("delex", -2, WRITE_FAST).access(&[KeyAccess::REMOVE])
        .doc("8.4.0", "O(1), or O(N) for a digest of N bytes", "key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]",
            "Removes a key, if it holds the string that it should."), remove::delex),
    Command::new(row("delifeq", 3, WRITE_FAST).access(&[KeyAccess::REMOVE])
        .doc("9.0.0", "O(1)", "key value", "Removes a key if it holds this string; of Valkey."), remove::delifeq),
    Command::new(row("digest", 2, READ_FAST)
        .doc("8.4.0", "O(N) where N is the length of the string", "key", "Returns a hash of the string at a key, in hexadecimal."), remove::digest_of),

    Command::new(row("getrange", 4, READ)
        .doc("2.4.0", "O(N) where N is the number of bytes returned", "key start end", "Returns part of a string."), range::getrange),
    Command::new(row("substr", 4, READ)
        .doc("1.0.0", "O(N) where N is the number of bytes returned", "key start end", "Returns part of a string; an older name of GETRANGE."), range::getrange),
    Command::new(row("setrange", 4, GROW)
        .doc("2.2.0", "O(M) where M is the length of the value", "key offset value", "Overwrites part of a string, with zero bytes up to where it begins."), range::setrange),
    Command::new(row("strlen", 2, READ_FAST).access(&[KeyAccess::LOOK])
        .doc("2.2.0", "O(1)", "key", "Returns the number of bytes of a string."), range::strlen),
    Command::new(row("append", 3, GROW_FAST).access(&[KeyAccess::GROW])
        .doc("2.0.0", "O(1) amortized", "key value", "Adds bytes at the end of a string."), range::append),

    Command::new(row("incr", 2, GROW_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.0.0", "O(1)", "key", "Adds one to the integer at a key."), number::incr),
    Command::new(row("decr", 2, GROW_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.0.0", "O(1)", "key", "Takes one from the integer at a key."), number::decr),
    Command::new(row("incrby", 3, GROW_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.0.0", "O(1)", "key increment", "Adds to the integer at a key."), number::incrby),
    Command::new(row("decrby", 3, GROW_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.0.0", "O(1)", "key decrement", "Takes from the integer at a key."), number::decrby),
    Command::new(row("incrbyfloat", 3, GROW_FAST).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("2.6.0", "O(1)", "key increment", "Adds to the floating point number at a key."), number::incrbyfloat),

    Command::new(row("mget", -2, READ_FAST).keys(KeySpec::ALL).tips(tips::SPLIT)
        .doc("1.0.0", "O(N) where N is the number of keys", "key [key ...]", "Returns the strings at several keys."), many::mget),
    Command::new(row("mset", -3, GROW).keys(KEYS_AND_VALUES).access(&[KeyAccess::OVERWRITE]).tips(tips::SPLIT_ALL)
        .doc("1.0.1", "O(N) where N is the number of keys", "key value [key value ...]", "Puts strings at several keys at once."), many::mset),
    Command::new(row("msetnx", -3, GROW).keys(KEYS_AND_VALUES).access(&[KeyAccess::CREATE]).tips(tips::SPLIT_AND_MIN)
        .doc("1.0.1", "O(N) where N is the number of keys", "key value [key value ...]", "Puts strings at several keys if none of them holds anything."), many::msetnx),
    Command::new(row("msetex", -4, GROW.union(Flags::MOVABLEKEYS)).keys(KeySpec::CountedPairs { count_at: 1 }).access(&[KeyAccess::OVERWRITE])
        .doc("8.4.0", "O(N) where N is the number of keys", "numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
            "Puts strings at several keys at once, all until the same time."), many::msetex),

    Command::new(row("lcs", -3, READ).keys(KeySpec::FIRST_TWO)
        .doc("7.0.0", "O(N*M) where N and M are the lengths of the strings", "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
            "Finds the longest sequence of bytes that two strings have in common."), lcs::lcs),
];

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("string");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("string");
    }

    #[test]
    fn numbers_are_stored_as_such() {
        let mut fixture = Fixture::new();
        fixture.run("set n 00012");
        assert!(fixture.run("incr n").starts_with("(error)"));
        fixture.run("set n 12");
        assert_eq!(fixture.run_all(&["incr n", "get n"]), "\"13\"");
    }

    #[test]
    fn refused_requests_leave_no_effect() {
        let mut fixture = Fixture::new();
        fixture.run("set k 1");
        fixture.run("set k 2 NX");
        assert_eq!(fixture.effects(), "");
        fixture.run("append k ''");
        assert_eq!(fixture.effects(), "");
    }

    #[test]
    fn a_replayed_deadline_may_be_past() {
        let mut fixture = Fixture::new();
        fixture.settings.replaying = true;
        fixture.run("set k v PXAT 1000");
        assert_eq!(fixture.run("append k w"), "(integer) 2");
        fixture.settings.replaying = false;
        assert_eq!(fixture.run("get k"), "(nil)");
    }
}

//! What `COMMAND` tells of each command is what a real server tells: arity, flags, keys and what is
//! done with them, categories and tips.

use interop::{Build, Launch, Ours, Outcome, available, conclude};
use kvdump::{Call, Reply};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a command, in the order of `COMMAND INFO`, as text that compares.
type Row = Vec<(&'static str, String)>;

const FIELDS: [&str; 9] = [
    "arity",
    "flags",
    "first key",
    "last key",
    "step",
    "categories",
    "tips",
    "keys",
    "subcommands",
];

/// Where ours differs on purpose: a command, a field, and why.
const KNOWN: [(&str, &str, &str); 10] = [
    (
        "config|set",
        "flags",
        "refused in transactions, and says so",
    ),
    ("bgsave", "flags", "refused in transactions, and says so"),
    (
        "bgrewriteaof",
        "flags",
        "refused in transactions, and says so",
    ),
    ("debug", "flags", "has subcommands"),
    ("debug", "subcommands", "has subcommands"),
    ("debug", "categories", "has subcommands"),
    (
        "command|getkeys",
        "arity",
        "takes commands of one word, as since 7.2",
    ),
    (
        "command|getkeysandflags",
        "arity",
        "takes commands of one word, as since 7.2",
    ),
    ("zrank", "arity", "takes WITHSCORE, as since 7.2"),
    ("zrevrank", "arity", "takes WITHSCORE, as since 7.2"),
];

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Simple(line) => line.clone(),
        Reply::Int(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn items(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::Array(items) | Reply::Map(items) => items,
        _ => &[],
    }
}

/// Words in order.
fn set(reply: &Reply) -> String {
    let words: BTreeSet<String> = items(reply).iter().map(text).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// A specification of keys without its notes, which are prose.
fn key_spec(reply: &Reply) -> String {
    let pairs = items(reply).chunks_exact(2);
    let told = pairs.filter(|pair| text(&pair[0]) != "notes").map(|pair| {
        let name = text(&pair[0]);
        match name.as_str() {
            "flags" => format!("flags {}", set(&pair[1])),
            _ => format!("{name} {}", nested(&pair[1])),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

fn nested(reply: &Reply) -> String {
    match items(reply) {
        [] => text(reply),
        parts => parts.iter().map(nested).collect::<Vec<_>>().join(" "),
    }
}

fn row(fields: &[Reply]) -> Row {
    let keys: Vec<String> = items(&fields[8]).iter().map(key_spec).collect();
    let has_subcommands = !items(&fields[9]).is_empty();
    let values = [
        text(&fields[1]),
        set(&fields[2]),
        text(&fields[3]),
        text(&fields[4]),
        text(&fields[5]),
        set(&fields[6]),
        items(&fields[7])
            .iter()
            .map(text)
            .collect::<Vec<_>>()
            .join(" "),
        keys.join("; "),
        has_subcommands.to_string(),
    ];
    FIELDS.into_iter().zip(values).collect()
}

/// Every command and subcommand that somebody knows.
fn table(server: &mut dyn Call) -> Result<BTreeMap<String, Row>, kvdump::Error> {
    let mut rows = BTreeMap::new();
    for command in items(&server.call(&[b"COMMAND"])?) {
        for fields in [command].into_iter().chain(items(&items(command)[9])) {
            rows.insert(text(&items(fields)[0]), row(items(fields)));
        }
    }
    Ok(rows)
}

#[test]
fn each_command_is_what_it_is_elsewhere() -> Outcome {
    let mut ours = Ours::in_memory_like(Build::Redis70);
    let mut missing = table(&mut ours)?;
    let (mut problems, mut compared) = (Vec::new(), 0);
    // What the first does not know, the next may.
    for (build, binary) in available(&[Build::Redis70, Build::Redis82])? {
        let mut theirs = Launch::build(build, binary).start()?;
        for (name, theirs) in table(&mut theirs)? {
            let Some(ours) = missing.remove(&name) else {
                continue;
            };
            compared += 1;
            for ((field, us), (_, them)) in ours.iter().zip(&theirs) {
                let known = KNOWN
                    .iter()
                    .any(|(command, of, _)| *command == name && of == field);
                if us != them && !known {
                    let build = build.name();
                    problems.push(format!("{name}, {field}: ours {us:?}, {build} {them:?}"));
                }
            }
        }
    }
    conclude("rows of the command table", compared, &problems)
}

/// Requests, whose keys and what is done with them both have to tell. Not among them is `PFMERGE` of
/// one key, which is found here, and in 7.0 is not.
const REQUESTS: [&str; 25] = [
    "GET a",
    "SET a b",
    "SET a b GET",
    "MSET a 1 b 2",
    "BITFIELD a GET u8 0",
    "BITFIELD a SET u8 0 1",
    "BITFIELD a OVERFLOW FAIL GET u8 0",
    "COPY a b",
    "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
    "ZINTERCARD 2 a b",
    "LMPOP 2 a b LEFT",
    "XREAD COUNT 1 STREAMS a b 0 0",
    "XREADGROUP GROUP streams c COUNT 1 STREAMS a >",
    "SORT a BY store GET get STORE b",
    "SORT a",
    "SORT_RO a BY x",
    "GEORADIUS a 0 0 1 m STORE b",
    "GEORADIUSBYMEMBER a m 1 m STOREDIST b",
    "OBJECT ENCODING a",
    "XINFO STREAM a",
    "PFMERGE a b c",
    "PING x",
    "EVAL x 0",
    "EVALSHA_RO x 2 a b c",
    "FCALL f 1 a",
];

#[test]
fn keys_of_requests_are_found_as_elsewhere() -> Outcome {
    let mut ours = Ours::in_memory_like(Build::Redis70);
    let (mut problems, mut compared) = (Vec::new(), 0);
    for (build, binary) in available(&[Build::Redis70])? {
        let mut theirs = Launch::build(build, binary).start()?;
        for line in REQUESTS {
            for word in ["GETKEYS", "GETKEYSANDFLAGS"] {
                let words = ["COMMAND", word].into_iter().chain(line.split(' '));
                let argv: Vec<&[u8]> = words.map(str::as_bytes).collect();
                // An error is one; its words are compared as well.
                let told = |reply: Reply| match items(&reply) {
                    [] => text(&reply),
                    keys => keys.iter().map(nested_set).collect::<Vec<_>>().join("; "),
                };
                let (us, them) = (told(ours.call(&argv)?), told(theirs.call(&argv)?));
                compared += 1;
                if us != them {
                    problems.push(format!("{word} {line}: ours {us:?}, theirs {them:?}"));
                }
            }
        }
    }
    conclude("keys of requests", compared, &problems)
}

/// A key, or a key and its flags in any order.
fn nested_set(reply: &Reply) -> String {
    match items(reply) {
        [key, flags] => format!("{} {}", text(key), set(flags)),
        _ => text(reply),
    }
}

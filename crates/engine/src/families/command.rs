//! COMMAND: the table about itself.

use super::connection::unknown_subcommand;
use super::syntax;
use crate::registry::{self, Entry, SessionCommand};
use crate::session::Session;
use commands::{Args, Error, Flags, Group, KeySpec, Outcome, ReplySink, Spec};

pub(super) const COMMANDS: &[SessionCommand] = &[SessionCommand::new(
    Spec::new("command", -1, Group::Server, Flags::LOADING.union(Flags::STALE)).doc(
        "2.8.13",
        "O(N) where N is the number of commands",
        "[COUNT | LIST | INFO [command-name ...] | DOCS [command-name ...] | GETKEYS command [arg ...]]",
        "Describes the commands that there are.",
    ),
    command,
)];

fn command(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    if args.is_done() {
        return info(&[], reply);
    }
    let subcommand = args.bytes()?.to_ascii_uppercase();
    match (&subcommand[..], args.left()) {
        (b"COUNT", 0) => reply.integer(registry::all().count() as i64),
        (b"LIST", 0) => list(reply),
        (b"INFO", _) => info(args.rest(), reply)?,
        (b"DOCS", _) => docs(args.rest(), reply),
        (b"GETKEYS", 1..) => get_keys(args.rest(), reply)?,
        _ => return Err(unknown_subcommand("COMMAND", &subcommand)),
    }
    Ok(())
}

fn list(reply: &mut dyn ReplySink) {
    reply.array(registry::all().count());
    registry::all().for_each(|entry| reply.bulk(entry.spec().name.as_bytes()));
}

/// The commands of those names, or all of them.
fn named(names: &[&[u8]]) -> Vec<Option<Entry>> {
    if names.is_empty() {
        return registry::all().map(Some).collect();
    }
    names.iter().map(|name| registry::find(name)).collect()
}

fn info(names: &[&[u8]], reply: &mut dyn ReplySink) -> Outcome {
    let entries = named(names);
    reply.array(entries.len());
    for entry in entries {
        match entry {
            None => reply.null_array(),
            Some(entry) => write_info(entry.spec(), reply),
        }
    }
    Ok(())
}

fn write_info(spec: &Spec, reply: &mut dyn ReplySink) {
    reply.array(10);
    reply.bulk(spec.name.as_bytes());
    reply.integer(i64::from(spec.arity));
    let flags: Vec<String> = spec.flags.names().collect();
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.simple(flag));
    let (first, last, step) = spec.keys.legacy_range();
    [first, last, step]
        .into_iter()
        .for_each(|number| reply.integer(number));
    let categories: Vec<String> = spec.categories().map(|name| format!("@{name}")).collect();
    reply.set(categories.len());
    categories.iter().for_each(|name| reply.simple(name));
    reply.array(0); // tips
    write_key_specs(spec, reply);
    reply.array(0); // subcommands
}

/// Where the keys begin and how to find the rest, for clients that route by key.
fn write_key_specs(spec: &Spec, reply: &mut dyn ReplySink) {
    match spec.keys {
        KeySpec::None | KeySpec::Custom(_) => reply.array(0),
        KeySpec::Range { first, last, step } => {
            let last = if last < 0 {
                last as i64
            } else {
                last as i64 - first as i64
            };
            reply.array(1);
            let find = [("lastkey", last), ("keystep", step as i64), ("limit", 0)];
            write_key_spec(spec, Begin::Index(first), ("range", &find), reply);
        }
        KeySpec::Numkeys { dest, count_at } => {
            reply.array(1 + usize::from(dest.is_some()));
            if let Some(dest) = dest {
                let find = [("lastkey", 0), ("keystep", 1), ("limit", 0)];
                write_key_spec(spec, Begin::Index(dest), ("range", &find), reply);
            }
            let find = [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)];
            write_key_spec(spec, Begin::Index(count_at), ("keynum", &find), reply);
        }
        KeySpec::Streams => {
            reply.array(1);
            let find = [("lastkey", -1), ("keystep", 1), ("limit", 2)];
            write_key_spec(spec, Begin::Keyword("STREAMS"), ("range", &find), reply);
        }
    }
}

/// Where the search for keys starts.
enum Begin {
    Index(usize),
    Keyword(&'static str),
}

fn write_key_spec(
    spec: &Spec,
    begin: Begin,
    (kind, find): (&str, &[(&str, i64)]),
    reply: &mut dyn ReplySink,
) {
    reply.map(3);
    reply.bulk(b"flags");
    let access = if spec.flags.contains(Flags::WRITE) {
        ["RW", "UPDATE"]
    } else {
        ["RO", "ACCESS"]
    };
    reply.set(2);
    access.iter().for_each(|flag| reply.simple(flag));
    reply.bulk(b"begin_search");
    write_begin(begin, reply);
    reply.bulk(b"find_keys");
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    write_numbers(find, reply);
}

fn write_begin(begin: Begin, reply: &mut dyn ReplySink) {
    reply.map(2);
    reply.bulk(b"type");
    match begin {
        Begin::Index(index) => {
            reply.bulk(b"index");
            reply.bulk(b"spec");
            write_numbers(&[("index", index as i64)], reply);
        }
        Begin::Keyword(word) => {
            reply.bulk(b"keyword");
            reply.bulk(b"spec");
            reply.map(2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            reply.bulk(b"startfrom");
            reply.integer(1);
        }
    }
}

fn write_numbers(pairs: &[(&str, i64)], reply: &mut dyn ReplySink) {
    reply.map(pairs.len());
    for (name, number) in pairs {
        reply.bulk(name.as_bytes());
        reply.integer(*number);
    }
}

fn docs(names: &[&[u8]], reply: &mut dyn ReplySink) {
    let found: Vec<Entry> = named(names).into_iter().flatten().collect();
    reply.map(found.len());
    for entry in found {
        reply.bulk(entry.spec().name.as_bytes());
        write_docs(entry.spec(), reply);
    }
}

fn write_docs(spec: &Spec, reply: &mut dyn ReplySink) {
    let arguments = syntax::parse(spec.syntax);
    reply.map(if arguments.is_empty() { 4 } else { 5 });
    let lines = [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group.name()),
        ("complexity", spec.complexity),
    ];
    for (name, line) in lines {
        reply.bulk(name.as_bytes());
        reply.bulk(line.as_bytes());
    }
    if !arguments.is_empty() {
        reply.bulk(b"arguments");
        syntax::write_all(&arguments, reply);
    }
}

fn get_keys(argv: &[&[u8]], reply: &mut dyn ReplySink) -> Outcome {
    let entry = registry::find(argv[0]).ok_or(Error::err("Invalid command specified"))?;
    let spec = entry.spec();
    if matches!(spec.keys, KeySpec::None) {
        return Err(Error::err("The command has no key arguments"));
    }
    if !spec.accepts(argv.len()) {
        return Err(Error::err(
            "Invalid number of arguments specified for command",
        ));
    }
    let invalid = || Error::err("Invalid arguments specified for command");
    let positions = spec
        .keys
        .positions(argv)
        .filter(|at| !at.is_empty())
        .ok_or_else(invalid)?;
    reply.array(positions.len());
    positions.iter().for_each(|&at| reply.bulk(argv[at]));
    Ok(())
}

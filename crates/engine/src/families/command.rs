//! COMMAND: the table about itself.

use super::syntax;
use crate::registry::{self, Entry, Named, SessionCommand};
use crate::session::Session;
use commands::{Args, Error, Flags, Group, KeySpec, Outcome, ReplySink, Spec};

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(
        name,
        arity,
        Group::Server,
        Flags::LOADING.union(Flags::STALE),
    )
}

const PER_COMMAND: &str = "O(N) where N is the number of commands";

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("command", 1).doc(
            "2.8.13",
            PER_COMMAND,
            "",
            "Tells of every command what clients need.",
        ),
        info,
    ),
    SessionCommand::new(
        spec("command|count", 2).doc("2.8.13", "O(1)", "", "Counts the commands."),
        count,
    ),
    SessionCommand::new(
        spec("command|list", 2).doc("7.0.0", PER_COMMAND, "", "Lists the commands by name."),
        list,
    ),
    SessionCommand::new(
        spec("command|info", -2).doc(
            "2.8.13",
            PER_COMMAND,
            "[command-name ...]",
            "Tells of commands what clients need to know.",
        ),
        info,
    ),
    SessionCommand::new(
        spec("command|docs", -2).doc(
            "7.0.0",
            PER_COMMAND,
            "[command-name ...]",
            "Tells of commands what people need to know.",
        ),
        docs,
    ),
    SessionCommand::new(
        spec("command|getkeys", -3).doc(
            "2.8.13",
            "O(N) where N is the number of arguments",
            "command [arg ...]",
            "Tells which arguments of a command are keys.",
        ),
        get_keys,
    ),
];

fn count(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(registry::all().count() as i64);
    Ok(())
}

/// Containers come with what they contain.
fn list(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let subcommands = |named: &'static Named| match named {
        Named::Command(_) => &[][..],
        Named::Container { entries, .. } => entries,
    };
    let mut names: Vec<&str> = Vec::new();
    for named in registry::all() {
        names.push(named.spec().name);
        names.extend(subcommands(named).iter().map(|entry| entry.spec().name));
    }
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name.as_bytes()));
    Ok(())
}

/// A command to be described: with what it contains, or one that is contained.
#[derive(Clone, Copy)]
enum Described {
    Named(&'static Named),
    Subcommand(Entry),
}

/// The commands of those names (`object|encoding` for one that is contained), or all of them.
fn described(names: &[&[u8]]) -> Vec<Option<Described>> {
    if names.is_empty() {
        return registry::all()
            .map(|named| Some(Described::Named(named)))
            .collect();
    }
    let find = |name: &[u8]| {
        let words: Vec<&[u8]> = name.splitn(2, |&byte| byte == b'|').collect();
        match words.len() {
            1 => registry::find(name).map(Described::Named),
            _ => registry::identify(&words).ok().map(Described::Subcommand),
        }
    };
    names.iter().map(|name| find(name)).collect()
}

fn info(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let commands = described(args.rest());
    reply.array(commands.len());
    for command in commands {
        match command {
            None => reply.null_array(),
            Some(Described::Subcommand(entry)) => write_info(entry.spec(), &[], reply),
            Some(Described::Named(Named::Command(entry))) => write_info(entry.spec(), &[], reply),
            Some(Described::Named(Named::Container { spec, entries, .. })) => {
                write_info(spec, entries, reply);
            }
        }
    }
    Ok(())
}

fn write_info(spec: &Spec, subcommands: &[Entry], reply: &mut dyn ReplySink) {
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
    reply.set(0); // tips
    write_key_specs(spec, reply);
    // Redis sends an empty set and an array of some.
    match subcommands.len() {
        0 => reply.set(0),
        some => reply.array(some),
    }
    subcommands
        .iter()
        .for_each(|entry| write_info(entry.spec(), &[], reply));
}

/// Where the keys begin and how to find the rest, for clients that route by key.
fn write_key_specs(spec: &Spec, reply: &mut dyn ReplySink) {
    match spec.keys {
        KeySpec::None | KeySpec::Custom(_) => reply.set(0),
        KeySpec::Range { first, last, step } => {
            let last = if last < 0 {
                last as i64
            } else {
                last as i64 - first as i64
            };
            reply.set(1);
            let find = [("lastkey", last), ("keystep", step as i64), ("limit", 0)];
            write_key_spec(spec, Begin::Index(first), ("range", &find), reply);
        }
        KeySpec::Numkeys { dest, count_at } => {
            reply.set(1 + usize::from(dest.is_some()));
            if let Some(dest) = dest {
                let find = [("lastkey", 0), ("keystep", 1), ("limit", 0)];
                write_key_spec(spec, Begin::Index(dest), ("range", &find), reply);
            }
            let find = [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)];
            write_key_spec(spec, Begin::Index(count_at), ("keynum", &find), reply);
        }
        KeySpec::CountedPairs { count_at } => {
            reply.set(1);
            let find = [("keynumidx", 0), ("firstkey", 1), ("keystep", 2)];
            write_key_spec(spec, Begin::Index(count_at), ("keynum", &find), reply);
        }
        KeySpec::Streams => {
            reply.set(1);
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
        ["RW", "update"]
    } else {
        ["RO", "access"]
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

fn docs(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let found: Vec<Described> = described(args.rest()).into_iter().flatten().collect();
    reply.map(found.len());
    for command in found {
        let (spec, subcommands) = match command {
            Described::Subcommand(entry) => (entry.spec(), &[][..]),
            Described::Named(Named::Command(entry)) => (entry.spec(), &[][..]),
            Described::Named(Named::Container { spec, entries, .. }) => (spec, entries.as_slice()),
        };
        reply.bulk(spec.name.as_bytes());
        write_docs(spec, subcommands, reply);
    }
    Ok(())
}

fn write_docs(spec: &Spec, subcommands: &[Entry], reply: &mut dyn ReplySink) {
    let arguments = if subcommands.is_empty() {
        syntax::parse(spec.syntax)
    } else {
        Vec::new()
    };
    let parts = [!arguments.is_empty(), !subcommands.is_empty()];
    reply.map(4 + parts.iter().filter(|there| **there).count());
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
    if !subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        for entry in subcommands {
            reply.bulk(entry.spec().name.as_bytes());
            write_docs(entry.spec(), &[], reply);
        }
    }
}

fn get_keys(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let argv = args.rest();
    let entry = registry::identify(argv).map_err(|_| Error::err("Invalid command specified"))?;
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

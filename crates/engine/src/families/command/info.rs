//! COMMAND INFO.

use super::{Described, described};
use crate::registry::{Entry, Named};
use crate::session::Session;
use commands::{Args, KeyAccess, KeyBegin, KeySpec, Outcome, ReplySink, Spec};

pub(super) fn info(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
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
    let (first, last, step) = match spec.channels.routed() {
        Some(channels) => channels,
        None => spec.keys.legacy_range(),
    };
    [first, last, step]
        .into_iter()
        .for_each(|number| reply.integer(number));
    let categories: Vec<String> = spec.categories().map(|name| format!("@{name}")).collect();
    reply.set(categories.len());
    categories.iter().for_each(|name| reply.simple(name));
    reply.set(spec.tips.len());
    spec.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    let specs = key_specs(spec);
    reply.set(specs.len());
    specs.iter().for_each(|keys| keys.write(reply));
    // Redis sends an empty set and an array of some.
    match subcommands.len() {
        0 => reply.set(0),
        some => reply.array(some),
    }
    subcommands
        .iter()
        .for_each(|entry| write_info(entry.spec(), &[], reply));
}

/// Where some of the keys of a command are, and what it does with them.
struct Told {
    begin: KeyBegin,
    find: Find,
    access: KeyAccess,
}

/// How to go on from where the search for keys begins.
enum Find {
    /// Up to the argument that is `last` further on, counted from the end if negative.
    Range {
        last: i64,
        step: i64,
        limit: i64,
    },
    /// As many as the first argument says, behind it.
    Counted {
        step: i64,
    },
    Unknown,
}

/// The one that the search begins with.
const ONE: Find = Find::Range {
    last: 0,
    step: 1,
    limit: 0,
};

/// What clients that route by key are told: as many entries as there are things that a command does
/// with keys.
fn key_specs(spec: &Spec) -> Vec<Told> {
    let told = |begin, find, number| Told {
        begin,
        find,
        access: spec.access_of(number),
    };
    if let Some((first, last, step)) = spec.channels.routed() {
        let access = KeyAccess::NOT_KEY;
        return vec![Told {
            access,
            ..told(KeyBegin::Index(1), range(first as usize, last, step), 0)
        }];
    }
    match spec.keys {
        KeySpec::None => Vec::new(),
        KeySpec::Range { first, last, step } => {
            // Each of the first keys has an entry of its own, the others share the last.
            let alone = spec.access.len().saturating_sub(1);
            let mut all: Vec<Told> = (0..alone)
                .map(|number| told(KeyBegin::Index(first + number * step), ONE, number))
                .collect();
            let rest = first + alone * step;
            let find = range(rest, last as i64, step as i64);
            all.push(told(KeyBegin::Index(rest), find, alone));
            all
        }
        KeySpec::Numkeys { dest, count_at } => {
            let dest = dest.map(|at| told(KeyBegin::Index(at), ONE, 0));
            let number = usize::from(dest.is_some());
            let counted = told(KeyBegin::Index(count_at), Find::Counted { step: 1 }, number);
            dest.into_iter().chain([counted]).collect()
        }
        KeySpec::CountedPairs { count_at } => {
            let find = Find::Counted { step: 2 };
            vec![told(KeyBegin::Index(count_at), find, 0)]
        }
        KeySpec::Streams => {
            // The word has a key and an id behind it.
            let from = spec.arity.unsigned_abs() as usize - 3;
            let find = Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            };
            vec![told(KeyBegin::Keyword("STREAMS", from), find, 0)]
        }
        KeySpec::Custom { told, .. } => told.iter().map(Told::of_custom).collect(),
    }
}

/// The keys from index `first` to `last`.
fn range(first: usize, last: i64, step: i64) -> Find {
    let last = match last < 0 {
        true => last,
        false => last - first as i64,
    };
    Find::Range {
        last,
        step,
        limit: 0,
    }
}

impl Told {
    fn of_custom(&(begin, access): &(KeyBegin, KeyAccess)) -> Told {
        let find = match begin {
            KeyBegin::Unknown => Find::Unknown,
            KeyBegin::Index(_) | KeyBegin::Keyword(..) => ONE,
            KeyBegin::KeywordToEnd(..) => Find::Range {
                last: -1,
                step: 1,
                limit: 0,
            },
        };
        Told {
            begin,
            find,
            access,
        }
    }

    fn write(&self, reply: &mut dyn ReplySink) {
        reply.map(3);
        reply.bulk(b"flags");
        let flags: Vec<String> = self.access.names().collect();
        reply.set(flags.len());
        flags.iter().for_each(|flag| reply.simple(flag));
        reply.bulk(b"begin_search");
        self.write_begin(reply);
        reply.bulk(b"find_keys");
        self.find.write(reply);
    }

    fn write_begin(&self, reply: &mut dyn ReplySink) {
        match self.begin {
            KeyBegin::Index(index) => {
                write_kind("index", reply);
                write_numbers(&[("index", index as i64)], reply);
            }
            KeyBegin::Keyword(word, from) => write_keyword(word, from as i64, reply),
            KeyBegin::KeywordToEnd(word, from) => write_keyword(word, from, reply),
            KeyBegin::Unknown => {
                write_kind("unknown", reply);
                reply.map(0);
            }
        }
    }
}

impl Find {
    fn write(&self, reply: &mut dyn ReplySink) {
        match *self {
            Find::Range { last, step, limit } => {
                write_kind("range", reply);
                let numbers = [("lastkey", last), ("keystep", step), ("limit", limit)];
                write_numbers(&numbers, reply);
            }
            Find::Counted { step } => {
                write_kind("keynum", reply);
                let numbers = [("keynumidx", 0), ("firstkey", 1), ("keystep", step)];
                write_numbers(&numbers, reply);
            }
            Find::Unknown => {
                write_kind("unknown", reply);
                reply.map(0);
            }
        }
    }
}

/// Opens a map of a type and its specification, which is to follow.
fn write_kind(kind: &str, reply: &mut dyn ReplySink) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
}

fn write_keyword(word: &str, from: i64, reply: &mut dyn ReplySink) {
    write_kind("keyword", reply);
    reply.map(2);
    reply.bulk(b"keyword");
    reply.bulk(word.as_bytes());
    reply.bulk(b"startfrom");
    reply.integer(from);
}

fn write_numbers(pairs: &[(&str, i64)], reply: &mut dyn ReplySink) {
    reply.map(pairs.len());
    for (name, number) in pairs {
        reply.bulk(name.as_bytes());
        reply.integer(*number);
    }
}

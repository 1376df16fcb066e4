//! COMMAND DOCS.

use super::{Described, described, syntax};
use crate::registry::{Entry, Named};
use crate::session::Session;
use commands::{Args, Outcome, ReplySink, Spec};

pub(super) fn docs(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let found: Vec<Described> = described(args.rest()).into_iter().flatten().collect();
    reply.map(found.len());
    for command in found {
        let (spec, subcommands) = match command {
            Described::Subcommand(entry) => (entry.spec(), &[][..]),
            Described::Named(Named::Command(entry)) => (entry.spec(), &[][..]),
            Described::Named(Named::Container { spec, entries, .. }) => {
                (&**spec, entries.as_slice())
            }
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

//! The sections of INFO.

mod commands;
mod replication;
mod server;
mod stats;

use crate::session::Session;
use keyspace::TtlSample;
use std::fmt::{Display, Write};
use units::DbIndex;

/// A section: its name, when it is told, and what writes its lines.
type Section = (&'static str, Told, fn(&Session, &mut String));

/// When a section is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// If nothing else is asked for.
    ByDefault,
    /// With `all` and `everything`.
    WithAll,
}

use Told::{ByDefault, WithAll};

const SECTIONS: &[Section] = &[
    ("Server", ByDefault, server::server),
    ("Clients", ByDefault, server::clients),
    ("Memory", ByDefault, memory),
    ("Persistence", ByDefault, super::persistence::info),
    ("Stats", ByDefault, stats::stats),
    ("Replication", ByDefault, replication::replication),
    ("CPU", ByDefault, server::cpu),
    ("Modules", ByDefault, |_, _| {}),
    ("Commandstats", WithAll, commands::calls),
    ("Errorstats", ByDefault, commands::errors),
    ("Latencystats", WithAll, commands::latencies),
    ("Cluster", ByDefault, |_, text| {
        line(text, "cluster_enabled", 0)
    }),
    ("Keyspace", ByDefault, keyspace),
];

/// The wanted sections (the usual ones for none named or `default`; all for `all` or `everything`).
pub(super) fn render(session: &Session, wanted: &[&[u8]]) -> String {
    let names = |names: &[&str]| {
        let is = |wanted: &&[u8]| {
            names
                .iter()
                .any(|name| wanted.eq_ignore_ascii_case(name.as_bytes()))
        };
        wanted.iter().any(is)
    };
    let all = names(&["all", "everything"]);
    let usual = wanted.is_empty() || names(&["default"]);
    let mut text = String::new();
    for (name, told, write) in SECTIONS {
        if all || names(&[name]) || usual && *told == ByDefault {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            let _ = write!(text, "# {name}\r\n");
            write(session, &mut text);
            for (field, value) in session.engine.told_by_front_end(name) {
                line(&mut text, field, value);
            }
        }
    }
    text
}

pub(super) fn line(text: &mut String, name: &str, value: impl Display) {
    let _ = write!(text, "{name}:{value}\r\n");
}

/// Lines whose values never change, for what does not exist here but is asked for.
fn zeros(text: &mut String, names: &[&str]) {
    names.iter().for_each(|name| line(text, name, 0));
}

fn memory(session: &Session, text: &mut String) {
    for (name, value) in super::memory::info(&session.engine) {
        line(text, name, value);
    }
    let census = session.engine.inner().scripting.census();
    line(text, "used_memory_vm_eval", census.script_bytes);
    line(text, "used_memory_vm_functions", census.function_bytes);
    line(text, "number_of_cached_scripts", census.scripts);
    line(text, "number_of_functions", census.functions);
    line(text, "number_of_libraries", census.libraries);
}

/// Keys with a deadline, some of them.
fn sample(session: &Session, db: DbIndex) -> TtlSample {
    let now = session.engine.now();
    let mut rng = session.engine.seeded_rng(now.0 as u64);
    session.engine.keyspace().sample_ttls(db, now, &mut rng)
}

fn keyspace(session: &Session, text: &mut String) {
    let keyspace = session.engine.keyspace();
    for db in (0..keyspace.databases()).map(DbIndex) {
        let keys = keyspace.len(db);
        if keys > 0 {
            let expires = keyspace.expires(db);
            let avg_ttl = sample(session, db).mean();
            let _ = write!(
                text,
                "db{db}:keys={keys},expires={expires},avg_ttl={avg_ttl}\r\n"
            );
        }
    }
}

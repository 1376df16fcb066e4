//! CONFIG.

use crate::config::{Config, ConfigError, Marks, Row};
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, glob, tips};

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Server, FLAGS)
}

const PER_SETTING: &str = "O(N) where N is the number of settings";

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("config|get", -3).doc(
            "2.0.0",
            PER_SETTING,
            "parameter [parameter ...]",
            "Shows the settings whose names match.",
        ),
        get,
    ),
    SessionCommand::new(
        spec("config|set", -4).tips(tips::EVERY_NODE).doc(
            "2.0.0",
            PER_SETTING,
            "parameter value [parameter value ...]",
            "Changes settings, all of them or none.",
        ),
        set,
    ),
    SessionCommand::new(
        spec("config|rewrite", 2).doc(
            "2.8.0",
            PER_SETTING,
            "",
            "Writes the settings into the configuration file.",
        ),
        rewrite,
    ),
    SessionCommand::new(
        spec("config|resetstat", 2).doc("2.0.0", "O(1)", "", "Sets the counters of INFO to zero."),
        reset_statistics,
    ),
    SessionCommand::new(
        Spec::new(
            "config|help",
            2,
            Group::Server,
            Flags::LOADING.union(Flags::STALE),
        )
        .doc("5.0.0", "O(1)", "", "Lists these subcommands."),
        help,
    ),
];

fn get(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let patterns = args.rest();
    let config = session.engine.inner().config.read();
    let rows = config.rows();
    let mut found: Vec<(&str, Row)> = Vec::new();
    for pattern in patterns.iter().filter_map(|bytes| text(bytes).ok()) {
        for named in matching(&config, &rows, pattern) {
            if !found.iter().any(|(name, _)| *name == named.0) {
                found.push(named);
            }
        }
    }
    reply.map(found.len());
    for (name, row) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(row.get(&config).as_bytes());
    }
    Ok(())
}

/// What a pattern of `CONFIG GET` finds, under the names that it finds it by. A name without
/// wildcards is answered as it was written.
fn matching<'p>(config: &Config, rows: &[Row], pattern: &'p str) -> Vec<(&'p str, Row)> {
    if !pattern.contains(['[', '*', '?']) {
        return config
            .row(pattern)
            .map(|row| (pattern, row))
            .into_iter()
            .collect();
    }
    let pattern = pattern.to_ascii_lowercase();
    let shown = rows
        .iter()
        .filter(|row| !row.marks().contains(Marks::HIDDEN));
    let names = shown.flat_map(|row| row.names().map(move |name| (name, *row)));
    names
        .filter(|(name, _)| glob::matches(pattern.as_bytes(), name.as_bytes()))
        .collect()
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::Syntax)
}

/// What no client may change while files are read.
const WAIT_FOR_FILES: [&str; 2] = ["appendonly", "dir"];

fn set(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let words = args.rest();
    if !words.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let (mut settings, mut seen) = (Vec::new(), Vec::new());
    for pair in words.chunks_exact(2) {
        let (name, value) = (text(pair[0])?, text(pair[1])?);
        let row = session.engine.inner().config.read().row(name);
        let row = row.ok_or_else(|| explain(ConfigError::Unknown(name.to_owned())))?;
        let is_protected = row.marks().contains(Marks::PROTECTED);
        if is_protected && !session.may_set_protected() {
            return Err(refused(name, "can't set protected config"));
        }
        if session.engine.load_progress().is_some() && WAIT_FOR_FILES.contains(&row.name()) {
            return Err(Error::Text(
                "LOADING Failed to set the specified config(s) while files are read".into(),
            ));
        }
        if row.marks().contains(Marks::IMMUTABLE) {
            return Err(explain(ConfigError::Immutable(row.name())));
        }
        if seen.contains(&row.name()) {
            return Err(refused(name, "duplicate parameter"));
        }
        seen.push(row.name());
        settings.push((row.name(), value));
    }
    let engine = &session.engine;
    let changed = match session.is_in_exec() {
        // Which has the turn, and holds shards.
        true => engine.change_configs(&settings),
        false => engine.set_configs(&settings),
    };
    changed.map_err(explain)?;
    reply.ok();
    Ok(())
}

fn explain(error: ConfigError) -> Error {
    match &error {
        ConfigError::Unknown(name) => Error::err(format_args!(
            "Unknown option or number of arguments for CONFIG SET - '{name}'"
        )),
        ConfigError::Immutable(name) | ConfigError::Invalid { name, .. } => refused(name, &error),
    }
}

fn refused(name: &str, why: impl std::fmt::Display) -> Error {
    Error::err(format_args!(
        "CONFIG SET failed (possibly related to argument '{name}') - {why}"
    ))
}

fn rewrite(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.rewrite_config().map_err(Error::err)?;
    reply.ok();
    Ok(())
}

fn reset_statistics(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.stats().reset();
    session.engine.inner().calls.reset();
    session.engine.keyspace().reset_reclaim_stats();
    reply.ok();
    Ok(())
}

fn help(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    super::help(
        reply,
        &[
            "CONFIG <subcommand> [<arg> [value] ...]. Subcommands are:",
            "GET <pattern> [<pattern> ...]",
            "    Settings whose names match, with their values.",
            "SET <name> <value> [<name> <value> ...]",
            "    Changes all of these settings, or none if one is refused.",
            "REWRITE",
            "    Writes the settings into the configuration file.",
            "RESETSTAT",
            "    Sets the counters of INFO to zero.",
            "HELP",
            "    Prints this help.",
        ],
    )
}

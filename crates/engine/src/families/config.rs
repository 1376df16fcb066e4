//! CONFIG GET, SET, RESETSTAT and HELP.

use crate::config::{ConfigError, Parameter, parameter, parameters};
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

/// Takes shards, all of which `EXEC` may hold already.
const SET_FLAGS: Flags = FLAGS.union(Flags::NO_MULTI);

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
        Spec::new("config|set", -4, Group::Server, SET_FLAGS)
            .tips(tips::EVERY_NODE)
            .doc(
                "2.0.0",
                PER_SETTING,
                "parameter value [parameter value ...]",
                "Changes settings, all of them or none.",
            ),
        set,
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
    let wanted = |name: &str| {
        let matches =
            |pattern: &&[u8]| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes());
        patterns.iter().any(matches)
    };
    let rows = parameters().iter();
    let found: Vec<(&str, &Parameter)> = rows
        .flat_map(|row| row.names().map(move |name| (name, row)))
        .filter(|(name, _)| wanted(name))
        .collect();
    reply.map(found.len());
    for (name, row) in found {
        reply.bulk(name.as_bytes());
        reply.bulk((row.get)(&config).as_bytes());
    }
    Ok(())
}

fn set(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let words = args.rest();
    if !words.len().is_multiple_of(2) {
        return Err(Error::WrongArity("config|set".to_owned()));
    }
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Error::Syntax);
    let mut settings = Vec::new();
    for pair in words.chunks_exact(2) {
        let (name, value) = (text(pair[0])?, text(pair[1])?);
        let row = parameter(name).map_or(name, |row| row.name);
        if settings.iter().any(|(known, _)| *known == row) {
            return Err(refused(name, "duplicate parameter"));
        }
        settings.push((row, value));
    }
    session.engine.set_configs(&settings).map_err(explain)?;
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

fn reset_statistics(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.stats().reset();
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
            "RESETSTAT",
            "    Sets the counters of INFO to zero.",
            "HELP",
            "    Prints this help.",
        ],
    )
}

//! DEBUG: what tests and the curious need.

use super::connection::unknown_subcommand;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};
use keyspace::Mode;
use std::fmt::Write;

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

pub(super) const COMMANDS: &[SessionCommand] = &[SessionCommand::new(
    Spec::new("debug", -2, Group::Server, FLAGS.union(Flags::NO_MULTI)).doc(
        "1.0.0",
        "Depends on the subcommand",
        "subcommand [argument ...]",
        "Looks into the keyspace: DIGEST, DIGEST-VALUE, OBJECT.",
    ),
    debug,
)];

fn debug(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let subcommand = args.bytes()?.to_ascii_uppercase();
    match (&subcommand[..], args.left()) {
        (b"DIGEST", 0 | 1) => digest(session, args, reply),
        (b"DIGEST-VALUE", 1..) => digest_values(session, args, reply),
        (b"OBJECT", 1) => object(session, args, reply),
        (b"HELP", 0) => help(reply),
        _ => Err(unknown_subcommand("DEBUG", &subcommand)),
    }
}

/// Takes `OLD-SCORE-TEXT`: scores are then mixed in as servers before 7.2 print them.
fn old_score_text(args: &mut Args<'_>) -> bool {
    args.keyword("OLD-SCORE-TEXT")
}

fn digest(session: &Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let old = old_score_text(args);
    args.done()?;
    reply.simple(&hex(&session.engine.digest(old)));
    Ok(())
}

fn digest_values(session: &Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let names = args.rest();
    let old = names.len() > 1 && names[0].eq_ignore_ascii_case(b"OLD-SCORE-TEXT");
    let names = &names[usize::from(old)..];
    let keyspace = session.engine.keyspace();
    let keys = keyspace.lock(keyspace.plan(Mode::Read, names), session.engine.now());
    reply.array(names.len());
    for key in names {
        let digest = keys.peek(session.client.db, key).map_or([0; 20], |entry| {
            snapshot::digest_value(entry.value(), entry.deadline(), keys.now(), old)
        });
        reply.simple(&hex(&digest));
    }
    Ok(())
}

fn object(session: &Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let key = args.bytes()?;
    let keyspace = session.engine.keyspace();
    let keys = keyspace.lock(keyspace.plan(Mode::Read, &[key]), session.engine.now());
    let entry = keys.peek(session.client.db, key).ok_or(Error::NoSuchKey)?;
    let value = entry.value();
    let payload = snapshot::dump(&value, session.settings().dump_target);
    reply.simple(&format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:0 lru_seconds_idle:{}",
        value.encoding(),
        // Less the type byte and the footer: the value alone.
        payload.map_or(0, |payload| payload.len().saturating_sub(11)),
        entry.idle_secs(keys.now()),
    ));
    Ok(())
}

fn help(reply: &mut dyn ReplySink) -> Outcome {
    let lines = [
        "DEBUG <subcommand> [<arg> [value] ...]. Subcommands are:",
        "DIGEST [OLD-SCORE-TEXT]",
        "    A checksum of everything, the same as any server with the same content gives;",
        "    OLD-SCORE-TEXT for servers before 7.2.",
        "DIGEST-VALUE [OLD-SCORE-TEXT] <key> [<key> ...]",
        "    A checksum of each key's value.",
        "OBJECT <key>",
        "    How the value is held.",
        "HELP",
        "    Prints this help.",
    ];
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

//! DEBUG: what tests and the curious need.

use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};
use keyspace::Mode;
use std::fmt::Write;
use std::time::Duration;

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Server, FLAGS.union(Flags::NO_MULTI))
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("debug|digest", -2).doc(
            "1.0.0",
            "O(N) where N is the number of elements of all keys",
            "[OLD-SCORE-TEXT]",
            "Computes a checksum of everything.",
        ),
        digest,
    ),
    SessionCommand::new(
        spec("debug|digest-value", -3).doc(
            "5.0.0",
            "O(N) where N is the number of elements of the keys",
            "[OLD-SCORE-TEXT] key [key ...]",
            "Computes a checksum of each value.",
        ),
        digest_values,
    ),
    SessionCommand::new(
        spec("debug|loadaof", 2).doc(
            "1.0.0",
            "O(N) where N is the size of the append-only file",
            "",
            "Empties the keyspace and reads the append-only file.",
        ),
        load_log,
    ),
    SessionCommand::new(
        spec("debug|object", 3).doc("1.0.0", "O(N)", "key", "Tells how a value is held."),
        object,
    ),
    SessionCommand::new(
        spec("debug|set-active-expire", 3).doc(
            "3.0.0",
            "O(1)",
            "0|1",
            "Turns off or on that keys expire when nobody asks for them.",
        ),
        set_active_expire,
    ),
    SessionCommand::new(
        Spec::new("debug|sleep", 3, Group::Server, FLAGS).doc(
            "1.0.0",
            "O(1)",
            "seconds",
            "Does nothing for some time.",
        ),
        sleep,
    ),
    SessionCommand::new(
        spec("debug|quicklist-packed-threshold", 3).doc(
            "7.0.0",
            "O(1)",
            "size",
            "Is taken, and changes nothing: there are no nodes of a single large element.",
        ),
        quicklist_packed_threshold,
    ),
    SessionCommand::new(
        spec("debug|help", 2).doc("1.0.0", "O(1)", "", "Lists these subcommands."),
        help,
    ),
];

/// Takes `OLD-SCORE-TEXT`: scores are then mixed in as servers before 7.2 print them.
fn old_score_text(args: &mut Args<'_>) -> bool {
    args.keyword("OLD-SCORE-TEXT")
}

fn digest(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let old = old_score_text(args);
    args.done()?;
    let digest = session.engine.digest(old);
    let digest = digest.map_err(|cancelled| Error::Text(format!("ERR {cancelled}").into()))?;
    reply.simple(&hex(&digest));
    Ok(())
}

fn digest_values(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
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

fn load_log(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    crate::datadir::reload(&session.engine).map_err(Error::err)?;
    reply.ok();
    Ok(())
}

fn object(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let key = args.bytes()?;
    let keyspace = session.engine.keyspace();
    let keys = keyspace.lock(keyspace.plan(Mode::Read, &[key]), session.engine.now());
    let entry = keys.peek(session.client.db, key).ok_or(Error::NoSuchKey)?;
    let value = entry.value();
    let payload = snapshot::dump(&value, session.settings().dump_target);
    reply.simple(&format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:0 lru_seconds_idle:{}",
        session.settings().compat.encoding(value),
        // Less the type byte and the footer: the value alone.
        payload.map_or(0, |payload| payload.len().saturating_sub(11)),
        entry.idle_secs(keys.now()),
    ));
    Ok(())
}

fn set_active_expire(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let on = args.int()? != 0;
    session.engine.set_active_expiry(on);
    reply.ok();
    Ok(())
}

/// Lists keep large elements as they keep others, so there is nothing to choose; what Redis tests
/// with it holds all the same.
fn quicklist_packed_threshold(
    _: &mut Session,
    _: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    reply.ok();
    Ok(())
}

/// Holds up the thread that runs the session, and those that wait for it.
fn sleep(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let time = Duration::try_from_secs_f64(args.float()?);
    std::thread::sleep(time.map_err(|_| Error::NotFloat)?);
    reply.ok();
    Ok(())
}

fn help(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    super::help(
        reply,
        &[
            "DEBUG <subcommand> [<arg> [value] ...]. Subcommands are:",
            "DIGEST [OLD-SCORE-TEXT]",
            "    A checksum of everything, the same as any server with the same content gives;",
            "    OLD-SCORE-TEXT for servers before 7.2.",
            "DIGEST-VALUE [OLD-SCORE-TEXT] <key> [<key> ...]",
            "    A checksum of each key's value.",
            "LOADAOF",
            "    Empties the keyspace and reads the append-only file.",
            "OBJECT <key>",
            "    How the value is held.",
            "QUICKLIST-PACKED-THRESHOLD <size>",
            "    Is taken, and changes nothing.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Whether keys expire when nobody asks for them.",
            "SLEEP <seconds>",
            "    Nothing, for so long; decimals are allowed.",
            "HELP",
            "    Prints this help.",
        ],
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

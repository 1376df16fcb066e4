//! DEBUG: what tests and the curious need.

mod protocol;
mod reload;
mod switches;

use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};
use keyspace::{Expiry, Mode};
use std::fmt::Write;
use std::time::Duration;

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::PROTECTED);

/// What takes shards, all of which `EXEC` or a script may hold already.
const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Server, FLAGS.union(Flags::NO_MULTI))
}

/// What takes none.
const fn light(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Server, FLAGS)
}

const IGNORED: &str = "Is taken, and changes nothing: there is nothing of the kind here.";

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
        reload::load_log,
    ),
    SessionCommand::new(
        spec("debug|reload", -2).doc(
            "1.0.0",
            "O(N) where N is the number of elements of all keys",
            "[NOSAVE] [NOFLUSH] [MERGE]",
            "Saves a snapshot, empties the keyspace and reads the snapshot.",
        ),
        reload::reload,
    ),
    SessionCommand::new(
        light("debug|protocol", 3).doc(
            "6.0.0",
            "O(1)",
            "type",
            "Answers with a value of that type.",
        ),
        protocol::protocol,
    ),
    SessionCommand::new(
        light("debug|error", 3).doc("3.0.0", "O(1)", "line", "Answers with that error."),
        protocol::error,
    ),
    SessionCommand::new(
        light("debug|log", 3).doc("4.0.0", "O(1)", "message", "Writes a line into the log."),
        switches::log,
    ),
    SessionCommand::new(
        spec("debug|populate", -3).doc(
            "1.0.0",
            "O(N) where N is the number of keys",
            "count [prefix] [size]",
            "Creates strings by the names prefix:0, prefix:1, ..",
        ),
        populate,
    ),
    SessionCommand::new(
        light("debug|stringmatch-len", 4).doc(
            "6.2.0",
            "O(N) where N is the length of the string",
            "pattern string",
            "Tells whether a string fits a pattern.",
        ),
        switches::matches,
    ),
    SessionCommand::new(
        light("debug|set-skip-checksum-validation", 3).doc(
            "6.2.0",
            "O(1)",
            "0|1",
            "Has checksums of snapshots and payloads compared, or not.",
        ),
        switches::skip_checksums,
    ),
    SessionCommand::new(
        light("debug|set-disable-deny-scripts", 3).doc(
            "7.0.0",
            "O(1)",
            "0|1",
            "Refuses scripts what is not for them, or lets them.",
        ),
        switches::scripts_may_all,
    ),
    SessionCommand::new(
        light("debug|config-rewrite-force-all", 2).doc(
            "7.0.0",
            "O(N) where N is the number of settings",
            "",
            "Writes all settings into the configuration file.",
        ),
        switches::rewrite_config,
    ),
    SessionCommand::new(
        light("debug|change-repl-id", 2).doc(
            "4.0.0",
            "O(1)",
            "",
            "Gives the history of changes a new name.",
        ),
        switches::change_repl_id,
    ),
    SessionCommand::new(
        light("debug|pause-cron", 3).doc("7.0.0", "O(1)", "0|1", IGNORED),
        switches::ignored_number,
    ),
    SessionCommand::new(
        light("debug|aof-flush-sleep", 3).doc("7.0.0", "O(1)", "microseconds", IGNORED),
        switches::ignored_number,
    ),
    SessionCommand::new(
        light("debug|replybuffer", 4).doc(
            "7.0.0",
            "O(1)",
            "PEAK-RESET-TIME NEVER|RESET|milliseconds | RESIZING 0|1",
            IGNORED,
        ),
        switches::reply_buffer,
    ),
    SessionCommand::new(
        light("debug|segfault", -2).doc("1.0.0", "O(1)", "", "Is refused."),
        switches::segfault,
    ),
    SessionCommand::new(
        spec("debug|object", 3).doc("1.0.0", "O(N)", "key", "Tells how a value is held."),
        object,
    ),
    SessionCommand::new(
        light("debug|set-active-expire", 3).doc(
            "3.0.0",
            "O(1)",
            "0|1",
            "Turns off or on that keys expire when nobody asks for them.",
        ),
        switches::set_active_expire,
    ),
    SessionCommand::new(
        light("debug|sleep", 3).doc("1.0.0", "O(1)", "seconds", "Does nothing for some time."),
        sleep,
    ),
    SessionCommand::new(
        light("debug|quicklist-packed-threshold", 3).doc("7.0.0", "O(1)", "size", IGNORED),
        switches::quicklist_packed_threshold,
    ),
    SessionCommand::new(
        light("debug|help", 2).doc("1.0.0", "O(1)", "", "Lists these subcommands."),
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
    let mut keys = keyspace.lock(keyspace.plan(Mode::Read, names), session.engine.now());
    keys.set_expiry(Expiry::Ignore);
    reply.array(names.len());
    for key in names {
        let digest = keys.peek(session.client.db, key).map_or([0; 20], |entry| {
            snapshot::digest_value(entry.value(), entry.deadline(), keys.now(), old)
        });
        reply.simple(&hex(&digest));
    }
    Ok(())
}

fn object(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let key = args.bytes()?;
    let keyspace = session.engine.keyspace();
    let mut keys = keyspace.lock(keyspace.plan(Mode::Read, &[key]), session.engine.now());
    // What is there, even if its time has come.
    keys.set_expiry(Expiry::Ignore);
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

/// Keys that are there stay as they are.
fn populate(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let count = args.positive()?;
    let prefix = if args.is_done() {
        b"key"
    } else {
        args.bytes()?
    };
    let size = if args.is_done() { 0 } else { args.positive()? };
    args.done()?;
    for number in 0..count {
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        let mut value = format!("value:{number}").into_bytes();
        if size > 0 {
            value.resize(size, 0);
        }
        if !session.exists(&key)? {
            session.set(&key, &value)?;
        }
    }
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
    super::help(reply, HELP)
}

const HELP: &[&str] = &[
    "DEBUG <subcommand> [<arg> [value] ...]. Subcommands are:",
    "CHANGE-REPL-ID",
    "    Gives the history of changes a new name.",
    "CONFIG-REWRITE-FORCE-ALL",
    "    CONFIG REWRITE of all settings, those too that are as they are by default.",
    "DIGEST [OLD-SCORE-TEXT]",
    "    A checksum of everything, the same as any server with the same content gives;",
    "    OLD-SCORE-TEXT for servers before 7.2.",
    "DIGEST-VALUE [OLD-SCORE-TEXT] <key> [<key> ...]",
    "    A checksum of each key's value.",
    "ERROR <line>",
    "    Answers with that error.",
    "LOADAOF",
    "    Empties the keyspace and reads the append-only file.",
    "LOG <message>",
    "    Writes a line into the log.",
    "OBJECT <key>",
    "    How the value is held.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Creates strings prefix:0, prefix:1, .. where there are none by these names.",
    "PROTOCOL <type>",
    "    Answers with a string, integer, double, bignum, null, array, set, map, attrib, push,",
    "    verbatim, true or false.",
    "RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
    "    Saves a snapshot (unless NOSAVE), empties the keyspace (unless NOFLUSH) and reads the",
    "    snapshot. What is there already is an error, or replaced with MERGE.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Whether keys expire when nobody asks for them.",
    "SET-DISABLE-DENY-SCRIPTS <0|1>",
    "    Whether scripts may call what is not for them.",
    "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
    "    Whether checksums of snapshots and payloads do not count.",
    "SLEEP <seconds>",
    "    Nothing, for so long; decimals are allowed.",
    "STRINGMATCH-LEN <pattern> <string>",
    "    Whether the string fits the pattern.",
    "AOF-FLUSH-SLEEP, PAUSE-CRON, QUICKLIST-PACKED-THRESHOLD, REPLYBUFFER",
    "    Are taken, and change nothing.",
    "HELP",
    "    Prints this help.",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

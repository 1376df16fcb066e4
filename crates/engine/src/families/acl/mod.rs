//! ACL: the users and their rules, and what was refused to them.

mod log;
mod users;

use crate::access::{catalog, refusal};
use crate::registry::{self, SessionCommand};
use crate::session::Session;
use acl::Catalog;
use commands::{Args, CATEGORIES, Error, Flags, Group, Outcome, ReplySink, Spec};

const ASK: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE);
const ADMIN: Flags = ASK.union(Flags::ADMIN);
const HELP: Flags = Flags::LOADING.union(Flags::STALE);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Server, flags)
}

const PER_USER: &str = "O(N) where N is the number of users";

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("acl|cat", -2, ASK).doc(
            "6.0.0",
            "O(1)",
            "[category]",
            "Lists the categories of commands, or the commands of one.",
        ),
        cat,
    ),
    SessionCommand::new(
        spec("acl|deluser", -3, ADMIN).doc(
            "6.0.0",
            "O(1) a user",
            "username [username ...]",
            "Removes users, and has their clients disconnected.",
        ),
        users::deluser,
    ),
    SessionCommand::new(
        spec("acl|dryrun", -4, ADMIN).doc(
            "7.0.0",
            "O(1)",
            "username command [arg ...]",
            "Tells whether a user may run a command.",
        ),
        dry_run,
    ),
    SessionCommand::new(
        spec("acl|genpass", -2, ASK).doc(
            "6.0.0",
            "O(1)",
            "[bits]",
            "Makes up a password that nobody can guess.",
        ),
        genpass,
    ),
    SessionCommand::new(
        spec("acl|getuser", 3, ADMIN).doc(
            "6.0.0",
            "O(N) where N is the number of rules",
            "username",
            "Tells the rules of a user.",
        ),
        users::getuser,
    ),
    SessionCommand::new(
        spec("acl|help", 2, HELP).doc("6.0.0", "O(1)", "", "Lists these subcommands."),
        help,
    ),
    SessionCommand::new(
        spec("acl|list", 2, ADMIN).doc("6.0.0", PER_USER, "", "Lists all users with their rules."),
        users::list,
    ),
    SessionCommand::new(
        spec("acl|load", 2, ADMIN).doc(
            "6.0.0",
            PER_USER,
            "",
            "Replaces all users by those of the file.",
        ),
        users::load,
    ),
    SessionCommand::new(
        spec("acl|log", -2, ADMIN).doc(
            "6.0.0",
            "O(N) where N is the number of entries",
            "[count | RESET]",
            "Tells what was refused lately, or forgets it.",
        ),
        log::log,
    ),
    SessionCommand::new(
        spec("acl|save", 2, ADMIN).doc("6.0.0", PER_USER, "", "Writes all users to the file."),
        users::save,
    ),
    SessionCommand::new(
        spec("acl|setuser", -3, ADMIN).doc(
            "6.0.0",
            "O(N) where N is the number of rules",
            "username [rule [rule ...]]",
            "Makes a user or changes its rules.",
        ),
        users::setuser,
    ),
    SessionCommand::new(
        spec("acl|users", 2, ADMIN).doc("6.0.0", PER_USER, "", "Lists the names of all users."),
        users::names,
    ),
    SessionCommand::new(
        spec("acl|whoami", 2, ASK).doc("6.0.0", "O(1)", "", "Tells who the client is."),
        whoami,
    ),
];

/// The refusal of too many arguments, in the words of a subcommand that does not exist.
fn too_many(args: &Args<'_>) -> Error {
    let word = String::from_utf8_lossy(args.argv()[1]);
    Error::err(format_args!(
        "unknown subcommand or wrong number of arguments for '{word}'. Try ACL HELP."
    ))
}

fn cat(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let names: Vec<&str> = match args.rest() {
        [] => CATEGORIES.to_vec(),
        [name] => {
            let unknown = || {
                let name = String::from_utf8_lossy(&name[..name.len().min(128)]);
                Error::err(format_args!("Unknown category '{name}'"))
            };
            let category = Catalog::category(name).ok_or_else(unknown)?;
            catalog().names_in(category).collect()
        }
        _ => return Err(too_many(args)),
    };
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name.as_bytes()));
    Ok(())
}

fn dry_run(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let name = args.bytes()?;
    let argv = args.rest();
    let access = session.engine.access();
    let user = access.with_users(|users| users.get(name).cloned());
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let user = user.ok_or_else(|| Error::err(format_args!("User '{}' not found", shown(name))))?;
    let entry = registry::identify(argv)
        .map_err(|_| Error::err(format_args!("Command '{}' not found", shown(argv[0]))))?;
    let spec = entry.spec();
    if !spec.accepts(argv.len()) {
        return Err(Error::WrongArity(spec.name.to_owned()));
    }
    let Err(denial) = user.check(catalog(), spec, argv) else {
        reply.ok();
        return Ok(());
    };
    let compat = session.engine.inner().compat();
    let line = refusal::in_detail(compat, denial, name, spec, argv);
    reply.bulk(line.as_bytes());
    Ok(())
}

fn genpass(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    const BITS_MAX: i64 = 4096;
    let bits = match args.left() {
        0 => 256,
        1 => args.int()?,
        _ => return Err(too_many(args)),
    };
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(Error::err(format_args!(
            "ACL GENPASS argument must be the number of bits for the output password, a positive \
             number up to {BITS_MAX}"
        )));
    }
    let digits = (bits as usize).div_ceil(4);
    reply.bulk(secret(digits)?.as_bytes());
    Ok(())
}

/// So many hexadecimal digits from the operating system: no seed of the engine's must tell them.
fn secret(digits: usize) -> Result<String, Error> {
    let mut bytes = vec![0; digits.div_ceil(2)];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::err(format_args!("no random bytes to be had: {error}")))?;
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    Ok(text)
}

fn whoami(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.bulk(session.user_name());
    Ok(())
}

fn help(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    super::help(
        reply,
        &[
            "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "CAT [<category>]",
            "    The categories of commands, or the commands of one.",
            "DELUSER <username> [<username> ...]",
            "    Removes users.",
            "DRYRUN <username> <command> [<arg> ...]",
            "    Whether the user may run the command; it is not run.",
            "GETUSER <username>",
            "    The rules of a user.",
            "GENPASS [<bits>]",
            "    A password of 256 bits, or of as many as asked for.",
            "LIST",
            "    All users, as lines of the configuration.",
            "LOAD",
            "    Replaces all users by those of the ACL file.",
            "LOG [<count> | RESET]",
            "    What was refused lately.",
            "SAVE",
            "    Writes all users to the ACL file.",
            "SETUSER <username> <attribute> [<attribute> ...]",
            "    Makes or changes a user.",
            "USERS",
            "    The names of all users.",
            "WHOAMI",
            "    The user of this connection.",
            "HELP",
            "    Prints this help.",
        ],
    )
}

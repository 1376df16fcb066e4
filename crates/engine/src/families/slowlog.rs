//! SLOWLOG, and MONITOR.

use super::help;
use crate::registry::SessionCommand;
use crate::session::Session;
use crate::slow_log::SlowRequest;
use commands::{Args, Flags, Group, Outcome, ReplySink, Spec, tips};

const FLAGS: Flags = Flags::ADMIN.union(Flags::LOADING).union(Flags::STALE);

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Server, FLAGS)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        Spec::new("monitor", 1, Group::Server, FLAGS.union(Flags::NOSCRIPT)).doc(
            "1.0.0",
            "O(1)",
            "",
            "Shows every command to the client from now on.",
        ),
        |session, _, reply| {
            session.monitor();
            reply.ok();
            Ok(())
        },
    ),
    SessionCommand::new(
        spec("slowlog|get", -2).tips(tips::EVERY_NODE_VARIES).doc(
            "2.2.12",
            "O(N) where N is the number of entries",
            "[count]",
            "Tells the latest requests that took long.",
        ),
        get,
    ),
    SessionCommand::new(
        spec("slowlog|len", 2).tips(tips::EVERY_NODE_SUM).doc(
            "2.2.12",
            "O(1)",
            "",
            "Tells how many requests that took long are kept.",
        ),
        len,
    ),
    SessionCommand::new(
        spec("slowlog|reset", 2).tips(tips::EVERY_NODE).doc(
            "2.2.12",
            "O(N) where N is the number of entries",
            "",
            "Forgets the requests that took long.",
        ),
        reset,
    ),
    SessionCommand::new(
        Spec::new(
            "slowlog|help",
            2,
            Group::Server,
            Flags::LOADING.union(Flags::STALE),
        )
        .doc("6.2.0", "O(1)", "", "Says what the subcommands do."),
        |_, _, reply| help(reply, HELP),
    ),
];

const HELP: &[&str] = &[
    "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET [<count>]",
    "    Tells the latest requests that took long, 10 of them or <count>, or all by -1:",
    "    number, time, microseconds, arguments, the client's address and name.",
    "LEN",
    "    Tells how many are kept.",
    "RESET",
    "    Forgets them.",
    "HELP",
    "    Says what the subcommands do.",
];

/// How many are told if nothing is said.
const LATEST: i64 = 10;

fn get(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let count = match args.is_done() {
        true => LATEST,
        false => {
            let wrong = "count should be greater than or equal to -1";
            args.int_in(-1..=i64::MAX, wrong)?
        }
    };
    args.done()?;
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let latest = session.engine.inner().slow_log.latest(most);
    reply.array(latest.len());
    latest.iter().for_each(|request| tell(request, reply));
    Ok(())
}

fn tell(request: &SlowRequest, reply: &mut dyn ReplySink) {
    reply.array(6);
    reply.integer(request.id);
    reply.integer(request.at.0 / 1000);
    reply.integer(i64::try_from(request.took.as_micros()).unwrap_or(i64::MAX));
    reply.array(request.argv.len());
    request.argv.iter().for_each(|arg| reply.bulk(arg));
    reply.bulk(request.address.as_bytes());
    reply.bulk(&request.name);
}

fn len(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(session.engine.inner().slow_log.len() as i64);
    Ok(())
}

fn reset(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.inner().slow_log.clear();
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Engine, Error, Reply};

    #[test]
    fn requests_that_took_long_are_told() {
        let engine = Engine::open_in_memory();
        let mut session = engine.session();
        let mut run = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            session.execute(&words)
        };
        run("SET before 1");
        run("CONFIG SET slowlog-log-slower-than 0");
        run("SLOWLOG RESET");
        run("CLIENT SETNAME me");
        run("MULTI");
        run("SET k v");
        run("EXEC");
        run("CONFIG SET slowlog-log-slower-than -1");
        let Reply::Array(entries) = run("SLOWLOG GET") else {
            panic!("not a list");
        };
        let line = |entry: &Reply| match entry {
            Reply::Array(fields) => format!("{:?}", fields[3]),
            other => panic!("{other:?}"),
        };
        let of = |words: &[&str]| {
            let bulk = |word: &&str| Reply::Bulk(word.as_bytes().into());
            format!("{:?}", Reply::Array(words.iter().map(bulk).collect()))
        };
        // EXEC itself is not among them: what it carried out is.
        let lines: Vec<String> = entries.iter().map(line).collect();
        let expected = [
            of(&["CONFIG", "SET", "slowlog-log-slower-than", "-1"]),
            of(&["SET", "k", "v"]),
            of(&["MULTI"]),
            of(&["CLIENT", "SETNAME", "me"]),
            of(&["SLOWLOG", "RESET"]),
        ];
        // The last CONFIG SET turned it off before it was over.
        assert_eq!(lines, expected[1..]);
        assert_eq!(run("SLOWLOG LEN"), Reply::Integer(4));
        assert_eq!(
            run("SLOWLOG GET -2"),
            Reply::Error(Error::err("count should be greater than or equal to -1"))
        );
    }
}

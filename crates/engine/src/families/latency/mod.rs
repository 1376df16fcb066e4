//! LATENCY.

mod graph;

use super::help;
use crate::calls::Told;
use crate::registry::{self, CommandId, Named, SessionCommand};
use crate::session::Session;
use crate::spikes::{Series, Spike};
use commands::{Args, Flags, Group, Outcome, ReplySink, Spec, tips};

const FLAGS: Flags = Flags::ADMIN
    .union(Flags::NOSCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Server, FLAGS).tips(tips::EVERY_NODE_SPECIAL)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("latency|latest", 2).doc(
            "2.8.13",
            "O(1)",
            "",
            "Tells the latest spike of each kind of event.",
        ),
        latest,
    ),
    SessionCommand::new(
        spec("latency|history", 3).doc(
            "2.8.13",
            "O(1)",
            "event",
            "Tells the spikes of a kind of event.",
        ),
        history,
    ),
    SessionCommand::new(
        spec("latency|reset", -2).tips(tips::EVERY_NODE).doc(
            "2.8.13",
            "O(1)",
            "[event [event ...]]",
            "Forgets the spikes of some kinds of events, or of all.",
        ),
        reset,
    ),
    SessionCommand::new(
        spec("latency|graph", 3).doc(
            "2.8.13",
            "O(1)",
            "event",
            "Draws the spikes of a kind of event.",
        ),
        draw,
    ),
    SessionCommand::new(
        spec("latency|doctor", 2).doc("2.8.13", "O(1)", "", "Says what the spikes mean, in words."),
        doctor,
    ),
    SessionCommand::new(
        spec("latency|histogram", -2).doc(
            "7.0.0",
            "O(N) where N is the number of commands",
            "[command [command ...]]",
            "Tells how long commands took, in powers of two.",
        ),
        histogram,
    ),
    SessionCommand::new(
        Spec::new(
            "latency|help",
            2,
            Group::Server,
            Flags::LOADING.union(Flags::STALE),
        )
        .doc("2.8.13", "O(1)", "", "Says what the subcommands do."),
        |_, _, reply| help(reply, HELP),
    ),
];

const HELP: &[&str] = &[
    "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Says in words what took long.",
    "GRAPH <event>",
    "    Draws the spikes of a kind of event.",
    "HISTORY <event>",
    "    Tells the spikes of a kind of event: time and milliseconds.",
    "HISTOGRAM [COMMAND ...]",
    "    Tells how many calls of commands took up to 1, 2, 4 ... microseconds.",
    "LATEST",
    "    Tells the latest spike of each kind: its time, its milliseconds, and the longest ever.",
    "RESET [<event> ...]",
    "    Forgets spikes.",
    "HELP",
    "    Says what the subcommands do.",
];

fn latest(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let all = session.engine.inner().spikes.all();
    reply.array(all.len());
    for (kind, series) in &all {
        let last = series.last().copied().unwrap_or(Spike { at: 0, took: 0 });
        reply.array(4);
        reply.bulk(kind.as_bytes());
        reply.integer(last.at);
        reply.integer(last.took as i64);
        reply.integer(series.max as i64);
    }
    Ok(())
}

fn history(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let series = session
        .engine
        .inner()
        .spikes
        .of(args.bytes()?)
        .unwrap_or_default();
    let spikes = series.spikes();
    reply.array(spikes.len());
    for spike in spikes {
        reply.array(2);
        reply.integer(spike.at);
        reply.integer(spike.took as i64);
    }
    Ok(())
}

fn reset(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let count = session.engine.inner().spikes.reset(args.rest());
    reply.integer(count as i64);
    Ok(())
}

fn draw(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let kind = args.bytes()?;
    let series = session.engine.inner().spikes.of(kind).ok_or_else(|| {
        let kind = String::from_utf8_lossy(kind);
        commands::Error::err(format_args!("No samples available for event '{kind}'"))
    })?;
    let kind = String::from_utf8_lossy(kind);
    reply.verbatim(
        "txt",
        &graph::draw(&kind, &series, session.engine.now().secs()),
    );
    Ok(())
}

fn doctor(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let spikes = &session.engine.inner().spikes;
    let text = match (spikes.threshold(), spikes.all()) {
        (0, _) => "Nothing is watched: CONFIG SET latency-monitor-threshold <milliseconds> has \
            events kept that take as long.\n"
            .to_owned(),
        (least, all) if all.is_empty() => format!("Nothing took {least} ms or more so far.\n"),
        (_, all) => all
            .iter()
            .map(|(kind, series)| diagnosis(kind, series))
            .collect(),
    };
    reply.verbatim("txt", &text);
    Ok(())
}

/// A paragraph on one kind of event.
fn diagnosis(kind: &str, series: &Series) -> String {
    let spikes: Vec<&Spike> = series.spikes().collect();
    let count = spikes.len();
    let sum: u64 = spikes.iter().map(|spike| spike.took).sum();
    let period = match (spikes.first(), spikes.last()) {
        (Some(first), Some(last)) => last.at - first.at,
        _ => 0,
    };
    let mean = sum / (count as u64).max(1);
    let longest = series.max;
    let advice = advice(kind);
    format!(
        "{kind}: {count} spikes within {period} s, {mean} ms on average, {longest} ms the longest. \
         {advice}\n"
    )
}

fn advice(kind: &str) -> &'static str {
    match kind {
        "command" => {
            "SLOWLOG GET tells which commands: those whose work grows with their keys' sizes."
        }
        "fast-command" => {
            "Cheap commands were slow: look at the machine (swapping, huge pages, other programs)."
        }
        "expire-cycle" => {
            "Many keys, or large ones, came to their ends at the same time: spread deadlines; lazyfree-lazy-expire frees large values aside."
        }
        "eviction-cycle" => {
            "Much had to be evicted at once: lower maxmemory-eviction-tenacity, or write less quickly."
        }
        "aof-write" | "aof-fsync-always" => {
            "The disk is slow: appendfsync everysec waits for it less often."
        }
        _ => "",
    }
}

fn histogram(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let calls = &session.engine.inner().calls;
    let named: Vec<(CommandId, &str)> = match args.rest() {
        [] => registry::numbered().collect(),
        names => names.iter().flat_map(|name| meant(name)).collect(),
    };
    let told = named.iter().map(|(id, name)| (*name, calls.of(*id)));
    let told: Vec<_> = told
        .filter(|(_, told)| told.latencies.total() > 0)
        .collect();
    reply.map(told.len());
    told.iter().for_each(|(name, told)| tell(name, told, reply));
    Ok(())
}

/// The commands that a name means: one, or what a container contains.
fn meant(name: &[u8]) -> Vec<(CommandId, &'static str)> {
    let words: Vec<&[u8]> = name.splitn(2, |byte| *byte == b'|').collect();
    let specs: Vec<&'static Spec> = match words[..] {
        [word] => registry::find(word).map_or(Vec::new(), Named::runnable),
        _ => registry::identify(&words)
            .into_iter()
            .map(|entry| entry.spec())
            .collect(),
    };
    let mut ids: Vec<CommandId> = specs.into_iter().map(registry::id_of).collect();
    ids.dedup();
    ids.into_iter()
        .map(|id| (id, registry::name_of(id)))
        .collect()
}

/// Up to which powers of two calls are counted: 1024 nanoseconds, and then twice as many each.
const POWERS: u32 = 30;

fn tell(name: &str, told: &Told, reply: &mut dyn ReplySink) {
    let limits: Vec<u64> = (0..POWERS).map(|power| 1024 << power).collect();
    let mut before = 0;
    let mut lines = Vec::new();
    for (limit, count) in limits.iter().zip(told.latencies.up_to(&limits)) {
        if count > before {
            lines.push((limit.div_ceil(1000) as i64, count));
            before = count;
        }
    }
    reply.bulk(name.as_bytes());
    reply.map(2);
    reply.bulk(b"calls");
    reply.integer(told.latencies.total() as i64);
    reply.bulk(b"histogram_usec");
    reply.map(lines.len());
    for (limit, count) in lines {
        reply.integer(limit);
        reply.integer(count as i64);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Engine, Reply};
    use std::time::Duration;

    fn text(reply: Reply) -> String {
        match reply {
            Reply::Verbatim(_, text) => text,
            Reply::Bulk(text) => String::from_utf8(text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_doctor_says_what_it_sees() {
        let engine = Engine::open_in_memory();
        let mut session = engine.session();
        let mut doctor = || text(session.execute(&["LATENCY", "DOCTOR"]));
        assert!(doctor().contains("Nothing is watched"));
        engine
            .set_config("latency-monitor-threshold", "50")
            .unwrap();
        assert!(doctor().contains("50 ms or more"));
        let took = Duration::from_millis(70);
        engine.inner().spikes.note(took, || "fast-command");
        let line = doctor();
        assert!(
            line.starts_with("fast-command: 1 spikes within 0 s, 70 ms"),
            "{line}"
        );
    }

    #[test]
    fn histograms_are_told_of_what_was_called() {
        let engine = Engine::open_in_memory();
        let mut session = engine.session();
        for argv in [
            &["SET", "a", "b"][..],
            &["CLIENT", "ID"],
            &["CLIENT", "GETNAME"],
        ] {
            session.execute(argv);
        }
        let mut names = |argv: &[&str]| match session.execute(argv) {
            Reply::Array(items) => items.into_iter().step_by(2).map(text).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            names(&["LATENCY", "HISTOGRAM", "client", "nosuch", "get", "set"]),
            ["client|id", "client|getname", "set"]
        );
        assert_eq!(names(&["LATENCY", "HISTOGRAM", "client|id"]), ["client|id"]);
    }
}

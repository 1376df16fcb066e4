//! MEMORY, and the lines of `INFO memory`.

use crate::Engine;
use crate::memory::MemoryUse;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Flags, Group, Outcome, ReplySink, Spec, tips};
use units::DbIndex;

const ANY_TIME: Flags = Flags::LOADING.union(Flags::STALE);

const fn spec(name: &'static str, flags: Flags) -> Spec {
    Spec::new(name, 2, Group::Server, flags)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("memory|stats", Flags::empty())
            .tips(tips::EVERY_SHARD_SPECIAL)
            .doc(
                "4.0.0",
                "O(1)",
                "",
                "Tells where memory goes, as names and numbers.",
            ),
        stats,
    ),
    SessionCommand::new(
        spec("memory|doctor", Flags::empty())
            .tips(tips::EVERY_SHARD_SPECIAL)
            .doc(
                "4.0.0",
                "O(1)",
                "",
                "Says what is unusual about the memory used.",
            ),
        doctor,
    ),
    SessionCommand::new(
        spec("memory|malloc-stats", Flags::empty())
            .tips(tips::EVERY_SHARD_SPECIAL)
            .doc("4.0.0", "O(1)", "", "Says what is known of the allocator."),
        malloc_stats,
    ),
    SessionCommand::new(
        spec("memory|purge", Flags::empty())
            .tips(tips::EVERY_SHARD)
            .doc(
                "4.0.0",
                "O(N) where N is the memory that waits to be freed",
                "",
                "Frees what waits to be freed.",
            ),
        purge,
    ),
    SessionCommand::new(
        spec("memory|help", ANY_TIME).doc("4.0.0", "O(1)", "", "Lists these subcommands."),
        help,
    ),
];

/// The lines that tell of memory.
pub(super) fn info(engine: &Engine) -> Vec<(&'static str, String)> {
    let memory = engine.memory();
    let mut lines = Vec::new();
    both(
        &mut lines,
        ["used_memory", "used_memory_human"],
        memory.used,
    );
    if let Some(resident) = memory.resident {
        both(
            &mut lines,
            ["used_memory_rss", "used_memory_rss_human"],
            resident,
        );
    }
    both(
        &mut lines,
        ["used_memory_peak", "used_memory_peak_human"],
        memory.peak,
    );
    let percent = |percent: f64| format!("{percent:.2}%");
    lines.extend([
        ("used_memory_peak_perc", percent(memory.peak_percent())),
        ("used_memory_overhead", memory.overhead().to_string()),
        ("used_memory_startup", memory.startup.to_string()),
        ("used_memory_dataset", memory.dataset().to_string()),
        (
            "used_memory_dataset_perc",
            percent(memory.dataset_percent()),
        ),
    ]);
    if let (Some(ratio), Some(resident)) = (memory.fragmentation(), memory.resident) {
        let more = resident as i64 - memory.used as i64;
        lines.push(("mem_fragmentation_ratio", format!("{ratio:.2}")));
        lines.push(("mem_fragmentation_bytes", more.to_string()));
    }
    lines.extend(limit(engine));
    let reclaim = engine.keyspace().reclaim_stats();
    // What is kept beyond the backlog's size is kept for replicas that have not got it yet.
    let backlog = memory.journal.min(engine.backlog_size() as usize);
    let for_replicas = memory.journal - backlog;
    lines.extend([
        ("mem_not_counted_for_evict", memory.views.to_string()),
        ("mem_total_replication_buffers", memory.journal.to_string()),
        ("mem_clients_slaves", for_replicas.to_string()),
        ("mem_clients_normal", memory.clients.to_string()),
        ("mem_replication_backlog", backlog.to_string()),
        (
            "lazyfree_pending_objects",
            reclaim.pending_objects.to_string(),
        ),
        ("lazyfreed_objects", reclaim.freed_objects.to_string()),
    ]);
    lines
}

/// The lines that tell how much memory may be used.
fn limit(engine: &Engine) -> Vec<(&'static str, String)> {
    let config = engine.inner().config.read();
    let bytes = usize::try_from(config.maxmemory).unwrap_or(usize::MAX);
    let mut lines = Vec::new();
    both(&mut lines, ["maxmemory", "maxmemory_human"], bytes);
    let policy = config.get("maxmemory-policy").unwrap_or_default();
    lines.push(("maxmemory_policy", policy));
    lines
}

/// The bytes, and the same for people.
fn both(lines: &mut Vec<(&'static str, String)>, names: [&'static str; 2], bytes: usize) {
    lines.push((names[0], bytes.to_string()));
    lines.push((names[1], human(bytes)));
}

/// Bytes in the largest unit of which there is at least one, as Redis prints them.
pub(super) fn human(bytes: usize) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let (mut amount, mut unit) = (bytes as f64 / 1024.0, 0);
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.2}{}", UNITS[unit])
}

/// A number of MEMORY STATS.
enum Figure {
    Bytes(usize),
    Ratio(f64),
}

fn stats(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let figures = figures(&session.engine);
    reply.map(figures.len());
    for (name, figure) in figures {
        reply.bulk(name.as_bytes());
        match figure {
            Figure::Bytes(bytes) => reply.integer(bytes as i64),
            Figure::Ratio(ratio) => reply.double(ratio),
        }
    }
    Ok(())
}

/// By Redis's names, as far as they mean something here: there are no allocator's arenas, and no
/// tables that are not data.
fn figures(engine: &Engine) -> Vec<(&'static str, Figure)> {
    let memory = engine.memory();
    let keyspace = engine.keyspace();
    let keys: usize = (0..keyspace.databases())
        .map(|db| keyspace.len(DbIndex(db)))
        .sum();
    let each = memory.used.saturating_sub(memory.startup) / keys.max(1);
    let mut figures = vec![
        ("peak.allocated", Figure::Bytes(memory.peak)),
        ("total.allocated", Figure::Bytes(memory.used)),
        ("startup.allocated", Figure::Bytes(memory.startup)),
        ("replication.backlog", Figure::Bytes(memory.journal)),
        ("lazyfree.pending", Figure::Bytes(memory.garbage)),
        ("snapshot.kept", Figure::Bytes(memory.views)),
        ("overhead.total", Figure::Bytes(memory.overhead())),
        ("keys.count", Figure::Bytes(keys)),
        (
            "keys.bytes-per-key",
            Figure::Bytes(if keys == 0 { 0 } else { each }),
        ),
        ("dataset.bytes", Figure::Bytes(memory.dataset())),
        (
            "dataset.percentage",
            Figure::Ratio(memory.dataset_percent()),
        ),
        ("peak.percentage", Figure::Ratio(memory.peak_percent())),
    ];
    if let (Some(ratio), Some(resident)) = (memory.fragmentation(), memory.resident) {
        figures.push(("allocator.resident", Figure::Bytes(resident)));
        figures.push(("fragmentation", Figure::Ratio(ratio)));
        let more = resident.saturating_sub(memory.used);
        figures.push(("fragmentation.bytes", Figure::Bytes(more)));
    }
    figures
}

fn doctor(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.verbatim("txt", &diagnosis(&session.engine.memory()));
    Ok(())
}

/// What is unusual, a line each.
fn diagnosis(memory: &MemoryUse) -> String {
    const LITTLE: usize = 5 << 20;
    if memory.used < LITTLE {
        return "There is too little data here to say anything.\n".to_owned();
    }
    let mut lines = Vec::new();
    if memory.peak_percent() < 100.0 / 1.5 {
        lines.push(format!(
            "Peak: {} were used at some time, much more than the {} of now. The allocator may keep \
             what lies between.",
            human(memory.peak),
            human(memory.used)
        ));
    }
    if let Some(ratio) = memory.fragmentation().filter(|ratio| *ratio > 1.4) {
        lines.push(format!(
            "Fragmentation: the process takes {ratio:.2} times what is counted. Front-ends' \
             buffers, the program around the engine and the allocator's free memory are the rest."
        ));
    }
    if memory.garbage > memory.used / 4 {
        lines.push(format!(
            "Garbage: {} wait to be freed. The program should call reclaim more often.",
            human(memory.garbage)
        ));
    }
    match lines.is_empty() {
        true => "Nothing is unusual.\n".to_owned(),
        false => lines.join("\n") + "\n",
    }
}

fn malloc_stats(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.bulk(b"Stats not supported for the current allocator");
    Ok(())
}

fn purge(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.reclaim(usize::MAX);
    reply.ok();
    Ok(())
}

fn help(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    super::help(
        reply,
        &[
            "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "DOCTOR",
            "    What is unusual about the memory used.",
            "MALLOC-STATS",
            "    What is known of the allocator.",
            "PURGE",
            "    Frees what waits to be freed.",
            "STATS",
            "    Where memory goes.",
            "USAGE <key> [SAMPLES <count>]",
            "    Bytes that the key and its value take. They are known, so nothing is sampled.",
            "HELP",
            "    Prints this help.",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(used: usize) -> MemoryUse {
        let engine = Engine::open_in_memory();
        MemoryUse {
            used,
            peak: used,
            ..engine.memory()
        }
    }

    #[test]
    fn bytes_for_people() {
        let pairs = [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_572_864, "1.50M"),
            (3 << 30, "3.00G"),
        ];
        for (bytes, text) in pairs {
            assert_eq!(human(bytes), text);
        }
    }

    #[test]
    fn the_doctor_names_what_is_unusual_and_no_more() {
        let well = memory(64 << 20);
        assert_eq!(diagnosis(&well), "Nothing is unusual.\n");
        assert!(diagnosis(&memory(1)).starts_with("There is too little"));
        let ill = MemoryUse {
            peak: 128 << 20,
            garbage: 32 << 20,
            resident: Some(256 << 20),
            ..well
        };
        let lines = diagnosis(&ill);
        let firsts: Vec<&str> = lines.lines().filter_map(|l| l.split(':').next()).collect();
        assert_eq!(firsts, ["Peak", "Fragmentation", "Garbage"]);
    }

    #[test]
    fn usage_of_all_keys_is_what_is_used() {
        let engine = Engine::open_in_memory();
        let mut session = engine.session();
        let mut sum = 0;
        for n in 0..2000 {
            session.execute(&["SET", &format!("key:{n}"), &"x".repeat(n % 700)]);
        }
        for n in 0..2000 {
            let reply = session.execute(&["MEMORY", "USAGE", &format!("key:{n}"), "SAMPLES", "0"]);
            let crate::Reply::Integer(bytes) = reply else {
                panic!("{reply:?}")
            };
            sum += bytes as usize;
        }
        let memory = engine.memory();
        let dataset = memory.keyspace - memory.startup;
        assert!(sum.abs_diff(dataset) < dataset / 20, "{sum} {dataset}");
        assert_eq!(
            session.execute(&["MEMORY", "USAGE", "none"]),
            crate::Reply::Nil
        );
    }
}

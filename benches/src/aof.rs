//! The append-only file: what it costs a write, its rewrite while writes go on, and loading it.

use std::path::Path;

use kvdump::Call;

use crate::{
    Outcome,
    args::{Args, Subject},
    background::Job,
    draw::Draw,
    load::send_all,
    measure::in_turn,
    server::Server,
    shapes::MEDIUM_STRINGS,
    table::{Better, print_head, print_row},
    throughput::benchmark,
    views,
    workload::Workload,
};

/// A log that is never rewritten by itself.
const LOGGED: [&str; 4] = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
/// The policies, after no log at all.
const POLICIES: [(&str, Option<&str>); 4] = [
    ("appendonly no", None),
    ("appendfsync no", Some("no")),
    ("appendfsync everysec", Some("everysec")),
    ("appendfsync always", Some("always")),
];
/// Connections, commands of each that are under way at a time, and commands of a run.
const LOADS: [[u64; 3]; 5] = [
    [1, 1, 20_000],
    [8, 1, 60_000],
    [64, 1, 100_000],
    [64, 16, 500_000],
    [64, 64, 1_000_000],
];
/// Keys that those commands choose from, and bytes of their values.
const KEY_SPACE: u64 = 1_000_000;
const VALUE: &str = "100";
/// Keys that are counted up by a log of nothing but INCR.
const COUNTERS: u64 = 1_000_000;

pub(crate) fn measure(args: &Args) -> Outcome<()> {
    measure_writes(args)?;
    measure_rewrite(args)?;
    measure_load(args)
}

/// Prints SETs a second, and the server's CPU time for each, by policy.
fn measure_writes(args: &Args) -> Outcome<()> {
    print_head(args, "SET of 100 bytes");
    for (label, policy) in POLICIES {
        let dirs: Vec<tempfile::TempDir> = args
            .subjects
            .iter()
            .map(|_| tempfile::tempdir())
            .collect::<Result<_, _>>()?;
        let each = args.subjects.iter().zip(&dirs);
        let servers = each
            .map(|(subject, dir)| start(args, subject, dir.path(), policy))
            .collect::<Outcome<Vec<Server>>>()?;
        for [clients, depth, commands] in LOADS {
            let words = ["-t", "set", "-d", VALUE, "-c", &clients.to_string()].map(str::to_owned);
            let run =
                |at: usize| benchmark(args, &servers[at], [KEY_SPACE, commands, depth], &words);
            let figures = in_turn(args, run)?;
            let what = format!("{label}, {clients} clients, P={depth}:");
            print_row(&format!("{what} a second"), &figures[1], 0, Better::More);
            print_row(
                &format!("{what} server CPU ns"),
                &figures[0],
                0,
                Better::Less,
            );
        }
        servers.into_iter().try_for_each(Server::stop)?;
    }
    println!();
    Ok(())
}

/// A server that logs by `policy`, if by any.
fn start(args: &Args, subject: &Subject, dir: &Path, policy: Option<&str>) -> Outcome<Server> {
    let core = args.pin.as_ref().map(|(server, _)| server.as_str());
    match policy {
        None => Server::start(subject, dir, core),
        Some(policy) => {
            let settings = [LOGGED.as_slice(), &["--appendfsync", policy]].concat();
            Server::start_with(subject, dir, core, &settings)
        }
    }
}

/// Prints latencies of writes before and during BGREWRITEAOF, its seconds and its memory.
fn measure_rewrite(args: &Args) -> Outcome<()> {
    let (workload, count) = (Workload::Strings(Draw::Uniform), args.keys_or(5_000_000));
    let title = format!(
        "log of {count} keys of 24 + 100 bytes, everysec: one connection, a write at a time, at a \
         steady rate"
    );
    print_head(args, &title);
    let figures = in_turn(args, |at| {
        let dir = tempfile::tempdir()?;
        let server = start(args, &args.subjects[at], dir.path(), Some("everysec"))?;
        send_all(&mut server.connect()?, MEDIUM_STRINGS.commands(count))?;
        server.settled_rss()?;
        let idle = views::phase(&server, workload, count, None)?;
        let cpu = server.cpu()?;
        let busy = views::phase(&server, workload, count, Some(Job::Rewrite))?;
        let cpu = (server.cpu()? - cpu).as_secs_f64();
        server.stop()?;
        Ok([idle, busy, vec![cpu]].concat())
    })?;
    let (phases, cpu) = figures.split_at(figures.len() - 1);
    views::print_phases(workload, "while rewriting", phases);
    for runs in cpu {
        let label = "server CPU seconds while rewriting";
        print_row(label, runs, 1, Better::Less);
    }
    println!();
    Ok(())
}

/// Prints seconds of starts that load a log of commands, with no snapshot in front.
fn measure_load(args: &Args) -> Outcome<()> {
    let count = args.keys_or(5_000_000);
    print_head(args, &format!("load of a log of {count} commands: seconds"));
    for (label, is_counting) in [
        ("SET, 24 + 100 bytes", false),
        ("INCR of 1000000 keys", true),
    ] {
        let figures = in_turn(args, |at| load(&args.subjects[at], count, is_counting))?;
        print_row(label, &figures[0], 2, Better::Less);
        print_row(
            &format!("{label}, server CPU"),
            &figures[1],
            2,
            Better::Less,
        );
    }
    println!();
    Ok(())
}

fn load(subject: &Subject, count: u64, is_counting: bool) -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let settings = [LOGGED.as_slice(), &["--appendfsync", "no"]].concat();
    let server = Server::start_with(subject, dir.path(), None, &settings)?;
    let mut connection = server.connect()?;
    match is_counting {
        true => send_all(&mut connection, (0..count).map(count_up))?,
        false => send_all(&mut connection, MEDIUM_STRINGS.commands(count))?,
    }
    let keys = connection.ask(&["DBSIZE"])?.integer()?;
    server.stop()?;

    let server = Server::start_with(subject, dir.path(), None, &settings)?;
    let figures = [server.started_in, server.cpu()?].map(|time| time.as_secs_f64());
    let loaded = server.connect()?.ask(&["DBSIZE"])?.integer()?;
    if loaded != keys {
        return Err(format!("{} loaded {loaded} keys of {keys}", subject.name).into());
    }
    server.stop()?;
    Ok(figures.to_vec())
}

/// The `number`th INCR: keys in an order that no cache likes.
fn count_up(number: u64) -> Vec<Vec<u8>> {
    let key = number.wrapping_mul(7_919) % COUNTERS;
    vec![b"INCR".to_vec(), format!("counter:{key}").into_bytes()]
}

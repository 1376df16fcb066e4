//! How long writes take, and how much memory, while all is being read as it was: under frozen views
//! of the engine, and while servers take a snapshot.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    Outcome,
    args::Args,
    background::Job,
    ballast::Ballast,
    draw::Draw,
    load::send_all,
    measure::{Runs, in_turn},
    quantiles,
    server::Server,
    steady::SteadyWriter,
    table::{Better, print_columns, print_figures, print_head, print_row},
    within::{self, Task},
    workload::{Workload, ZIPF},
};

/// How long writes are measured without a snapshot.
const IDLE_FOR: Duration = Duration::from_secs(5);
/// How often a server's memory is looked at, which takes a while itself.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Overwrites of many keys, by both ways to draw them.
pub(crate) fn measure_keys(args: &Args) -> Outcome<()> {
    let things = "keys of 24 + 100 bytes";
    let strings = [Draw::Uniform, ZIPF].map(Workload::Strings);
    measure(args, &strings, things)
}

/// Writes to one large collection.
pub(crate) fn measure_collections(args: &Args) -> Outcome<()> {
    let collections = [Workload::Zset, Workload::Hash, Workload::List];
    measure(args, &collections, "elements of one collection")
}

fn measure(args: &Args, workloads: &[Workload], things: &str) -> Outcome<()> {
    let count = args.keys_or(5_000_000);
    measure_within(args, workloads, count, things)?;
    print_head(
        args,
        &format!("writes to {count} {things}: one connection, a write at a time, at a steady rate"),
    );
    for workload in workloads {
        let figures = in_turn(args, |server| {
            through_server(args, server, *workload, count)
        })?;
        print_phases(*workload, "while saving", &figures);
    }
    println!();
    Ok(())
}

fn measure_within(args: &Args, workloads: &[Workload], count: u64, things: &str) -> Outcome<()> {
    let title =
        format!("in process, writes to {count} {things}, one thread without pause: microseconds");
    let more = [
        "writes a second",
        "extra memory at most, MB",
        "a view read in, seconds",
    ];
    let columns = [within::LATENCY.as_slice(), &more].concat();
    for (number, workload) in workloads.iter().enumerate() {
        let Some(figures) = within::figures(Task::Views(*workload, count), args.ballast)? else {
            return Ok(());
        };
        if number == 0 {
            print_columns(&title, &columns);
            let machine = within::figures(Task::Machine, 0)?.unwrap_or_default();
            let none = vec![f64::NAN; more.len()];
            print_figures("nothing but the machine", &[machine, none].concat());
        }
        let (idle, viewed) = figures.split_at(columns.len());
        print_figures(&format!("{}, no view", workload.label()), idle);
        print_figures(&format!("{}, under views", workload.label()), viewed);
    }
    println!();
    Ok(())
}

/// Prints what [`phase`] gave, without a job and with one.
pub(crate) fn print_phases(workload: Workload, job: &str, figures: &[Runs]) {
    let (idle, busy) = figures.split_at(quantiles::LABELS.len() + 1);
    for (phase, figures) in [("idle", idle), (job, busy)] {
        let what = format!(
            "{}, {} a second, {phase}: ",
            workload.label(),
            workload.rate()
        );
        quantiles::print(&format!("{what}microseconds, "), figures);
        let costs = figures.iter().skip(quantiles::LABELS.len());
        let labels = ["extra memory at most, MB", "seconds"];
        for (label, runs) in labels.iter().zip(costs) {
            print_row(&format!("{what}{label}"), runs, 1, Better::Less);
        }
    }
}

/// Latencies and extra memory, first of an idle server, then of one that saves, and its seconds.
fn through_server(args: &Args, at: usize, workload: Workload, count: u64) -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let ballast = Ballast::hold(args.ballast)?;
    let server = Server::start(&args.subjects[at], dir.path(), None)?;
    server.grows_into(ballast);
    send_all(&mut server.connect()?, workload.load(count))?;
    server.settled_rss()?;

    let idle = phase(&server, workload, count, None)?;
    let saving = phase(&server, workload, count, Some(Job::Snapshot))?;
    server.stop()?;
    Ok([idle, saving].concat())
}

/// Latencies of a steady writer and the server's extra memory while it does a job, and the job's
/// seconds; without a job, for a few seconds.
pub(crate) fn phase(
    server: &Server,
    workload: Workload,
    count: u64,
    job: Option<Job>,
) -> Outcome<Vec<f64>> {
    let before = server.memory_with_children()?;
    // The one that asks for the job connects right after the one that writes: servers that deal connections
    // out to threads give them different ones.
    let (writer, begin) = (
        SteadyWriter::start(server, workload, count)?,
        Instant::now(),
    );
    let job = job.map(|job| job.start(server)).transpose()?;
    let most = most_memory(server, || match &job {
        Some(job) => job.is_finished(),
        None => begin.elapsed() >= IDLE_FOR,
    })?;
    let took = begin.elapsed().as_secs_f64();
    let mut figures = quantiles::of(&writer.end()?);
    figures.push(most.saturating_sub(before) as f64 / 1e6);
    if let Some(job) = job {
        job.join().map_err(|_| "the thread of a job panicked")??;
        figures.push(took);
    }
    Ok(figures)
}

/// The most memory that a server and its children take until it is over, in bytes.
fn most_memory(server: &Server, is_over: impl Fn() -> bool) -> Outcome<u64> {
    let mut most = 0;
    while !is_over() {
        sleep(LOOK_EVERY);
        most = most.max(server.memory_with_children()?);
    }
    Ok(most)
}

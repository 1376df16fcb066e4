//! How long single writes take: while the keyspace grows, and while it is being saved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use kvdump::{Call, Reply, Tcp};

use crate::{
    Outcome,
    args::Args,
    load::send_all,
    measure::in_turn,
    server::Server,
    shapes::{MEDIUM_STRINGS, Words, name},
    table::{Better, print_head, print_row},
};

/// Connections that write.
const WRITERS: u64 = 2;
/// Writes a second, of all writers, while a snapshot is taken.
const RATE: u64 = 20_000;
/// How long the same is measured without a snapshot.
const IDLE_FOR: Duration = Duration::from_secs(5);
/// The keyspace grows to as many times the keys of the run.
const GROWTH: u64 = 10;
/// What is told of a distribution, besides its end.
const QUANTILES: [(&str, f64); 4] = [
    ("p50", 0.5),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
];

/// Prints the latency of every SET of a new key while the keyspace grows from none.
pub(crate) fn measure_growth(args: &Args) -> Outcome<()> {
    let keys = args.keys * GROWTH;
    print_head(
        args,
        &format!(
            "SET of a new key, 16 + 16 bytes, up to {keys} keys, {WRITERS} clients: microseconds"
        ),
    );
    let figures = in_turn(args, |at| {
        let dir = tempfile::tempdir()?;
        let server = Server::start(&args.subjects[at], dir.path(), None)?;
        let next = Arc::new(AtomicU64::new(0));
        let writers = start_writers(&server, move |_| {
            let number = next.fetch_add(1, Relaxed);
            (number < keys).then(|| (name(number, 16), Instant::now()))
        })?;
        let latency = join(writers)?;
        server.stop()?;
        Ok(quantiles(&latency))
    })?;
    print_quantiles("", &figures);
    println!();
    Ok(())
}

/// Prints the latency of overwrites at a fixed rate, idle and while a snapshot is taken, and what
/// the snapshot costs in time and memory.
pub(crate) fn measure_saving(args: &Args) -> Outcome<()> {
    print_head(
        args,
        &format!(
            "overwrites of {} keys of 24 + 100 bytes, {RATE} a second, {WRITERS} clients",
            args.keys
        ),
    );
    let figures = in_turn(args, |server| saving(args, server))?;
    let count = QUANTILES.len() + 1;
    let (idle, rest) = figures.split_at(count);
    let (saving, costs) = rest.split_at(count);
    print_quantiles("idle, microseconds: ", idle);
    print_quantiles("while saving, microseconds: ", saving);
    for (label, runs) in ["snapshot, seconds", "extra memory at most, MB"]
        .iter()
        .zip(costs)
    {
        print_row(label, runs, 1, Better::Less);
    }
    println!();
    Ok(())
}

fn saving(args: &Args, at: usize) -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(&args.subjects[at], dir.path(), None)?;
    send_all(&mut server.connect()?, MEDIUM_STRINGS.commands(args.keys))?;
    server.settled_rss()?;

    let idle = while_writing(args.keys, &server, || {
        sleep(IDLE_FOR);
        Ok(())
    })?;
    let before = server.memory_with_children()?;
    let (mut most, begin) = (before, Instant::now());
    let mut took = Duration::ZERO;
    let loaded = while_writing(args.keys, &server, || {
        let saver = start_snapshot(&server)?;
        while !saver.is_finished() {
            most = most.max(server.memory_with_children()?);
            sleep(Duration::from_millis(10));
        }
        took = begin.elapsed();
        saver
            .join()
            .map_err(|_| "the saving thread panicked")?
            .map_err(Into::into)
    })?;
    server.stop()?;
    let costs = [took.as_secs_f64(), (most - before) as f64 / 1e6];
    Ok([quantiles(&idle), quantiles(&loaded), costs.to_vec()].concat())
}

/// A snapshot in the background where the server has that, else one that this waits for.
fn start_snapshot(server: &Server) -> Outcome<JoinHandle<Result<(), String>>> {
    let mut connection = server.connect()?;
    Ok(std::thread::spawn(move || {
        snapshot(&mut connection).map_err(|error| error.to_string())
    }))
}

fn snapshot(connection: &mut Tcp) -> Outcome<()> {
    if let Reply::Error(_) = connection.call(&[b"BGSAVE"])? {
        return match connection.call(&[b"SAVE"])? {
            Reply::Error(error) => Err(error.into()),
            _ => Ok(()),
        };
    }
    loop {
        let Reply::Bulk(info) = connection.call(&[b"INFO", b"persistence"])? else {
            return Err("INFO was not answered by a text".into());
        };
        if String::from_utf8_lossy(&info).contains("rdb_bgsave_in_progress:0") {
            return Ok(());
        }
        sleep(Duration::from_millis(10));
    }
}

/// Overwrites keys at the fixed rate as long as `work` takes. A write that is late because the one
/// before it took long counts from when it was due.
fn while_writing(
    keys: u64,
    server: &Server,
    work: impl FnOnce() -> Outcome<()>,
) -> Outcome<Histogram<u64>> {
    let (over, sent) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    let (ended, begin) = (Arc::clone(&over), Instant::now());
    let writers = start_writers(server, move |words| {
        let due = begin + Duration::from_nanos(sent.fetch_add(1, Relaxed) * 1_000_000_000 / RATE);
        sleep(due.saturating_duration_since(Instant::now()));
        let key = name(words.0.u64(..keys), 24);
        (!ended.load(Relaxed)).then_some((key, due))
    })?;
    let outcome = work();
    over.store(true, Relaxed);
    let latency = join(writers)?;
    outcome.map(|()| latency)
}

type Writer = JoinHandle<Result<Histogram<u64>, String>>;

/// Writers that SET each key that `next` gives, and count from the moment that comes with it.
fn start_writers(
    server: &Server,
    next: impl Fn(&mut Words) -> Option<(Vec<u8>, Instant)> + Send + Sync + 'static,
) -> Outcome<Vec<Writer>> {
    let next = Arc::new(next);
    let start = |seed| {
        let (mut connection, next) = (server.connect()?, Arc::clone(&next));
        Ok(std::thread::spawn(move || {
            let mut words = Words(fastrand::Rng::with_seed(seed));
            write(&mut connection, || next(&mut words)).map_err(|error| error.to_string())
        }))
    };
    (0..WRITERS).map(start).collect()
}

fn write(
    connection: &mut Tcp,
    mut next: impl FnMut() -> Option<(Vec<u8>, Instant)>,
) -> Outcome<Histogram<u64>> {
    let mut latency = Histogram::new(3)?;
    while let Some((key, since)) = next() {
        let value = &[b'v'; 100][..if key.len() == 16 { 16 } else { 100 }];
        connection.ask_bytes(&[b"SET", &key, value])?;
        latency.record(since.elapsed().as_nanos() as u64)?;
    }
    Ok(latency)
}

fn join(writers: Vec<Writer>) -> Outcome<Histogram<u64>> {
    let mut all = Histogram::new(3)?;
    for writer in writers {
        all.add(writer.join().map_err(|_| "a writer panicked")??)?;
    }
    Ok(all)
}

/// Microseconds.
fn quantiles(latency: &Histogram<u64>) -> Vec<f64> {
    let nanos = QUANTILES.iter().map(|(_, q)| latency.value_at_quantile(*q));
    let all = nanos.chain([latency.max()]);
    all.map(|nanos| nanos as f64 / 1000.0).collect()
}

fn print_quantiles(what: &str, figures: &[crate::measure::Runs]) {
    let labels = QUANTILES.iter().map(|(label, _)| *label).chain(["max"]);
    for (label, runs) in labels.zip(figures) {
        print_row(&format!("{what}{label}"), runs, 0, Better::Less);
    }
}

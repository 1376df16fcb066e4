//! How long each insertion takes while the keyspace grows from none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Instant,
};

use hdrhistogram::Histogram;
use kvdump::{Call, Tcp};

use crate::{
    Outcome,
    args::Args,
    ballast::Ballast,
    measure::in_turn,
    quantiles,
    server::Server,
    shapes::name,
    table::{print_columns, print_figures, print_head},
    within::{self, Task},
};

/// Connections that write.
const WRITERS: u64 = 2;

/// Prints the latency of every SET of a new key, in process and by clients.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    let keys = args.keys_or(20_000_000);
    if let Some(figures) = within::figures(Task::Growth(keys), args.ballast)? {
        let title = format!(
            "in process, SET of a new key, 16 + 16 bytes, up to {keys} keys, one thread: microseconds"
        );
        print_columns(&title, &within::LATENCY);
        print_figures("SET", &figures);
        println!();
    }
    print_head(
        args,
        &format!(
            "SET of a new key, 16 + 16 bytes, up to {keys} keys, {WRITERS} clients: microseconds"
        ),
    );
    let figures = in_turn(args, |at| {
        let dir = tempfile::tempdir()?;
        let ballast = Ballast::hold(args.ballast)?;
        let server = Server::start(&args.subjects[at], dir.path(), None)?;
        server.grows_into(ballast);
        let latency = grow(&server, keys)?;
        server.stop()?;
        Ok(quantiles::of(&latency))
    })?;
    quantiles::print("", &figures);
    println!();
    Ok(())
}

type Writer = JoinHandle<Result<Histogram<u64>, String>>;

fn grow(server: &Server, keys: u64) -> Outcome<Histogram<u64>> {
    let next = Arc::new(AtomicU64::new(0));
    let start = |_| {
        let (mut connection, next) = (server.connect()?, Arc::clone(&next));
        Ok(std::thread::spawn(move || {
            insert(&mut connection, &next, keys).map_err(|error| error.to_string())
        }))
    };
    let writers: Vec<Writer> = (0..WRITERS).map(start).collect::<Outcome<_>>()?;
    let mut all = Histogram::new(3)?;
    for writer in writers {
        all.add(writer.join().map_err(|_| "a writer panicked")??)?;
    }
    Ok(all)
}

fn insert(connection: &mut Tcp, next: &AtomicU64, keys: u64) -> Outcome<Histogram<u64>> {
    let mut latency = Histogram::new(3)?;
    loop {
        let number = next.fetch_add(1, Relaxed);
        if number >= keys {
            return Ok(latency);
        }
        let (key, begin) = (name(number, 16), Instant::now());
        connection.ask_bytes(&[b"SET", &key, &[b'v'; 16]])?;
        latency.record(begin.elapsed().as_nanos() as u64)?;
    }
}

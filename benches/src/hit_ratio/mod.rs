//! How many requests find their key in a cache that is too small for all keys.
//!
//! The same traces for all: each request is a GET, and on a miss a SET. First the keyspace by itself,
//! at an exact number of keys and a thousand requests a second. Then servers, at the pace they keep:
//! stamps count in seconds, in which a small cache is turned over many times. Each is given memory for the wanted number of keys by trying; what it held in the end is printed, since a few
//! per cent of keys more are a hit more in a hundred.

mod exact;
mod in_process;
mod trace;

use kvdump::{Call, Reply, Tcp};
use std::collections::HashSet;

use crate::{Outcome, args::Args, server::Server};
use trace::{KEYS, Trace};

/// Requests of a trace.
const REQUESTS: usize = 3_000_000;
/// Of those, how many fill the cache and are not counted.
const WARM_UP: usize = 500_000;
/// Caches, as parts of all keys.
const PARTS: [usize; 2] = [100, 10];
/// Policies, where a server has them.
const POLICIES: [&str; 4] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-lrfu",
    "allkeys-random",
];
/// GETs sent before replies are read, and then the SETs of those that missed.
const PIPELINE: usize = 64;
/// Bytes of a value.
const VALUE: [u8; 32] = [b'v'; 32];

/// Prints hit ratios by trace, size of the cache, and policy.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    println!(
        "| hits in 100 requests, {KEYS} keys | cache | exact LRU | server | policy | hits | keys held |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for trace in trace::ALL {
        let requests = trace.requests(REQUESTS);
        for part in PARTS {
            let capacity = KEYS as usize / part;
            let exact = exact::lru_hits(&requests, capacity, WARM_UP);
            let row = |policy, hits| {
                let hits = percent(hits);
                println!(
                    "| {} | {capacity} | {:.1} | in process | {policy} | {hits:.1} | {capacity} |",
                    trace.label(),
                    percent(exact)
                );
            };
            for (name, order, access) in in_process::POLICIES {
                row(
                    name,
                    in_process::hits(order, access, &requests, capacity, WARM_UP),
                );
            }
            measure_servers(args, trace, &requests, capacity, percent(exact))?;
        }
    }
    println!();
    Ok(())
}

fn measure_servers(
    args: &Args,
    trace: Trace,
    requests: &[u32],
    capacity: usize,
    exact: f64,
) -> Outcome<()> {
    for subject in &args.subjects {
        for policy in POLICIES {
            let dir = tempfile::tempdir()?;
            let server = Server::start(subject, dir.path(), None)?;
            let mut connection = server.connect()?;
            let set = ["CONFIG", "SET", "maxmemory-policy", policy];
            if connection.ask(&set).is_err() {
                server.stop()?;
                continue;
            }
            give_room(&mut connection, capacity)?;
            let hits = replay(&mut connection, requests)?;
            let held = connection.ask(&["DBSIZE"])?.integer()?;
            println!(
                "| {} | {capacity} | {exact:.1} | {} | {policy} | {:.1} | {held} |",
                trace.label(),
                subject.name,
                percent(hits)
            );
            server.stop()?;
        }
    }
    Ok(())
}

fn percent(hits: usize) -> f64 {
    hits as f64 * 100.0 / (REQUESTS - WARM_UP) as f64
}

/// Sets `maxmemory` to what is used with so many keys.
fn give_room(connection: &mut Tcp, capacity: usize) -> Outcome<()> {
    let all: Vec<u32> = (0..capacity as u32).collect();
    for some in all.chunks(PIPELINE) {
        set_all(connection, some)?;
    }
    let used = used_memory(connection)?;
    connection.ask(&["CONFIG", "SET", "maxmemory", &used.to_string()])?;
    connection.ask(&["FLUSHALL"])?;
    Ok(())
}

/// What counts against `maxmemory`.
fn used_memory(connection: &mut Tcp) -> Outcome<u64> {
    let reply = connection.ask(&["INFO", "memory"])?;
    let Reply::Bulk(text) = reply else {
        return Err("INFO answered without text".into());
    };
    let text = String::from_utf8(text)?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(Ok(0), |number| number.trim().parse::<u64>())
    };
    Ok(field("used_memory:")? - field("mem_not_counted_for_evict:")?)
}

/// Sends the trace; how many requests behind the warm-up found their key.
fn replay(connection: &mut Tcp, requests: &[u32]) -> Outcome<usize> {
    let mut hits = 0;
    for (number, some) in requests.chunks(PIPELINE).enumerate() {
        for key in some {
            connection.push(&[b"GET", name(*key).as_bytes()]);
        }
        connection.flush()?;
        let mut missed = Vec::new();
        for key in some {
            match connection.reply()? {
                Reply::Bulk(_) => {}
                Reply::Error(error) => return Err(format!("refused: {error:?}").into()),
                _ => missed.push(*key),
            }
        }
        // A key twice among those that missed is missed once: the second request comes after.
        let once: HashSet<u32> = missed.iter().copied().collect();
        if number * PIPELINE >= WARM_UP {
            hits += some.len() - once.len();
        }
        set_all(connection, &once.into_iter().collect::<Vec<_>>())?;
    }
    Ok(hits)
}

fn set_all(connection: &mut Tcp, keys: &[u32]) -> Outcome<()> {
    for key in keys {
        connection.push(&[b"SET", name(*key).as_bytes(), &VALUE]);
    }
    connection.flush()?;
    for _ in keys {
        if let Reply::Error(error) = connection.reply()? {
            return Err(format!("refused: {error:?}").into());
        }
    }
    Ok(())
}

fn name(key: u32) -> String {
    format!("key:{key:012}")
}

//! A server that gets the requests of a trace.

use std::collections::HashSet;

use kvdump::{Call, Reply, Tcp};

use crate::{Outcome, args::Subject, server::Server};

/// GETs sent before replies are read, and then the SETs of those that missed.
const PIPELINE: usize = 64;
/// Bytes of a value.
const VALUE: [u8; 32] = [b'v'; 32];

/// Requests behind the first `warm_up` that found their key, and the keys held in the end; `None` if
/// the server has no such policy.
pub(super) fn hits(
    subject: &Subject,
    policy: &str,
    requests: &[u32],
    capacity: usize,
    warm_up: usize,
) -> Outcome<Option<(usize, i64)>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(subject, dir.path(), None)?;
    let mut connection = server.connect()?;
    let set = ["CONFIG", "SET", "maxmemory-policy", policy];
    if connection.ask(&set).is_err() {
        server.stop()?;
        return Ok(None);
    }
    give_room(&mut connection, capacity)?;
    let hits = replay(&mut connection, requests, warm_up)?;
    let held = connection.ask(&["DBSIZE"])?.integer()?;
    server.stop()?;
    Ok(Some((hits, held)))
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
fn replay(connection: &mut Tcp, requests: &[u32], warm_up: usize) -> Outcome<usize> {
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
        if number * PIPELINE >= warm_up {
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

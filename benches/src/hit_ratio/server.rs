//! A server that gets the requests of a trace.

use kvdump::{Call, Reply, Tcp};

use super::Kept;
use crate::{Outcome, args::Subject, server::Server};

/// GETs sent before replies are read, and then the SETs of those that missed.
const PIPELINE: usize = 64;
/// Bytes of a value.
const VALUE: [u8; 32] = [b'v'; 32];

/// What came of it; `None` if the server has no such policy.
pub(super) fn hits(
    subject: &Subject,
    policy: &str,
    requests: &[u32],
    capacity: usize,
    warm_up: usize,
) -> Outcome<Option<Kept>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(subject, dir.path(), None)?;
    let mut connection = server.connect()?;
    let set = ["CONFIG", "SET", "maxmemory-policy", policy];
    if connection.ask(&set).is_err() {
        server.stop()?;
        return Ok(None);
    }
    give_room(&mut connection, capacity)?;
    let (hits, refused) = replay(&mut connection, requests, warm_up)?;
    let held = connection.ask(&["DBSIZE"])?.integer()?;
    server.stop()?;
    Ok(Some(Kept {
        hits,
        held,
        refused,
    }))
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

/// Sends the trace: requests behind the warm-up that found their key, and refused SETs.
fn replay(connection: &mut Tcp, requests: &[u32], warm_up: usize) -> Outcome<(usize, usize)> {
    let (mut hits, mut refused) = (0, 0);
    for (number, some) in requests.chunks(PIPELINE).enumerate() {
        let missed = get_all(connection, some)?;
        if number * PIPELINE >= warm_up {
            hits += some.len() - missed.len();
        }
        refused += set_all(connection, &missed)?;
    }
    Ok((hits, refused))
}

/// Those that are not there, each once: asked for again, it would have been set in between.
fn get_all(connection: &mut Tcp, keys: &[u32]) -> Outcome<Vec<u32>> {
    for key in keys {
        connection.push(&[b"GET", name(*key).as_bytes()]);
    }
    connection.flush()?;
    let mut missed = Vec::new();
    for key in keys {
        match connection.reply()? {
            Reply::Bulk(_) => {}
            Reply::Error(error) => return Err(format!("GET refused: {error:?}").into()),
            _ => missed.push(*key),
        }
    }
    missed.sort_unstable();
    missed.dedup();
    Ok(missed)
}

/// How many are refused: a server may be short of memory before it has evicted enough.
fn set_all(connection: &mut Tcp, keys: &[u32]) -> Outcome<usize> {
    for key in keys {
        connection.push(&[b"SET", name(*key).as_bytes(), &VALUE]);
    }
    connection.flush()?;
    let mut refused = 0;
    for _ in keys {
        refused += usize::from(matches!(connection.reply()?, Reply::Error(_)));
    }
    Ok(refused)
}

fn name(key: u32) -> String {
    format!("key:{key:012}")
}

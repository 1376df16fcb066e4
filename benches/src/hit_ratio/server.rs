//! A server that gets the requests of a trace.

use kvdump::{Call, Reply, Tcp};

use super::{Kept, room::Room};
use crate::{Outcome, args::Subject, server::Server};

/// GETs sent before replies are read, and then the SETs of those that missed.
const PIPELINE: usize = 64;
/// How often in a trace the memory is set anew.
const ADJUSTMENTS: usize = 100;
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
    let mut room = Room::give(&mut connection, capacity, |connection| {
        let all: Vec<u32> = (0..capacity as u32).collect();
        all.chunks(PIPELINE)
            .try_for_each(|some| set_all(connection, some).map(drop))
    })?;
    let kept = replay(&mut connection, &mut room, requests, warm_up)?;
    server.stop()?;
    Ok(Some(kept))
}

/// Sends the trace.
fn replay(
    connection: &mut Tcp,
    room: &mut Room,
    requests: &[u32],
    warm_up: usize,
) -> Outcome<Kept> {
    let (mut kept, mut held) = (Kept::default(), Vec::new());
    let part = (requests.len() / ADJUSTMENTS).next_multiple_of(PIPELINE);
    for (number, requests) in requests.chunks(part).enumerate() {
        let is_counted = number * part >= warm_up;
        let mut refused = 0;
        for some in requests.chunks(PIPELINE) {
            let missed = get_all(connection, some)?;
            kept.hits += if is_counted {
                some.len() - missed.len()
            } else {
                0
            };
            refused += set_all(connection, &missed)?;
        }
        kept.counted += if is_counted { requests.len() } else { 0 };
        kept.refused += if is_counted { refused } else { 0 };
        let now = room.adjust(connection, refused > 0)?;
        held.extend(is_counted.then_some(now));
    }
    kept.held = held.iter().sum::<usize>() / held.len().max(1);
    Ok(kept)
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

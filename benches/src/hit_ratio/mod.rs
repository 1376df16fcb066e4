//! How many requests find their key in a cache that is too small for all keys.
//!
//! The same traces for all: each request is a GET, and on a miss a SET. First the keyspace by itself,
//! at an exact number of keys and a thousand requests a second. Then servers, at the pace they keep:
//! stamps count in seconds, in which a small cache is turned over many times. Each is given memory for
//! the wanted number of keys by trying; what it held on average is printed, since a few per cent of
//! keys more are a hit more in a hundred.
//!
//! Public traces have to be brought (`--trace NAME=PATH`), as text with a number a line. Those of the
//! simulator of the cache Caffeine are binary: its `scarab-recs`, requests of a service that
//! recommends products, become text by
//!
//! ```text
//! xz -dc scarab-recs.trace.xz | od -An -v -w8 -t d8 --endian=big
//! ```
//!
//! and `cloudPhysicsIO.txt`, blocks that a virtual machine read, of libCacheSim is text already.

mod compare;
mod exact;
mod in_process;
mod room;
mod server;
mod side_by_side;
mod trace;

use crate::{
    Outcome,
    args::{Args, Subject},
    table::print_columns,
};
use compare::Score;
use side_by_side::side_by_side;
use trace::Trace;

/// Caches, as parts of all keys.
const PARTS: [usize; 2] = [100, 10];
/// Policies, where a server has them.
const POLICIES: [&str; 5] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-lrfu",
    "allkeys-lrm",
    "allkeys-random",
];
const COLUMNS: [&str; 7] = [
    "keys",
    "cache",
    "who",
    "policy",
    "hits",
    "keys held",
    "refused SETs",
];

/// Who is to keep a cache, and how.
#[derive(Clone, Copy)]
enum Keeper<'a> {
    ExactLru,
    /// By the number of its policy.
    InProcess(usize),
    Server(&'a Subject, &'static str),
}

/// What came of keeping a cache, without the warm-up.
#[derive(Debug, Default)]
struct Kept {
    counted: usize,
    /// Of those counted, the requests that found their key.
    hits: usize,
    /// Keys, on average.
    held: usize,
    refused: usize,
}

/// Prints hit ratios by trace, size of the cache, and policy, and how ours compare with the others'.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    print_columns("hits in 100 requests", &COLUMNS);
    let keepers = keepers(args);
    let mut scores: Vec<Score> = Vec::new();
    for trace in trace::all(args) {
        let trace = trace?;
        for capacity in PARTS.map(|part| trace.keys / part) {
            let kept = side_by_side(&keepers, |keeper| keeper.score(&trace, capacity))?;
            for score in kept.into_iter().flatten() {
                score.print();
                scores.push(score);
            }
        }
    }
    println!();
    compare::print(&args.names(), &scores);
    Ok(())
}

fn keepers(args: &Args) -> Vec<Keeper<'_>> {
    let within = (0..in_process::POLICIES.len()).map(Keeper::InProcess);
    let servers = args.subjects.iter().flat_map(|subject| {
        let with = |policy| Keeper::Server(subject, policy);
        POLICIES.into_iter().map(with)
    });
    [Keeper::ExactLru]
        .into_iter()
        .chain(within)
        .chain(servers)
        .collect()
}

impl Keeper<'_> {
    fn names(&self) -> (&str, &'static str) {
        match self {
            Keeper::ExactLru => ("exact", "LRU"),
            Keeper::InProcess(number) => ("in process", in_process::POLICIES[*number].0),
            Keeper::Server(subject, policy) => (&subject.name, policy),
        }
    }

    /// Keeps the cache through the trace; `None` where there is no such policy.
    fn score(&self, trace: &Trace, capacity: usize) -> Outcome<Option<Score>> {
        let (who, policy) = self.names();
        let kept = self.keep(trace, capacity);
        let kept = kept.map_err(|error| format!("{who}, {policy}: {error}"))?;
        Ok(kept.map(|kept| Score {
            trace: trace.label.clone(),
            keys: trace.keys,
            capacity,
            who: who.to_owned(),
            policy,
            percent: kept.hits as f64 * 100.0 / kept.counted as f64,
            held: kept.held,
            refused: kept.refused,
        }))
    }

    fn keep(&self, trace: &Trace, capacity: usize) -> Outcome<Option<Kept>> {
        let (requests, warm_up) = (&trace.requests, trace.warm_up());
        let hits = match *self {
            Keeper::Server(subject, policy) => {
                return server::hits(subject, policy, requests, capacity, warm_up);
            }
            Keeper::ExactLru => exact::lru_hits(requests, capacity, warm_up),
            Keeper::InProcess(number) => {
                let (_, order, access) = in_process::POLICIES[number];
                in_process::hits(order, access, requests, capacity, warm_up)
            }
        };
        Ok(Some(Kept {
            counted: requests.len() - warm_up,
            hits,
            held: capacity,
            refused: 0,
        }))
    }
}

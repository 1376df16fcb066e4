//! How many requests find their key in a cache that is too small for all keys.
//!
//! The same traces for all: each request is a GET, and on a miss a SET. First the keyspace by itself,
//! at an exact number of keys and a thousand requests a second. Then servers, at the pace they keep:
//! stamps count in seconds, in which a small cache is turned over many times. Each is given memory for
//! the wanted number of keys by trying; what it held in the end is printed, since a few per cent of
//! keys more are a hit more in a hundred.

mod compare;
mod exact;
mod in_process;
mod server;
mod trace;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::{
    Outcome,
    args::{Args, Subject},
    table::print_columns,
};
use compare::Score;
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
const COLUMNS: [&str; 6] = ["keys", "cache", "who", "policy", "hits", "keys held"];

/// Who is to keep a cache, and how.
#[derive(Clone, Copy)]
enum Keeper<'a> {
    ExactLru,
    /// By the number of its policy.
    InProcess(usize),
    Server(&'a Subject, &'static str),
}

/// Prints hit ratios by trace, size of the cache, and policy, and how ours compare with the others'.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    print_columns("hits in 100 requests", &COLUMNS);
    let keepers = keepers(args);
    let mut scores: Vec<Score> = Vec::new();
    for trace in trace::all(args) {
        let trace = trace?;
        for part in PARTS {
            let capacity = trace.keys / part;
            let kept = side_by_side(&keepers, |keeper| keeper.keep(&trace, capacity))?;
            for (keeper, kept) in keepers.iter().zip(kept) {
                let Some((hits, held)) = kept else { continue };
                let (who, policy) = keeper.names();
                let counted = trace.requests.len() - trace.warm_up();
                let percent = hits as f64 * 100.0 / counted as f64;
                let (label, keys) = (&trace.label, trace.keys);
                println!(
                    "| {label} | {keys} | {capacity} | {who} | {policy} | {percent:.1} | {held} |"
                );
                scores.push(Score {
                    cache: (trace.label.clone(), capacity),
                    who: who.to_owned(),
                    policy,
                    percent,
                });
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

    /// Hits, and keys in the end; `None` where there is no such policy.
    fn keep(&self, trace: &Trace, capacity: usize) -> Outcome<Option<(usize, i64)>> {
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
        Ok(Some((hits, capacity as i64)))
    }
}

/// What `work` gives for each item, on as many threads as there are cores: a server and its client
/// wait for each other, and what is counted does not depend on the pace.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Outcome<R> + Sync,
) -> Outcome<Vec<R>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, item)) = take(&next, items) {
                    let result = work(item).map_err(|error| error.to_string());
                    let mut done = done.lock().unwrap_or_else(|broken| broken.into_inner());
                    done.push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| "a thread panicked")?;
    done.sort_by_key(|(at, _)| *at);
    let results = done.into_iter().map(|(_, result)| Ok(result?));
    results.collect()
}

fn take<'t, T>(next: &AtomicUsize, items: &'t [T]) -> Option<(usize, &'t T)> {
    let at = next.fetch_add(1, Relaxed);
    Some((at, items.get(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_their_items() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = side_by_side(&items, |item| Ok(item * 2)).unwrap();
        assert!(doubled.iter().copied().eq((0..200).step_by(2)));
        let refused = side_by_side(&items, |item| match item {
            50 => Err("fifty".into()),
            _ => Ok(()),
        });
        assert_eq!(refused.unwrap_err().to_string(), "fifty");
    }
}

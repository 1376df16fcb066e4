//! What is measured of a store.

use crate::Outcome;
use crate::draw::Draw;
use crate::stores::{Handle, Store};
use std::hint::black_box;
use std::time::Instant;

/// The figures of a row.
pub(crate) const COLUMNS: [&str; 7] = [
    "add",
    "get",
    "get, 16 at a time",
    "set",
    "bytes a key",
    "2 threads, 90% gets, uniform",
    "2 threads, 90% gets, Zipf 0.99",
];

/// Operations of each figure but `add`.
const OPERATIONS: usize = 2_000_000;
const BATCH: usize = 16;
const KEY: usize = 16;
const VALUE: usize = 100;

/// A row of figures; `None` for what the store cannot do.
pub(crate) type Figures = [Option<f64>; COLUMNS.len()];

/// The n-th key.
fn key(n: usize) -> [u8; KEY] {
    let mut key = [b'k'; KEY];
    let mut n = n;
    for digit in key[KEY - 10..].iter_mut().rev() {
        *digit = b'0' + (n % 10) as u8;
        n /= 10;
    }
    key
}

/// Nanoseconds of each of so many operations.
fn ns_each(operations: usize, mut operation: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..operations).for_each(|_| operation());
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// What it takes to draw a key and spell it, which is no store's fault.
fn overhead(draw: Draw, keys: usize) -> f64 {
    let mut rng = fastrand::Rng::with_seed(7);
    ns_each(OPERATIONS, || {
        black_box(key(draw.draw(&mut rng, keys)));
    })
}

fn rss() -> Outcome<usize> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages = status
        .split(' ')
        .nth(1)
        .ok_or("statm has no second field")?;
    Ok(pages.parse::<usize>()? * 4096)
}

/// What one thread sees.
pub(crate) fn measure_single<S: Store>(store: &S, keys: usize) -> Outcome<Figures> {
    let mut handle = store.handle();
    let mut rng = fastrand::Rng::with_seed(7);
    let (before, mut n) = (rss()?, 0);
    let add = ns_each(keys, || {
        handle.set(&key(n), &[b'v'; VALUE]);
        n += 1;
    });
    let bytes = (rss()? - before) as f64 / keys as f64;
    let draw = overhead(Draw::Uniform, keys);
    let get = ns_each(OPERATIONS, || {
        black_box(handle.get(&key(rng.usize(..keys))));
    });
    let batch = ns_each(OPERATIONS / BATCH, || {
        let names: [_; BATCH] = std::array::from_fn(|_| key(rng.usize(..keys)));
        black_box(handle.get_all(&names.each_ref().map(|name| &name[..])));
    });
    let set = ns_each(OPERATIONS, || {
        handle.set(&key(rng.usize(..keys)), &[b'w'; VALUE]);
    });
    Ok([
        Some(add),
        Some(get - draw),
        Some(batch / BATCH as f64 - draw),
        Some(set - draw),
        Some(bytes),
        None,
        None,
    ])
}

/// What one thread sees, and two at once.
pub(crate) fn measure<S: Store + Sync>(store: &S, keys: usize) -> Outcome<Figures> {
    let mut figures = measure_single(store, keys)?;
    figures[5] = Some(mixed(store, keys, Draw::Uniform));
    figures[6] = Some(mixed(store, keys, Draw::Zipf(0.99)));
    Ok(figures)
}

/// Wall nanoseconds an operation while two threads read nine times and write once, over and over.
fn mixed<S: Store + Sync>(store: &S, keys: usize, draw: Draw) -> f64 {
    const THREADS: usize = 2;
    let work = |seed: u64| {
        let mut handle = store.handle();
        let mut rng = fastrand::Rng::with_seed(seed);
        for n in 0..OPERATIONS {
            let key = key(draw.draw(&mut rng, keys));
            if n % 10 == 0 {
                handle.set(&key, &[b'x'; VALUE]);
            } else {
                black_box(handle.get(&key));
            }
        }
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        (0..THREADS).for_each(|thread| {
            scope.spawn(move || work(thread as u64));
        });
    });
    let each = start.elapsed().as_nanos() as f64 / (THREADS * OPERATIONS) as f64;
    each - overhead(draw, keys) / THREADS as f64
}

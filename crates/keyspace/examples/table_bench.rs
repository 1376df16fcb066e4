//! Nanoseconds a get and a set, and bytes a key, of the keyspace beside a hash map of boxes.
//!
//! `cargo run --release -p duramen-keyspace --example table_bench [keys] [shards]`

use hashbrown::hash_table::{Entry, HashTable};
use keyspace::{KeyHasher, Keyspace, Mode, Options, Ttl, ValueRef};
use std::hint::black_box;
use std::time::Instant;
use units::{DbIndex, UnixMillis};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUND: usize = 1_000_000;
const BATCH: usize = 16;
const HASHER: KeyHasher = KeyHasher::new(1, 2);
const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// A peer under test: bytes in, bytes out.
trait Store {
    fn set(&mut self, key: &[u8], value: &[u8]);
    fn get(&self, key: &[u8]) -> usize;
    /// As `get`, of many keys at once.
    fn get_all(&self, keys: &[&[u8]]) -> usize {
        keys.iter().map(|key| self.get(key)).sum()
    }
    fn used(&self) -> usize;
}

/// A key and a value, an allocation each.
type Boxed = (Box<[u8]>, Box<[u8]>);

struct Boxes(HashTable<Boxed>);

impl Store for Boxes {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        let (hash, again) = (HASHER.hash(key), |(key, _): &(Box<[u8]>, _)| {
            HASHER.hash(key)
        });
        match self.0.entry(hash, |(known, _)| **known == *key, again) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value.into(),
            Entry::Vacant(entry) => drop(entry.insert((key.into(), value.into()))),
        }
    }
    fn get(&self, key: &[u8]) -> usize {
        let found = self.0.find(HASHER.hash(key), |(known, _)| **known == *key);
        found.map_or(0, |(_, value)| usize::from(value[0]))
    }
    fn used(&self) -> usize {
        0
    }
}

impl Store for Keyspace {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        let keys = [key];
        self.lock(self.plan(Mode::Write, &keys), NOW)
            .set_string(DB, key, value, Ttl::Clear);
    }
    fn get(&self, key: &[u8]) -> usize {
        let keys = [key];
        let locked = self.lock(self.plan(Mode::Read, &keys), NOW);
        match locked.get(DB, key).map(|entry| entry.value()) {
            Some(ValueRef::String(keyspace::StringRef::Bytes(bytes))) => usize::from(bytes[0]),
            _ => 0,
        }
    }
    fn get_all(&self, keys: &[&[u8]]) -> usize {
        let locked = self.lock(self.plan(Mode::Read, keys), NOW);
        locked.warm(DB);
        let found = keys.iter().filter_map(|key| locked.get(DB, key));
        found.map(|entry| entry.value().len()).sum()
    }
    fn used(&self) -> usize {
        self.used_bytes()
    }
}

struct Shape {
    name: &'static str,
    key: usize,
    value: usize,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "16+16",
        key: 16,
        value: 16,
    },
    Shape {
        name: "24+100",
        key: 24,
        value: 100,
    },
    Shape {
        name: "16+100",
        key: 16,
        value: 100,
    },
];

fn key(shape: &Shape, n: usize, buffer: &mut [u8; 24]) {
    buffer[..shape.key].fill(b'k');
    for (at, digit) in buffer[shape.key - 10..shape.key]
        .iter_mut()
        .rev()
        .zip(decimal(n))
    {
        *at = digit;
    }
}

fn decimal(n: usize) -> impl Iterator<Item = u8> {
    (0..10).map(move |place| b'0' + (n / 10usize.pow(place) % 10) as u8)
}

fn rss() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn ns_each(ops: usize, mut f: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    (0..ops).for_each(&mut f);
    start.elapsed().as_nanos() as f64 / ops as f64
}

fn measure(name: &str, shape: &Shape, count: usize, mut store: impl Store) {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut buffer = [0; 24];
    let mut value = vec![b'v'; shape.value];
    let before = rss();
    let fill = ns_each(count, |n| {
        key(shape, n, &mut buffer);
        store.set(&buffer[..shape.key], &value);
    });
    let bytes = (rss() - before) as f64 / count as f64;
    let draw = ns_each(ROUND, |_| {
        key(shape, black_box(rng.usize(..count)), &mut buffer);
        black_box(&buffer);
    });
    let get = ns_each(ROUND, |_| {
        key(shape, rng.usize(..count), &mut buffer);
        black_box(store.get(&buffer[..shape.key]));
    });
    let mut buffers = [[0; 24]; BATCH];
    let batch = ns_each(ROUND / BATCH, |_| {
        for buffer in &mut buffers {
            key(shape, rng.usize(..count), buffer);
        }
        let keys = buffers.each_ref().map(|buffer| &buffer[..shape.key]);
        black_box(store.get_all(&keys));
    });
    value.fill(b'w');
    let set = ns_each(ROUND, |_| {
        key(shape, rng.usize(..count), &mut buffer);
        store.set(&buffer[..shape.key], &value);
    });
    println!(
        "{:8} {name:10} add {fill:6.0}  get {:6.0}  of {BATCH} {:6.0}  set {:6.0} ns   {bytes:6.1} bytes RSS, {:6.1} counted",
        shape.name,
        get - draw,
        batch / BATCH as f64 - draw,
        set - draw,
        store.used() as f64 / count as f64,
    );
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>());
    let count = args.next().and_then(Result::ok).unwrap_or(5_000_000);
    let shards = args.next().and_then(Result::ok).unwrap_or(8);
    let only = std::env::args().nth(3);
    for shape in &SHAPES {
        if only
            .as_deref()
            .is_some_and(|only| !only.contains(shape.name))
        {
            continue;
        }
        // Each in a process of its own, so that none inherits another's free memory.
        match std::env::var("STORE").as_deref() {
            Ok("boxes") => measure("boxes", shape, count, Boxes(HashTable::new())),
            Ok(_) => {
                let options = Options {
                    shards,
                    hash_key: (1, 2),
                    ..Options::default()
                };
                measure("keyspace", shape, count, Keyspace::new(options));
            }
            Err(_) => ["boxes", "keyspace"]
                .into_iter()
                .for_each(|store| run(store, count, shards, shape.name)),
        }
    }
}

fn run(store: &str, count: usize, shards: usize, shape: &str) {
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let args = [count.to_string(), shards.to_string(), shape.to_string()];
    let status = std::process::Command::new(program)
        .args(args)
        .env("STORE", store)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{store} {shape}"
    );
}

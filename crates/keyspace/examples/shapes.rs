//! Bytes of RSS a key or member, of the shapes that memory is compared on.
//!
//! `cargo run --release -p duramen-keyspace --example shapes [letter]`

use keyspace::{Hash, IfMissing, Keyspace, List, Mode, Options, Plan, Set, Settings, Ttl, Zset};
use units::{DbIndex, UnixMillis};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const MILLION: usize = 1_000_000;

/// A shape's letter, what it is, its members, and how the n-th of them is added.
type Shape = (char, &'static str, usize, fn(&Keyspace, &Settings, usize));

const SHAPES: [Shape; 10] = [
    (
        'a',
        "strings, 16-byte key, 16-byte value",
        5 * MILLION,
        |keyspace, _, n| {
            set(keyspace, &name(n, 16), &name(n, 16), Ttl::Clear);
        },
    ),
    ('b', "strings, 24 + 100", 5 * MILLION, |keyspace, _, n| {
        set(keyspace, &name(n, 24), &[b'v'; 100], Ttl::Clear);
    }),
    (
        'c',
        "b with a TTL on every key",
        5 * MILLION,
        |keyspace, _, n| {
            let ttl = Ttl::At(UnixMillis(NOW.0 + 1_000_000 + n as i64));
            set(keyspace, &name(n, 24), &[b'v'; 100], ttl);
        },
    ),
    (
        'd',
        "keys of 16 bytes, integer values",
        5 * MILLION,
        |keyspace, _, n| {
            set(keyspace, &name(n, 16), n.to_string().as_bytes(), Ttl::Clear);
        },
    ),
    (
        'e',
        "hashes of 5 fields (10 + 20)",
        MILLION,
        |keyspace, settings, n| {
            edit(keyspace, &name(n, 16), |hash: &mut Hash| {
                for field in 0..5 {
                    hash.set(settings, &name(field, 10), &name(n + field, 20));
                }
            });
        },
    ),
    (
        'f',
        "one sorted set of 16-byte members",
        2 * MILLION,
        |keyspace, settings, n| {
            let score = fastrand::Rng::with_seed(n as u64).f64();
            edit(keyspace, b"zset", |zset: &mut Zset| {
                zset.insert(settings, &name(n, 16), score)
            });
        },
    ),
    (
        'g',
        "one hash, 16-byte fields and values",
        2 * MILLION,
        |keyspace, settings, n| {
            edit(keyspace, b"hash", |hash: &mut Hash| {
                hash.set(settings, &name(n, 16), &name(n, 16))
            });
        },
    ),
    (
        'h',
        "one set of 16-byte members",
        2 * MILLION,
        |keyspace, settings, n| {
            edit(keyspace, b"set", |set: &mut Set| {
                set.insert(settings, &name(n, 16))
            });
        },
    ),
    (
        'i',
        "one list of 20-byte items",
        2 * MILLION,
        |keyspace, settings, n| {
            edit(keyspace, b"list", |list: &mut List| {
                list.push_back(settings, &name(n, 20))
            });
        },
    ),
    ('m', "mixed: all types, some with a TTL", MILLION, mixed),
];

/// Of ten keys four are strings, of which one has a TTL; the others are small collections of every
/// type, of 1 to 200 elements.
fn mixed(keyspace: &Keyspace, settings: &Settings, n: usize) {
    let key = &name(n, 20);
    let len = 1 + fastrand::Rng::with_seed(n as u64).usize(..200);
    let some = |most: usize| (0..len.min(most)).map(|at| name(n + at, 16));
    match n % 10 {
        0 => set(
            keyspace,
            key,
            &vec![b'v'; len * 4],
            Ttl::At(UnixMillis(NOW.0 + n as i64 + 1_000_000)),
        ),
        1 | 2 => set(keyspace, key, &vec![b'v'; len], Ttl::Clear),
        3 => set(keyspace, key, n.to_string().as_bytes(), Ttl::Clear),
        4 | 5 => edit(keyspace, key, |hash: &mut Hash| {
            some(20).for_each(|field| {
                hash.set(settings, &field, &name(len, 20));
            });
        }),
        6 => edit(keyspace, key, |list: &mut List| {
            some(100).for_each(|element| list.push_back(settings, &element));
        }),
        7 | 8 => edit(keyspace, key, |set: &mut Set| {
            some(40).for_each(|member| {
                set.insert(settings, &member);
            });
        }),
        _ => edit(keyspace, key, |zset: &mut Zset| {
            some(200).for_each(|member| {
                zset.insert(settings, &member, len as f64);
            });
        }),
    }
}

/// The number as text that is no integer, filled up to `len` bytes.
fn name(n: usize, len: usize) -> Vec<u8> {
    format!("k{n:0width$}", width = len - 1).into_bytes()
}

fn set(keyspace: &Keyspace, key: &[u8], value: &[u8], ttl: Ttl) {
    let keys = [key];
    let plan = keyspace.plan(Mode::Write, &keys);
    keyspace.lock(plan, NOW).set_string(DB, key, value, ttl);
}

fn edit<T: keyspace::Edit, R>(keyspace: &Keyspace, key: &[u8], f: impl FnOnce(&mut T) -> R) {
    let keys = [key];
    let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &keys), NOW);
    assert!(keys.edit(DB, key, IfMissing::Create, f).is_ok());
}

fn rss() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn measure((letter, what, count, add): Shape) {
    let keyspace = Keyspace::new(Options {
        shards: 8,
        hash_key: (1, 2),
        ..Options::default()
    });
    let settings = keyspace.lock(Plan::none(), NOW).settings();
    let (before, start) = (rss(), std::time::Instant::now());
    (0..count).for_each(|n| add(&keyspace, &settings, n));
    let each = |sum: usize| sum as f64 / count as f64;
    println!(
        "{letter} {what:40} {:6.1} bytes RSS, {:6.1} counted; {:5.0} ns",
        each(rss() - before),
        each(keyspace.used_bytes()),
        each(start.elapsed().as_nanos() as usize),
    );
}

fn main() {
    let only = std::env::args().nth(1);
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    for shape in SHAPES {
        match &only {
            Some(only) if only.contains(shape.0) => measure(shape),
            Some(_) => {}
            // Each in a process of its own, so that none inherits another's free memory.
            None => {
                let status = std::process::Command::new(&program)
                    .arg(shape.0.to_string())
                    .status();
                assert!(
                    status.is_ok_and(|status| status.success()),
                    "shape {}",
                    shape.0
                );
            }
        }
    }
}

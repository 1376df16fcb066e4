//! How long the longest operation takes while tables grow to millions, and while what has grown is
//! removed.
//!
//! `cargo run --release -p duramen-keyspace --example stalls [keys] [shards]`
//!
//! Two clocks: the wall's, in which everything else on the machine shows, and the thread's, which
//! counts only what it did itself, page faults included.

use keyspace::{Hash, IfMissing, Keyspace, List, Mode, Options, Plan, Ttl, Zset};
use rustix::time::{ClockId, clock_gettime};
use units::{DbIndex, UnixMillis};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const MILLION: usize = 1_000_000;

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Latencies by one clock, in nanoseconds.
struct Latencies {
    clock: ClockId,
    last: u64,
    seen: Vec<u32>,
}

impl Latencies {
    fn new(clock: ClockId, count: usize) -> Latencies {
        // Written, not only zeroed: its first touches must not be measured.
        let seen = vec![1; count];
        Latencies {
            clock,
            last: read(clock),
            seen,
        }
    }

    /// Notes the time since the last note as that of the n-th operation.
    fn note(&mut self, n: usize) {
        let now = read(self.clock);
        self.seen[n] = (now - self.last).min(u64::from(u32::MAX)) as u32;
        self.last = now;
    }

    fn print(self, what: &str) {
        let long: Vec<usize> = (0..self.seen.len())
            .filter(|&n| self.seen[n] > 1_000_000)
            .collect();
        let mut seen = self.seen;
        seen.sort_unstable();
        let at = |share: f64| f64::from(seen[((seen.len() - 1) as f64 * share) as usize]) / 1000.0;
        println!(
            "  {what:6} p50 {:6.1}  p99 {:6.1}  p99.9 {:6.1}  p99.99 {:7.1}  max {:8.1} us; {} above 1 ms{}",
            at(0.5),
            at(0.99),
            at(0.999),
            at(0.9999),
            at(1.0),
            long.len(),
            long.iter()
                .take(4)
                .fold(String::new(), |text, n| format!("{text} #{n}")),
        );
    }
}

fn measure(what: &str, count: usize, mut operation: impl FnMut(usize)) {
    println!("{what}, {count} times");
    let mut wall = Latencies::new(ClockId::Monotonic, count);
    let mut own = Latencies::new(ClockId::ThreadCPUTime, count);
    for n in 0..count {
        operation(n);
        own.note(n);
        wall.note(n);
    }
    own.print("thread");
    wall.print("wall");
}

/// How long one operation takes, and then freeing what it left.
fn remove(what: &str, keyspace: &Keyspace, operation: impl FnOnce(&Keyspace)) {
    let mut once = Some(operation);
    measure(what, 1, |_| {
        if let Some(operation) = once.take() {
            operation(keyspace);
        }
    });
    let (mut own, mut steps) = (Latencies::new(ClockId::ThreadCPUTime, 1 << 20), 0);
    while keyspace.reclaim(1) {
        own.note(steps);
        steps += 1;
    }
    own.seen.truncate(steps.max(1));
    println!("freeing it in {steps} parts");
    own.print("thread");
}

fn edit<T: keyspace::Edit, R>(keyspace: &Keyspace, key: &[u8], f: impl FnOnce(&mut T) -> R) {
    let keys = [key];
    let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &keys), NOW);
    assert!(keys.edit(DB, key, IfMissing::Create, f).is_ok());
}

fn unlink(keyspace: &Keyspace, key: &[u8]) {
    let keys = [key];
    let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &keys), NOW);
    keys.remove(DB, key);
    keys.leave_garbage();
}

fn flush(keyspace: &Keyspace) {
    let mut keys = keyspace.lock(Plan::all(Mode::Write), NOW);
    keys.clear_all();
    keys.leave_garbage();
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>());
    let count = args.next().and_then(Result::ok).unwrap_or(20 * MILLION);
    let shards = args.next().and_then(Result::ok).unwrap_or(8);
    let keyspace = Keyspace::new(Options {
        shards,
        hash_key: (1, 2),
        ..Options::default()
    });
    let settings = keyspace.lock(Plan::none(), NOW).settings();
    println!("{shards} shards");
    measure("SET of a new key, 16 + 16", count, |n| {
        let key = format!("key:{n:012}");
        let keys = [key.as_bytes()];
        let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &keys), NOW);
        keys.set_string(DB, key.as_bytes(), key.as_bytes(), Ttl::Clear);
    });
    remove("FLUSHALL ASYNC of these", &keyspace, flush);
    let members = count / 4;
    measure("HSET of a new field", members, |n| {
        let field = format!("field:{n:010}");
        edit(&keyspace, b"hash", |hash: &mut Hash| {
            hash.set(&settings, field.as_bytes(), field.as_bytes())
        });
    });
    remove("UNLINK of that hash", &keyspace, |keyspace| {
        unlink(keyspace, b"hash")
    });
    measure("ZADD of a new member", members, |n| {
        let member = format!("member:{n:09}");
        let score = fastrand::Rng::with_seed(n as u64).f64();
        edit(&keyspace, b"zset", |zset: &mut Zset| {
            zset.insert(&settings, member.as_bytes(), score)
        });
    });
    remove("UNLINK of that sorted set", &keyspace, |keyspace| {
        unlink(keyspace, b"zset")
    });
    measure("RPUSH", members, |n| {
        let element = format!("element:{n:012}");
        edit(&keyspace, b"list", |list: &mut List| {
            list.push_back(&settings, element.as_bytes());
        });
    });
    remove("UNLINK of that list", &keyspace, |keyspace| {
        unlink(keyspace, b"list")
    });
    assert_eq!(keyspace.reclaim_stats().pending_bytes, 0);
    assert_eq!(keyspace.reclaim_stats().freed_objects, count as u64 + 3);
}

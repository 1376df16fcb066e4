//! Threads that write while a view is read: the view is one moment.

use keyspace::{
    FrozenView, Keyspace, Mode, Options, OverBudget, Plan, Ttl, ValueRef, ViewCancelled,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use units::{DbIndex, ReplOffset, UnixMillis};

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const PAIRS: u64 = 4000;

fn number(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::String(string) => String::from_utf8(string.to_vec()).unwrap().parse().unwrap(),
        _ => panic!("only strings are stored here"),
    }
}

fn key(side: char, pair: u64) -> Vec<u8> {
    format!("{side}:{pair}").into_bytes()
}

/// Adds to one side of a pair what it takes from the other, under one plan.
fn transfer(keyspace: &Keyspace, pair: u64, amount: i64) {
    let (left, right) = (key('l', pair), key('r', pair));
    let plan = keyspace.plan(Mode::Write, &[&left, &right]);
    let mut keys = keyspace.lock(plan, NOW);
    for (key, amount) in [(&left, amount), (&right, -amount)] {
        let was = keys.get(DB, key).map_or(0, |entry| number(entry.value()));
        // Long and short in turn, so that segments are compacted and split too.
        match amount % 7 {
            0 => keys.set_string(
                DB,
                key,
                format!("{:0300}", was + amount).as_bytes(),
                Ttl::Clear,
            ),
            _ => keys.set_int(DB, key, was + amount, Ttl::Clear),
        }
    }
}

fn check(mut view: FrozenView) {
    let mut sums = BTreeMap::<Vec<u8>, (i64, usize)>::new();
    let len = view.databases().map(|(_, keys, _)| keys).sum::<usize>();
    let mut met = 0;
    let read = view.for_each::<ViewCancelled>(DB, |entry| {
        let sum = sums.entry(entry.key[2..].to_vec()).or_default();
        *sum = (sum.0 + number(entry.value), sum.1 + 1);
        met += 1;
        Ok(())
    });
    assert_eq!(read, Ok(()), "nothing bounds what views keep");
    assert_eq!(met, len, "as many entries as there were at the freeze");
    assert!(
        sums.values().all(|&sum| sum == (0, 2)),
        "both sides of every pair, in balance"
    );
}

#[test]
fn a_view_balances_while_writers_write() {
    let keyspace = Keyspace::new(Options {
        shards: 8,
        ..Options::default()
    });
    let (stop, transfers) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let (keyspace, stop, transfers) = (&keyspace, &stop, &transfers);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(seed);
                while !stop.load(Relaxed) {
                    transfer(keyspace, rng.u64(..PAIRS), rng.i64(1..1000));
                    transfers.fetch_add(1, Relaxed);
                }
            });
        }
        for round in 0..24 {
            while transfers.load(Relaxed) < round * 500 {
                std::thread::yield_now();
            }
            let views = [
                keyspace.freeze(OverBudget::Cancel, ReplOffset::default),
                keyspace.freeze(OverBudget::Cancel, ReplOffset::default),
            ];
            if round % 8 == 7 {
                keyspace.lock(Plan::all(Mode::Write), NOW).clear_all();
            }
            views.into_iter().for_each(check);
            // One that is given up halfway.
            let mut dropped = keyspace.freeze(OverBudget::Cancel, ReplOffset::default);
            assert!(dropped.next_segment(DB).is_ok());
        }
        stop.store(true, Relaxed);
    });
    keyspace.check();
}

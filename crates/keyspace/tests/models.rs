//! The locks of shards and the hand-over of frozen segments under a checker that chooses who goes
//! on wherever a thread locks or touches an atomic. A schedule in which nobody can go on fails, so
//! each of these is also a test that nobody waits for ever.

use keyspace::{FrozenView, Keyspace, Mode, Options, OverBudget, Plan, Ttl, ValueRef};
use keyspace::{ViewCancelled, Views};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, thread};
use std::sync::Arc;
use std::time::Duration;
use units::{DbIndex, ReplOffset, UnixMillis};

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_000_000);
const SEED: u64 = 0x5EED;
const FOREVER: Duration = Duration::MAX;
/// Pairs of keys whose sum is 0 at every moment; enough for two segments.
const PAIRS: u32 = 300;

/// Runs a test under many schedules, half of them with few changes of who goes on.
fn check(schedules: usize, test: impl Fn() + Send + Sync + 'static) {
    println!("seed {SEED:#x}, {schedules} schedules");
    let test = Arc::new(test);
    let again = Arc::clone(&test);
    let random = RandomScheduler::new_from_seed(SEED, schedules / 2);
    Runner::new(random, config()).run(move || test());
    let few_changes = PctScheduler::new_from_seed(SEED, 3, schedules / 2);
    Runner::new(few_changes, config()).run(move || again());
}

fn config() -> Config {
    let mut config = Config::new();
    // The checker's threads are small by default, and code that is not optimized is not.
    config.stack_size = 1 << 20;
    config
}

fn keyspace(shards: usize) -> Arc<Keyspace> {
    let keyspace = Keyspace::new(Options {
        shards,
        ..Options::default()
    });
    let mut keys = keyspace.lock(Plan::all(Mode::Write), NOW);
    for pair in 0..PAIRS {
        for key in sides(pair) {
            keys.set_int(DB, &key, 0, Ttl::Clear);
        }
    }
    drop(keys);
    Arc::new(keyspace)
}

fn sides(pair: u32) -> [Vec<u8>; 2] {
    ["a", "b"].map(|side| format!("{side}:{pair}").into_bytes())
}

/// Adds to one side of each pair what it takes from the other, in one lock.
fn transfer(keyspace: &Keyspace, pairs: impl IntoIterator<Item = u32>) {
    for pair in pairs {
        let sides = sides(pair);
        let names = [&sides[0][..], &sides[1][..]];
        let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &names), NOW);
        for (key, amount) in sides.iter().zip([1, -1]) {
            let was = keys.get(DB, key).map_or(0, |entry| number(entry.value()));
            keys.set_int(DB, key, was + amount, Ttl::Clear);
        }
    }
}

fn number(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::String(text) => text.as_int().expect("an integer"),
        _ => panic!("a string"),
    }
}

fn freeze(keyspace: &Keyspace, over: OverBudget) -> FrozenView {
    keyspace.freeze(over, ReplOffset::default)
}

/// Reads a view to its end: how many entries. Both sides of every pair must be in balance.
fn read(mut view: FrozenView) -> Result<usize, ViewCancelled> {
    let (mut met, mut sums) = (0, std::collections::HashMap::<Vec<u8>, i64>::new());
    view.for_each(DB, |entry| {
        met += 1;
        *sums.entry(entry.key[2..].to_vec()).or_default() += number(entry.value);
        Ok::<_, ViewCancelled>(())
    })?;
    assert!(sums.values().all(|&sum| sum == 0), "of one moment");
    Ok(met)
}

fn spawn<R: 'static + Send>(
    keyspace: &Arc<Keyspace>,
    f: impl FnOnce(&Keyspace) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let keyspace = Arc::clone(keyspace);
    thread::spawn(move || f(&keyspace))
}

fn join<R>(threads: impl IntoIterator<Item = thread::JoinHandle<R>>) -> Vec<R> {
    let joined = threads.into_iter().map(|thread| thread.join());
    joined.map(|result| result.expect("no panic")).collect()
}

const ALL: usize = 2 * PAIRS as usize;

#[test]
fn views_stand_still_while_writers_write() {
    check(400, || {
        let keyspace = keyspace(2);
        let writers = [0, 1].map(|first| {
            let pairs = (first..PAIRS).step_by(40);
            spawn(&keyspace, move |keyspace| transfer(keyspace, pairs))
        });
        let readers = [0, 1].map(|_| {
            spawn(&keyspace, |keyspace| {
                read(freeze(keyspace, OverBudget::Cancel))
            })
        });
        assert_eq!(join(readers), [Ok(ALL); 2]);
        join(writers);
        keyspace.check();
    });
}

/// What is flushed while a view is read goes into the view whole, whatever the reader has had.
#[test]
fn views_outlive_what_is_flushed() {
    check(400, || {
        let keyspace = keyspace(2);
        let view = freeze(&keyspace, OverBudget::Cancel);
        let reader = thread::spawn(move || read(view));
        let flush = spawn(&keyspace, |keyspace| {
            transfer(keyspace, [0]);
            keyspace.lock(Plan::all(Mode::Write), NOW).clear_all();
            transfer(keyspace, [1]);
        });
        assert_eq!(join([reader]), [Ok(ALL)]);
        join([flush]);
        assert_eq!(keyspace.view_stats().alive, 0);
    });
}

/// A view over the budget is read whole or not at all, and all that was kept comes back.
#[test]
fn a_cancelled_view_ends_for_its_reader_and_gives_all_back() {
    check(400, || {
        let keyspace = keyspace(2);
        // It keeps nothing itself; while it is there, what others keep is counted.
        let empty = freeze(&keyspace, OverBudget::Wait);
        drain(empty, |empty| {
            keyspace.set_copy_budget(1 << 12, FOREVER);
            let readers = [0, 1].map(|_| {
                spawn(&keyspace, |keyspace| {
                    read(freeze(keyspace, OverBudget::Cancel))
                })
            });
            let writers = [0, 1].map(|first| {
                let pairs = (first..PAIRS).step_by(60);
                spawn(&keyspace, move |keyspace| transfer(keyspace, pairs))
            });
            let read = join(readers);
            join(writers);
            assert!(
                read.iter()
                    .all(|read| !matches!(read, Ok(met) if *met != ALL))
            );
            while keyspace.reclaim(1) {}
            let Views {
                kept_bytes, alive, ..
            } = keyspace.view_stats();
            assert_eq!((kept_bytes, alive), (0, 1));
            drop(empty);
        });
    });
}

/// Reads a view to its end and hands it on, alive and with nothing in it.
fn drain(mut view: FrozenView, f: impl FnOnce(FrozenView)) {
    while view.next_segment(DB).expect("not cancelled").is_some() {}
    f(view);
}

/// Nobody sleeps through the moment at which there is room again.
#[test]
fn writers_that_wait_are_woken() {
    check(400, || {
        let keyspace = keyspace(1);
        keyspace.set_copy_budget(1, FOREVER);
        let view = freeze(&keyspace, OverBudget::Wait);
        let writers = [0, 1].map(|first| {
            let pairs = (first..PAIRS).step_by(60);
            spawn(&keyspace, move |keyspace| transfer(keyspace, pairs))
        });
        assert_eq!(read(view), Ok(ALL));
        join(writers);
        assert_eq!(keyspace.view_stats().cancelled, 0);
    });
}

#[test]
fn a_dropped_view_or_a_new_bound_wakes_writers() {
    for drops in [false, true] {
        check(400, move || {
            let keyspace = keyspace(1);
            keyspace.set_copy_budget(1, FOREVER);
            let view = freeze(&keyspace, OverBudget::Wait);
            let writer = spawn(&keyspace, |keyspace| transfer(keyspace, 0..5));
            match drops {
                true => drop(view),
                false => keyspace.set_copy_budget(0, FOREVER),
            }
            join([writer]);
        });
    }
}

/// Shards are taken in one order by everybody: commands on several, freezes, sums.
#[test]
fn no_order_of_locks_ends_in_a_deadlock() {
    check(400, || {
        let keyspace = keyspace(4);
        let threads = [0, 1, 2].map(|first| {
            spawn(&keyspace, move |keyspace| {
                transfer(keyspace, [first, 2 - first]);
                drop(freeze(keyspace, OverBudget::Cancel));
                let keys = keyspace.lock(Plan::all(Mode::Read), NOW);
                assert_eq!(keys.len(DB), ALL);
            })
        });
        join(threads);
    });
}

/// Who sleeps until the next deadline is woken by one that is set meanwhile and comes sooner.
#[test]
fn a_sooner_deadline_wakes_who_sleeps() {
    check(400, || {
        let keyspace = keyspace(2);
        let setter = spawn(&keyspace, |keyspace| {
            let key = &sides(0)[0];
            let names = [&key[..]];
            let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &names), NOW);
            keys.set_deadline(DB, key, Some(UnixMillis(NOW.0 + 5)));
        });
        while keyspace.next_due().is_none() {
            keyspace.wait_for_sooner(None, FOREVER);
        }
        join([setter]);
    });
}

/// Who waits for garbage is woken by some.
#[test]
fn garbage_wakes_who_waits_for_it() {
    check(400, || {
        let keyspace = keyspace(1);
        let unlink = spawn(&keyspace, |keyspace| {
            let mut keys = keyspace.lock(Plan::all(Mode::Write), NOW);
            keys.set_string(DB, b"long", &[b'x'; 400_000], Ttl::Clear);
            assert!(keys.remove(DB, b"long"));
            keys.leave_garbage();
        });
        while !keyspace.wait_for_garbage(FOREVER) {}
        while keyspace.reclaim(1) {}
        join([unlink]);
    });
}

//! What frozen views may keep, and what happens beyond it.

use keyspace::{
    FrozenView, Keyspace, Mode, Options, OverBudget, Plan, Ttl, ValueRef, ViewCancelled, Views,
};
use std::time::Duration;
use units::{DbIndex, ReplOffset, UnixMillis};

const DB: DbIndex = DbIndex(0);
const NOW: UnixMillis = UnixMillis(1_000_000);
const KEYS: u32 = 20_000;
/// A small part of what the keys take.
const BUDGET: usize = 200 << 10;
/// So long that a test would hang before it passes.
const FOREVER: Duration = Duration::from_secs(3600);

fn filled() -> Keyspace {
    let keyspace = Keyspace::new(Options {
        shards: 4,
        ..Options::default()
    });
    (0..KEYS).for_each(|number| set(&keyspace, number, "before"));
    keyspace
}

fn set(keyspace: &Keyspace, number: u32, text: &str) {
    let key = number.to_string().into_bytes();
    let names = [&key[..]];
    let value = format!("{text:>50}");
    let mut keys = keyspace.lock(keyspace.plan(Mode::Write, &names), NOW);
    keys.set_string(DB, &key, value.as_bytes(), Ttl::Clear);
}

fn set_all(keyspace: &Keyspace) {
    (0..KEYS).for_each(|number| set(keyspace, number, "after"));
}

fn freeze(keyspace: &Keyspace, over: OverBudget) -> FrozenView {
    keyspace.freeze(over, ReplOffset::default)
}

/// How many entries are as they were before.
fn read(view: &mut FrozenView) -> Result<usize, ViewCancelled> {
    let mut met = 0;
    view.for_each(DB, |entry| {
        let ValueRef::String(value) = entry.value else {
            panic!("there are strings only");
        };
        let value = value.to_vec();
        met += usize::from(value.ends_with(b"before"));
        Ok::<_, ViewCancelled>(())
    })?;
    Ok(met)
}

fn stats(keyspace: &Keyspace) -> Views {
    keyspace.view_stats()
}

#[test]
fn without_a_bound_a_view_keeps_everything() {
    let keyspace = filled();
    let mut view = freeze(&keyspace, OverBudget::Cancel);
    set_all(&keyspace);
    let kept = stats(&keyspace).kept_bytes;
    let used = keyspace.used_bytes();
    assert!(
        kept > used * 9 / 10 && kept < used * 11 / 10,
        "{kept} of {used}"
    );
    assert_eq!(read(&mut view), Ok(KEYS as usize));
    assert_eq!(stats(&keyspace).kept_bytes, 0, "read, and given up");
    assert_eq!(stats(&keyspace).kept_peak, kept);
}

#[test]
fn an_embedders_view_is_cancelled_at_once() {
    let keyspace = filled();
    keyspace.set_copy_budget(BUDGET, FOREVER);
    let mut view = freeze(&keyspace, OverBudget::Cancel);
    let held = view
        .next_segment(DB)
        .expect("nothing has changed")
        .expect("there are keys");
    set_all(&keyspace);
    let cancelled = read(&mut view).expect_err("all has changed");
    assert_eq!(cancelled.budget, BUDGET);
    assert!(cancelled.kept > BUDGET && cancelled.kept < BUDGET * 11 / 10);
    let found = stats(&keyspace);
    assert_eq!((found.alive, found.cancelled, found.waits), (0, 1, 0));
    assert!(found.kept_peak < BUDGET * 11 / 10, "{found:?}");
    assert!(
        !held.is_empty() && held.iter().count() == held.len(),
        "what was read stays"
    );
    assert!(view.next_segment(DB).is_err(), "for good");
    drop((held, view));
    while keyspace.reclaim(1) {}
    assert_eq!(stats(&keyspace).kept_bytes, 0);
    let mut anew = freeze(&keyspace, OverBudget::Cancel);
    assert_eq!(read(&mut anew), Ok(0), "a new one is as good as ever");
}

#[test]
fn the_oldest_goes_first_and_no_more_than_must() {
    let keyspace = filled();
    keyspace.set_copy_budget(BUDGET, FOREVER);
    let mut numbers = 0..KEYS;
    let mut set_until = |is_enough: fn(Views) -> bool| {
        while !is_enough(stats(&keyspace)) {
            set(&keyspace, numbers.next().expect("enough keys"), "after");
        }
    };
    let mut own = freeze(&keyspace, OverBudget::Wait);
    let mut old = freeze(&keyspace, OverBudget::Cancel);
    assert_eq!(read(&mut own), Ok(KEYS as usize));
    set_until(|stats| stats.kept_bytes > BUDGET / 2);
    let mut young = freeze(&keyspace, OverBudget::Cancel);
    set_until(|stats| stats.cancelled > 0);
    assert!(read(&mut old).is_err());
    assert!(read(&mut young).is_ok());
    assert_eq!((stats(&keyspace).alive, stats(&keyspace).waits), (2, 0));
}

#[test]
fn writers_wait_for_an_own_view() {
    let keyspace = filled();
    keyspace.set_copy_budget(BUDGET, FOREVER);
    let mut view = freeze(&keyspace, OverBudget::Wait);
    std::thread::scope(|scope| {
        scope.spawn(|| set_all(&keyspace));
        while stats(&keyspace).waits == 0 {
            std::thread::yield_now();
        }
        assert_eq!(read(&mut view), Ok(KEYS as usize));
    });
    let found = stats(&keyspace);
    assert_eq!(found.cancelled, 0);
    assert!(found.kept_peak < 2 * BUDGET, "{found:?}");
}

#[test]
fn an_own_view_that_nobody_reads_is_cancelled_after_the_wait() {
    let keyspace = filled();
    keyspace.set_copy_budget(BUDGET, Duration::from_millis(1));
    let mut view = freeze(&keyspace, OverBudget::Wait);
    set_all(&keyspace);
    assert!(read(&mut view).is_err());
    let found = stats(&keyspace);
    assert_eq!((found.waits, found.cancelled), (1, 1));
}

#[test]
fn a_larger_bound_and_a_dropped_view_end_a_wait() {
    for give_up in [false, true] {
        let keyspace = filled();
        keyspace.set_copy_budget(BUDGET, FOREVER);
        let view = freeze(&keyspace, OverBudget::Wait);
        std::thread::scope(|scope| {
            scope.spawn(|| set_all(&keyspace));
            while stats(&keyspace).waits == 0 {
                std::thread::yield_now();
            }
            match give_up {
                true => drop(view),
                false => keyspace.set_copy_budget(0, FOREVER),
            }
        });
        assert_eq!(stats(&keyspace).cancelled, 0);
    }
}

#[test]
fn a_flushed_keyspace_counts_as_kept() {
    let keyspace = filled();
    let used = keyspace.used_bytes();
    keyspace.set_copy_budget(BUDGET, FOREVER);
    let (mut one, mut other) = (
        freeze(&keyspace, OverBudget::Cancel),
        freeze(&keyspace, OverBudget::Cancel),
    );
    keyspace.lock(Plan::all(Mode::Write), NOW).clear_all();
    let kept = stats(&keyspace).kept_bytes;
    assert!(kept > used * 99 / 100 && kept <= used, "{kept} of {used}");
    assert_eq!(
        read(&mut one),
        Ok(KEYS as usize),
        "nobody has written since"
    );
    assert!(
        stats(&keyspace).kept_bytes > used * 99 / 100,
        "the other needs it"
    );
    drop(one);
    set(&keyspace, 0, "after");
    while keyspace.reclaim(1) {}
    assert!(read(&mut other).is_err());
    assert_eq!(stats(&keyspace).kept_bytes, 0);
}

//! Workloads on a simulated disk: carried out, crashed and made to fail at every operation, and
//! compared with what was promised.
//!
//! ```text
//! sim crash  [--images N] [--seed S] [--threads T]
//! sim faults [--runs N]   [--seed S] [--threads T]
//! sim flips  [--turns N]  [--seed S] [--threads T]
//! ```
//!
//! Prints a line of figures; a failure is printed as a seed and what led to it, and ends it with an
//! error. `--seed` begins with that workload; the next has the next number.

mod crash;
mod faults;
mod flips;
mod model;
mod options;
mod workload;

use options::{Command, Options};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::of(&arguments) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let (failures, figures) = match options.command {
        Command::Crash => crashes(&options),
        Command::Faults => failing(&options),
        Command::Flips => flipping(&options),
    };
    for failure in failures.iter().take(3) {
        println!("{failure}");
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{figures}: {} failures; {seconds:.1} s", failures.len());
    match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What went wrong, and the figures in words.
fn crashes(options: &Options) -> (Vec<String>, String) {
    let tally = gather(options, crash::run, |total: &mut crash::Tally, tally| {
        total.add(tally);
        total.images >= options.count || !total.failures.is_empty()
    });
    let figures = format!(
        "{} workloads, {} operations, {} images, {} of them written to and crashed again, everysec \
         lost {} ms at most",
        tally.workloads, tally.operations, tally.images, tally.second_crashes, tally.lost_ms,
    );
    (tally.failures, figures)
}

fn failing(options: &Options) -> (Vec<String>, String) {
    let tally = gather(options, faults::run, |total: &mut faults::Tally, tally| {
        total.add(tally);
        total.runs >= options.count || !total.failures.is_empty()
    });
    let calls = tally.calls.iter();
    let calls: Vec<String> = calls
        .map(|(call, count)| format!("{call} {count}"))
        .collect();
    let figures = format!(
        "{} workloads, {} runs, first to fail: {}; {} writes refused, {} images",
        tally.workloads,
        tally.runs,
        calls.join(", "),
        tally.refused,
        tally.images
    );
    (tally.failures, figures)
}

fn flipping(options: &Options) -> (Vec<String>, String) {
    let turns = AtomicU64::new(0);
    let tally = gather(options, flips::run, |total: &mut flips::Tally, tally| {
        total.add(tally);
        total.is_over || turns.fetch_add(1, Ordering::Relaxed) + 1 >= options.count
    });
    let outcomes = tally.outcomes.iter();
    let outcomes: Vec<String> = outcomes
        .map(|(file, [refused, told, same])| {
            format!("{file}: {refused} refused, {told} told, {same} harmless")
        })
        .collect();
    let figures = format!("{} damages; {}", tally.damages, outcomes.join("; "));
    (tally.failures, figures)
}

/// Runs by rising seeds, on all threads, until `add` has enough of them.
fn gather<T: Default + Send>(
    options: &Options,
    run: impl Fn(u64) -> T + Sync,
    add: impl Fn(&mut T, T) -> bool + Sync,
) -> T {
    let next = AtomicU64::new(options.seed);
    let total = Mutex::new(T::default());
    let work = || {
        loop {
            let tally = run(next.fetch_add(1, Ordering::Relaxed));
            if add(
                &mut total.lock().unwrap_or_else(PoisonError::into_inner),
                tally,
            ) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        (0..options.threads).for_each(|_| _ = scope.spawn(work));
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_promised_is_lost() {
        let options = Options {
            command: Command::Crash,
            count: 1000,
            seed: 1,
            threads: 1,
        };
        let tally = gather(&options, crash::run, |total: &mut crash::Tally, tally| {
            total.add(tally);
            total.images >= options.count
        });
        assert!(tally.failures.is_empty(), "{}", tally.failures[0]);
        assert!(tally.lost_ms <= 1000, "{}", tally.lost_ms);
    }

    #[test]
    fn whatever_call_fails_what_was_answered_lasts() {
        let tally = faults::run(4);
        assert!(tally.failures.is_empty(), "{}", tally.failures[0]);
        assert!(tally.refused > 0);
    }

    #[test]
    fn no_damage_is_silent() {
        for turn in (1..).step_by(1009) {
            let tally = flips::run(turn);
            assert!(tally.failures.is_empty(), "{}", tally.failures[0]);
            if tally.is_over {
                return;
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        let figures = |tally: crash::Tally| (tally.operations, tally.images, tally.second_crashes);
        assert_eq!(figures(crash::run(7)), figures(crash::run(7)));
    }
}

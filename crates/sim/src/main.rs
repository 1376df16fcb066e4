//! Workloads on a simulated disk: carried out, crashed at every operation, and compared with what
//! was promised.
//!
//! ```text
//! sim crash [--images N] [--seed S] [--threads T]
//! ```
//!
//! Prints a line of figures; a failure is printed as a seed and the operations up to the crash, and
//! ends it with an error. `--seed` begins with that workload; the next has the next number.

mod crash;
mod model;
mod workload;

use crash::Tally;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

struct Options {
    images: u64,
    seed: u64,
    threads: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match options(&arguments) {
        Ok(options) => report(&options),
        Err(problem) => {
            eprintln!("{problem}\nUsage: sim crash [--images N] [--seed S] [--threads T]");
            ExitCode::from(2)
        }
    }
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let (command, flags) = arguments.split_first().ok_or("no command was given")?;
    if command != "crash" {
        return Err(format!("there is no command {command}"));
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options {
        images: 10_000,
        seed: 1,
        threads,
    };
    for pair in flags.chunks(2) {
        let [name, value] = pair else {
            return Err(format!("{} wants a value", pair.concat()));
        };
        let number: u64 = value.parse().map_err(|_| format!("{value} is no number"))?;
        match name.as_str() {
            "--images" => options.images = number,
            "--seed" => options.seed = number,
            "--threads" => options.threads = (number as usize).max(1),
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}

fn report(options: &Options) -> ExitCode {
    let began = Instant::now();
    let tally = run(options);
    for failure in tally.failures.iter().take(3) {
        println!("{failure}");
    }
    println!(
        "{} workloads, {} operations, {} images, {} of them written to and crashed again: {} \
         failures; everysec lost {} ms at most; {:.1} s",
        tally.workloads,
        tally.operations,
        tally.images,
        tally.second_crashes,
        tally.failures.len(),
        tally.lost_ms,
        began.elapsed().as_secs_f64()
    );
    match tally.failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Workloads by rising seeds until there were so many images, or one failed.
fn run(options: &Options) -> Tally {
    let next = AtomicU64::new(options.seed);
    let total = Mutex::new(Tally::default());
    let work = || {
        loop {
            let tally = crash::run(next.fetch_add(1, Ordering::Relaxed));
            let mut total = total
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            total.add(tally);
            if total.images >= options.images || !total.failures.is_empty() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        (0..options.threads).for_each(|_| _ = scope.spawn(work));
    });
    total
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_promised_is_lost() {
        let tally = run(&Options {
            images: 1000,
            seed: 1,
            threads: 1,
        });
        assert!(tally.failures.is_empty(), "{}", tally.failures[0]);
        assert!(tally.lost_ms <= 1000, "{}", tally.lost_ms);
    }

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        let figures = |tally: Tally| (tally.operations, tally.images, tally.second_crashes);
        assert_eq!(figures(crash::run(7)), figures(crash::run(7)));
    }
}

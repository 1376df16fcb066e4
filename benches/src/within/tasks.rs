//! What is measured within the process.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

use super::{
    Task,
    engine::{Store, Writer},
};
use crate::{
    Outcome,
    freeze::{load, parts},
    quantiles,
    shapes::{Argv, Words, name},
    workload::Workload,
};

/// Freezes of each number of keys, and writes between them.
const FREEZES: usize = 100;
const WRITES: usize = 1000;
/// The shortest that writes are measured for.
const MEASURED_FOR: Duration = Duration::from_secs(5);
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A write that takes longer is one that stalls, in nanoseconds.
const STALL: u64 = 1_000_000;

/// The figures of a task.
pub(super) fn run(task: Task) -> Outcome<Vec<f64>> {
    let store = Store::new();
    match task {
        Task::Growth(keys) => growth(&store, keys),
        Task::Freeze(keys) => freezes(&store, keys),
        Task::Views(workload, count) => views(&store, workload, count),
        Task::Machine => machine(),
    }
}

fn growth(store: &Store, keys: u64) -> Outcome<Vec<f64>> {
    let (mut writer, mut latencies) = (store.writer(), Latencies::new()?);
    for number in 0..keys {
        let argv = vec![b"SET".to_vec(), name(number, 16), vec![b'v'; 16]];
        latencies.time(|| writer.write(&argv))?;
    }
    Ok(latencies.figures())
}

fn freezes(store: &Store, keys: u64) -> Outcome<Vec<f64>> {
    let mut words = Words(fastrand::Rng::with_seed(keys));
    let (mut figures, mut writer) = (Vec::new(), store.writer());
    for part in parts(keys) {
        write_all(&mut writer, load(part.clone()))?;
        let mut took = Histogram::<u64>::new(3)?;
        for _ in 0..FREEZES {
            let begin = Instant::now();
            let view = store.freeze();
            took.record(begin.elapsed().as_nanos() as u64)?;
            drop(view);
            let workload = Workload::ALL[0];
            let writes = (0..WRITES).map(|_| workload.write(&mut words, part.end));
            write_all(&mut writer, writes)?;
        }
        figures.extend([took.value_at_quantile(0.5), took.max()].map(|ns| ns as f64 / 1000.0));
    }
    Ok(figures)
}

/// Takes about as long as a write, and touches nothing new.
fn machine() -> Outcome<Vec<f64>> {
    let (mut latencies, mut block) = (Latencies::new()?, vec![0; 32 << 10]);
    let begin = Instant::now();
    while begin.elapsed() < MEASURED_FOR {
        latencies.time(|| {
            black_box(&mut block).fill(1);
            Ok(())
        })?;
    }
    Ok(latencies.figures())
}

fn write_all(writer: &mut Writer, mut commands: impl Iterator<Item = Argv>) -> Outcome<()> {
    commands.try_for_each(|argv| writer.write(&argv))
}

/// One thread writes all, as those of a server do that live as long as it.
fn views(store: &Store, workload: Workload, count: u64) -> Outcome<Vec<f64>> {
    let mut writer = store.writer();
    write_all(&mut writer, workload.load(count))?;
    let mut figures = Vec::new();
    for is_viewed in [false, true] {
        figures.extend(phase(store, &mut writer, workload, count, is_viewed)?);
    }
    Ok(figures)
}

/// Writes as fast as it goes, while another thread reads views or sleeps.
fn phase(
    store: &Store,
    writer: &mut Writer,
    workload: Workload,
    count: u64,
    is_viewed: bool,
) -> Outcome<Vec<f64>> {
    let over = &AtomicBool::new(false);
    let (before, begin) = (rss()?, Instant::now());
    scope(|scope| {
        // Threads hand over text: what errors are made of may not leave them.
        let watching = scope.spawn(|| most_memory(over).map_err(|error| error.to_string()));
        let reading = scope.spawn(move || {
            let read = if is_viewed {
                read_views(store)
            } else {
                Ok(f64::NAN)
            };
            sleep(MEASURED_FOR.saturating_sub(begin.elapsed()));
            over.store(true, Relaxed);
            read.map_err(|error| error.to_string())
        });
        let latencies = write_until(writer, workload, count, over)?;
        let seconds = reading.join().map_err(|_| "the reader panicked")??;
        let most = watching.join().map_err(|_| "the watcher panicked")??;
        let extra = most.saturating_sub(before) as f64 / 1e6;
        let rate = latencies.count() / begin.elapsed().as_secs_f64();
        Ok([latencies.figures(), vec![rate, extra, seconds]].concat())
    })
}

/// Reads one view after the other until there was enough time; seconds each.
fn read_views(store: &Store) -> Outcome<f64> {
    let (begin, mut views) = (Instant::now(), 0);
    while begin.elapsed() < MEASURED_FOR {
        store.read_view()?;
        views += 1;
    }
    Ok(begin.elapsed().as_secs_f64() / f64::from(views))
}

fn write_until(
    writer: &mut Writer,
    workload: Workload,
    count: u64,
    over: &AtomicBool,
) -> Outcome<Latencies> {
    let mut words = Words(fastrand::Rng::with_seed(count));
    let mut latencies = Latencies::new()?;
    while !over.load(Relaxed) {
        let argv = workload.write(&mut words, count);
        latencies.time(|| writer.write(&argv))?;
    }
    Ok(latencies)
}

/// The most memory that the process had resident, in bytes, until it was over.
fn most_memory(over: &AtomicBool) -> Outcome<u64> {
    let mut most = rss()?;
    while !over.load(Relaxed) {
        sleep(LOOK_EVERY);
        most = most.max(rss()?);
    }
    Ok(most)
}

fn rss() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages = status.split(' ').nth(1).ok_or("statm has one field")?;
    Ok(pages.parse::<u64>()? * 4096)
}

/// Operations, timed by the wall's clock and by the thread's, which stands still while others run.
struct Latencies {
    wall: Histogram<u64>,
    stalls: u64,
    own_max: u64,
    own_stalls: u64,
}

impl Latencies {
    fn new() -> Outcome<Latencies> {
        Ok(Latencies {
            wall: Histogram::new(3)?,
            stalls: 0,
            own_max: 0,
            own_stalls: 0,
        })
    }

    fn time(&mut self, operation: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
        let (own, begin) = (own_nanos(), Instant::now());
        operation()?;
        let took = begin.elapsed().as_nanos() as u64;
        let own = own_nanos() - own;
        self.stalls += u64::from(took > STALL);
        self.own_max = self.own_max.max(own);
        self.own_stalls += u64::from(own > STALL);
        Ok(self.wall.record(took)?)
    }

    fn count(&self) -> f64 {
        self.wall.len() as f64
    }

    fn figures(&self) -> Vec<f64> {
        let stalls = self.stalls as f64;
        let own = [self.own_max as f64 / 1000.0, self.own_stalls as f64];
        [quantiles::of(&self.wall), vec![stalls], own.to_vec()].concat()
    }
}

fn own_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

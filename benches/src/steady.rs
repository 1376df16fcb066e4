//! One connection that sends one write at a time, at a steady rate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use kvdump::{Call, Tcp};

use crate::{Outcome, server::Server, shapes::Words, workload::Workload};

/// A thread that writes until it is ended.
pub(crate) struct SteadyWriter {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Histogram<u64>, String>>,
}

impl SteadyWriter {
    /// Connects, and begins to write to a data set of `count` things.
    pub(crate) fn start(server: &Server, workload: Workload, count: u64) -> Outcome<SteadyWriter> {
        let mut connection = server.connect()?;
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            write(&mut connection, workload, count, &ended).map_err(|error| error.to_string())
        });
        Ok(SteadyWriter { over, thread })
    }

    /// Ends it; how long each write took, in nanoseconds.
    pub(crate) fn end(self) -> Outcome<Histogram<u64>> {
        self.over.store(true, Relaxed);
        let latency = self.thread.join().map_err(|_| "the writer panicked")?;
        Ok(latency?)
    }
}

/// A write that had to wait for the one before counts from when it was due.
fn write(
    connection: &mut Tcp,
    workload: Workload,
    count: u64,
    over: &AtomicBool,
) -> Outcome<Histogram<u64>> {
    let mut latency = Histogram::new(3)?;
    let mut words = Words(fastrand::Rng::with_seed(count));
    let mut due = Instant::now();
    while !over.load(Relaxed) {
        let argv = workload.write(&mut words, count);
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        due += Duration::from_secs(1) / workload.rate();
        let mut since = due;
        let early = due.saturating_duration_since(Instant::now());
        if !early.is_zero() {
            sleep(early);
            // What the system slept for too long is no fault of the server.
            since = Instant::now();
        }
        connection.ask_bytes(&argv)?;
        latency.record(since.elapsed().as_nanos() as u64)?;
    }
    Ok(latency)
}

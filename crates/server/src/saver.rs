//! The thread that writes snapshots while commands go on.

use crate::tell::tell;
use duramen::{Engine, SaveError, SaveReport};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often save points are looked at, and how soon the thread ends.
const TICK: Duration = Duration::from_millis(100);

/// How nice the thread is to others, from 0 to 19.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The thread, until it is joined.
pub(crate) struct Saver {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Saver {
    pub(crate) fn start(engine: &Engine) -> io::Result<Saver> {
        let over = Arc::new(AtomicBool::new(false));
        let (saver, seen) = (engine.saver(), over.clone());
        let thread = std::thread::Builder::new()
            .name("saver".to_owned())
            .spawn(move || work(&saver, &seen))?;
        Ok(Saver { over, thread })
    }

    /// Ends the thread, after what it is writing.
    pub(crate) fn join(self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

fn work(saver: &duramen::Saver, over: &AtomicBool) {
    stand_back();
    while !over.load(Ordering::Relaxed) {
        if saver.wait(TICK) {
            tell("Background saving started");
            tell(&line(&saver.save()));
        }
    }
}

/// Lets the threads that run commands go first where cores are few: nobody waits for a snapshot.
/// Only Linux gives each thread a priority of its own.
fn stand_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}

fn line(outcome: &Result<SaveReport, SaveError>) -> String {
    match outcome {
        Ok(report) => {
            let files = report.files.iter().map(|file| file.display().to_string());
            let files = files.collect::<Vec<_>>().join(", ");
            format!("DB saved on disk: {} keys, {files}", report.keys)
        }
        Err(error) => format!("Background saving error: {error}"),
    }
}

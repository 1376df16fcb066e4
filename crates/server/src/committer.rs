//! The thread that writes and syncs the append-only file, so that no connection waits for the disk.

use duramen::Engine;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the file is looked after when nobody asks, and how soon the thread ends.
const TICK: Duration = Duration::from_millis(50);

/// The thread, until it is joined.
pub(crate) struct Committer {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Committer {
    pub(crate) fn start(engine: &Engine) -> io::Result<Committer> {
        let over = Arc::new(AtomicBool::new(false));
        let (committer, seen) = (engine.committer(), over.clone());
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || work(&committer, &seen))?;
        Ok(Committer { over, thread })
    }

    /// Ends the thread. Connections are gone by then: nobody waits for it.
    pub(crate) fn join(self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

fn work(committer: &duramen::Committer, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        committer.wait(TICK);
        committer.commit();
    }
}

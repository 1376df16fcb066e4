//! The thread that frees what commands left to be freed, and watches what the process takes.

use crate::huge_pages::HugePages;
use duramen::Engine;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the engine is told what the process takes, and how soon the thread ends.
const TICK: Duration = Duration::from_millis(100);
/// Parts freed between two looks at whether it is over.
const PARTS: usize = 256;

/// The thread, until it is joined.
pub(crate) struct Reclaimer {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Reclaimer {
    pub(crate) fn start(engine: &Engine) -> io::Result<Reclaimer> {
        let over = Arc::new(AtomicBool::new(false));
        let (engine, seen) = (engine.clone(), over.clone());
        let huge_pages = HugePages::start(resident_bytes().unwrap_or(usize::MAX));
        let thread = std::thread::Builder::new()
            .name("reclaimer".to_owned())
            .spawn(move || work(&engine, huge_pages, &seen))?;
        Ok(Reclaimer { over, thread })
    }

    /// Ends the thread. What still waits to be freed stays with the engine.
    pub(crate) fn join(self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

fn work(engine: &Engine, mut huge_pages: HugePages, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if let Some(bytes) = resident_bytes() {
            engine.set_resident_bytes(bytes);
            huge_pages.note(bytes);
        }
        if engine.wait_for_garbage(TICK) {
            while engine.reclaim(PARTS) && !over.load(Ordering::Relaxed) {}
        }
    }
}

/// What the process takes of the machine; `None` where the system does not tell in Linux's way.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes = line.split_ascii_whitespace().nth(1)?;
    Some(kilobytes.parse::<usize>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unlinked_is_freed_soon() -> io::Result<()> {
        let engine = Engine::open_in_memory();
        let reclaimer = Reclaimer::start(&engine)?;
        let mut session = engine.session();
        for n in 0..20_000 {
            session.execute(&["SADD", "set", &format!("member:{n:040}")]);
        }
        session.execute(&["UNLINK", "set"]);
        while engine.memory().garbage > 0 {
            std::thread::yield_now();
        }
        reclaimer.join();
        Ok(())
    }
}

//! The thread that deletes keys when their time comes, or when memory is short of room for them.

use duramen::Engine;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest sleep: how soon the thread ends.
const LONGEST: Duration = Duration::from_millis(100);

/// The thread, until it is joined.
pub(crate) struct Expirer {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Expirer {
    pub(crate) fn start(engine: &Engine) -> io::Result<Expirer> {
        let over = Arc::new(AtomicBool::new(false));
        let (engine, seen) = (engine.clone(), over.clone());
        let thread = std::thread::Builder::new()
            .name("expirer".to_owned())
            .spawn(move || work(&engine, &seen))?;
        Ok(Expirer { over, thread })
    }

    /// Ends the thread.
    pub(crate) fn join(self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}

fn work(engine: &Engine, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        engine.tick();
        engine.sample_rates();
        engine.ping_replicas();
        engine.go_on_with_failover();
        engine.end_idle_migrations();
        engine.evict_clients();
        if !engine.evict_due() {
            engine.wait_for_deadline(LONGEST);
        }
        // Others go first where there is much to do.
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_fields_go_without_being_asked_for() -> io::Result<()> {
        let engine = Engine::open_in_memory();
        let expirer = Expirer::start(&engine)?;
        let mut session = engine.session();
        for n in 0..2000 {
            session.execute(&["SET", &n.to_string(), "v", "PX", &(n % 50 + 1).to_string()]);
        }
        session.execute(&["HSETEX", "h", "PX", "20", "FIELDS", "1", "f", "v"]);
        while session.execute(&["DBSIZE"]) != duramen::Reply::Integer(0) {
            std::thread::yield_now();
        }
        expirer.join();
        Ok(())
    }
}

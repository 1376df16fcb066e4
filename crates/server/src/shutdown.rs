//! Ending: what signals ask for, and telling everyone at once that it is over.

use crate::tell::{tell, warn};
use duramen::Engine;
use std::io;
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Who ends the server when signals say so.
pub(crate) struct Asked<'e> {
    engine: &'e Engine,
    saving: Option<JoinHandle<()>>,
}

impl<'e> Asked<'e> {
    pub(crate) fn new(engine: &'e Engine) -> Asked<'e> {
        Asked {
            engine,
            saving: None,
        }
    }

    /// Has the engine save as configured, aside, and then end; it goes on if that fails. Whether it is
    /// to end at once, as it was saving already.
    pub(crate) fn again(&mut self, signal: &str) -> io::Result<bool> {
        tell(&format!("Received {signal} scheduling shutdown..."));
        if self
            .saving
            .as_ref()
            .is_some_and(|saving| !saving.is_finished())
        {
            return Ok(true);
        }
        let engine = self.engine.clone();
        let saving = std::thread::Builder::new().name("ending".to_owned());
        self.saving = Some(saving.spawn(move || {
            if engine.request_shutdown().is_err() {
                warn("Error trying to save the DB, can't exit.");
            }
        })?);
        Ok(false)
    }
}

/// Dropped, or told so, it ends everyone who waits.
pub(crate) struct Stop(watch::Sender<bool>);

/// Waits for the end.
#[derive(Clone)]
pub(crate) struct Stopped(watch::Receiver<bool>);

pub(crate) fn channel() -> (Stop, Stopped) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopped(receiver))
}

impl Stop {
    pub(crate) fn stop(self) {
        self.0.send_replace(true);
    }
}

impl Stopped {
    /// Returns once it is over.
    pub(crate) async fn wait(&mut self) {
        // An error means that the other side is gone, which is the end as well.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

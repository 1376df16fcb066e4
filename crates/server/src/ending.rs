//! Ending the server as it was asked to, by a client or by a signal.

use crate::tell::{self, tell};
use duramen::{Engine, Shutdown};
use std::future::poll_fn;
use std::time::Duration;

/// How often to look whether replicas have caught up.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Asks the engine to end as a setting says.
pub(crate) fn ask(engine: &Engine, setting: &str) {
    let words = engine.config(setting).unwrap_or_default();
    let words = words.split_whitespace().map(str::as_bytes);
    engine.shut_down(Shutdown::of_words(words).unwrap_or_default());
}

/// The same, but who asks once more while the last save is written does not want to wait for it.
pub(crate) fn ask_or_exit(engine: &Engine, setting: &str) {
    if engine.is_ending() {
        tell("You insist... exiting now.");
        std::process::exit(1);
    }
    ask(engine, setting);
}

/// Returns once the engine has ended as it was asked to. A save that fails, or an abort, keep the
/// server going.
pub(crate) async fn ended(engine: &Engine) {
    loop {
        poll_fn(|cx| engine.poll_shutdown(cx)).await;
        tell("User requested shutdown...");
        if engine.awaits_replicas() {
            tell("Waiting for replicas before shutting down.");
        }
        while engine.awaits_replicas() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let ending = engine.clone();
        match tokio::task::spawn_blocking(move || ending.end()).await {
            Ok(Ok(true)) => return,
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tell::warn(&error.to_string());
                tell("Error trying to save the DB, can't exit.");
            }
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

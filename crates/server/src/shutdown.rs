//! Telling everyone at once that it is over.

use tokio::sync::watch;

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

//! The thread that reads the directory while the server says `LOADING`, and what begins after that.

use crate::committer::Committer;
use crate::expirer::Expirer;
use crate::reclaimer::Reclaimer;
use crate::saver::Saver;
use crate::shutdown::Stopped;
use crate::tell::tell;
use crate::{ServeError, link};
use duramen::{Engine, LoadProgress, OpenError, Opening};
use std::io;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Between two lines of the log, in whole percent.
const TOLD_EVERY: i64 = 10;

/// The thread, until it is joined.
pub(crate) struct Loader(JoinHandle<Result<Option<Services>, ServeError>>);

/// What works beside the connections once everything is there.
pub(crate) struct Services {
    reclaimer: Reclaimer,
    expirer: Expirer,
    committer: Committer,
    saver: Saver,
    link: JoinHandle<()>,
}

/// Starts the thread. What is returned beside it tells when everything was read, or is dropped when
/// that failed.
pub(crate) fn start(
    opening: Opening,
    stopped: Stopped,
) -> io::Result<(Loader, oneshot::Receiver<()>)> {
    let (done, loaded) = oneshot::channel();
    let told = AtomicI64::new(0);
    opening.on_progress(move |progress| tell_progress(progress, &told));
    let thread = std::thread::Builder::new()
        .name("loader".to_owned())
        .spawn(move || {
            let services = load(opening, stopped)?;
            if services.is_some() {
                // Nobody listens if the server ends already.
                let _ = done.send(());
            }
            Ok(services)
        })?;
    Ok((Loader(thread), loaded))
}

impl Loader {
    /// Waits for the thread; without services if the server was to end before all was read.
    pub(crate) fn join(self) -> Result<Option<Services>, ServeError> {
        let joined = self.0.join();
        joined.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
    }
}

fn load(opening: Opening, stopped: Stopped) -> Result<Option<Services>, ServeError> {
    let engine = match opening.load() {
        Ok(engine) => engine,
        Err(OpenError::GivenUp) => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    tell(&engine.recovery_report().to_string());
    let services = Services::start(&engine, stopped);
    services.map(Some).map_err(ServeError::Start)
}

/// Tells in Redis's words, for whoever looks for them, why a directory can't be had.
pub(crate) fn refused(error: OpenError) -> ServeError {
    if let Some(words) = error.in_redis_words() {
        tell(&format!("{error}: {words}"));
    }
    ServeError::Open(Box::new(error))
}

fn tell_progress(progress: LoadProgress, told: &AtomicI64) {
    let percent = progress.percent() as i64;
    if percent >= told.load(Relaxed) + TOLD_EVERY {
        told.store(percent, Relaxed);
        let megabytes = progress.total / 1_000_000;
        tell(&format!("Loading: {percent}% of {megabytes} MB"));
    }
}

impl Services {
    fn start(engine: &Engine, stopped: Stopped) -> io::Result<Services> {
        Ok(Services {
            reclaimer: Reclaimer::start(engine)?,
            expirer: Expirer::start(engine)?,
            committer: Committer::start(engine)?,
            saver: Saver::start(engine)?,
            link: link::start(engine, stopped)?,
        })
    }

    /// Ends them all, each after what it is doing.
    pub(crate) fn join(self) {
        let _ = self.link.join();
        self.saver.join();
        self.committer.join();
        self.expirer.join();
        self.reclaimer.join();
    }
}

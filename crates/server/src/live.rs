//! Settings of the server that may change while it runs, and what is done when they do.

use crate::addresses::addresses;
use crate::listening::Rebinder;
use crate::oom::OomScore;
use crate::tell;
use duramen::{ConfigChange, ConfigError, Engine};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// What connections look at. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    /// In seconds; 0 for as long as it likes.
    idle: AtomicU64,
    connections_max: AtomicUsize,
    protected: AtomicBool,
}

impl Live {
    /// As the engine was configured.
    pub(crate) fn new(engine: &Engine) -> Live {
        let live = Live::default();
        live.set(|name| engine.config(name).unwrap_or_default());
        live
    }

    /// After so long without a byte from the peer, the connection ends.
    pub(crate) fn idle(&self) -> Option<Duration> {
        let secs = self.0.idle.load(Relaxed);
        (secs > 0).then(|| Duration::from_secs(secs))
    }

    pub(crate) fn connections_max(&self) -> usize {
        self.0.connections_max.load(Relaxed)
    }

    /// Whether strangers from elsewhere are turned away while the default user has no password.
    pub(crate) fn is_protected(&self) -> bool {
        self.0.protected.load(Relaxed)
    }

    fn set(&self, get: impl Fn(&str) -> String) {
        let number = |name| get(name).parse().unwrap_or(0);
        self.0.idle.store(number("timeout"), Relaxed);
        let most = get("maxclients").parse().unwrap_or(usize::MAX);
        self.0.connections_max.store(most, Relaxed);
        self.0
            .protected
            .store(get("protected-mode") == "yes", Relaxed);
        tell::set_level(&get("loglevel"));
    }
}

/// Brings about what settings mean to the server, now and whenever they change.
pub(crate) fn follow(engine: &Engine, live: Live, rebinder: Rebinder) {
    let oom = OomScore::default();
    let get = |name: &str| engine.config(name).unwrap_or_default();
    if let Err(error) = oom.adjust(&get("oom-score-adj"), &get("oom-score-adj-values")) {
        tell::warn(&error);
    }
    engine.on_config_change(move |change| {
        let before = adjust_oom(&oom, change)?;
        rebind(&rebinder, change)
            .inspect_err(|_| before.iter().for_each(|score| oom.put(*score)))?;
        live.set(|name| change.get(name));
        Ok(())
    });
}

/// The score before, if it is another now.
fn adjust_oom(oom: &OomScore, change: &ConfigChange<'_>) -> Result<Option<i32>, ConfigError> {
    if !change.concerns(&["oom-score-adj", "oom-score-adj-values"]) {
        return Ok(None);
    }
    let (mode, values) = (
        change.get("oom-score-adj"),
        change.get("oom-score-adj-values"),
    );
    let failed = |_| {
        change.refuse(
            "oom-score-adj",
            "Failed to set current oom_score_adj. Check server logs.",
        )
    };
    oom.adjust(&mode, &values).map_err(failed)
}

fn rebind(rebinder: &Rebinder, change: &ConfigChange<'_>) -> Result<(), ConfigError> {
    if !change.concerns(&["port", "bind"]) {
        return Ok(());
    }
    let port = change.get("port").parse().unwrap_or(0);
    let wanted = addresses(&change.get("bind"), port).map_err(|why| change.refuse("bind", &why))?;
    rebinder.rebind(wanted).map_err(|error| {
        tell::warn(&error);
        match change.concerns(&["port"]) {
            true => change.refuse("port", "Unable to listen on this port. Check server logs."),
            false => change.refuse("bind", "Failed to bind to specified addresses."),
        }
    })
}

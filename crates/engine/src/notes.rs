//! Lines for a log. The engine keeps none; a program that has one is told.

use crate::Engine;
use std::fmt;
use std::sync::OnceLock;

/// How much a line matters, by the names of `loglevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the variants are Redis's names")]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// Who is told.
#[derive(Default)]
pub(crate) struct Notes(OnceLock<Box<Listener>>);

type Listener = dyn Fn(LogLevel, &str) + Send + Sync;

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes")
    }
}

impl Engine {
    /// Has `log` called with lines for a log: what scripts write there, why a payload was refused.
    /// The first one counts. It is called with keys locked, and must not use the engine.
    pub fn on_log(&self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) {
        let _ = self.inner().notes.0.set(Box::new(log));
    }

    pub(crate) fn note(&self, level: LogLevel, line: &str) {
        if let Some(log) = self.inner().notes.0.get() {
            log(level, line);
        }
    }
}

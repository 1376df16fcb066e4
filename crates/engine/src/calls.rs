//! What became of commands: how often each was called, how long it took, and how it failed
//! (`INFO commandstats`, `latencystats` and `errorstats`, `LATENCY HISTOGRAM`).

use crate::histogram::{Counts, Histogram};
use crate::registry::{self, CommandId};
use crate::stats::{Apart, Counter};
use commands::Error;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Threads that add to different parts do not wait for each other's cache lines.
const PARTS: usize = 8;

/// Kinds of errors that are told apart. Scripts make up their own, and more than this are no kinds.
const KINDS_MAX: usize = 128;

/// Calls of all commands.
#[derive(Debug)]
pub(crate) struct Calls {
    parts: [Apart<Part>; PARTS],
    errors: Errors,
    /// Whether latencies are kept as well (`latency-tracking`).
    tracks: AtomicBool,
}

/// The calls of some sessions, by command; made when there is one.
type Part = OnceLock<Box<[OfCommand]>>;

/// The calls of one command.
#[derive(Debug, Default)]
struct OfCommand {
    calls: Counter,
    nanos: Counter,
    rejected: Counter,
    failed: Counter,
    /// In nanoseconds.
    latencies: OnceLock<Histogram>,
}

/// What is told of a command.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) calls: u64,
    pub(crate) micros: u64,
    /// Refused before they ran.
    pub(crate) rejected: u64,
    /// That ran and replied an error.
    pub(crate) failed: u64,
    /// How long they took in nanoseconds, as far as that was kept.
    pub(crate) latencies: Counts,
}

impl Calls {
    pub(crate) fn new(tracks: bool) -> Calls {
        Calls {
            parts: Default::default(),
            errors: Errors::default(),
            tracks: AtomicBool::new(tracks),
        }
    }

    /// Says whether latencies are kept. What was kept is forgotten when they are no longer.
    pub(crate) fn track(&self, on: bool) {
        if self.tracks.swap(on, Relaxed) && !on {
            self.rows().for_each(|row| row.forget_latencies());
        }
    }

    /// Notes a call that is over.
    #[inline]
    pub(crate) fn note(&self, session: u64, command: CommandId, took: Duration, failed: bool) {
        let row = self.row(session, command);
        let nanos = took.as_nanos() as u64;
        row.calls.add(1);
        row.nanos.add(nanos);
        if failed {
            row.failed.add(1);
        }
        if self.tracks.load(Relaxed) {
            row.latencies.get_or_init(Histogram::default).note(nanos);
        }
    }

    /// Notes a call that was refused before it ran.
    pub(crate) fn note_rejected(&self, session: u64, command: CommandId) {
        self.row(session, command).rejected.add(1);
    }

    pub(crate) fn errors(&self) -> &Errors {
        &self.errors
    }

    /// How many calls there were of all commands.
    pub(crate) fn total(&self) -> u64 {
        self.rows().map(|row| row.calls.value()).sum()
    }

    /// What is known of a command.
    pub(crate) fn of(&self, command: CommandId) -> Told {
        let mut told = Told::default();
        let mut nanos = 0;
        for row in self.parts.iter().filter_map(|part| part.get()) {
            let row = &row[command.index()];
            told.calls += row.calls.value();
            told.rejected += row.rejected.value();
            told.failed += row.failed.value();
            nanos += row.nanos.value();
            if let Some(latencies) = row.latencies.get() {
                told.latencies.add(&latencies.counts());
            }
        }
        told.micros = nanos / 1000;
        told
    }

    pub(crate) fn reset(&self) {
        self.errors.reset();
        for row in self.rows() {
            let counters = [&row.calls, &row.nanos, &row.rejected, &row.failed];
            counters.into_iter().for_each(Counter::reset);
            row.forget_latencies();
        }
    }

    fn row(&self, session: u64, command: CommandId) -> &OfCommand {
        let part = &self.parts[session as usize % PARTS];
        let new = || std::iter::repeat_with(OfCommand::default);
        let rows = part.get_or_init(|| new().take(registry::count()).collect());
        &rows[command.index()]
    }

    fn rows(&self) -> impl Iterator<Item = &OfCommand> {
        self.parts.iter().filter_map(|part| part.get()).flatten()
    }
}

impl OfCommand {
    fn forget_latencies(&self) {
        self.latencies.get().into_iter().for_each(Histogram::reset);
    }
}

/// Errors that were replied, by their first words.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    total: Counter,
    kinds: Mutex<BTreeMap<Box<str>, u64>>,
}

impl Errors {
    #[cold]
    pub(crate) fn note(&self, error: &Error) {
        self.total.add(1);
        let text = error.to_string();
        let kind = text.split([' ', '\r', '\n']).next().unwrap_or_default();
        let mut kinds = self.kinds.lock();
        let is_full = kinds.len() >= KINDS_MAX;
        match kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None if is_full => {}
            None => {
                kinds.insert(kind.into(), 1);
            }
        }
    }

    /// How many there were of all kinds.
    pub(crate) fn total(&self) -> u64 {
        self.total.value()
    }

    /// Each kind with its count, in the order of their names.
    pub(crate) fn by_kind(&self) -> Vec<(Box<str>, u64)> {
        let kinds = self.kinds.lock();
        kinds.iter().map(|(kind, n)| (kind.clone(), *n)).collect()
    }

    fn reset(&self) {
        self.total.reset();
        self.kinds.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CommandId {
        registry::id_of(registry::find(name.as_bytes()).unwrap().spec())
    }

    #[test]
    fn calls_of_all_sessions_add_up() {
        let calls = Calls::new(true);
        let micros = Duration::from_micros(2);
        (0..20).for_each(|session| calls.note(session, id("get"), micros, session == 3));
        calls.note_rejected(5, id("get"));
        calls.note(1, id("set"), micros, false);
        let told = calls.of(id("get"));
        assert_eq!((told.calls, told.micros), (20, 40));
        assert_eq!((told.rejected, told.failed), (1, 1));
        assert_eq!((told.latencies.total(), calls.total()), (20, 21));
        calls.track(false);
        assert_eq!(calls.of(id("get")).latencies.total(), 0);
        calls.reset();
        assert_eq!((calls.total(), calls.of(id("get")).rejected), (0, 0));
    }

    #[test]
    fn errors_are_told_apart_by_their_first_words() {
        let errors = Errors::default();
        for text in ["WRONGTYPE no", "ERR a", "ERR b", "OOPS"] {
            errors.note(&Error::Text(text.into()));
        }
        let kinds = errors.by_kind();
        let kinds: Vec<_> = kinds.iter().map(|(kind, n)| (&**kind, *n)).collect();
        assert_eq!(kinds, [("ERR", 2), ("OOPS", 1), ("WRONGTYPE", 1)]);
        (0..1000).for_each(|n| errors.note(&Error::Text(format!("E{n}").into())));
        assert_eq!(errors.by_kind().len(), KINDS_MAX);
        assert_eq!(errors.total(), 1004);
    }
}

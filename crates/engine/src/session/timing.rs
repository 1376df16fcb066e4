//! What becomes of commands, and how long they take.

use super::Session;
use crate::registry;
use crate::slow_log::{SlowRequest, shown};
use commands::{Error, Flags, Outcome, Spec};
use keyspace::Keys;
use std::time::{Duration, Instant};

impl Session {
    /// Carries out a request, counts it, and keeps it for `SLOWLOG` if that takes long.
    #[inline]
    pub(super) fn timed(
        &mut self,
        spec: &'static Spec,
        argv: &[&[u8]],
        run: impl FnOnce(&mut Session) -> Outcome,
    ) -> Outcome {
        let is_watched = self.engine.hub().is_watched();
        if is_watched && spec.name != "exec" {
            self.show_command(spec, argv);
        }
        // Of requests that follow each other, one begins where the one before ends.
        let begin = self.clock.take().unwrap_or_else(Instant::now);
        let outcome = run(self);
        let end = Instant::now();
        // What waits is not over.
        self.clock = (!self.is_blocked()).then_some(end);
        if !self.is_blocked() {
            let took = end - begin;
            self.count(spec, took, outcome.as_ref().err());
            if self.engine.inner().slow_log.keeps(took) {
                self.keep_slow(spec, argv, took);
            }
        }
        if is_watched && spec.name == "exec" {
            self.show_command(spec, argv);
        }
        outcome
    }

    /// Carries out a command of a script, and counts it.
    pub(super) fn counted(
        &mut self,
        spec: &'static Spec,
        argv: &[&[u8]],
        run: impl FnOnce(&mut Session) -> Outcome,
    ) -> Outcome {
        if self.engine.hub().is_watched() {
            self.show_command(spec, argv);
        }
        let begin = Instant::now();
        let outcome = run(self);
        self.clock = None;
        self.count(spec, begin.elapsed(), outcome.as_ref().err());
        outcome
    }

    fn count(&mut self, spec: &'static Spec, took: Duration, failure: Option<&Error>) {
        if self.settings.replaying {
            return;
        }
        let inner = self.engine.inner();
        let id = registry::id_of(spec);
        inner
            .calls
            .note(self.client.id, id, took, failure.is_some());
        // What a script passes on was counted where it happened.
        let passed_on = std::mem::take(&mut self.passes_on);
        if let Some(failure) = failure.filter(|_| !passed_on) {
            inner.calls.errors().note(failure);
        }
        inner
            .spikes
            .note(took, || match spec.flags.contains(Flags::FAST) {
                true => "fast-command",
                false => "command",
            });
    }

    /// Counts what was looked for under locks that are about to go.
    #[inline]
    pub(super) fn count_lookups(&self, keys: &Keys<'_>) {
        let (stats, lookups) = (self.engine.stats(), keys.lookups());
        if lookups.hits > 0 {
            stats.hits.add(self.client.id, lookups.hits.into());
        }
        if lookups.misses > 0 {
            stats.misses.add(self.client.id, lookups.misses.into());
        }
    }

    /// Counts a request that was refused before it ran.
    #[cold]
    pub(super) fn count_refused(&self, argv: &[&[u8]], error: &Error) {
        if self.settings.replaying {
            return;
        }
        let calls = &self.engine.inner().calls;
        calls.errors().note(error);
        if let Ok(entry) = registry::identify(argv) {
            calls.note_rejected(self.client.id, registry::id_of(entry.spec()));
        }
    }

    /// Counts a request that waited since `since`, and keeps it if all are kept: waiting is no work.
    pub(super) fn count_waited(
        &mut self,
        (spec, argv): (&'static Spec, &[Vec<u8>]),
        since: Instant,
        failure: Option<&Error>,
    ) {
        self.count(spec, since.elapsed(), failure);
        if self.engine.inner().slow_log.keeps(Duration::ZERO) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            self.keep_slow(spec, &argv, Duration::ZERO);
        }
    }

    #[cold]
    fn keep_slow(&self, spec: &Spec, argv: &[&[u8]], took: Duration) {
        if spec.flags.contains(Flags::SKIP_SLOWLOG) || self.settings.replaying {
            return;
        }
        let (address, name) = self
            .card
            .about(|about| (about.peer.address.clone(), about.name.clone()));
        self.engine.inner().slow_log.keep(SlowRequest {
            id: 0,
            at: self.engine.now(),
            took,
            argv: shown(spec, argv),
            address,
            name,
        });
    }
}

//! How long commands take.

use super::Session;
use crate::slow_log::{SlowRequest, shown};
use commands::{Flags, Outcome, Spec};
use std::time::{Duration, Instant};

impl Session {
    /// Carries out a request, and keeps it for `SLOWLOG` if that takes long.
    #[inline]
    pub(super) fn timed(
        &mut self,
        spec: &Spec,
        argv: &[&[u8]],
        run: impl FnOnce(&mut Session) -> Outcome,
    ) -> Outcome {
        if !self.engine.inner().slow_log.is_on() {
            return run(self);
        }
        let begin = Instant::now();
        let outcome = run(self);
        let took = begin.elapsed();
        // What waits is not over.
        if self.engine.inner().slow_log.keeps(took) && !self.is_blocked() {
            self.keep_slow(spec, argv, took);
        }
        outcome
    }

    /// Keeps a request that waited, if all are kept: waiting takes no time.
    pub(super) fn waited(&self, spec: &Spec, argv: &[Vec<u8>]) {
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

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
        if self.engine.inner().slow_log.keeps(took) {
            self.keep_slow(spec, argv, took);
        }
        outcome
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

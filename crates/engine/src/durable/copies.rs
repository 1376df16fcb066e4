use super::Durable;
use crate::Engine;
use crate::engine::Inner;
use commands::{Error, ReplySink};
use std::time::Duration;
use units::{ReplOffset, UnixMillis};

/// How often to look whether something was synced.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What `WAIT` and `WAITAOF` wait for: that what was written up to an offset is elsewhere as well.
#[derive(Debug)]
pub(crate) struct Copies {
    /// Up to there.
    pub(crate) offset: ReplOffset,
    /// On so many replicas.
    pub(crate) replicas: i64,
    /// For `WAITAOF`, on disk: there, and in the append-only file if that is wanted.
    pub(crate) local: Option<bool>,
    /// Until when to wait; `None` for ever.
    pub(crate) until: Option<UnixMillis>,
}

impl Copies {
    /// Writes the reply if there is nothing to wait for any more; whether that is so.
    pub(crate) fn try_reply(
        &self,
        engine: &Engine,
        silent: bool,
        reply: &mut dyn ReplySink,
    ) -> bool {
        let is_late = self.until.is_some_and(|until| until <= engine.now());
        if !is_late && !self.are_there(engine) {
            return false;
        }
        if !silent {
            self.reply(engine, reply);
        }
        true
    }

    /// Tells how many copies there are: of replicas, and of files before them if that was asked.
    pub(crate) fn reply(&self, engine: &Engine, reply: &mut dyn ReplySink) {
        if self.local.is_some() {
            reply.array(2);
            reply.integer(i64::from(self.is_in_file(&engine.inner().durable)));
        }
        reply.integer(self.on_replicas(engine) as i64);
    }

    /// The longest time after which to look again; `None` if looking is of no use.
    pub(crate) fn longest_sleep(&self, engine: &Engine) -> Option<Duration> {
        let may_come = self.local == Some(true) || engine.replicas().count() > 0;
        may_come.then_some(LOOK_EVERY)
    }

    fn are_there(&self, engine: &Engine) -> bool {
        let is_in_file = || self.is_in_file(&engine.inner().durable);
        self.replicas <= self.on_replicas(engine) as i64
            && (self.local != Some(true) || is_in_file())
    }

    fn on_replicas(&self, engine: &Engine) -> usize {
        engine.replicas().with(self.offset, self.local.is_some())
    }

    fn is_in_file(&self, durable: &Durable) -> bool {
        durable.is_on() && durable.synced() >= self.offset
    }
}

impl Inner {
    /// Refuses to wait for a file that is not written.
    pub(crate) fn check_waitable(&self) -> Result<(), Error> {
        match self.durable.is_on() {
            true => Ok(()),
            false => Err(Error::err(
                "WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
            )),
        }
    }
}

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
    /// On so many replicas. There are none.
    pub(crate) replicas: i64,
    /// In the append-only file on disk, up to there, and how `WAITAOF` counts it.
    pub(crate) local: Option<Local>,
    /// Until when to wait; `None` for ever.
    pub(crate) until: Option<UnixMillis>,
}

/// What `WAITAOF` asks of the append-only file.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) is_wanted: bool,
    pub(crate) offset: ReplOffset,
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
        if let Some(local) = &self.local {
            reply.array(2);
            reply.integer(i64::from(local.is_safe(&engine.inner().durable)));
        }
        reply.integer(0);
    }

    /// The longest time after which to look again; `None` if looking is of no use.
    pub(crate) fn longest_sleep(&self) -> Option<Duration> {
        let is_wanted = self.local.as_ref().is_some_and(|local| local.is_wanted);
        is_wanted.then_some(LOOK_EVERY)
    }

    fn are_there(&self, engine: &Engine) -> bool {
        let durable = &engine.inner().durable;
        let local = self.local.as_ref();
        self.replicas <= 0 && local.is_none_or(|local| !local.is_wanted || local.is_safe(durable))
    }
}

impl Local {
    fn is_safe(&self, durable: &Durable) -> bool {
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

//! Scripts and functions: the machines that run them, and what runs now.
//!
//! One script runs at a time, whoever sent it: it holds every shard, so others could only wait. The
//! machines are taken behind the shards and before the journal; who takes them without shards (to
//! load a script, or a library) takes no shard meanwhile.
//!
//! Without the feature `scripts` there are no machines, and libraries are kept as text.

#[cfg(feature = "scripts")]
mod libraries;
#[cfg(feature = "scripts")]
mod machines;
#[cfg(not(feature = "scripts"))]
#[path = "text_only.rs"]
mod machines;
mod running;

#[cfg(feature = "scripts")]
pub(crate) use machines::error_line;
pub(crate) use machines::{Function, Libraries, Machines};
pub(crate) use running::Kind;
#[cfg(feature = "scripts")]
pub(crate) use running::{Current, Run};

use commands::Error;
use machines::Killswitch;
use parking_lot::{Mutex, MutexGuard};
use running::{Busy, Running};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use units::UnixMillis;

/// Everything that scripts need of an engine.
pub(crate) struct Scripting {
    machines: Mutex<Machines>,
    killswitch: Arc<Killswitch>,
    running: Running,
    /// What there was when somebody last could look.
    census: Mutex<Census>,
}

/// How much the machines keep.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Census {
    pub(crate) scripts: usize,
    pub(crate) libraries: usize,
    pub(crate) functions: usize,
    pub(crate) script_bytes: usize,
    pub(crate) function_bytes: usize,
}

/// What becomes of libraries that are there when others are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestorePolicy {
    Append,
    Replace,
    Flush,
}

/// How often someone who waits looks whether to go on.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Scripting {
    pub(crate) fn new(busy_after: u32) -> Scripting {
        let killswitch: Arc<Killswitch> = Arc::default();
        Scripting {
            machines: Mutex::new(Machines::new(killswitch.clone())),
            killswitch,
            running: Running::new(busy_after),
            census: Mutex::default(),
        }
    }

    /// After how many milliseconds a script that runs makes others be refused; 0 for never.
    pub(crate) fn set_busy_after(&self, millis: u32) {
        self.running.set_busy_after(millis);
    }

    /// What others are to be told while a script runs for too long.
    pub(crate) fn busy(&self, now: impl FnOnce() -> UnixMillis) -> Option<Busy> {
        self.running.busy(now)
    }

    /// Takes the machines, unless one of them turns out to be busy for long.
    pub(crate) fn machines(
        &self,
        now: impl Fn() -> UnixMillis,
    ) -> Result<MutexGuard<'_, Machines>, Error> {
        loop {
            if let Some(machines) = self.machines.try_lock_for(LOOK_EVERY) {
                // Who was killed is gone.
                self.killswitch.reset();
                return Ok(machines);
            }
            if let Some(busy) = self.busy(&now) {
                return Err(busy.refusal());
            }
        }
    }

    /// Notes that a script runs from now on, until the result is dropped.
    #[cfg(feature = "scripts")]
    pub(crate) fn begin(&self, current: Current, now: UnixMillis) -> Run<'_> {
        self.running.begin(current, now)
    }

    /// How much there is: now, or before the script that runs.
    pub(crate) fn census(&self) -> Census {
        let mut census = self.census.lock();
        if let Some(machines) = self.machines.try_lock() {
            *census = machines.census();
        }
        *census
    }

    /// What who asks is told while something of that kind runs.
    pub(crate) fn refusal(&self, kind: Kind) -> Error {
        Busy::with(kind).refusal()
    }

    /// What runs.
    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Ends the script that runs, if it is of that kind and has written nothing.
    pub(crate) fn kill(&self, kind: Kind) -> Result<(), Error> {
        self.running.kill(kind, &self.killswitch)
    }

    /// Ends the script that runs, whatever it has done, and those that wait for it.
    pub(crate) fn abort(&self) {
        self.killswitch.turn_off();
    }
}

impl fmt::Debug for Scripting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripting").finish_non_exhaustive()
    }
}

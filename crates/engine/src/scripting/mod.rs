//! Scripts and functions: the machines that run them, and what runs now.
//!
//! One script runs at a time, whoever sent it: it holds every shard, so others could only wait. The
//! machines are taken behind the shards and before the journal; who takes them without shards (to
//! load a script, or a library) takes no shard meanwhile.

mod libraries;
mod running;

pub(crate) use libraries::{Libraries, RestorePolicy};
pub(crate) use running::{Busy, Current, Kind};

use crate::functions::Functions;
use commands::{Compat, Error};
use parking_lot::{Mutex, MutexGuard};
use running::Running;
use script::{Interpreter, Killswitch, Limits, Setup};
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

/// The machines, each made when it is first needed.
#[derive(Default)]
pub(crate) struct Machines {
    scripts: Option<Interpreter>,
    libraries: Option<Libraries>,
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

/// What scripts, their caches and values may take of memory, of each kind of machine.
const MEMORY_BYTES_MAX: usize = 1 << 30;

/// How often someone who waits looks whether to go on.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Scripting {
    pub(crate) fn new(busy_after: u32) -> Scripting {
        Scripting {
            machines: Mutex::default(),
            killswitch: Arc::default(),
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
    pub(crate) fn begin(&self, current: Current, now: UnixMillis) -> running::Run<'_> {
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

    /// The machine for scripts of `EVAL`.
    pub(crate) fn scripts<'m>(
        &self,
        machines: &'m mut Machines,
        compat: Compat,
    ) -> Result<&'m mut Interpreter, Error> {
        if machines.scripts.is_none() {
            machines.scripts = Some(self.interpreter(compat, false)?);
        }
        Ok(machines.scripts.as_mut().expect("it was just made"))
    }

    /// The machine for functions, with every library loaded.
    pub(crate) fn libraries<'m>(
        &self,
        machines: &'m mut Machines,
        compat: Compat,
        functions: &Functions,
    ) -> Result<&'m mut Libraries, Error> {
        if machines.libraries.is_none() {
            let mut libraries = Libraries::new(self.interpreter(compat, true)?);
            libraries.load_all(functions);
            machines.libraries = Some(libraries);
        }
        Ok(machines.libraries.as_mut().expect("it was just made"))
    }

    fn interpreter(&self, compat: Compat, has_functions: bool) -> Result<Interpreter, Error> {
        let setup = Setup {
            version: compat.version(),
            has_functions,
            limits: Limits {
                memory_bytes_max: MEMORY_BYTES_MAX,
            },
        };
        let made = Interpreter::new(&setup, self.killswitch.clone());
        made.map_err(|failure| error_line(&failure.line))
    }
}

impl Machines {
    /// Forgets every script (`SCRIPT FLUSH`).
    pub(crate) fn forget_scripts(&mut self) {
        self.scripts = None;
    }

    /// Forgets the compiled libraries; those that are kept as text come back when they are needed.
    pub(crate) fn forget_libraries(&mut self) {
        self.libraries = None;
    }

    fn census(&self) -> Census {
        let mut census = Census::default();
        if let Some(scripts) = &self.scripts {
            census.scripts = scripts.script_count();
            census.script_bytes = scripts.used_bytes();
        }
        if let Some(libraries) = &self.libraries {
            (census.libraries, census.functions) = libraries.counts();
            census.function_bytes = libraries.interpreter.used_bytes();
        }
        census
    }
}

/// A refusal in the words of a script, on one line.
pub(crate) fn error_line(line: &[u8]) -> Error {
    let text = String::from_utf8_lossy(line);
    Error::Text(text.replace(['\r', '\n'], " ").trim_end().to_owned().into())
}

impl fmt::Debug for Scripting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripting").finish_non_exhaustive()
    }
}

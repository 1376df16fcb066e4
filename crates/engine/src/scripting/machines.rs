//! The interpreters of an engine.

use super::Census;
pub(crate) use super::libraries::Libraries;
use crate::functions::Functions;
use commands::{Compat, Error};
pub(crate) use script::{Function, Killswitch};
use script::{Interpreter, Limits, Setup};
use std::sync::Arc;

/// The machines, each made when it is first needed.
pub(crate) struct Machines {
    scripts: Option<Interpreter>,
    libraries: Option<Libraries>,
    killswitch: Arc<Killswitch>,
}

/// What scripts, their caches and values may take of memory, of each kind of machine.
const MEMORY_BYTES_MAX: usize = 512 << 20;

impl Machines {
    pub(super) fn new(killswitch: Arc<Killswitch>) -> Machines {
        Machines {
            scripts: None,
            libraries: None,
            killswitch,
        }
    }

    /// The machine for scripts of `EVAL`.
    pub(crate) fn scripts(&mut self, compat: Compat) -> Result<&mut Interpreter, Error> {
        if self.scripts.is_none() {
            self.scripts = Some(self.interpreter(compat, false)?);
        }
        Ok(self.scripts.as_mut().expect("it was just made"))
    }

    /// The machine for functions, with every library loaded.
    pub(crate) fn libraries(
        &mut self,
        compat: Compat,
        functions: &Functions,
    ) -> Result<&mut Libraries, Error> {
        if self.libraries.is_none() {
            let mut libraries = Libraries::new(self.interpreter(compat, true)?);
            libraries.load_all(functions);
            self.libraries = Some(libraries);
        }
        Ok(self.libraries.as_mut().expect("it was just made"))
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

    /// Forgets every script (`SCRIPT FLUSH`).
    pub(crate) fn forget_scripts(&mut self) {
        self.scripts = None;
    }

    /// Forgets the compiled libraries; those that are kept as text come back when they are needed.
    pub(crate) fn forget_libraries(&mut self) {
        self.libraries = None;
    }

    pub(super) fn census(&self) -> Census {
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

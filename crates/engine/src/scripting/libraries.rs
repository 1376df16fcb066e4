//! The libraries as they are in their machine.

use super::RestorePolicy;
use crate::functions::{Functions, Header, LoadError, header};
use script::{Function, Interpreter};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::time::Duration;

/// How long the code of a library may take when a client loads it.
const LOAD_WITHIN: Duration = Duration::from_millis(500);

/// Every library that was loaded, and the machine that it was loaded in.
pub(crate) struct Libraries {
    pub(crate) interpreter: Interpreter,
    libraries: BTreeMap<Vec<u8>, Library>,
    /// The library of each function, by its name in lower case: `FCALL` takes any.
    functions: HashMap<String, Vec<u8>>,
}

/// A loaded library.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// In the order in which they were registered.
    pub(crate) functions: Vec<Function>,
}

impl Libraries {
    pub(crate) fn new(interpreter: Interpreter) -> Libraries {
        Libraries {
            interpreter,
            libraries: BTreeMap::new(),
            functions: HashMap::new(),
        }
    }

    /// Loads what is kept as text. A library that no longer loads (another server took it) has no
    /// functions.
    pub(crate) fn load_all(&mut self, functions: &Functions) {
        for (_, name, code) in functions.iter() {
            if let Ok((_, library)) = self.compile(code, None, false) {
                self.put(name.to_vec(), library);
            }
        }
    }

    /// Loads a library, with the bound on time that clients have; its name. In place of one of the
    /// same name, if that may be.
    pub(crate) fn load(
        &mut self,
        code: &[u8],
        replace: bool,
        _: &Functions,
    ) -> Result<Vec<u8>, LoadError> {
        let (name, library) = self.compile(code, Some(LOAD_WITHIN), replace)?;
        self.put(name.clone(), library);
        Ok(name)
    }

    fn compile(
        &self,
        code: &[u8],
        within: Option<Duration>,
        replace: bool,
    ) -> Result<(Vec<u8>, Library), LoadError> {
        let Header { engine, name, body } = header(code)?;
        if engine != "LUA" {
            return Err(failed(format_args!(
                "Engine '{}' not found",
                engine.to_ascii_lowercase()
            )));
        }
        if !replace && self.libraries.contains_key(&name) {
            return Err(LoadError::exists(&name));
        }
        let functions = self.interpreter.load_library(body, within);
        let functions = functions.map_err(|failure| LoadError::Failed(failure.0))?;
        if functions.is_empty() {
            return Err(failed("No functions registered"));
        }
        for function in &functions {
            let owner = self.functions.get(&function.name.to_ascii_lowercase());
            if owner.is_some_and(|owner| *owner != name) {
                return Err(function_exists(&function.name));
            }
        }
        Ok((name, Library { functions }))
    }

    fn put(&mut self, name: Vec<u8>, library: Library) {
        self.functions.retain(|_, owner| *owner != name);
        let names = library
            .functions
            .iter()
            .map(|function| function.name.to_ascii_lowercase());
        self.functions
            .extend(names.map(|function| (function, name.clone())));
        self.libraries.insert(name, library);
    }

    /// The libraries as they are with those of a dump among them: each was compiled, and no two
    /// have functions of one name.
    pub(crate) fn restore(
        &self,
        sources: &[Vec<u8>],
        policy: RestorePolicy,
        kept: &Functions,
    ) -> Result<Functions, LoadError> {
        let mut restored = match policy {
            RestorePolicy::Flush => Functions::default(),
            RestorePolicy::Append | RestorePolicy::Replace => kept.clone(),
        };
        let mut fresh = HashMap::new();
        for code in sources {
            let Header { name, body, .. } = header(code)?;
            if policy == RestorePolicy::Append && restored.contains(&name) {
                let name = String::from_utf8_lossy(&name);
                return Err(failed(format_args!("Library {name} already exists")));
            }
            let functions = self.interpreter.load_library(body, Some(LOAD_WITHIN));
            let functions = functions.map_err(|failure| LoadError::Failed(failure.0))?;
            fresh.extend(
                functions
                    .into_iter()
                    .map(|function| (function.name.to_ascii_lowercase(), name.clone())),
            );
            restored.put(&name, code);
        }
        if policy != RestorePolicy::Flush {
            let replaced = |owner: &Vec<u8>| fresh.values().any(|name| name == owner);
            let taken = |name: &&String| {
                let owner = self.functions.get(*name);
                owner.is_some_and(|owner| !replaced(owner))
            };
            if let Some(name) = fresh.keys().find(taken) {
                return Err(function_exists(name));
            }
        }
        Ok(restored)
    }

    /// A function by its name.
    pub(crate) fn function(&self, name: &[u8]) -> Option<&Function> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        let library = self.libraries.get(self.functions.get(&name)?)?;
        let is_it = |function: &&Function| function.name.eq_ignore_ascii_case(&name);
        library.functions.iter().find(is_it)
    }

    /// A library by its name.
    pub(crate) fn library(&self, name: &[u8]) -> Option<&Library> {
        self.libraries.get(name)
    }

    /// How many libraries and functions there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.libraries.len(), self.functions.len())
    }
}

fn failed(text: impl Display) -> LoadError {
    LoadError::Failed(text.to_string())
}

fn function_exists(name: &str) -> LoadError {
    failed(format_args!("Function {name} already exists"))
}

//! What there is of machines without the feature `scripts`: libraries are kept, and none is run.

use super::{Census, RestorePolicy};
use crate::functions::{Functions, LoadError, header};
use commands::{Compat, Error};
use std::sync::Arc;

/// Nothing runs that could be ended.
#[derive(Debug, Default)]
pub(crate) struct Killswitch;

impl Killswitch {
    pub(super) fn kill(&self) {}
    pub(super) fn reset(&self) {}
    pub(super) fn turn_off(&self) {}
}

pub(crate) struct Machines(Libraries);

/// The libraries by name alone: what they contain is not known.
#[derive(Default)]
pub(crate) struct Libraries {
    count: usize,
}

/// A function of a library; there is none.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) flags: NoFlags,
}

#[derive(Debug)]
pub(crate) struct NoFlags;

impl NoFlags {
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::empty()
    }
}

/// A library; none is ever found.
pub(crate) struct Library {
    pub(crate) functions: Vec<Function>,
}

impl Machines {
    pub(super) fn new(_: Arc<Killswitch>) -> Machines {
        Machines(Libraries::default())
    }

    pub(crate) fn libraries(
        &mut self,
        _: Compat,
        functions: &Functions,
    ) -> Result<&mut Libraries, Error> {
        self.0.count = functions.iter().count();
        Ok(&mut self.0)
    }

    pub(crate) fn forget_libraries(&mut self) {}

    pub(super) fn census(&self) -> Census {
        Census {
            libraries: self.0.count,
            ..Census::default()
        }
    }
}

impl Libraries {
    /// Judges a library by its first line.
    pub(crate) fn load(
        &mut self,
        code: &[u8],
        replace: bool,
        kept: &Functions,
    ) -> Result<Vec<u8>, LoadError> {
        let name = header(code)?.name;
        if !replace && kept.contains(&name) {
            return Err(LoadError::exists(&name));
        }
        Ok(name)
    }

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
        for code in sources {
            let name = header(code)?.name;
            if policy == RestorePolicy::Append && restored.contains(&name) {
                return Err(LoadError::exists(&name));
            }
            restored.put(&name, code);
        }
        Ok(restored)
    }

    pub(crate) fn library(&self, _: &[u8]) -> Option<&Library> {
        None
    }
}

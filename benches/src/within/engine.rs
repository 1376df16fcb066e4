//! All that is asked of the engine.

use duramen::{Engine, FrozenView, Reply, Session};

use crate::{Outcome, shapes::Argv};

/// An engine in memory.
pub(super) struct Store(Engine);

/// What one thread writes by.
pub(super) struct Writer(Session);

impl Store {
    pub(super) fn new() -> Store {
        Store(Engine::open_in_memory())
    }

    pub(super) fn writer(&self) -> Writer {
        Writer(self.0.session())
    }

    /// Takes a view.
    pub(super) fn freeze(&self) -> FrozenView {
        self.0.freeze()
    }

    /// Takes a view and reads all of it, as a save does.
    pub(super) fn read_view(&self) -> Outcome<()> {
        self.0.digest(false)?;
        Ok(())
    }
}

impl Writer {
    pub(super) fn write(&mut self, argv: &Argv) -> Outcome<()> {
        match self.0.execute(argv) {
            Reply::Error(error) => Err(format!("refused: {error:?}").into()),
            _ => Ok(()),
        }
    }
}

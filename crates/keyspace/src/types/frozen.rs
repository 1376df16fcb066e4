//! What the property tests of all types have in common: clones that stand still while the value they
//! were taken of goes on.

use std::collections::VecDeque;

/// Clones of a value, each with the model's state when it was taken. The oldest of three gives way
/// to a fourth, so that parts stop being shared as well.
#[derive(Default)]
pub(super) struct Frozen<V, M>(VecDeque<(V, M)>);

impl<V: Clone, M: Clone> Frozen<V, M> {
    pub(super) fn take(&mut self, value: &V, model: &M) {
        self.0.truncate(2);
        self.0.push_front((value.clone(), model.clone()));
    }

    /// Holds each against what it was.
    pub(super) fn each(&self, agrees: impl Fn(&V, &M)) {
        self.0
            .iter()
            .for_each(|(value, model)| agrees(value, model));
    }
}

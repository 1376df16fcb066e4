//! Entries drawn at random.

use super::segment::{Item, Segment};
use super::stamp::Mark;
use super::tree::{Segments, Tree};
use fastrand::Rng;

/// Slots that are drawn before it is assumed that hardly any is taken.
const DRAWS: usize = 1000;

impl<M: Mark, S: Segments<M>> Tree<M, S> {
    /// A segment drawn at random, each by its part of the hashes.
    pub(crate) fn draw_segment(&self, rng: &mut Rng) -> &Segment<M> {
        let slot = rng.usize(..self.directory.len());
        self.segments.get(self.directory.at(slot))
    }

    /// An entry drawn at random; nearly uniformly, as slots of the directory and the index are drawn.
    pub(crate) fn random(&self, rng: &mut Rng) -> Option<Item<'_, M>> {
        if self.len() == 0 {
            return None;
        }
        for _ in 0..DRAWS {
            let segment = self.draw_segment(rng);
            if segment.len() == 0 {
                continue;
            }
            if let Some(item) = segment.at_slot(rng.usize(..segment.slots())) {
                return Some(item);
            }
        }
        // All but empty: whatever is there.
        self.iter().next()
    }

    /// An entry with a deadline, drawn at random: the first from a place that is drawn, so that one
    /// behind many without a deadline is drawn more often than others.
    pub(crate) fn random_with_deadline(&self, rng: &mut Rng) -> Option<Item<'_, M>> {
        if self.deadlines() == 0 {
            return None;
        }
        let slots = self.directory.len();
        let first = rng.usize(..slots);
        let segments = (0..slots).map(|n| self.directory.at((first + n) % slots));
        segments
            .map(|number| self.segments.get(number))
            .find(|segment| segment.deadlines > 0)?
            .random_with_deadline(rng)
    }
}

impl<M: Mark> Segment<M> {
    fn random_with_deadline(&self, rng: &mut Rng) -> Option<Item<'_, M>> {
        let slots = self.slots();
        let first = rng.usize(..slots.max(1));
        (0..slots)
            .filter_map(|n| self.at_slot((first + n) % slots))
            .find(|item| item.deadline.is_some())
    }
}

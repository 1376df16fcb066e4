//! Finding what is due in a segment: its due pages are looked at, and no other.

use super::entry::Entry;
use super::page::At;
use super::segment::{Payload, Segment};
use super::slab::Slab;
use super::stamp::Mark;
use super::wheel::NEVER;
use crate::Value;
use units::UnixMillis;

/// What a table says is due.
#[derive(Default)]
pub(crate) struct Due {
    /// Keys whose own deadline has come, with it.
    pub(crate) keys: Vec<(Vec<u8>, UnixMillis)>,
    /// Keys of hashes with fields that may be due.
    pub(crate) hashes: Vec<Vec<u8>>,
}

impl Due {
    fn len(&self) -> usize {
        self.keys.len() + self.hashes.len()
    }

    /// Adds what another segment has.
    pub(super) fn append(&mut self, mut other: Due) {
        self.keys.append(&mut other.keys);
        self.hashes.append(&mut other.hashes);
    }
}

impl<M: Mark> Segment<M> {
    /// Before this nothing here is due; it may be early. [`NEVER`] if nothing has a deadline.
    #[inline]
    pub(super) fn earliest(&self) -> i64 {
        self.bounds.earliest()
    }

    /// When an entry is due: by its deadline, or by that of a field of the hash that it holds.
    pub(super) fn due_time(&self, entry: &Entry<'_>) -> i64 {
        due_time(entry, &self.slab)
    }

    /// Notes in the bounds when the entry at a place is due.
    pub(super) fn note_due(&mut self, at: At) {
        let due = self.due_time(&self.entry(at));
        self.bounds.note(at, due);
    }

    /// What is due at `now`, at most `max`, for the caller to remove: the bounds are set right as
    /// if it were removed, unless there is more than `max`.
    pub(super) fn fire(&mut self, now: i64, max: usize) -> Due {
        let mut due = Due::default();
        let mut later = vec![NEVER; self.bounds.pages().len()];
        for (at, _) in self
            .index
            .iter()
            .filter(|(at, _)| self.bounds.of(*at) <= now)
        {
            let entry = self.entry(at);
            let time = self.due_time(&entry);
            if time > now {
                later[at.page()] = later[at.page()].min(time);
                continue;
            }
            if due.len() == max {
                return due;
            }
            match entry.deadline() {
                Some(deadline) if deadline.0 <= now => {
                    due.keys.push((self.key(at).to_vec(), deadline));
                }
                _ => due.hashes.push(self.key(at).to_vec()),
            }
        }
        self.bounds.settle(now, &later);
        due
    }
}

/// When an entry is due whose value, if it is a large one, lies in `slab`.
pub(super) fn due_time(entry: &Entry<'_>, slab: &Slab) -> i64 {
    let own = entry.deadline().map_or(NEVER, |deadline| deadline.0);
    let value = entry.value_number().and_then(|number| slab.peek(number));
    own.min(value.map_or(NEVER, fields_due))
}

/// When a value has fields to lose, on the scale of keys' deadlines: a key is there until its
/// deadline has passed, a field only until then.
fn fields_due(value: &Value) -> i64 {
    match value {
        Value::Hash(hash) => match hash.as_ref().earliest_deadline() {
            Some(deadline) => deadline.0.saturating_sub(1),
            None => NEVER,
        },
        _ => NEVER,
    }
}

impl Payload<'_> {
    /// When what is stored, with this deadline, will be due.
    #[inline]
    pub(super) fn due_time(&self, deadline: Option<UnixMillis>) -> i64 {
        let own = deadline.map_or(NEVER, |deadline| deadline.0);
        match self {
            Payload::Inline(..) => own,
            Payload::Value(value) => own.min(fields_due(value)),
        }
    }
}

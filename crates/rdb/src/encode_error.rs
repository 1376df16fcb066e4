use std::fmt;

use crate::event::Part;
use crate::target::{Loss, Target};

/// Why an event was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The target has no place for this, and leave to lose it was not given.
    Unrepresentable {
        /// What would be lost.
        what: Loss,
        /// Whom the bytes are for.
        target: Target,
        /// The key whose value it is part of; empty for what belongs to none.
        key: Box<[u8]>,
    },
    /// The event may not come here: a part that its value cannot have, or more or fewer of them than
    /// were announced.
    Misplaced {
        /// What came.
        found: &'static str,
    },
}

impl EncodeError {
    pub(crate) fn misplaced(part: &Part<'_>) -> EncodeError {
        let found = match part {
            Part::EndValue => "the end of a value",
            Part::Chunk(_) => "a piece of a string",
            Part::Element(_) | Part::Field { .. } | Part::Scored { .. } => {
                "an element of a collection"
            }
            Part::NodePlain(_) | Part::NodeListpack(_) => "a list node",
            Part::StreamNode { .. } | Part::StreamMeta { .. } => "a piece of a stream",
            Part::Group { .. } | Part::Pending { .. } | Part::Consumers { .. } => {
                "a piece of a consumer group"
            }
            Part::Consumer { .. } | Part::ConsumerPending(_) => "a piece of a consumer",
            Part::Released(_) => "a pending entry given back",
            Part::Producers { .. }
            | Part::Producer { .. }
            | Part::Produced { .. }
            | Part::ProducedTotals { .. } => "what a stream remembers of producers",
            _ => "the start of a value",
        };
        EncodeError::Misplaced { found }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::Unrepresentable { what, target, key } => {
                write!(f, "{target} cannot hold: {what}")?;
                match key.is_empty() {
                    true => Ok(()),
                    false => write!(f, " (key \"{}\")", key.escape_ascii()),
                }
            }
            EncodeError::Misplaced { found } => write!(f, "{found} came where it may not"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// What was left out of the bytes written, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    rows: Vec<LossRow>,
}

/// How much of one kind was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossRow {
    /// The kind.
    pub what: Loss,
    /// How often.
    pub count: u64,
    /// The key where it happened first; empty for what belongs to none.
    pub first_key: Box<[u8]>,
}

impl Losses {
    /// One row for each kind of which anything was lost.
    pub fn rows(&self) -> &[LossRow] {
        &self.rows
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds what another encoder left out of bytes that follow.
    pub(crate) fn add(&mut self, later: &Losses) {
        for row in &later.rows {
            match self.rows.iter_mut().find(|mine| mine.what == row.what) {
                Some(mine) => mine.count += row.count,
                None => self.rows.push(row.clone()),
            }
        }
    }

    pub(crate) fn note(&mut self, what: Loss, key: &[u8]) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.what == what) {
            row.count += 1;
            return;
        }
        let (count, first_key) = (1, key.into());
        self.rows.push(LossRow {
            what,
            count,
            first_key,
        });
    }
}

//! Where the history is: what a file or a replica needs to know to go on from there.

use crate::engine::Inner;
use std::str::FromStr;
use units::{DbIndex, ReplId, ReplOffset};

/// A place in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) replid: ReplId,
    pub(crate) at: ReplOffset,
    /// The database that the next command is for; `None` if that is said there.
    pub(crate) db: Option<DbIndex>,
}

/// The names that snapshots of servers have for them.
const DB: &str = "repl-stream-db";
const ID: &str = "repl-id";
const OFFSET: &str = "repl-offset";

impl Place {
    /// What a snapshot says of the place that it stands for.
    pub(crate) fn aux(&self) -> [(&'static str, Vec<u8>); 3] {
        let db = self.db.unwrap_or(DbIndex::ZERO);
        [
            (DB, db.0.to_string().into_bytes()),
            (ID, self.replid.to_string().into_bytes()),
            (OFFSET, self.at.0.to_string().into_bytes()),
        ]
    }

    /// The place that a snapshot stands for, if it says all of it.
    pub(crate) fn of_aux(aux: &[(Vec<u8>, Vec<u8>)]) -> Option<Place> {
        Some(Place {
            db: stream_db(aux),
            replid: fact(aux, ID)?,
            at: ReplOffset(fact(aux, OFFSET)?),
        })
    }
}

/// The database that the stream goes on with behind a snapshot.
pub(crate) fn stream_db(aux: &[(Vec<u8>, Vec<u8>)]) -> Option<DbIndex> {
    fact(aux, DB).map(DbIndex)
}

fn fact<T: FromStr>(aux: &[(Vec<u8>, Vec<u8>)], name: &str) -> Option<T> {
    let (_, text) = aux.iter().find(|(known, _)| known == name.as_bytes())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Inner {
    /// Goes on where a snapshot was made that is all there is: a replica asks its primary for what
    /// came since, and a primary begins a history of its own there, which replicas can follow
    /// without beginning anew.
    pub(crate) fn resume_history(&self, place: Place) {
        let databases = self.keyspace.databases();
        let place = Place {
            db: place.db.filter(|db| db.0 < databases),
            ..place
        };
        self.log.reset(place);
        if !self.following.is_replica() {
            self.begin_own_history(fastrand::Rng::with_seed(self.seed ^ place.at.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place {
            replid: ReplId::from_bits([7; 20]),
            at: ReplOffset(12),
            db: Some(DbIndex(9)),
        };
        let aux = place.aux().map(|(name, text)| (name.into(), text)).to_vec();
        assert_eq!(Place::of_aux(&aux), Some(place));
        assert_eq!(Place::of_aux(&aux[..2]), None);
        assert_eq!(stream_db(&[]), None);
    }
}

//! Who is connected: what every session tells of itself, so that others can list it, end it, or
//! hold it back.
//!
//! A session writes to its own card between requests and nobody else's; who lists clients reads
//! all. Nothing here knows a command or a key.

mod card;
mod filter;
mod line;
mod pause;
mod weight;

pub use card::{Buffers, Peer};
pub(crate) use card::{Card, Marks, State};
pub(crate) use filter::{Filter, Kind};
pub(crate) use line::line;
pub(crate) use pause::{Pause, PauseBy, PauseMode};
pub(crate) use weight::{SESSION_BYTES, Weights};

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every open session.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    cards: Mutex<BTreeMap<u64, Arc<Card>>>,
    pause: Pause,
    weights: Weights,
}

impl Clients {
    /// Makes a session known.
    pub(crate) fn add(&self, card: &Arc<Card>) {
        self.cards.lock().insert(card.id, card.clone());
    }

    /// Forgets a session that ends.
    pub(crate) fn remove(&self, id: u64) {
        self.cards.lock().remove(&id);
    }

    /// Those that fit and are not about to end, in the order in which they came.
    pub(crate) fn select(&self, filter: &Filter) -> Vec<Arc<Card>> {
        let cards = self.cards.lock();
        let open = cards.values().filter(|card| !card.is_ending());
        open.filter(|card| filter.fits(card)).cloned().collect()
    }

    /// All of them.
    fn all(&self) -> Vec<Arc<Card>> {
        self.cards.lock().values().cloned().collect()
    }

    /// What they take of memory.
    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// What holds commands back.
    pub(crate) fn pause(&self) -> &Pause {
        &self.pause
    }
}

//! What clients take of memory, and whom `maxmemory-clients` ends for it.

use super::{Card, Marks};
use crate::Engine;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of a session that nobody counts one by one: what it is made of.
pub(crate) const SESSION_BYTES: usize = 2 << 10;

/// What all clients take together.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    /// `maxmemory-clients` in bytes; 0 for no limit.
    limit: AtomicUsize,
    /// What sessions noted of themselves.
    noted: AtomicUsize,
    /// Messages that waited in mailboxes when somebody last looked.
    waiting: AtomicUsize,
}

impl Weights {
    pub(crate) fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Relaxed);
    }

    /// A session that took `before` bytes takes `now`; whether all take too much since.
    pub(crate) fn note(&self, before: usize, now: usize) -> bool {
        match now >= before {
            true => self.noted.fetch_add(now - before, Relaxed),
            false => self.noted.fetch_sub(before - now, Relaxed),
        };
        now > before && self.are_too_much()
    }

    /// All of it, in bytes.
    pub(crate) fn total(&self) -> usize {
        self.noted.load(Relaxed) + self.waiting.load(Relaxed)
    }

    fn are_too_much(&self) -> bool {
        let limit = self.limit.load(Relaxed);
        limit > 0 && self.total() > limit
    }
}

impl Engine {
    /// Ends clients while all of them take more than `maxmemory-clients`, those first that take the
    /// most, but none that said `CLIENT NO-EVICT`. To be called a few times a second, as messages that
    /// wait for clients who do not read are counted now.
    pub fn evict_clients(&self) {
        let weights = self.clients().weights();
        if weights.limit.load(Relaxed) == 0 {
            return;
        }
        let cards = self.clients().all();
        let waiting = cards.iter().map(|card| card.waiting_bytes()).sum();
        weights.waiting.store(waiting, Relaxed);
        if weights.are_too_much() {
            let excess = weights.total() - weights.limit.load(Relaxed);
            self.end_heaviest(cards, excess);
        }
    }

    fn end_heaviest(&self, mut cards: Vec<Arc<Card>>, mut excess: usize) {
        let stays = Marks::NO_EVICT | Marks::REPLICA;
        cards.retain(|card| !card.state().marks.intersects(stays));
        cards.sort_by_cached_key(|card| Reverse(card.weight()));
        for card in cards {
            // Those that were ended a moment ago are about to give theirs back.
            if !card.is_ending() {
                card.kill();
                self.stats().evicted_clients.add(1);
            }
            match excess.checked_sub(card.weight()) {
                Some(rest) if rest > 0 => excess = rest,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffers, Reply, Session};

    fn holding(session: &mut Session, input: usize) {
        session.note_buffers(Buffers {
            input,
            ..Buffers::default()
        });
    }

    fn evicted(engine: &Engine) -> u64 {
        engine.stats().evicted_clients.value()
    }

    #[test]
    fn those_that_take_the_most_are_ended_first() {
        let engine = Engine::open_in_memory();
        engine.set_config("maxmemory-clients", "1mb").unwrap();
        let [mut small, mut large, mut larger, mut kept] = [(); 4].map(|()| engine.session());
        kept.execute(&["CLIENT", "NO-EVICT", "ON"]);
        holding(&mut small, 100 << 10);
        holding(&mut large, 300 << 10);
        holding(&mut kept, 500 << 10);
        assert_eq!(evicted(&engine), 0);
        holding(&mut larger, 600 << 10);
        assert_eq!(evicted(&engine), 1, "the largest alone was too much");
        let is_ended = |session: &mut Session| matches!(session.execute(&["PING"]), Reply::Error(error) if error.to_string().contains("ended"));
        assert!(is_ended(&mut larger) && !is_ended(&mut large));
        drop(larger);
        holding(&mut kept, 900 << 10);
        assert!(is_ended(&mut large) && !is_ended(&mut kept));
    }

    #[test]
    fn per_cent_are_of_all_memory_and_nothing_is_left_behind() {
        let engine = Engine::open_in_memory();
        engine
            .set_configs(&[("maxmemory", "10mb"), ("maxmemory-clients", "5%")])
            .unwrap();
        let before = engine.memory().clients;
        let mut session = engine.session();
        holding(&mut session, 400 << 10);
        assert_eq!(engine.memory().clients, (400 << 10) + SESSION_BYTES);
        assert_eq!(evicted(&engine), 0);
        holding(&mut session, 600 << 10);
        assert_eq!(evicted(&engine), 1);
        drop(session);
        assert_eq!(engine.memory().clients, before);
    }

    #[test]
    fn messages_that_nobody_reads_count() {
        let engine = Engine::open_in_memory();
        engine.set_config("maxmemory-clients", "1mb").unwrap();
        let (mut reader, mut writer) = (engine.session(), engine.session());
        reader.execute(&["SUBSCRIBE", "news"]);
        let text = vec![b'x'; 300 << 10];
        for _ in 0..5 {
            writer.execute(&[b"PUBLISH".as_slice(), b"news", &text]);
        }
        engine.evict_clients();
        assert_eq!(evicted(&engine), 1);
    }
}

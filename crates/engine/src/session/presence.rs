//! What a session tells others of itself, and how others end it.

use super::Session;
use crate::clients::{Buffers, Card, Marks, Peer, SESSION_BYTES, State};
use crate::pubsub::Kind;
use std::sync::Arc;

/// What a channel or pattern that is subscribed to takes here and in the hub, about.
const SUBSCRIPTION_BYTES: usize = 200;

/// For front-ends.
impl Session {
    /// Says where the client is (`CLIENT LIST`).
    pub fn introduce(&mut self, peer: Peer) {
        self.card.about(|about| about.peer = peer);
    }

    /// Notes what the front-end holds for the client, as requests come and before it waits for more.
    #[inline]
    pub fn note_buffers(&mut self, buffers: Buffers) {
        self.client.buffers = buffers;
        let weight = self.weigh();
        if weight != self.client.weight {
            self.note_weight(weight);
        }
    }

    /// Lets others see the session as it is now. To be called before the front-end waits; a program
    /// that uses the session itself may do without.
    pub fn report(&mut self) {
        self.clock = None;
        self.show();
    }

    /// Notes bytes that came from the client and went to it (`INFO stats`).
    #[inline]
    pub fn note_traffic(&self, input: usize, output: usize) {
        let stats = self.engine.stats();
        stats.input_bytes.add(self.client.id, input as u64);
        stats.output_bytes.add(self.client.id, output as u64);
    }
}

impl Session {
    /// What others see of it.
    pub(crate) fn card(&self) -> &Arc<Card> {
        &self.card
    }

    /// Lets others see the session as it is now.
    pub(super) fn show(&self) {
        self.card.set_state(self.state(0));
    }

    /// Lets others, and `CLIENT LIST` of its own, see the session while `argv` is carried out.
    pub(crate) fn report_running(&self, argv: &[&[u8]]) {
        let bytes = argv.iter().map(|arg| arg.len()).sum();
        self.card.set_state(self.state(bytes));
    }

    /// Notes what the client asked for.
    pub(crate) fn set_mark(&mut self, mark: Marks, on: bool) {
        self.client.marks.set(mark, on);
    }

    /// Lets others see whose session it is.
    pub(super) fn show_user(&self) {
        let user = self.user_name();
        self.card.about(|about| about.user = user.to_vec());
    }

    /// Bytes that the client takes, but for messages that wait.
    fn weigh(&self) -> usize {
        let buffers = self.client.buffers;
        let buffered = buffers.input + buffers.input_free + buffers.output;
        let queued = self.transaction.held_bytes();
        let subscribed = self.subscription.as_ref().map_or(0, |all| all.count_all());
        let cached = self.caching.as_ref().map_or(0, |caching| caching.bytes);
        SESSION_BYTES + buffered + queued + cached + subscribed * SUBSCRIPTION_BYTES
    }

    /// Lets others know what the client takes, and ends who takes the most if all take too much.
    #[cold]
    fn note_weight(&mut self, weight: usize) {
        let before = std::mem::replace(&mut self.client.weight, weight);
        self.card.set_weight(weight);
        let clients = self.engine.clients();
        if clients.weights().note(before, weight) {
            self.show();
            self.engine.evict_clients();
        }
    }

    /// What the client took is free.
    pub(super) fn forget_weight(&mut self) {
        let before = std::mem::take(&mut self.client.weight);
        self.engine.clients().weights().note(before, 0);
    }

    fn state(&self, argument_bytes: usize) -> State {
        let kinds = [Kind::Channel, Kind::Pattern, Kind::Sharded];
        State {
            active_at: self.engine.now(),
            command: self.client.command,
            db: self.client.db,
            protocol: self.client.protocol,
            subscribed: match self.is_subscribed() {
                true => kinds.map(|kind| self.subscriptions(kind)),
                false => [0; 3],
            },
            queued: self.transaction.queued(),
            argument_bytes,
            marks: self.marks(),
            buffers: self.client.buffers,
        }
    }

    fn marks(&self) -> Marks {
        let mut marks = self.client.marks;
        marks.set(Marks::BLOCKED, self.is_blocked());
        marks.set(Marks::DIRTY, self.transaction.is_dirty());
        marks.set(Marks::MONITOR, self.is_monitor());
        marks.set(Marks::REPLICA, self.is_fed());
        marks.set(Marks::LEAVING, self.client.quit);
        marks
    }
}

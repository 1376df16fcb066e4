//! A session that subscribes and publishes, and what its commands tell of keys.

use super::Session;
use crate::pubsub::{Kind, Published, Subscription, announce};
use commands::{Error, EventClass, Outcome, Protocol, ReplySink, Spec};
use std::task::{Context, Poll};
use units::DbIndex;

/// For front-ends: what was published reaches a client between replies.
impl Session {
    /// Whether the client subscribed to anything, so that messages may come without a request.
    pub fn is_subscribed(&self) -> bool {
        self.subscription
            .as_ref()
            .is_some_and(|subscription| subscription.is_any())
    }

    /// Whether messages may come without a request, now or later: the client subscribed to something
    /// once, or tracks keys.
    pub fn expects_messages(&self) -> bool {
        self.subscription.is_some()
    }

    /// Ready when [`Session::write_messages`] has something to write, or the session was cut off;
    /// else the task of `cx` is woken then.
    pub fn poll_messages(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.subscription {
            Some(subscription) => subscription.poll_any(cx),
            None => Poll::Pending,
        }
    }

    /// Ready when the session was cut off; else the task of `cx` is woken then.
    pub fn poll_cut_off(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.subscription {
            Some(subscription) => subscription.poll_closed(cx),
            None => Poll::Pending,
        }
    }

    /// Whether more messages wait than `client-output-buffer-limit pubsub` allows, or did: they are
    /// gone, and the front-end hangs up. To be asked about once a second while messages wait, for
    /// the sake of the soft limit.
    pub fn is_cut_off(&self) -> bool {
        self.subscription
            .as_ref()
            .is_some_and(|subscription| subscription.is_cut_off())
    }

    /// Writes messages that wait until there are about `bytes` of them: pushes, or arrays for a
    /// client that speaks RESP2.
    pub fn write_messages(&mut self, reply: &mut dyn ReplySink, bytes: usize) {
        let Some(subscription) = &self.subscription else {
            return;
        };
        let (protocol, subscribed) = (self.client.protocol, self.is_subscribed());
        let mut written = 0;
        while written < bytes
            && let Some(message) = subscription.take()
        {
            if message.is_for(protocol, subscribed) {
                written += message.cost();
                message.write(reply);
            }
        }
    }
}

impl Session {
    /// A client that subscribed and speaks RESP2 could not tell replies from messages, so it may
    /// ask for little.
    pub(super) fn admit_subscribed(&self, spec: &Spec) -> Outcome {
        if !self.is_confined() || MAY_RUN_SUBSCRIBED.contains(&spec.name) {
            return Ok(());
        }
        Err(Error::err(format_args!(
            "Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
             allowed in this context",
            spec.name
        )))
    }

    /// Whether the client subscribed to something and speaks RESP2.
    pub(crate) fn is_confined(&self) -> bool {
        self.client.protocol == Protocol::Resp2 && self.is_subscribed()
    }

    pub(crate) fn subscribe(&mut self, kind: Kind, name: &[u8]) {
        self.subscription_mut().add(kind, name);
    }

    /// The session's subscriptions, and with them its mailbox, which others find from now on.
    pub(super) fn subscription_mut(&mut self) -> &mut Subscription {
        let (hub, slot, card) = (self.engine.hub(), &self.slot, &self.card);
        self.subscription.get_or_insert_with(|| {
            let subscription = Subscription::of_client(hub);
            let _ = slot.set(subscription.mailbox().clone());
            card.set_mailbox(subscription.mailbox());
            Box::new(subscription)
        })
    }

    /// Ends a subscription. What was published before is written first, but inside `EXEC` after its
    /// reply: a message can't stand in the middle of one.
    pub(crate) fn unsubscribe(&mut self, kind: Kind, name: &[u8], reply: &mut dyn ReplySink) {
        if let Some(subscription) = &mut self.subscription {
            subscription.remove(kind, name);
        }
        if !self.in_exec {
            self.write_messages(reply, usize::MAX);
        }
    }

    /// Everything of that kind that is subscribed to.
    pub(crate) fn subscribed(&self, kind: Kind) -> Vec<std::sync::Arc<[u8]>> {
        self.subscription
            .as_ref()
            .map_or(Vec::new(), |subscription| subscription.names(kind))
    }

    /// How many subscriptions of that kind there are.
    pub(crate) fn subscriptions(&self, kind: Kind) -> usize {
        self.subscription
            .as_ref()
            .map_or(0, |subscription| subscription.count(kind))
    }

    /// Publishes, inside `EXEC` once that is done; returns how many get it.
    pub(crate) fn publish(&mut self, message: Published) -> usize {
        self.engine.pass_on_message(self.client.db, &message);
        if !self.in_exec {
            return self.engine.hub().publish(message);
        }
        let count = self.engine.hub().receivers(&message);
        self.scratch.messages.push(message);
        count
    }

    /// Makes messages of what one command did to keys: first of those that it found expired.
    pub(super) fn tell(&mut self, expired: &[(DbIndex, Vec<u8>)]) {
        let classes = self.settings.notify;
        if classes.is_empty() || !self.engine.hub().has_listeners() {
            return;
        }
        let messages = &mut self.scratch.messages;
        if classes.intersects(EventClass::EXPIRED) {
            for (db, key) in expired {
                announce(classes, *db, "expired", key, messages);
            }
        }
        for event in self.scratch.effects.events() {
            announce(classes, event.db, event.name, &event.key, messages);
        }
    }
}

impl Session {
    /// Tells that keys were asked for which are not there, with nothing locked.
    pub(super) fn tell_missing(&mut self, keys: &[&[u8]]) {
        self.scratch.effects.clear();
        for key in keys {
            self.scratch.effects.tell(self.client.db, "keymiss", key);
        }
        self.tell(&[]);
        self.engine.hub().queue(&mut self.scratch.messages);
        self.engine.hub().deliver();
    }
}

/// What a client that subscribed may ask for in RESP2.
const MAY_RUN_SUBSCRIBED: [&str; 9] = [
    "ping",
    "quit",
    "reset",
    "subscribe",
    "unsubscribe",
    "psubscribe",
    "punsubscribe",
    "ssubscribe",
    "sunsubscribe",
];

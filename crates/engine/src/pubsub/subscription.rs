use super::hub::Hub;
use super::mailbox::{Bound, Mailbox};
use super::topics::{Kind, Name};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one subscriber subscribed to, and its mailbox. Dropping it ends every subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    names: [BTreeSet<Name>; 3],
    watches: bool,
}

impl Subscription {
    /// Of a client: disconnected when too much waits for it.
    pub(crate) fn of_client(hub: &Arc<Hub>) -> Subscription {
        Subscription::new(hub, Bound::Client)
    }

    pub(super) fn new(hub: &Arc<Hub>, bound: Bound) -> Subscription {
        Subscription {
            hub: hub.clone(),
            mailbox: hub.mailbox(bound),
            names: Default::default(),
            watches: false,
        }
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Subscribes to `name`, if it is not subscribed to already.
    pub(crate) fn add(&mut self, kind: Kind, name: &[u8]) {
        if !self.names[kind as usize].contains(name) {
            let name = self.hub.subscribe(kind, name, &self.mailbox);
            self.names[kind as usize].insert(name);
        }
    }

    /// Ends the subscription to `name`, if there is one.
    pub(crate) fn remove(&mut self, kind: Kind, name: &[u8]) {
        if self.names[kind as usize].remove(name) {
            self.hub.unsubscribe(kind, name, &self.mailbox);
        }
    }

    /// Has every command shown from now on.
    pub(crate) fn watch(&mut self) {
        if !std::mem::replace(&mut self.watches, true) {
            self.hub.watch(&self.mailbox);
        }
    }

    /// Whether every command is shown.
    pub(crate) fn watches(&self) -> bool {
        self.watches
    }

    /// Everything of that kind that is subscribed to, in order of bytes.
    pub(crate) fn names(&self, kind: Kind) -> Vec<Name> {
        self.names[kind as usize].iter().cloned().collect()
    }

    /// How many subscriptions of that kind there are.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.names[kind as usize].len()
    }

    /// How many there are of all kinds.
    pub(crate) fn count_all(&self) -> usize {
        self.names.iter().map(BTreeSet::len).sum()
    }

    /// Whether there is any subscription.
    pub(crate) fn is_any(&self) -> bool {
        self.names.iter().any(|names| !names.is_empty())
    }

    /// The next message, if one waits.
    pub(crate) fn take(&self) -> Option<super::Message> {
        self.mailbox.take()
    }

    /// Ready when a message waits, or the mailbox is closed.
    pub(crate) fn poll_any(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        self.mailbox.poll_any(cx)
    }

    /// Ready when the mailbox is closed.
    pub(crate) fn poll_closed(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        self.mailbox.poll_closed(cx)
    }

    /// Whether too much waits or waited, or the engine is gone.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.hub.cut_off(&self.mailbox)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.watches {
            self.hub.unwatch(&self.mailbox);
        }
        for kind in [Kind::Channel, Kind::Pattern, Kind::Sharded] {
            for name in &self.names[kind as usize] {
                self.hub.unsubscribe(kind, name, &self.mailbox);
            }
        }
    }
}

//! Publishing to whoever listens: clients that subscribed, subscribers in the program itself, and
//! what happens to keys told as messages.
//!
//! ```text
//!  PUBLISH, Engine::publish --------------+
//!  events of commands, expiry, eviction --+--> outbox --(locks released)--> mailboxes --> client | Subscriber
//! ```
//!
//! Messages that come of changes enter the outbox in the step that puts the changes into the
//! journal, so their order is that of history. They are handed out once the shards are unlocked, by
//! one thread at a time. A mailbox is bounded, and wakes whoever waits for it through a
//! [`std::task::Waker`] or a condition variable: the engine needs no runtime and starts no thread.

mod event;
mod hub;
mod limit;
mod mailbox;
mod message;
mod subscriber;
mod subscription;
mod topics;

pub(crate) use event::announce;
pub(crate) use hub::Hub;
pub(crate) use limit::{OutputLimit, OutputLimits};
pub(crate) use mailbox::Mailbox;
pub(crate) use message::Published;
pub(crate) use subscription::Subscription;
pub(crate) use topics::Kind;

#[cfg(test)]
mod tests;

pub use message::Message;
pub use subscriber::Subscriber;

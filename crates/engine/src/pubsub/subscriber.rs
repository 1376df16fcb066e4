use super::hub::Hub;
use super::mailbox::Bound;
use super::{Kind, Message, Subscription};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Bytes of messages that wait for a subscriber unless it says otherwise.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// A subscriber in the program itself: an iterator over messages that waits for each, or a stream
/// to poll.
///
/// Messages wait up to a bound ([`Subscriber::with_bytes_max`]); beyond it new ones are dropped and
/// [counted](Subscriber::dropped). It does not keep the engine open: with the engine gone, messages
/// end.
///
/// ```
/// use duramen::Engine;
///
/// let engine = Engine::open_in_memory();
/// engine.set_config("notify-keyspace-events", "KEA")?;
/// let mut events = engine.psubscribe(["__keyspace@0__:user:*"]);
/// let mut news = engine.subscribe(["news"]);
///
/// engine.session().set("user:1", "Ada").unwrap();
/// assert_eq!(engine.publish("news", "hello"), 1);
///
/// let event = events.next().unwrap();
/// assert_eq!(event.channel(), b"__keyspace@0__:user:1");
/// assert_eq!(event.payload(), b"set");
/// assert_eq!(news.next().unwrap().payload(), b"hello");
/// # Ok::<(), duramen::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Subscriber {
    subscription: Subscription,
}

impl Subscriber {
    pub(crate) fn new(hub: &Arc<Hub>) -> Subscriber {
        Subscriber {
            subscription: Subscription::new(hub, Bound::Bytes(WAITING_BYTES_MAX)),
        }
    }

    /// Lets at most `bytes` of messages wait, 8 MiB by default. A message takes its channel,
    /// pattern and payload, and some forty bytes.
    pub fn with_bytes_max(self, bytes: usize) -> Subscriber {
        self.subscription.mailbox().set_bound(Bound::Bytes(bytes));
        self
    }

    /// Adds a channel.
    pub fn subscribe(&mut self, channel: impl AsRef<[u8]>) {
        self.subscription.add(Kind::Channel, channel.as_ref());
    }

    /// Adds every channel that fits a pattern: `*`, `?`, `[a-z]` and `\` as in `KEYS`.
    pub fn psubscribe(&mut self, pattern: impl AsRef<[u8]>) {
        self.subscription.add(Kind::Pattern, pattern.as_ref());
    }

    /// Adds a channel of `SPUBLISH`.
    pub fn ssubscribe(&mut self, channel: impl AsRef<[u8]>) {
        self.subscription.add(Kind::Sharded, channel.as_ref());
    }

    /// Takes a channel back. Messages that wait already stay.
    pub fn unsubscribe(&mut self, channel: impl AsRef<[u8]>) {
        self.subscription.remove(Kind::Channel, channel.as_ref());
    }

    /// Takes a pattern back. Messages that wait already stay.
    pub fn punsubscribe(&mut self, pattern: impl AsRef<[u8]>) {
        self.subscription.remove(Kind::Pattern, pattern.as_ref());
    }

    /// Takes a channel of `SPUBLISH` back. Messages that wait already stay.
    pub fn sunsubscribe(&mut self, channel: impl AsRef<[u8]>) {
        self.subscription.remove(Kind::Sharded, channel.as_ref());
    }

    /// The next message, if one waits.
    pub fn try_next(&mut self) -> Option<Message> {
        self.subscription.take()
    }

    /// Waits for the next message, no longer than `timeout`; `None` if none came, or none will.
    pub fn next_within(&mut self, timeout: Duration) -> Option<Message> {
        self.wait(Instant::now().checked_add(timeout))
    }

    /// The next message, or `None` if none will come; pending if none waits, and then the task of
    /// `cx` is woken by the next. What a stream does, under any runtime.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        match self.subscription.is_any() {
            true => self.subscription.mailbox().poll_take(cx),
            false => Poll::Ready(self.try_next()),
        }
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Option<Message> {
        match self.subscription.is_any() {
            true => self.subscription.mailbox().wait(deadline),
            // Nothing can come while this waits.
            false => self.try_next(),
        }
    }

    /// How many messages were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.subscription.mailbox().dropped()
    }
}

/// Waits for each message; ends when the engine is gone, or nothing is subscribed to any more.
impl Iterator for Subscriber {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.wait(None)
    }
}

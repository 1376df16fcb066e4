use super::mailbox::{Bound, Mailbox, Wakes};
use super::topics::{Kind, Name, Topics};
use super::{Message, OutputLimit, Published};
use crate::clock::Clock;
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Where everything published meets everyone who listens.
///
/// Its locks are taken in the order of the fields. Who holds shards may take all of them but
/// `turn`: handing out happens with every shard unlocked.
#[derive(Debug)]
pub(crate) struct Hub {
    /// Held by the one thread that hands out.
    turn: Mutex<()>,
    /// What is to be handed out, in order.
    outbox: Mutex<VecDeque<Outgoing>>,
    topics: RwLock<Topics>,
    limit: RwLock<OutputLimit>,
    /// Whether anybody subscribed to a channel or a pattern, so that events need telling.
    has_listeners: AtomicBool,
    /// Nothing is published any more. Written and read with the topics locked.
    ended: AtomicBool,
    /// Of those who watch every command (`MONITOR`).
    watchers: RwLock<Vec<Arc<Mailbox>>>,
    is_watched: AtomicBool,
    last_mailbox: AtomicU64,
    clock: Arc<dyn Clock>,
}

/// Something to be handed out.
#[derive(Debug)]
enum Outgoing {
    /// To all who subscribed.
    Published(Published),
    /// To one.
    For(Arc<Mailbox>, Message),
    /// To all who watch.
    Shown(Message),
}

impl Hub {
    pub(crate) fn new(limit: OutputLimit, clock: Arc<dyn Clock>) -> Hub {
        Hub {
            turn: Mutex::default(),
            outbox: Mutex::default(),
            topics: RwLock::default(),
            limit: RwLock::new(limit),
            has_listeners: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            watchers: RwLock::default(),
            is_watched: AtomicBool::new(false),
            last_mailbox: AtomicU64::new(0),
            clock,
        }
    }

    /// How much may wait for a client from now on.
    pub(crate) fn set_limit(&self, limit: OutputLimit) {
        *self.limit.write() = limit;
    }

    /// Whether what is published to a channel may reach anybody.
    pub(crate) fn has_listeners(&self) -> bool {
        self.has_listeners.load(Ordering::Acquire)
    }

    /// Puts messages into the outbox, in order, and leaves `messages` empty. They go out with the
    /// next [`Hub::deliver`], whoever calls it.
    pub(crate) fn queue(&self, messages: &mut Vec<Published>) {
        if !messages.is_empty() {
            let messages = messages.drain(..).map(Outgoing::Published);
            self.outbox.lock().extend(messages);
        }
    }

    /// Puts a message for one client into the outbox.
    pub(crate) fn queue_for(&self, mailbox: Arc<Mailbox>, message: Message) {
        self.outbox
            .lock()
            .push_back(Outgoing::For(mailbox, message));
    }

    /// Whether anybody watches commands.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Acquire)
    }

    /// Puts a line for all who watch into the outbox.
    pub(crate) fn queue_shown(&self, line: String) {
        let message = Message::shown(line);
        self.outbox.lock().push_back(Outgoing::Shown(message));
    }

    pub(super) fn watch(&self, mailbox: &Arc<Mailbox>) {
        self.watchers.write().push(mailbox.clone());
        self.is_watched.store(true, Ordering::Release);
    }

    pub(super) fn unwatch(&self, mailbox: &Mailbox) {
        let mut watchers = self.watchers.write();
        watchers.retain(|other| other.id != mailbox.id);
        self.is_watched
            .store(!watchers.is_empty(), Ordering::Release);
    }

    /// Hands out everything that was put into the outbox before. The caller holds no shard.
    pub(crate) fn deliver(&self) {
        let mut wakes = Wakes::default();
        {
            let _turn = self.turn.lock();
            self.hand_out_queued(&mut wakes);
        }
        wakes.wake();
    }

    /// Hands out a message behind everything that waits in the outbox, and returns how many got it.
    /// The caller holds no shard.
    pub(crate) fn publish(&self, message: Published) -> usize {
        let mut wakes = Wakes::default();
        let count = {
            let _turn = self.turn.lock();
            self.hand_out_queued(&mut wakes);
            self.hand_out(message, &mut wakes)
        };
        wakes.wake();
        count
    }

    /// How many would get a message that is published now.
    pub(crate) fn receivers(&self, message: &Published) -> usize {
        let mut count = 0;
        let topics = self.topics.read();
        topics.for_each(message.kind(), &message.channel, |_, _| count += 1);
        count
    }

    fn hand_out_queued(&self, wakes: &mut Wakes) {
        loop {
            let queued = std::mem::take(&mut *self.outbox.lock());
            if queued.is_empty() {
                return;
            }
            for outgoing in queued {
                match outgoing {
                    Outgoing::Published(message) => {
                        self.hand_out(message, wakes);
                    }
                    Outgoing::For(mailbox, message) => self.put(&mailbox, message, wakes),
                    Outgoing::Shown(message) => {
                        let watchers = self.watchers.read().clone();
                        let all = watchers.iter();
                        all.for_each(|mailbox| self.put(mailbox, message.clone(), wakes));
                    }
                }
            }
        }
    }

    fn put(&self, mailbox: &Mailbox, message: Message, wakes: &mut Wakes) {
        let (limit, now) = (*self.limit.read(), self.clock.now());
        mailbox.put(message, limit, now, wakes);
    }

    fn hand_out(&self, message: Published, wakes: &mut Wakes) -> usize {
        let message = Arc::new(message);
        let topics = self.topics.read();
        let (limit, now) = (*self.limit.read(), self.clock.now());
        let mut count = 0;
        topics.for_each(message.kind(), &message.channel, |mailbox, pattern| {
            count += 1;
            let copy = Message::new(message.clone(), pattern.cloned());
            mailbox.put(copy, limit, now, wakes);
        });
        count
    }

    /// Closes a client's mailbox if too much waits in it; whether it is closed.
    pub(super) fn cut_off(&self, mailbox: &Mailbox) -> bool {
        let (limit, now) = (*self.limit.read(), self.clock.now());
        mailbox.cut_off(limit, now)
    }

    /// A mailbox for a new subscriber.
    pub(super) fn mailbox(&self, bound: Bound) -> Arc<Mailbox> {
        let id = self.last_mailbox.fetch_add(1, Ordering::Relaxed) + 1;
        Arc::new(Mailbox::new(id, bound))
    }

    pub(super) fn subscribe(&self, kind: Kind, name: &[u8], mailbox: &Arc<Mailbox>) -> Name {
        let mut topics = self.topics.write();
        let name = topics.add(kind, name, mailbox);
        if self.ended.load(Ordering::Relaxed) {
            mailbox.end(&mut Wakes::default());
        }
        let listeners = topics.have_listeners();
        self.has_listeners.store(listeners, Ordering::Release);
        name
    }

    pub(super) fn unsubscribe(&self, kind: Kind, name: &[u8], mailbox: &Mailbox) {
        let mut topics = self.topics.write();
        topics.remove(kind, name, mailbox);
        let listeners = topics.have_listeners();
        self.has_listeners.store(listeners, Ordering::Release);
    }

    /// The channels of that kind, or patterns, which somebody subscribed to and which fit
    /// `pattern`.
    pub(crate) fn names(&self, kind: Kind, pattern: Option<&[u8]>) -> Vec<Name> {
        self.topics.read().names(kind, pattern)
    }

    /// How many subscribed to `name`.
    pub(crate) fn listeners(&self, kind: Kind, name: &[u8]) -> usize {
        self.topics.read().listeners(kind, name)
    }

    /// How many names of that kind somebody subscribed to.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.topics.read().len(kind)
    }

    /// The engine is gone: nothing is published any more.
    pub(crate) fn end(&self) {
        let mut wakes = Wakes::default();
        let topics = self.topics.write();
        self.ended.store(true, Ordering::Relaxed);
        topics
            .mailboxes()
            .for_each(|mailbox| mailbox.end(&mut wakes));
        drop(topics);
        wakes.wake();
    }
}

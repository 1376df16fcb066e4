use super::{Message, OutputLimit};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use units::UnixMillis;

/// What becomes of messages that nobody fetches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// Past `client-output-buffer-limit pubsub` the mailbox closes.
    Client,
    /// Past so many bytes new messages are dropped, and counted.
    Bytes(usize),
}

/// The messages that wait for one subscriber.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Unlike that of any other mailbox of the hub.
    pub(super) id: u64,
    /// Whether nothing waits, for those who ask often. Written with the state locked.
    is_empty: AtomicBool,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State {
    bound: Bound,
    waiting: VecDeque<Message>,
    bytes: usize,
    /// More than the soft limit waits, since then.
    over_since: Option<UnixMillis>,
    dropped: u64,
    closed: bool,
    /// Whom to wake by the next message.
    waker: Option<Waker>,
    /// Whom to wake when the mailbox closes.
    close_waker: Option<Waker>,
}

impl State {
    fn new(bound: Bound) -> State {
        State {
            bound,
            waiting: VecDeque::new(),
            bytes: 0,
            over_since: None,
            dropped: 0,
            closed: false,
            waker: None,
            close_waker: None,
        }
    }

    fn push(&mut self, message: Message) {
        self.bytes += message.cost();
        self.waiting.push_back(message);
    }

    fn pop(&mut self) -> Option<Message> {
        let message = self.waiting.pop_front()?;
        self.bytes -= message.cost();
        if self.waiting.is_empty() {
            self.over_since = None;
        }
        Some(message)
    }

    fn close(&mut self) {
        self.closed = true;
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

/// Those to wake once no lock is held any more: what a waker does is not ours.
#[derive(Debug, Default)]
pub(super) struct Wakes(Vec<Waker>);

impl Wakes {
    pub(super) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

impl Mailbox {
    pub(super) fn new(id: u64, bound: Bound) -> Mailbox {
        Mailbox {
            id,
            is_empty: AtomicBool::new(true),
            state: Mutex::new(State::new(bound)),
            arrived: Condvar::new(),
        }
    }

    /// Bytes of what waits.
    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    pub(super) fn set_bound(&self, bound: Bound) {
        self.state.lock().bound = bound;
    }

    /// Adds a message, unless there are too many.
    pub(super) fn put(
        &self,
        message: Message,
        limit: OutputLimit,
        now: UnixMillis,
        wakes: &mut Wakes,
    ) {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.closed {
            return;
        }
        let waiting = state.bytes + message.cost();
        match state.bound {
            Bound::Bytes(most) if waiting > most => {
                state.dropped += 1;
                return;
            }
            Bound::Client if limit.is_passed(waiting, &mut state.over_since, now) => {
                state.close();
                wakes.0.extend(state.close_waker.take());
            }
            Bound::Bytes(_) | Bound::Client => {
                state.push(message);
                self.is_empty.store(false, Ordering::Release);
            }
        }
        wakes.0.extend(state.waker.take());
        self.arrived.notify_one();
    }

    /// No message comes any more; those that wait can still be fetched.
    pub(super) fn end(&self, wakes: &mut Wakes) {
        let mut state = self.state.lock();
        state.closed = true;
        wakes.0.extend(state.waker.take());
        wakes.0.extend(state.close_waker.take());
        self.arrived.notify_all();
    }

    /// The next message, if one waits.
    pub(super) fn take(&self) -> Option<Message> {
        if self.is_empty.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state.lock();
        let message = state.pop();
        self.is_empty
            .store(state.waiting.is_empty(), Ordering::Release);
        message
    }

    /// Waits for the next message, until `deadline` if there is one. `None` also when no more will
    /// come.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<Message> {
        let mut state = self.state.lock();
        loop {
            let message = state.pop();
            if message.is_some() || state.closed {
                return message;
            }
            match deadline {
                None => self.arrived.wait(&mut state),
                Some(at) => {
                    if self.arrived.wait_until(&mut state, at).timed_out() {
                        return state.pop();
                    }
                }
            }
        }
    }

    /// The next message; `None` when no more will come. Wakes the task of `cx` by one if none waits.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.state.lock();
        match state.pop() {
            None if !state.closed => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            message => Poll::Ready(message),
        }
    }

    /// Ready when a message waits or none will come.
    pub(super) fn poll_any(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.closed || !state.waiting.is_empty() {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ready when the mailbox is closed.
    pub(super) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(());
        }
        state.close_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Closes it if more waits than a client's limit allows; whether it is closed.
    pub(super) fn cut_off(&self, limit: OutputLimit, now: UnixMillis) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        let bounded = matches!(state.bound, Bound::Client);
        if bounded && limit.is_passed(state.bytes, &mut state.over_since, now) {
            state.close();
        }
        state.closed
    }

    /// How many messages were dropped because too many waited.
    pub(super) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }
}

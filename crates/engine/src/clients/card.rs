use crate::pubsub::Mailbox;
use commands::Protocol;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use units::{DbIndex, UnixMillis};

/// Where a client is, as a front-end knows it.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// Its address: `127.0.0.1:50324`, `[::1]:50324`, or the path of a Unix socket and `:0`.
    pub address: String,
    /// The address that it connected to.
    pub local_address: String,
    /// The number of its socket.
    pub descriptor: i64,
    /// It came by a Unix socket.
    pub is_unix: bool,
}

/// Bytes that a front-end holds for a client.
#[derive(Debug, Clone, Copy, Default)]
pub struct Buffers {
    /// Requests that were read and not answered.
    pub input: usize,
    /// Room for more of them.
    pub input_free: usize,
    /// Room for replies.
    pub output: usize,
}

/// What others may know of a session.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) id: u64,
    pub(crate) since: UnixMillis,
    about: Mutex<About>,
    state: Mutex<State>,
    ending: AtomicU8,
    /// Bytes that the session and its front-end hold.
    weight: AtomicUsize,
    /// Where messages for it wait, if it has subscribed to any.
    mailbox: OnceLock<Arc<Mailbox>>,
    /// Of the task that serves the session.
    waker: Mutex<Option<Waker>>,
}

/// What hardly changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) peer: Peer,
    pub(crate) name: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) lib_name: Vec<u8>,
    pub(crate) lib_ver: Vec<u8>,
}

/// How a session was when it last told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// When its last command came.
    pub(crate) active_at: UnixMillis,
    /// That command's name.
    pub(crate) command: &'static str,
    pub(crate) db: DbIndex,
    pub(crate) protocol: Protocol,
    /// To how many channels, patterns and sharded channels it subscribed.
    pub(crate) subscribed: [usize; 3],
    /// How many commands wait for `EXEC`, if a transaction is open, and their bytes.
    pub(crate) queued: Option<(usize, usize)>,
    /// Bytes of the arguments of the command that runs.
    pub(crate) argument_bytes: usize,
    pub(crate) marks: Marks,
    pub(crate) buffers: Buffers,
}

bitflags::bitflags! {
    /// Flags of `CLIENT LIST` that a session knows of itself.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Marks: u8 {
        /// A command waits.
        const BLOCKED = 1;
        /// A watched key changed.
        const DIRTY = 1 << 1;
        /// It ends once its replies are sent.
        const LEAVING = 1 << 2;
        /// `CLIENT NO-EVICT ON`.
        const NO_EVICT = 1 << 3;
        /// `CLIENT NO-TOUCH ON`.
        const NO_TOUCH = 1 << 4;
        /// Every command is shown to it.
        const MONITOR = 1 << 5;
        /// It is sent every change.
        const REPLICA = 1 << 6;
    }
}

/// Whether a session is about to end.
const STAYS: u8 = 0;
/// It ends once its replies are sent.
const LEAVES: u8 = 1;
/// The front-end hangs up at once.
const KILLED: u8 = 2;

impl Card {
    pub(crate) fn new(id: u64, now: UnixMillis) -> Card {
        let state = State {
            active_at: now,
            command: "NULL",
            db: DbIndex::ZERO,
            protocol: Protocol::Resp2,
            subscribed: [0; 3],
            queued: None,
            argument_bytes: 0,
            marks: Marks::empty(),
            buffers: Buffers::default(),
        };
        Card {
            id,
            since: now,
            about: Mutex::default(),
            state: Mutex::new(state),
            ending: AtomicU8::new(STAYS),
            weight: AtomicUsize::new(0),
            mailbox: OnceLock::new(),
            waker: Mutex::default(),
        }
    }

    /// Calls `f` with what hardly changes.
    pub(crate) fn about<R>(&self, f: impl FnOnce(&mut About) -> R) -> R {
        f(&mut self.about.lock())
    }

    pub(crate) fn state(&self) -> State {
        *self.state.lock()
    }

    pub(crate) fn set_state(&self, state: State) {
        *self.state.lock() = state;
    }

    /// Bytes that it takes, messages that wait for it included.
    pub(crate) fn weight(&self) -> usize {
        self.weight.load(Ordering::Relaxed) + self.waiting_bytes()
    }

    pub(crate) fn set_weight(&self, bytes: usize) {
        self.weight.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of messages that wait for it.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.mailbox.get().map_or(0, |mailbox| mailbox.bytes())
    }

    pub(crate) fn set_mailbox(&self, mailbox: &Arc<Mailbox>) {
        let _ = self.mailbox.set(mailbox.clone());
    }

    /// Has the front-end hang up at once.
    pub(crate) fn kill(&self) {
        self.ending.store(KILLED, Ordering::Release);
        let waker = self.waker.lock().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Says that the session ends once its replies are sent.
    pub(crate) fn leave(&self) {
        self.ending.store(LEAVES, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_killed(&self) -> bool {
        self.ending.load(Ordering::Acquire) == KILLED
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire) != STAYS
    }

    /// Has `waker` called when the session is killed. Look whether it is afterwards, not before.
    pub(crate) fn wake_when_killed(&self, waker: &Waker) {
        let mut known = self.waker.lock();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

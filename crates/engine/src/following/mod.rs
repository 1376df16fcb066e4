//! This engine as a replica: whom it follows, how far it is, and what that means to its clients.
//!
//! The engine opens no connection. A front-end that has one to the primary hands what comes to a
//! [`Link`] and sends what that says.

mod link;
mod local;
mod transfer;

pub use link::{Link, LinkError};
use local::LocalKeys;

use crate::Engine;
use crate::datadir::{self, SaveError};
use crate::engine::Inner;
use crate::place::Place;
use commands::{Error, Flags, Outcome, Spec};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use storage::File;
use units::{ReplId, ReplOffset, UnixMillis};

/// Where a primary is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Primary {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Primary {
    /// `host port`; nothing and `no one` are no primary.
    pub(crate) fn parse(text: &str) -> Option<Option<Primary>> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [] => Some(None),
            [no, one] if no.eq_ignore_ascii_case("no") && one.eq_ignore_ascii_case("one") => {
                Some(None)
            }
            [host, port] => port.parse().ok().map(|port| {
                let host = (*host).to_owned();
                Some(Primary { host, port })
            }),
            _ => None,
        }
    }
}

/// Whom this engine follows, if anybody.
#[derive(Debug)]
pub(crate) struct Following {
    is_replica: AtomicBool,
    state: Mutex<State>,
    local: Mutex<LocalKeys>,
}

#[derive(Debug, Default)]
struct State {
    /// How often the primary was chosen: a front-end sees by it that its connection is out of date.
    choice: u64,
    stage: Stage,
    /// Since when the link is not up.
    down_since: Option<UnixMillis>,
    /// When something last came.
    heard_at: UnixMillis,
    /// Up to where bytes came, and commands were carried out.
    read: ReplOffset,
    processed: ReplOffset,
    transfer: Progress,
    waker: Option<Waker>,
}

/// Of a snapshot that comes, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    /// `None` if it does not say so.
    pub(crate) total: Option<u64>,
    pub(crate) read: u64,
}

/// How far the link to the primary is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is none.
    #[default]
    Down,
    Connecting,
    /// A snapshot comes.
    Syncing,
    Up,
}

/// What is told of a replica.
pub(crate) struct Standing {
    pub(crate) stage: Stage,
    pub(crate) down_since: Option<UnixMillis>,
    pub(crate) heard_at: UnixMillis,
    pub(crate) read: ReplOffset,
    pub(crate) processed: ReplOffset,
    pub(crate) transfer: Progress,
}

impl Following {
    pub(crate) fn new(is_replica: bool, now: UnixMillis) -> Following {
        let state = State {
            down_since: Some(now),
            ..State::default()
        };
        Following {
            is_replica: AtomicBool::new(is_replica),
            state: Mutex::new(state),
            local: Mutex::default(),
        }
    }

    /// Whether what was there before the link broke is not to be told.
    fn hides_stale(engine: &Engine) -> bool {
        let is_up = engine.following().state.lock().stage == Stage::Up;
        !is_up
            && engine
                .config("replica-serve-stale-data")
                .is_some_and(|told| told == "no")
    }

    /// Whether there is a primary.
    #[inline]
    pub(crate) fn is_replica(&self) -> bool {
        self.is_replica.load(Relaxed)
    }

    pub(crate) fn standing(&self) -> Standing {
        let state = self.state.lock();
        Standing {
            stage: state.stage,
            down_since: state.down_since,
            heard_at: state.heard_at,
            read: state.read,
            processed: state.processed,
            transfer: state.transfer,
        }
    }
}

/// For front-ends that connect to a primary.
impl Engine {
    /// Whom this engine follows, and a number that is another whenever that changes.
    pub fn primary(&self) -> (u64, Option<Primary>) {
        let choice = self.inner().following.state.lock().choice;
        (choice, self.inner().config.read().replicaof.clone())
    }

    /// Ready when the primary is another than at `choice`; else the task of `cx` is woken then.
    pub fn poll_primary(&self, cx: &mut Context<'_>, choice: u64) -> Poll<()> {
        let mut state = self.inner().following.state.lock();
        if state.choice != choice {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Follows another primary from now on, as `REPLICAOF` does, or nobody: then it goes on as a
    /// primary, and other replicas of the one before may follow it without beginning anew.
    pub fn set_primary(&self, primary: Option<Primary>) {
        let inner = self.inner();
        let following = &inner.following;
        let was = std::mem::replace(&mut inner.config.write().replicaof, primary.clone());
        if was == primary {
            return;
        }
        if primary.is_none() {
            inner.begin_own_history(self.seeded_rng(self.now().0 as u64));
        }
        following.is_replica.store(primary.is_some(), Relaxed);
        following.local.lock().clear();
        inner.log.set_relaying(primary.is_some());
        self.size_backlog();
        self.begin_link();
    }
}

impl Engine {
    /// Ends the connection to the primary, if there is one; the front-end makes another. Whether it
    /// was up.
    pub(crate) fn hang_up(&self) -> bool {
        let is_up = self.following().state.lock().stage == Stage::Up;
        if is_up {
            self.begin_link();
        }
        is_up
    }

    /// Has the front-end connect anew.
    fn begin_link(&self) {
        let mut state = self.following().state.lock();
        state.choice += 1;
        state.stage = Stage::Down;
        state.down_since = Some(self.now());
        state.transfer = Progress::default();
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn following(&self) -> &Following {
        &self.inner().following
    }

    /// Refuses what a replica does not do for its clients.
    #[cold]
    pub(crate) fn admit_on_replica(&self, spec: &Spec) -> Outcome {
        if !spec.flags.contains(Flags::STALE) && Following::hides_stale(self) {
            return Err(primary_is_down());
        }
        match spec.flags.contains(Flags::WRITE) && self.is_read_only_replica() {
            true => Err(read_only_replica()),
            false => Ok(()),
        }
    }

    /// Refuses a script or function that does not say that it may run on what is out of date.
    pub(crate) fn admit_stale_script(&self, may_be_stale: bool) -> Outcome {
        let hides = || self.following().is_replica() && Following::hides_stale(self);
        match !may_be_stale && hides() {
            true => Err(primary_is_down()),
            false => Ok(()),
        }
    }

    /// Refuses a command of a script where it would use what is out of date.
    pub(crate) fn admit_in_stale_script(&self, spec: &Spec) -> Outcome {
        match self.admit_stale_script(spec.flags.contains(Flags::STALE)) {
            Ok(()) => Ok(()),
            Err(_) => Err(Error::err("Can not execute the command on a stale replica")),
        }
    }

    /// Whether clients may not write because this is a replica.
    pub(crate) fn is_read_only_replica(&self) -> bool {
        let is_set = || {
            self.config("replica-read-only")
                .is_some_and(|value| value == "yes")
        };
        self.following().is_replica() && is_set()
    }
}

/// The refusal of what would use what is out of date.
fn primary_is_down() -> Error {
    Error::Text(
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.".into(),
    )
}

/// The refusal of a write to a replica.
pub(crate) fn read_only_replica() -> Error {
    Error::Text("READONLY You can't write against a read only replica.".into())
}

impl Engine {
    /// Takes over a snapshot that a primary sent, which stands for that point of its history.
    fn load_received(&self, id: ReplId, offset: ReplOffset) -> Result<(), LinkError> {
        let inner = self.inner();
        let logs = inner.durable.is_on();
        if logs {
            self.turn_log(false);
        }
        inner.hang_up_replicas();
        datadir::empty(self);
        let config = inner.config.read().clone();
        let directory = inner.directory().ok_or(SaveError::NoDirectory)?;
        let loaded = directory.load_received(&config, self);
        let db = loaded.as_ref().ok().copied().flatten();
        inner.log.reset(Place {
            replid: id,
            at: offset,
            db,
        });
        *inner.past.lock() = None;
        if logs {
            self.turn_log(true);
        }
        match loaded {
            Ok(_) => Ok(()),
            Err(error) => Err(LinkError::Load(Box::new(error))),
        }
    }
}

impl Inner {
    /// Has all replicas ask anew, at once.
    fn hang_up_replicas(&self) {
        self.replicas.begin_anew();
        self.log.wake_readers();
    }

    /// A file for the snapshot that the primary sends.
    fn receive(&self) -> Result<Arc<dyn File>, SaveError> {
        self.may_save()?;
        let directory = self.directory().ok_or(SaveError::NoDirectory)?;
        directory.receive(&self.config.read().clone())
    }

    /// Takes over the name that the primary has for the history that this engine knows.
    fn rename_history(&self, id: ReplId) {
        let old = self.log.journal().replid();
        if old != id {
            let end = self.log.journal().rename(id);
            *self.past.lock() = Some((old, end));
            self.hang_up_replicas();
        }
    }

    /// Goes on under a new name: what was up to here is that of the old one.
    pub(crate) fn begin_own_history(&self, mut rng: fastrand::Rng) {
        let new = ReplId::from_bits(std::array::from_fn(|_| rng.u8(..)));
        let old = self.log.journal().replid();
        let end = self.log.begin_history(new);
        *self.past.lock() = Some((old, end));
        self.hang_up_replicas();
    }
}

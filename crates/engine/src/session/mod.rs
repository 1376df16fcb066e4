//! Sessions: what a client is to the engine.

mod aside;
mod blocking;
mod dispatch;
mod feed;
mod monitor;
mod presence;
mod pubsub;
mod rights;
#[cfg(feature = "scripts")]
mod script;
mod timing;
mod tracking;
mod transaction;
mod typed;
mod typed_families;

#[cfg(feature = "scripts")]
pub(crate) use script::Source;
pub use typed::{Expiry, FieldValue};
pub use typed_families::{
    Aggregate, BitField, BitOp, BitOverflow, BitWidth, Claimed, Extreme, GeoArea, Group,
    KeyElement, KeyElements, KeyEntries, KeyMemberScore, MemberScore, Pending, PendingEntry, Place,
    Scan, Scanned, SetIf, SetOp, Side, Sort, StreamEntry, StreamRange, XAdd, XRead, ZAdd, ZCombine,
    ZRange,
};

use crate::clients::{Buffers, Card, Marks};
use crate::engine::Engine;
use crate::log::Batch;
use crate::pubsub::{Published, Subscription};
use crate::replicas::{About, Feed};
use crate::reply::{OnlyPushes, Reply, ReplyBuilder};
use crate::tracking::Slot;
use blocking::Blocked;
use commands::{Effects, Error, Protocol, ReplySink};
use keyspace::{Changed, Mode};
use rights::Rights;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;
use tracking::Caching;
use transaction::Transaction;
use units::{DbIndex, ReplOffset};

/// One client's conversation with the engine: its database, protocol, name and transaction.
///
/// A session is used by one thread at a time; any number of them work side by side. It keeps the
/// engine open.
#[derive(Debug)]
pub struct Session {
    /// A reference of the session's own: commands clone it, and all threads would meet at a count
    /// that is everybody's.
    pub(crate) engine: Arc<Engine>,
    pub(crate) client: Client,
    /// What others see of it.
    card: Arc<Card>,
    rights: Rights,
    transaction: Transaction,
    /// Made when the client first subscribes to something.
    subscription: Option<Box<Subscription>>,
    /// How other sessions find this one's mailbox.
    slot: Slot,
    /// What the client caches, if it is told of changes.
    caching: Option<Caching>,
    /// The keys that the script which runs declared, if reads are tracked.
    declared: Option<Vec<Vec<u8>>>,
    /// What the client told of itself as a replica, and what it is sent.
    as_replica: About,
    feed: Option<Feed>,
    /// What the primary sent for the command that runs, which is logged instead of its effects.
    relayed: Option<Vec<u8>>,
    /// The command that waits.
    blocked: Option<Blocked>,
    /// Commands of others that waited are tried again.
    serving: bool,
    /// Up to where the log holds what this session did and was not told to be safe yet.
    wrote: Option<ReplOffset>,
    /// The same, told or not.
    last_write: ReplOffset,
    /// `EXEC` or a script is running: it logs what its commands did, in one batch.
    in_exec: bool,
    /// When the command before ended, if another followed it at once.
    clock: Option<Instant>,
    /// The error of the script that runs is one of its commands'.
    passes_on: bool,
    /// When the last command was admitted, nothing could be evicted any more: scripts are told.
    short_of_memory: bool,
    scratch: Scratch,
    rng: fastrand::Rng,
    settings: commands::Settings,
    settings_epoch: u64,
}

/// What a client told of itself.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) db: DbIndex,
    pub(crate) protocol: Protocol,
    pub(crate) replies: Replies,
    /// The front-end should end the conversation once the replies so far are sent.
    pub(crate) quit: bool,
    /// The name of its last command.
    command: &'static str,
    /// What it asked for by `CLIENT NO-EVICT` and `NO-TOUCH`.
    pub(crate) marks: Marks,
    /// What its front-end holds for it.
    buffers: Buffers,
    /// Bytes that it was last noted to take.
    weight: usize,
}

/// Which replies a client wants (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    All,
    /// All behind the next command's.
    NotTheNext,
    /// All behind that of the command that runs.
    NotThis,
    None,
}

/// Buffers that are kept from command to command.
#[derive(Debug, Default)]
struct Scratch {
    effects: Effects,
    batch: Batch,
    /// What is published once the locks are gone.
    messages: Vec<Published>,
    /// Something is in the outbox for those who track keys.
    notices: bool,
    /// What changed so far, for those who track prefixes.
    changed: Vec<Changed>,
    /// Keys that changed, of those that somebody waits for.
    ready: VecDeque<Vec<u8>>,
}

impl Session {
    pub(crate) fn new(engine: Engine, id: u64) -> Session {
        engine.inner().open_sessions.fetch_add(1, Ordering::Relaxed);
        let rng = engine.seeded_rng(id);
        let (settings_epoch, settings) = engine.settings();
        let client = Client {
            id,
            db: DbIndex::ZERO,
            protocol: Protocol::Resp2,
            replies: Replies::All,
            quit: false,
            command: "NULL",
            marks: Marks::empty(),
            buffers: Buffers::default(),
            weight: 0,
        };
        let card = Arc::new(Card::new(id, engine.now()));
        let (transaction, scratch) = Default::default();
        let rights = Rights::of_program(&engine);
        let slot = engine.tracking().add_session(id);
        let session = Session {
            engine: Arc::new(engine),
            client,
            card,
            rights,
            transaction,
            subscription: None,
            slot,
            caching: None,
            declared: None,
            as_replica: About::default(),
            feed: None,
            relayed: None,
            blocked: None,
            serving: false,
            wrote: None,
            last_write: ReplOffset(0),
            in_exec: false,
            clock: None,
            passes_on: false,
            short_of_memory: false,
            scratch,
            rng,
            settings,
            settings_epoch,
        };
        session.show_user();
        session.engine.clients().add(&session.card);
        session
    }

    /// A session that carries out a log: deadlines are only stored, and nothing is logged again.
    pub(crate) fn replaying(engine: Engine) -> Session {
        let mut session = Session::new(engine, 0);
        session.settings.replaying = true;
        session
    }

    /// Runs one command, name first, and returns its reply.
    ///
    /// Refusals come back as [`Reply::Error`]. The shapes are those of the protocol that the
    /// session speaks: RESP2 until `HELLO 3`, see [`Session::set_protocol`]. A command that waits,
    /// such as `BLPOP`, does so on this thread.
    pub fn execute<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Reply {
        if self.card.is_killed() {
            return Reply::Error(killed());
        }
        let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
        let mut builder = ReplyBuilder::new(self.client.protocol);
        self.execute_into(&argv, &mut builder);
        self.wait_unblocked(&mut builder);
        self.clock = None;
        match self.committed() {
            Ok(()) => builder.finish().unwrap_or(Reply::Nil),
            Err(error) => Reply::Error(error),
        }
    }

    /// Runs one command, name first, and writes its reply into `reply`, unless it waits for
    /// something: see [`Session::is_blocked`].
    ///
    /// It returns before the append-only file holds what was done: nobody may be told of the reply
    /// before [`Session::committed`] or [`Session::poll_committed`] says so.
    pub fn execute_into(&mut self, argv: &[&[u8]], reply: &mut dyn ReplySink) {
        debug_assert!(!self.is_blocked(), "one command after the other");
        if self.client.replies == Replies::All {
            self.answer(argv, reply);
        } else {
            self.answer_silently(argv, reply);
        }
    }

    fn answer(&mut self, argv: &[&[u8]], reply: &mut dyn ReplySink) {
        if let Err(error) = self.dispatch(argv, reply) {
            reply.error(&error);
        }
    }

    /// What is no reply is written all the same.
    fn answer_silently(&mut self, argv: &[&[u8]], reply: &mut dyn ReplySink) {
        if self.client.replies == Replies::NotTheNext {
            self.client.replies = Replies::NotThis;
        }
        let mut pushes = OnlyPushes::new(reply);
        self.answer(argv, &mut pushes);
        let status = pushes.into_status();
        match self.client.replies {
            // The command itself ended the silence, and its reply is wanted.
            Replies::All => reply.simple(&status),
            Replies::NotThis => self.client.replies = Replies::All,
            Replies::NotTheNext | Replies::None => {}
        }
    }

    /// Waits until everything that replies so far tell of is as safe as `appendfsync` says. After an
    /// error it is not known whether what this session wrote since the last call will last; what it
    /// only read was told right.
    pub fn committed(&mut self) -> Result<(), Error> {
        self.engine.commit(self.wrote.take())
    }

    /// The same without waiting for the disk, if somebody holds a [`crate::Committer`]. `upto` is
    /// [`Session::logged`] from behind the last of the replies. It stays the same from poll to poll:
    /// what others log meanwhile is not waited for.
    pub fn poll_committed(
        &mut self,
        cx: &mut Context<'_>,
        upto: ReplOffset,
    ) -> Poll<Result<(), Error>> {
        self.clock = None;
        let committed = self.engine.poll_commit(cx, upto, self.wrote);
        if committed.is_ready() {
            self.wrote = None;
        }
        committed
    }

    /// Up to where everybody logged so far, which may be in the replies of this session: an offset of
    /// the journal in bytes.
    pub fn logged(&self) -> ReplOffset {
        self.engine.inner().log.end()
    }

    /// The engine that this session belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The number that no other session of this engine has.
    pub fn id(&self) -> u64 {
        self.client.id
    }

    /// The database that commands work on.
    pub fn db(&self) -> DbIndex {
        self.client.db
    }

    /// Says which keys commands to come will use, probably: they are brought on their way from
    /// memory side by side, instead of one after the other. A hint, and worth it from two keys on.
    pub fn expect_keys(&self, keys: &[&[u8]]) {
        let keyspace = self.engine.keyspace();
        let plan = keyspace.plan(Mode::Read, keys);
        // Nobody waits for the sake of a hint.
        if let Some(keys) = keyspace.lock_unless(plan, self.engine.now(), || true) {
            keys.warm(self.client.db);
        }
    }

    /// The protocol whose shapes replies have.
    pub fn protocol(&self) -> Protocol {
        self.client.protocol
    }

    /// Chooses the protocol whose shapes replies have, as `HELLO` does.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.client.protocol = protocol;
        if protocol == Protocol::Resp3 {
            // Others may redirect to it, without a word of its own.
            self.subscription_mut();
        }
    }

    /// Whether the client said `QUIT`: the front-end sends what it has and hangs up.
    pub fn wants_to_quit(&self) -> bool {
        self.client.quit
    }

    /// Whether a transaction is open: commands are queued until `EXEC`.
    pub fn in_transaction(&self) -> bool {
        self.transaction.is_open()
    }

    /// Whether `EXEC` or a script is running, which hold locks.
    pub(crate) fn is_in_exec(&self) -> bool {
        self.in_exec
    }

    /// What handlers may know of the configuration.
    pub(crate) fn settings(&self) -> &commands::Settings {
        &self.settings
    }

    /// Back to how a new session is, but for its id.
    pub(crate) fn reset(&mut self) {
        self.stop_tracking();
        let (rights, card) = (self.rights.renewed(&self.engine), self.card.clone());
        let new = Session::new(Engine::clone(&self.engine), self.client.id);
        // What ends with the old one would end for the new one as well.
        let (slot, old) = (new.slot.clone(), std::mem::replace(self, new));
        drop(old);
        self.engine.tracking().put_session(self.client.id, slot);
        self.engine.clients().add(&card);
        self.card = card;
        self.card.about(|about| about.name.clear());
        self.rights = rights;
        self.show_user();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop_tracking();
        self.engine.tracking().remove_session(self.client.id);
        self.engine.clients().remove(self.client.id);
        self.forget_weight();
        self.engine.access().forget_waker(self.client.id);
        self.abandon();
        self.engine
            .inner()
            .open_sessions
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// The refusal of what a program asks of a session that somebody ended.
fn killed() -> Error {
    Error::err("the session was ended by CLIENT KILL")
}

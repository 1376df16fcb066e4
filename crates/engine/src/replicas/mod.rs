//! Replicas of this engine: who follows its log, how far each is, and the snapshot that each begins
//! with.
//!
//! A replica is a session that asked for the log (`PSYNC`). Its front-end fetches what is to be sent
//! by [`crate::Session::poll_feed`]. Nothing here knows a socket.

mod backlog;
mod feed;
mod snapshot;

pub(crate) use feed::Feed;
pub(crate) use snapshot::{Snapshots, SyncFile};

use crate::Engine;
use crate::pubsub::Published;
use commands::Error;
use journal::Holder;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use units::{DbIndex, ReplOffset, UnixMillis};

/// What the journal keeps for replicas that are slow; beyond it they have to begin anew.
const HELD_BYTES_MAX: u64 = 256 << 20;

/// All replicas, and the snapshots that they wait for.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    all: Mutex<BTreeMap<u64, Arc<Replica>>>,
    count: AtomicUsize,
    pub(crate) snapshots: Snapshots,
    /// When the stream was last given a ping.
    pinged_at: AtomicI64,
    /// When there last were any; 0 for never.
    followed_at: AtomicI64,
    /// How often the history became another: whoever followed the one before begins anew.
    history: AtomicU64,
}

/// One replica.
#[derive(Debug)]
pub(crate) struct Replica {
    /// That of its session.
    pub(crate) id: u64,
    about: Mutex<About>,
    stage: Mutex<Stage>,
    sent: AtomicU64,
    acked: AtomicU64,
    /// On its disk.
    synced: AtomicU64,
    acked_at: AtomicI64,
}

/// What a replica told of itself (`REPLCONF`).
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) address: String,
    pub(crate) port: u16,
    /// It understands `+CONTINUE` with an id.
    pub(crate) knows_psync2: bool,
    /// It wants a snapshot and no stream (`rdb-only`).
    pub(crate) only_snapshot: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Waits,
    Loads,
    Online,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Waits => "wait_bgsave",
            Stage::Loads => "send_bulk",
            Stage::Online => "online",
        }
    }
}

impl Replicas {
    /// How many there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Hangs up all: they ask again, and hear of the new history.
    pub(crate) fn begin_anew(&self) {
        self.history.fetch_add(1, Relaxed);
    }

    fn add(&self, id: u64, about: About, now: UnixMillis) -> Arc<Replica> {
        let replica = Arc::new(Replica {
            id,
            about: Mutex::new(about),
            stage: Mutex::new(Stage::Waits),
            sent: AtomicU64::new(0),
            acked: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            acked_at: AtomicI64::new(now.0),
        });
        let mut all = self.all.lock();
        all.insert(id, replica.clone());
        self.count.store(all.len(), Relaxed);
        replica
    }

    fn remove(&self, id: u64) {
        let mut all = self.all.lock();
        all.remove(&id);
        self.count.store(all.len(), Relaxed);
    }

    /// Those that were not hung up, in the order in which they came.
    pub(crate) fn list(&self) -> Vec<Arc<Replica>> {
        self.all.lock().values().cloned().collect()
    }

    /// How many have, or have on disk, everything up to `offset`.
    pub(crate) fn with(&self, offset: ReplOffset, on_disk: bool) -> usize {
        let has = |replica: &&Arc<Replica>| {
            let told = if on_disk {
                &replica.synced
            } else {
                &replica.acked
            };
            replica.is_online() && told.load(Relaxed) >= offset.0
        };
        self.all.lock().values().filter(has).count()
    }

    /// Whether one that gets the stream has not told that it has everything up to `offset`.
    pub(crate) fn are_behind(&self, offset: ReplOffset) -> bool {
        let is_behind = |replica: &Arc<Replica>| replica.is_online() && replica.acked() < offset;
        self.all.lock().values().any(is_behind)
    }

    /// How many were heard of within so many seconds.
    fn good(&self, lag_max: i64, now: UnixMillis) -> usize {
        let is_good = |replica: &&Arc<Replica>| {
            replica.is_online() && (lag_max == 0 || replica.lag(now) <= lag_max)
        };
        self.all.lock().values().filter(is_good).count()
    }
}

impl Replica {
    pub(crate) fn about(&self) -> About {
        self.about.lock().clone()
    }

    pub(crate) fn is_online(&self) -> bool {
        *self.stage.lock() == Stage::Online
    }

    /// `send_bulk` and its like.
    pub(crate) fn stage_name(&self) -> &'static str {
        self.stage.lock().name()
    }

    /// Up to where it has the stream, as it told.
    pub(crate) fn acked(&self) -> ReplOffset {
        ReplOffset(self.acked.load(Relaxed))
    }

    /// Seconds since it told.
    pub(crate) fn lag(&self, now: UnixMillis) -> i64 {
        now.since(UnixMillis(self.acked_at.load(Relaxed))) / 1000
    }

    /// Notes what it told: up to where it has the stream, and has it on disk.
    pub(crate) fn note_ack(&self, acked: u64, synced: Option<u64>, now: UnixMillis) {
        self.acked.fetch_max(acked, Relaxed);
        self.synced.fetch_max(synced.unwrap_or(0), Relaxed);
        self.acked_at.store(now.0, Relaxed);
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock() = stage;
    }
}

impl Engine {
    pub(crate) fn replicas(&self) -> &Replicas {
        &self.inner().replicas
    }

    /// Refuses writes while too few replicas are near (`min-replicas-to-write`).
    pub(crate) fn check_replicas(&self) -> Result<(), Error> {
        if !self.inner().wants_replicas.load(Relaxed) {
            return Ok(());
        }
        let (wanted, lag_max) = {
            let config = self.inner().config.read();
            (config.min_replicas_to_write, config.min_replicas_max_lag)
        };
        match self.replicas().good(i64::from(lag_max.0), self.now()) >= wanted.0 as usize {
            true => Ok(()),
            false => Err(Error::Text(
                "NOREPLICAS Not enough good replicas to write.".into(),
            )),
        }
    }

    /// Adds a ping to the stream of replicas if it is time to (`repl-ping-replica-period`): they hang
    /// up when they hear nothing. To be called every second or so by a program that serves replicas.
    pub fn ping_replicas(&self) {
        self.size_backlog();
        let (replicas, now) = (self.replicas(), self.now());
        let period = self.config("repl-ping-replica-period");
        let period = period.and_then(|secs| secs.parse().ok()).unwrap_or(10);
        let last = UnixMillis(replicas.pinged_at.load(Relaxed));
        if replicas.count() == 0 || self.following().is_replica() {
            // What a primary sends is passed on, its pings too.
            return replicas.pinged_at.store(now.0, Relaxed);
        }
        if now.since(last) >= period * 1000 {
            replicas.pinged_at.store(now.0, Relaxed);
            self.log().append_stream_only(None, &[b"ping"]);
        }
    }

    /// Has replicas publish what was published here.
    pub(crate) fn pass_on_message(&self, db: DbIndex, message: &Published) {
        if self.replicas().count() == 0 || self.following().is_replica() {
            return;
        }
        let verb: &[u8] = match message.sharded {
            true => b"SPUBLISH",
            false => b"PUBLISH",
        };
        let argv = [verb, &message.channel, &message.payload];
        self.log().append_stream_only(Some(db), &argv);
    }

    /// Asks replicas how far they are.
    pub(crate) fn ask_replicas(&self) {
        if self.replicas().count() > 0 && !self.following().is_replica() {
            let question: [&[u8]; 3] = [b"REPLCONF", b"GETACK", b"*"];
            self.log().append_stream_only(None, &question);
        }
    }

    /// Has the journal keep what replicas still have to be sent, as far as there is room for it.
    fn hold_for_replicas(&self) {
        let all = self.replicas().list();
        let sent = all.iter().map(|replica| replica.sent.load(Relaxed));
        let journal = self.log().journal();
        let needed = self.replicas().snapshots.needed().map(|offset| offset.0);
        let first = sent.filter(|sent| *sent > 0).chain(needed).min();
        let held = first.filter(|first| journal.offset().0 - first <= HELD_BYTES_MAX);
        journal.hold(Holder::Replicas, held.map(ReplOffset));
    }
}

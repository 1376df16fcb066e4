use crate::OpenError;
use crate::access::AccessControl;
use crate::blocking::Blocking;
use crate::builder::Builder;
use crate::calls::Calls;
use crate::clients::{Clients, PauseMode};
use crate::clock::Clock;
use crate::config::Config;
use crate::configuring::Configuring;
use crate::datadir::{DataDir, Frozen, RecoveryReport, SaveError};
use crate::durable::Durable;
use crate::ending::Ending;
use crate::evict::Eviction;
use crate::failover::Failover;
use crate::following::Following;
use crate::functions::Functions;
use crate::loading::Loading;
use crate::log::Log;
use crate::memory::Gauge;
use crate::migrating::Migrating;
use crate::notes::Notes;
use crate::pubsub::{Hub, Published, Subscriber};
use crate::replicas::Replicas;
use crate::saving::Saving;
use crate::scripting::Scripting;
use crate::session::Session;
use crate::slow_log::SlowLog;
use crate::spikes::Spikes;
use crate::stats::{Apart, Stats};
use crate::telling::Telling;
use crate::tracking::Tracking;
use commands::Error;
use keyspace::{FrozenView, Keyspace, OverBudget, ViewCancelled, Views};
use parking_lot::{Mutex, RwLock};
use rdb::Target;
use snapshot::DigestForm;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use units::{ReplId, ReplOffset, UnixMillis};

/// An open keyspace with the directory that it lives in, if any.
///
/// A handle: clones are cheap and mean the same engine. Every method takes `&self` and may be
/// called from any thread. Commands run in [sessions](Engine::session).
///
/// The directory is saved and unlocked by [`Engine::close`], or, with nobody to tell of an error,
/// when the last handle and session are dropped.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What all handles share.
pub(crate) struct Inner {
    pub(crate) keyspace: Keyspace,
    pub(crate) log: Log,
    pub(crate) config: RwLock<Config>,
    pub(crate) configuring: Configuring,
    pub(crate) settings_epoch: AtomicU64,
    pub(crate) functions: RwLock<Functions>,
    pub(crate) scripting: Scripting,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) opened_at: UnixMillis,
    /// Another one each time (`INFO server`).
    pub(crate) run_id: ReplId,
    pub(crate) telling: Telling,
    pub(crate) migrating: Migrating,
    pub(crate) seed: u64,
    pub(crate) stats: Stats,
    /// Whether [`Engine::tick`] deletes what is due; `DEBUG SET-ACTIVE-EXPIRE`.
    pub(crate) active_expiry: AtomicBool,
    /// Checksums of snapshots and payloads do not count; `DEBUG SET-SKIP-CHECKSUM-VALIDATION`.
    pub(crate) skip_checksums: AtomicBool,
    /// Scripts may call what is refused to them; `DEBUG SET-DISABLE-DENY-SCRIPTS`.
    pub(crate) scripts_may_all: AtomicBool,
    /// Writes are refused for want of replicas (`min-replicas-to-write`).
    pub(crate) wants_replicas: AtomicBool,
    pub(crate) notes: Notes,
    pub(crate) memory: Gauge,
    pub(crate) eviction: Eviction,
    pub(crate) hub: Arc<Hub>,
    pub(crate) access: AccessControl,
    pub(crate) tracking: Tracking,
    pub(crate) blocking: Blocking,
    pub(crate) clients: Clients,
    pub(crate) ending: Ending,
    /// Changes since the last save.
    pub(crate) dirty: Apart<AtomicU64>,
    pub(crate) open_sessions: AtomicUsize,
    pub(crate) saving: Saving,
    pub(crate) slow_log: SlowLog,
    pub(crate) calls: Calls,
    pub(crate) spikes: Spikes,
    pub(crate) replicas: Replicas,
    pub(crate) following: Following,
    pub(crate) failover: Failover,
    /// The history that this one continued, and up to where.
    pub(crate) past: Mutex<Option<(ReplId, ReplOffset)>>,
    pub(crate) durable: Durable,
    pub(crate) read_only: bool,
    /// How many threads load a snapshot.
    pub(crate) load_threads: usize,
    /// Data of modules that a snapshot held, to be written back.
    pub(crate) module_aux: RwLock<Vec<Vec<u8>>>,
    /// Whose snapshots are written if the configuration does not say.
    default_target: OnceLock<Target>,
    pub(crate) loading: Loading,
    /// The directory, if there is one, and what was found there, once it is read.
    directory: OnceLock<Box<dyn DataDir>>,
    pub(crate) recovery: OnceLock<RecoveryReport>,
}

/// What an engine is made of.
pub(crate) struct Parts {
    pub(crate) keyspace: Keyspace,
    pub(crate) log: Log,
    pub(crate) config: Config,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) seed: u64,
    pub(crate) load_threads: usize,
    pub(crate) read_only: bool,
}

impl Engine {
    /// Opens the data directory at `path`, creating it if there is none, with Redis's defaults.
    pub fn open(path: impl AsRef<Path>) -> Result<Engine, OpenError> {
        Engine::builder(path).open()
    }

    /// Opens the data directory at `path` for reading: takes no lock and writes nothing.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Engine, OpenError> {
        Engine::builder(path).read_only().open()
    }

    /// Opens the data directory at `path` as it was at a point: out of its append-only file and the
    /// superseded ones that `aof-history-retention` keeps. Takes no lock and writes nothing; writes
    /// are refused with `READONLY`, and the engine's clock stands at the end of that second, so that
    /// what was there is there.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use duramen::{Engine, ManualClock, Point, UnixMillis};
    /// # let dir = tempfile::tempdir()?;
    /// let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    /// let engine = Engine::builder(dir.path())
    ///     .config("appendonly", "yes")?
    ///     .config("aof-history-retention", "3600")?
    ///     .clock(clock.clone())
    ///     .open()?;
    /// engine.session().set("greeting", "hello")?;
    /// clock.advance(60_000);
    /// engine.session().set("greeting", "overwritten by mistake")?;
    /// engine.rewrite_log()?;
    ///
    /// let before = Engine::open_at(dir.path(), Point::Time(1_700_000_059))?;
    /// let mut session = before.session();
    /// assert_eq!(session.get("greeting")?, Some(b"hello".to_vec()));
    /// let refused = session.set("greeting", "new").unwrap_err();
    /// assert!(refused.to_string().starts_with("READONLY"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_at(path: impl AsRef<Path>, point: crate::Point) -> Result<Engine, OpenError> {
        Engine::builder(path).at(point).open()
    }

    /// An empty engine that keeps nothing.
    pub fn open_in_memory() -> Engine {
        Builder::in_memory()
            .open()
            .expect("nothing outside memory is involved")
    }

    /// Settings for an engine on the data directory at `path`.
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        Builder::new(path.as_ref())
    }

    pub(crate) fn from_inner(inner: Inner) -> Engine {
        Engine {
            inner: Arc::new(inner),
        }
    }

    /// The engine lives in `directory`, and has to read it.
    pub(crate) fn move_into(&self, directory: Box<dyn DataDir>) {
        let already = self.inner.directory.set(directory).is_err();
        debug_assert!(!already, "an engine has one directory");
        let delay = self.inner.config.read().key_load_delay();
        self.loading().set_key_delay(delay);
        self.loading().begin(self.now());
    }

    /// A new session on database 0.
    pub fn session(&self) -> Session {
        let id = self.inner.stats.sessions.add(1) + 1;
        Session::new(self.clone(), id)
    }

    /// What was found when the directory was opened.
    pub fn recovery_report(&self) -> &RecoveryReport {
        static NOTHING: RecoveryReport = RecoveryReport {
            files: Vec::new(),
            warnings: Vec::new(),
        };
        self.inner.recovery.get().unwrap_or(&NOTHING)
    }

    /// A consistent view of every database as it is now; commands go on meanwhile.
    ///
    /// ```
    /// use duramen::{DbIndex, Engine, ValueRef, ViewCancelled};
    ///
    /// let engine = Engine::open_in_memory();
    /// let mut session = engine.session();
    /// session.execute(&["RPUSH", "queue", "a", "b"]);
    /// let mut view = engine.freeze();
    /// session.execute(&["RPUSH", "queue", "c"]);
    ///
    /// let mut items = Vec::new();
    /// view.for_each(DbIndex(0), |entry| {
    ///     if let ValueRef::List(list) = entry.value {
    ///         items.extend(list.iter().map(|item| item.to_vec()));
    ///     }
    ///     Ok::<(), ViewCancelled>(())
    /// })?;
    /// assert_eq!(items, [b"a", b"b"]);
    /// # Ok::<(), ViewCancelled>(())
    /// ```
    ///
    /// What changes meanwhile is kept for the view. If that is more than `snapshot-copy-budget`, the
    /// view is cancelled, and reading on fails.
    pub fn freeze(&self) -> FrozenView {
        self.inner.freeze(OverBudget::Cancel)
    }

    /// Publishes to a channel, like `PUBLISH`, and returns how many got the message.
    pub fn publish(&self, channel: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> usize {
        let message = Published::new(channel.as_ref(), payload.as_ref());
        self.hub().publish(message)
    }

    /// A subscriber to channels, in the program itself.
    pub fn subscribe<C: AsRef<[u8]>>(&self, channels: impl IntoIterator<Item = C>) -> Subscriber {
        let mut subscriber = Subscriber::new(self.hub());
        channels
            .into_iter()
            .for_each(|channel| subscriber.subscribe(channel));
        subscriber
    }

    /// A subscriber to all channels that fit patterns, in the program itself.
    pub fn psubscribe<P: AsRef<[u8]>>(&self, patterns: impl IntoIterator<Item = P>) -> Subscriber {
        let mut subscriber = Subscriber::new(self.hub());
        patterns
            .into_iter()
            .for_each(|pattern| subscriber.psubscribe(pattern));
        subscriber
    }

    /// How many frozen views there are, of programs and of the engine itself, and what they keep.
    pub fn views(&self) -> Views {
        self.keyspace().view_stats()
    }

    /// The digest of everything, as `DEBUG DIGEST` prints it: 20 bytes that depend on the logical
    /// content only. `form` is whose: `true` mixes scores in as servers before 7.2 print them.
    ///
    /// Fails if so much changes meanwhile that its view is cancelled.
    pub fn digest(&self, form: impl Into<DigestForm>) -> Result<[u8; 20], ViewCancelled> {
        let view = self.inner.freeze(OverBudget::Wait);
        snapshot::digest(view, self.now(), form)
    }

    /// Has the append-only file on disk, if there is one, and saves if the configuration has save
    /// points and anything changed. Refuses nothing: sessions that are still open go on, and are
    /// saved again when the last is dropped.
    pub fn close(self) -> Result<(), SaveError> {
        self.inner.finish_log();
        if self.inner.must_save() {
            self.save().map(|_| ())
        } else {
            Ok(())
        }
    }

    /// Ends the script or function that runs, if one does, whatever it has written so far, and lets
    /// no other go on: for a program that ends.
    pub fn abort_scripts(&self) {
        self.inner.scripting.abort();
    }
}

impl Engine {
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn keyspace(&self) -> &Keyspace {
        &self.inner.keyspace
    }

    pub(crate) fn log(&self) -> &Log {
        &self.inner.log
    }

    pub(crate) fn blocking(&self) -> &Blocking {
        &self.inner.blocking
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.inner.clients
    }

    /// Whether `CLIENT PAUSE` may hold something back.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.clients().pause().is_any()
    }

    /// What `CLIENT PAUSE` holds back now, and until when. Meanwhile nothing expires or is evicted.
    pub(crate) fn paused(&self) -> Option<(PauseMode, UnixMillis)> {
        self.clients().pause().now(|| self.now())
    }

    pub(crate) fn ending(&self) -> &Ending {
        &self.inner.ending
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.inner.hub
    }

    pub(crate) fn access(&self) -> &AccessControl {
        &self.inner.access
    }

    pub(crate) fn tracking(&self) -> &Tracking {
        &self.inner.tracking
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.inner.stats
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.inner.clock.now()
    }

    /// Refuses, in the words for clients, what has to wait for a script that runs for too long.
    pub(crate) fn refuse_if_busy(&self) -> Result<(), Error> {
        match self.inner.scripting.busy(|| self.now()) {
            Some(busy) => Err(busy.refusal()),
            None => Ok(()),
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.inner.read_only
    }

    /// Says whose file was opened. The first one counts: logs begin with their base.
    pub(crate) fn set_default_target(&self, target: Target) {
        let _ = self.inner.default_target.set(target);
    }

    pub(crate) fn open_sessions(&self) -> usize {
        self.inner.open_sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn seeded_rng(&self, id: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.inner.seed ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn settings_epoch(&self) -> u64 {
        self.inner.settings_epoch.load(Ordering::Acquire)
    }

    /// Goes on under another name in the history of changes, as after a failover.
    pub(crate) fn rename_history(&self) {
        let mut bits = [0; 20];
        self.seeded_rng(self.now().0.unsigned_abs()).fill(&mut bits);
        self.log().journal().rename(ReplId::from_bits(bits));
    }

    /// Has sessions look at settings anew.
    pub(crate) fn renew_settings(&self) {
        self.inner.settings_epoch.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn settings(&self) -> (u64, commands::Settings) {
        let config = self.inner.config.read();
        (self.settings_epoch(), self.inner.command_settings(&config))
    }

    /// Counts changes that are not saved yet.
    pub(crate) fn note_changes(&self, changes: u64) {
        if changes > 0 {
            self.inner.dirty.fetch_add(changes, Ordering::Relaxed);
        }
    }
}

impl Inner {
    pub(crate) fn new(parts: Parts) -> Inner {
        let now = parts.clock.now();
        parts.config.apply(&parts.keyspace);
        let memory = Gauge::new(&parts.keyspace);
        let eviction = Eviction::new(&parts.config, parts.seed);
        let output_limit = parts.config.client_output_buffer_limit.pubsub;
        let durable = Durable::new(&parts.config);
        let config = &parts.config;
        let slow_log = SlowLog::new(config.slowlog_log_slower_than, config.slowlog_max_len);
        let calls = Calls::new(config.latency_tracking);
        let threshold = config.latency_monitor_threshold;
        let spikes = Spikes::new(threshold, parts.clock.clone());
        let scripting = Scripting::new(parts.config.busy_reply_threshold);
        let hub = Hub::new(output_limit, parts.clock.clone());
        let clients = Clients::default();
        let client_bytes_max = parts.config.client_bytes_max();
        clients.weights().set_limit(client_bytes_max);
        let wants_replicas = AtomicBool::new(parts.config.wants_replicas());
        let access = AccessControl::new(&parts.config);
        let mut rng = fastrand::Rng::with_seed(parts.seed ^ now.0 as u64);
        let is_replica = parts.config.replicaof.is_some();
        let following = Following::new(is_replica, now);
        parts.log.set_relaying(is_replica);
        let run_id = ReplId::from_bits(std::array::from_fn(|_| rng.u8(..)));
        Inner {
            keyspace: parts.keyspace,
            log: parts.log,
            config: RwLock::new(parts.config),
            configuring: Configuring::new(parts.config_file),
            settings_epoch: AtomicU64::new(0),
            functions: RwLock::default(),
            scripting,
            clock: parts.clock,
            opened_at: now,
            run_id,
            telling: Telling::default(),
            migrating: Migrating::default(),
            seed: parts.seed,
            stats: Stats::default(),
            active_expiry: AtomicBool::new(true),
            skip_checksums: AtomicBool::new(false),
            scripts_may_all: AtomicBool::new(false),
            wants_replicas,
            notes: Notes::default(),
            memory,
            eviction,
            hub: Arc::new(hub),
            access,
            tracking: Tracking::default(),
            blocking: Blocking::default(),
            clients,
            ending: Ending::default(),
            dirty: Apart::default(),
            open_sessions: AtomicUsize::new(0),
            saving: Saving::new(now),
            slow_log,
            calls,
            spikes,
            replicas: Replicas::default(),
            following,
            failover: Failover::default(),
            past: Mutex::default(),
            durable,
            read_only: parts.read_only,
            load_threads: parts.load_threads,
            module_aux: RwLock::default(),
            default_target: OnceLock::new(),
            loading: Loading::default(),
            directory: OnceLock::new(),
            recovery: OnceLock::new(),
        }
    }

    /// Whether what the history `replid` had up to `offset` is what this engine had.
    pub(crate) fn knows_history(&self, replid: ReplId, offset: ReplOffset) -> bool {
        let past = *self.past.lock();
        replid == self.log.journal().replid()
            || past.is_some_and(|(id, end)| id == replid && offset <= end)
    }

    /// Has functions compiled anew when they are wanted.
    pub(crate) fn forget_libraries(&self) {
        if let Ok(mut machines) = self.scripting.machines(|| self.clock.now()) {
            machines.forget_libraries();
        }
    }

    /// Whose answers are given, where versions differ.
    pub(crate) fn compat(&self) -> commands::Compat {
        self.config.read().compat_version
    }

    pub(crate) fn command_settings(&self, config: &Config) -> commands::Settings {
        commands::Settings {
            dump_target: self.target(config),
            string_bytes_max: usize::try_from(config.proto_max_bulk_len).unwrap_or(usize::MAX),
            hll_sparse_max_bytes: config.hll_sparse_max_bytes,
            replaying: false,
            may_read_every_key: true,
            in_script: false,
            compat: config.compat_version,
            skip_checksums: self.skip_checksums.load(Ordering::Relaxed),
            shares_integers: config.shares_integers(),
            notify: config.notify(),
        }
    }

    /// Whose snapshots are written: as configured, or those of the file that was opened.
    pub(crate) fn target(&self, config: &Config) -> Target {
        let opened = self.default_target.get().copied();
        config
            .rdb_target
            .or(opened)
            .unwrap_or(crate::DEFAULT_TARGET)
    }

    /// The keyspace as it is now, and where the journal stands.
    pub(crate) fn freeze(&self, over: OverBudget) -> FrozenView {
        let offset = || self.log.journal().offset();
        self.keyspace.freeze(over, offset)
    }

    /// The same, and the libraries of that moment: who changes them logs it before others may
    /// look, under the lock that is taken here. `offset` is called when nothing can be logged.
    pub(crate) fn freeze_at(
        &self,
        over: OverBudget,
        offset: impl FnOnce() -> ReplOffset,
    ) -> Frozen {
        let mut libraries = Functions::default();
        let view = self.keyspace.freeze(over, || {
            let functions = self.functions.read();
            libraries = functions.clone();
            offset()
        });
        Frozen {
            view,
            functions: libraries,
        }
    }

    pub(crate) fn directory(&self) -> Option<&dyn DataDir> {
        self.directory.get().map(|directory| &**directory)
    }

    /// Whether to save at the end.
    pub(crate) fn must_save(&self) -> bool {
        let config = self.config.read();
        // A snapshot also says where the history is, which replicas go on from.
        let changed = self.dirty.load(Ordering::Relaxed) > 0 || self.has_followed();
        let changed = changed && !self.ending.is_unsaved();
        let may_save = self.directory.get().is_some() && !self.read_only && !self.loading.is_on();
        !config.save.is_empty() && changed && may_save
    }
}

/// Nothing that was written is lost by forgetting to close, and nobody waits for messages that will
/// not come. An error has nobody to go to.
impl Drop for Inner {
    fn drop(&mut self) {
        self.hub.end();
        self.finish_log();
        if self.must_save()
            && let Some(directory) = self.directory.get()
        {
            let _ = directory.save(self);
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("report", self.recovery_report())
            .finish_non_exhaustive()
    }
}

use crate::access::AccessPolicy;
use crate::alarm::Alarm;
use crate::budget::{Budget, OverBudget, Views};
use crate::keys::Keys;
use crate::observe::{Observed, Wanted};
use crate::plan::{Mode, Plan};
use crate::reclaim::{LazyFree, Reclaim, Reclaimer};
use crate::shard::Shard;
use crate::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use crate::sync::{RwLock, RwLockWriteGuard};
use crate::table::SCAN_END;
use crate::view::FrozenView;
use crate::{KeyHasher, Limits, Settings};
use std::sync::Arc;
use std::time::Duration;
use units::{DbIndex, ReplOffset, UnixMillis};

/// What a keyspace is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many shards; a power of two, 1 to 1024.
    pub shards: usize,
    /// How many numbered databases.
    pub databases: u32,
    /// The random key of the hash.
    pub hash_key: (u64, u64),
    /// When values leave their compact encodings.
    pub limits: Limits,
}

impl Default for Options {
    /// One shard, 16 databases, and a hash key that anybody knows: for tests.
    fn default() -> Options {
        Options {
            shards: 1,
            databases: 16,
            hash_key: (0, 0),
            limits: Limits::default(),
        }
    }
}

/// Counters since the keyspace was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys that were deleted because their deadline had passed.
    pub expired_keys: u64,
}

/// All databases, in shards with a lock each.
///
/// ```text
///  hash   56.. shard bits | directory bits | ... | low bits: line and tag in the index of a segment
/// ```
pub struct Keyspace {
    pub(crate) inner: Arc<Inner>,
}

/// What a keyspace shares with its frozen views.
pub(crate) struct Inner {
    pub(crate) hasher: KeyHasher,
    pub(crate) shard_bits: u32,
    pub(crate) shards: Box<[Slot]>,
    pub(crate) databases: u32,
    used_bytes: Arc<AtomicUsize>,
    settings: RwLock<Settings>,
    pub(crate) reclaimer: Reclaimer,
    pub(crate) budget: Arc<Budget>,
    pub(crate) expired_keys: AtomicU64,
    pub(crate) alarm: Alarm,
    /// Whether shards gather what changes in them.
    pub(crate) observed: Arc<Wanted>,
}

/// A shard, and what it last told about itself when it was unlocked. A cache line or more apart
/// from the next.
#[repr(align(128))]
pub(crate) struct Slot {
    pub(crate) lock: RwLock<Shard>,
    pub(crate) published: Published,
}

/// What a shard holds of each database, readable without the lock.
pub(crate) struct Published {
    sums: Box<[Sums]>,
    /// Bytes of all shards.
    total: Arc<AtomicUsize>,
    /// In no database anything is due before this; `i64::MAX` for never. It may be early until
    /// [`Published::settle`].
    earliest: AtomicI64,
}

/// Of one database in one shard.
struct Sums {
    len: AtomicUsize,
    deadlines: AtomicUsize,
    bytes: AtomicUsize,
}

impl Published {
    fn new(shard: &Shard, total: &Arc<AtomicUsize>) -> Published {
        let sums = |_| Sums {
            len: AtomicUsize::new(0),
            deadlines: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        let published = Published {
            sums: shard.tables.iter().map(sums).collect(),
            total: Arc::clone(total),
            earliest: AtomicI64::new(i64::MAX),
        };
        published.update_all(shard);
        published
    }

    /// Tells about the whole shard anew.
    pub(crate) fn update_all(&self, shard: &Shard) {
        for db in 0..shard.tables.len() {
            self.update(shard, DbIndex(db as u32));
        }
    }

    /// Tells about one database of the shard anew.
    #[inline]
    pub(crate) fn update(&self, shard: &Shard, db: DbIndex) {
        let (Some(table), Some(sums)) = (shard.table(db), self.sums.get(db.index())) else {
            return;
        };
        sums.len.store(table.len(), Relaxed);
        sums.deadlines.store(table.deadlines(), Relaxed);
        self.publish_bytes(sums, table.heap_bytes());
        if let Some(earliest) = table.earliest()
            && earliest.0 < self.earliest()
        {
            // In order with looking for a sleeper; see `Alarm`.
            self.earliest.store(earliest.0, SeqCst);
        }
    }

    /// Under the shard's lock: nobody else tells of it meanwhile.
    #[inline]
    fn publish_bytes(&self, sums: &Sums, bytes: usize) {
        let was = sums.bytes.load(Relaxed);
        // Most changes need no more memory: leave the line that all shards share clean.
        if bytes != was {
            sums.bytes.store(bytes, Relaxed);
            self.total.fetch_add(bytes.wrapping_sub(was), Relaxed);
        }
    }

    /// Tells anew when something will be due: what was, is gone.
    pub(crate) fn settle(&self, shard: &Shard) {
        let earliest = shard.tables.iter().filter_map(|table| table.earliest());
        let earliest = earliest.min().map_or(i64::MAX, |earliest| earliest.0);
        self.earliest.store(earliest, Relaxed);
    }

    fn bytes(&self) -> usize {
        self.sums.iter().map(|sums| sums.bytes.load(Relaxed)).sum()
    }

    #[inline]
    pub(crate) fn earliest(&self) -> i64 {
        self.earliest.load(SeqCst)
    }
}

impl Inner {
    /// The shard of a hash.
    #[inline]
    pub(crate) fn shard_of(&self, hash: u64) -> usize {
        // Two shifts, as one by 64 is none.
        ((hash << 7) >> 1 >> (63 - self.shard_bits)) as usize
    }

    /// The bits of a shard, where hashes have them.
    pub(crate) fn shard_prefix(&self, shard: usize) -> u64 {
        (shard as u64) << (57 - self.shard_bits)
    }

    /// The shard of a scan's position.
    pub(crate) fn shard_at(&self, position: u64) -> usize {
        (position >> (SCAN_END.ilog2() - self.shard_bits)) as usize
    }

    /// The settings, for those who hold no shard.
    pub(crate) fn settings(&self) -> Settings {
        *self.settings.read()
    }
}

impl Keyspace {
    /// An empty keyspace. Starts nothing, and costs some microseconds.
    ///
    /// # Panics
    ///
    /// If the number of shards is not a power of two from 1 to 1024.
    pub fn new(options: Options) -> Keyspace {
        assert!(
            options.shards.is_power_of_two() && options.shards <= 1024,
            "the number of shards is a power of two up to 1024, not {}",
            options.shards
        );
        let shard_bits = options.shards.ilog2();
        let hasher = KeyHasher::new(options.hash_key.0, options.hash_key.1);
        let settings = Settings {
            limits: options.limits,
            hasher,
        };
        let (used_bytes, age) = (Arc::default(), Arc::default());
        let observed = Arc::<Wanted>::default();
        let slot = || {
            let shard = Shard::new(
                options.databases,
                shard_bits as u8,
                settings,
                Arc::clone(&age),
                Observed::new(Arc::clone(&observed)),
            );
            let published = Published::new(&shard, &used_bytes);
            Slot {
                lock: RwLock::new(shard),
                published,
            }
        };
        let budget = Arc::<Budget>::default();
        let inner = Inner {
            hasher,
            shard_bits,
            shards: (0..options.shards).map(|_| slot()).collect(),
            databases: options.databases,
            used_bytes,
            settings: RwLock::new(settings),
            reclaimer: Reclaimer::new(Arc::clone(&budget)),
            budget,
            expired_keys: AtomicU64::new(0),
            alarm: Alarm::default(),
            observed,
        };
        Keyspace {
            inner: Arc::new(inner),
        }
    }

    /// The plan that takes the shards of `keys`.
    pub fn plan<'k>(&self, mode: Mode, keys: &[&'k [u8]]) -> Plan<'k> {
        let inner = &*self.inner;
        Plan::over(
            mode,
            keys,
            |key| inner.hasher.hash(key),
            |hash| inner.shard_of(hash),
        )
    }

    /// The plan that takes the shard of a cursor of [`Keys::scan`], and no other.
    pub fn plan_scan(&self, cursor: u64) -> Plan<'static> {
        let last = self.shards() - 1;
        Plan::shard(Mode::Read, self.inner.shard_at(cursor).min(last))
    }

    /// Says whether changes are gathered for [`Keys::take_changed`].
    pub fn observe(&self, wanted: bool) {
        self.inner.observed.set(wanted);
    }

    /// Whether changes are gathered.
    #[inline]
    pub fn is_observed(&self) -> bool {
        self.inner.observed.get()
    }

    /// Takes the shards of a plan, ascending, and waits for those that others hold.
    ///
    /// A thread that holds [`Keys`] must not lock again; see [`Keys::covers`].
    pub fn lock<'a>(&'a self, plan: Plan<'a>, now: UnixMillis) -> Keys<'a> {
        Keys::lock(&self.inner, plan, now)
    }

    /// The same for those who need not wait: while somebody else holds a shard, `give_up` is asked
    /// every few milliseconds, and once before; `None` if it said so.
    pub fn lock_unless<'a>(
        &'a self,
        plan: Plan<'a>,
        now: UnixMillis,
        give_up: impl Fn() -> bool,
    ) -> Option<Keys<'a>> {
        Keys::lock_unless(&self.inner, plan, now, &give_up)
    }

    /// The whole keyspace as it is now. Takes every shard for a moment and copies nothing.
    ///
    /// `offset` is asked, while every shard is held, where the log of changes stands: the view holds
    /// what was logged before that and no more. `over` says what becomes of the view when views
    /// keep more than [`Keyspace::set_copy_budget`] allows.
    pub fn freeze(&self, over: OverBudget, offset: impl FnOnce() -> ReplOffset) -> FrozenView {
        let inner = &self.inner;
        inner.budget.begin();
        let mut guards: Vec<_> = inner.shards.iter().map(|slot| slot.lock.write()).collect();
        let freeze = |shard: &mut RwLockWriteGuard<'_, Shard>| shard.freeze(&inner.budget);
        let shares = guards.iter_mut().map(freeze).collect();
        let offset = offset();
        drop(guards);
        FrozenView::new(Arc::clone(inner), over, offset, shares)
    }

    /// Bounds what frozen views may keep, in bytes; 0 is no bound. `patience` is how long a writer
    /// waits at most for the readers of views that are worth it ([`OverBudget::Wait`]).
    pub fn set_copy_budget(&self, bytes: usize, patience: Duration) {
        self.inner.budget.set(bytes, patience);
    }

    /// How many frozen views there are, and what they keep.
    pub fn view_stats(&self) -> Views {
        self.inner.budget.stand()
    }

    /// When values change their encodings, and the hasher of tables inside values.
    pub fn settings(&self) -> Settings {
        self.inner.settings()
    }

    /// Sets when values change their encodings, for edits to come.
    pub fn set_limits(&self, limits: Limits) {
        self.inner.settings.write().limits = limits;
        for slot in &self.inner.shards {
            slot.lock.write().settings.limits = limits;
        }
    }

    /// Sets how accesses are kept, as `maxmemory-policy` asks.
    pub fn set_access_policy(&self, policy: AccessPolicy) {
        for slot in &self.inner.shards {
            slot.lock.write().policy = policy;
        }
    }

    /// Sets which removals leave what is big to [`Keyspace::reclaim`].
    pub fn set_lazy_free(&self, lazy: LazyFree) {
        self.inner.reclaimer.set_lazy_free(lazy);
    }

    /// Frees some of what was removed and left for later: at most `parts`, each of which takes
    /// some microseconds. Whether anything is left. Takes no shard.
    pub fn reclaim(&self, parts: usize) -> bool {
        self.inner.reclaimer.free(parts)
    }

    /// Waits until there is something for [`Keyspace::reclaim`], at most for `timeout`; whether
    /// there is.
    pub fn wait_for_garbage(&self, timeout: Duration) -> bool {
        self.inner.reclaimer.wait(timeout)
    }

    /// What waits to be freed, and what was.
    pub fn reclaim_stats(&self) -> Reclaim {
        self.inner.reclaimer.stand()
    }

    /// Sets the count of what was freed to zero.
    pub fn reset_reclaim_stats(&self) {
        self.inner.reclaimer.reset_freed();
    }

    fn published(&self) -> impl Iterator<Item = &Published> {
        self.inner.shards.iter().map(|slot| &slot.published)
    }

    fn published_of(&self, db: DbIndex) -> impl Iterator<Item = &Sums> {
        self.published()
            .filter_map(move |published| published.sums.get(db.index()))
    }

    /// Bytes that keys and values take of an allocator, as of the last unlocking of each shard.
    pub fn used_bytes(&self) -> usize {
        self.inner.used_bytes.load(Relaxed)
    }

    /// Keys of a database in a shard, or those with a deadline only, as of its last unlocking.
    pub(crate) fn evictable(&self, shard: usize, db: DbIndex, volatile: bool) -> usize {
        let sums = self.inner.shards[shard].published.sums.get(db.index());
        sums.map_or(0, |sums| match volatile {
            true => sums.deadlines.load(Relaxed),
            false => sums.len.load(Relaxed),
        })
    }

    /// Number of keys in a database, as of the last unlocking of each shard.
    pub fn len(&self, db: DbIndex) -> usize {
        self.published_of(db)
            .map(|sums| sums.len.load(Relaxed))
            .sum()
    }

    /// Whether no database has a key.
    pub fn is_empty(&self) -> bool {
        (0..self.inner.databases).all(|db| self.len(DbIndex(db)) == 0)
    }

    /// Number of keys with a deadline in a database, as of the last unlocking of each shard.
    pub fn expires(&self, db: DbIndex) -> usize {
        self.published_of(db)
            .map(|sums| sums.deadlines.load(Relaxed))
            .sum()
    }

    /// Number of databases.
    pub fn databases(&self) -> u32 {
        self.inner.databases
    }

    /// Number of shards.
    pub fn shards(&self) -> usize {
        self.inner.shards.len()
    }

    /// The shard of a key.
    pub fn shard_of(&self, key: &[u8]) -> usize {
        self.inner.shard_of(self.inner.hasher.hash(key))
    }

    /// Counters since the keyspace was made.
    pub fn stats(&self) -> Stats {
        Stats {
            expired_keys: self.inner.expired_keys.load(Relaxed),
        }
    }

    /// A shard with something that may be due at `now`, longest first. Takes no lock.
    ///
    /// With [`Plan::shard`] and [`Keys::expire_due`], this is active expiry for callers that log
    /// the deletions under the lock.
    pub fn due_shard(&self, now: UnixMillis) -> Option<usize> {
        let earliest = self.published().map(Published::earliest).enumerate();
        let (shard, earliest) = earliest.min_by_key(|&(_, earliest)| earliest)?;
        (earliest < now.0).then_some(shard)
    }

    /// When [`Keyspace::due_shard`] is to be asked again: before this nothing will be due. `None`
    /// if no key and no field has a deadline. Takes no lock.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let earliest = self.earliest();
        (earliest != i64::MAX).then_some(UnixMillis(earliest.saturating_add(1)))
    }

    /// Waits for `longest`, or until something may be due sooner than [`Keyspace::next_due`] said:
    /// `next`.
    pub fn wait_for_sooner(&self, next: Option<UnixMillis>, longest: Duration) {
        let until = next.map_or(i64::MAX, |next| next.0 - 1);
        let earliest = || self.earliest();
        self.inner.alarm.sleep(until, longest, earliest);
    }

    fn earliest(&self) -> i64 {
        let all = self.published().map(Published::earliest);
        all.min().unwrap_or(i64::MAX)
    }

    /// Deletes what is due at `now`, at most `max` keys and fields, and tells which keys. For
    /// callers that log nothing: between the deletion and the return others may write.
    pub fn expire_due(&self, now: UnixMillis, max: usize) -> Vec<(DbIndex, Vec<u8>)> {
        let mut gone = Vec::new();
        let mut left = max;
        while left > 0
            && let Some(shard) = self.due_shard(now)
        {
            let mut keys = self.lock(Plan::shard(Mode::Write, shard), now);
            let lapsed = keys.expire_due(left);
            left -= lapsed.len().min(left);
            gone.extend(lapsed.keys);
        }
        gone
    }

    /// Walks every invariant of every table; panics where one does not hold. For tests and fuzzers.
    pub fn check(&self) {
        for (number, slot) in self.inner.shards.iter().enumerate() {
            let shard = slot.lock.read();
            for table in &shard.tables {
                table.check();
                for item in table.iter() {
                    assert_eq!(self.shard_of(item.key), number, "a key lies in its shard");
                }
            }
            assert_eq!(
                slot.published.bytes(),
                shard.heap_bytes(),
                "bytes of a shard"
            );
        }
        let sum = self.published().map(Published::bytes).sum();
        assert_eq!(self.used_bytes(), sum, "bytes of all shards");
    }
}

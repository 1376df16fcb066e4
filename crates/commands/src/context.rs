use crate::wait::Wait;
use crate::{Args, Compat, Effects, Error, EventClass, Peers, ReplySink};
use keyspace::Keys;
use units::DbIndex;

/// How a handler ends: its reply is written, or the request is refused and nothing was.
pub type Outcome = Result<(), Error>;

/// What a handler may need to know of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How DUMP payloads are written.
    pub dump_target: rdb::Target,
    /// The largest string that may come to be (`proto-max-bulk-len`), in bytes.
    pub string_bytes_max: usize,
    /// The longest sparse form of a HyperLogLog, header included, in bytes (`hll-sparse-max-bytes`).
    pub hll_sparse_max_bytes: usize,
    /// Whether a log or a primary is being replayed: deadlines in the past are then kept, and
    /// refusals meant for clients do not apply.
    pub replaying: bool,
    /// Whether keys that are not among the arguments may be read: those that `SORT` makes of
    /// patterns.
    pub may_read_every_key: bool,
    /// Whether a script asks: what has no order of its own comes in one that is always the same.
    pub in_script: bool,
    /// Which version's answers are given, where they differ.
    pub compat: Compat,
    /// Whether payloads with a wrong checksum are taken.
    pub skip_checksums: bool,
    /// Whether small integers are told to be shared, which no policy of eviction wants otherwise.
    pub shares_integers: bool,
    /// Which events are told; none if nobody could hear of them.
    pub notify: EventClass,
}

/// Everything a handler works with: the shards it may touch, its arguments, where its reply goes.
///
/// The time is `keys.now()`, the same for the whole command.
pub struct Context<'c, 'k> {
    /// The locked keyspace.
    pub keys: &'c mut Keys<'k>,
    /// The session's database.
    pub db: DbIndex,
    /// The arguments, behind the name.
    pub args: Args<'c>,
    /// Where the reply goes. Nothing is written before the request is known to be good.
    pub reply: &'c mut dyn ReplySink,
    /// What other copies of the data repeat.
    pub effects: &'c mut Effects,
    /// Chance, from a seed.
    pub rng: &'c mut fastrand::Rng,
    /// Configuration.
    pub settings: &'c Settings,
    /// The way to other servers, if there is one.
    pub peers: Option<&'c dyn Peers>,
    /// Set in place of a reply by a command that found nothing and would wait.
    pub wait: Option<Wait>,
    /// A line for the log of a server: what a refusal does not tell a client.
    pub note: Option<String>,
}

impl Context<'_, '_> {
    /// Tells that something happened to a key of the session's database, if events of this class
    /// are told.
    #[inline]
    pub fn event(&mut self, class: EventClass, name: &'static str, key: &[u8]) {
        self.event_in(self.db, class, name, key);
    }

    /// Tells that something happened to a key of database `db`.
    #[inline]
    pub fn event_in(&mut self, db: DbIndex, class: EventClass, name: &'static str, key: &[u8]) {
        if self.settings.notify.intersects(class) {
            self.effects.tell(db, name, key);
        }
    }

    /// Tells that something happened to a key, if the keyspace counted a change since it had
    /// counted `before`.
    pub fn event_if_changed(
        &mut self,
        before: u64,
        class: EventClass,
        name: &'static str,
        key: &[u8],
    ) {
        if self.keys.changes() != before {
            self.event(class, name, key);
        }
    }

    /// Tells that a collection lost elements, and that its key was deleted if those were the last.
    #[inline]
    pub fn event_shrunk(&mut self, class: EventClass, name: &'static str, key: &[u8]) {
        if self.settings.notify.is_empty() {
            return;
        }
        self.event(class, name, key);
        if !self.keys.exists(self.db, key) {
            self.event(EventClass::GENERIC, "del", key);
        }
    }

    /// Tells that a key was asked for which is not there. For commands that may write: of those
    /// that only read [`crate::Command::run`] tells it.
    #[inline]
    pub fn event_if_missing(&mut self, key: &[u8]) {
        let told = self.settings.notify.intersects(EventClass::KEY_MISS);
        if told && !self.keys.exists(self.db, key) {
            self.effects.tell(self.db, "keymiss", key);
        }
    }

    /// Removes the key in which nothing is to be stored, and tells so if it was there; whether it
    /// was.
    pub fn remove_stored(&mut self, key: &[u8]) -> bool {
        let removed = self.keys.remove(self.db, key);
        if removed {
            self.event(EventClass::GENERIC, "del", key);
        }
        removed
    }
}

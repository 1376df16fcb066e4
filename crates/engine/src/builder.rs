use crate::OpenError;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError};
use crate::datadir;
use crate::engine::{Engine, Inner, Parts};
use crate::log::Log;
use journal::Journal;
use keyspace::{Keyspace, Options};
use std::path::Path;
use std::sync::Arc;
use storage::{Os, Storage};
use units::{ReplId, ReplOffset};

/// How much of the journal is kept in memory: little, as nobody reads it yet.
const JOURNAL_BYTES_MAX: u64 = 64 << 10;

/// Settings for an engine that is about to be opened.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let engine = duramen::Engine::builder(dir.path())
///     .config("save", "")?
///     .shards(1)
///     .open()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Builder<S: Storage = Os> {
    config: Config,
    users: Vec<String>,
    storage: Option<S>,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    shards: usize,
    load_threads: usize,
    read_only: bool,
}

impl Builder {
    pub(crate) fn new(path: &Path) -> Builder {
        let config = Config {
            dir: path.to_owned(),
            ..Config::default()
        };
        Builder {
            config,
            users: Vec::new(),
            storage: Some(Os),
            clock: Arc::new(SystemClock),
            seed: None,
            shards: default_shards(),
            load_threads: cores(),
            read_only: false,
        }
    }

    pub(crate) fn in_memory() -> Builder {
        Builder {
            storage: None,
            ..Builder::new(Path::new(""))
        }
    }
}

/// Four a core, so that two threads seldom meet.
fn default_shards() -> usize {
    (cores() * 4).next_power_of_two().min(256)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl<S: Storage> Builder<S> {
    /// Sets `name` to `value`, in the words of `redis.conf`.
    pub fn config(mut self, name: &str, value: &str) -> Result<Builder<S>, ConfigError> {
        self.config.set(name, value)?;
        Ok(self)
    }

    /// Adds a user, as a `user` line of `redis.conf` does: its name, then rules.
    pub fn user(mut self, line: &str) -> Builder<S> {
        self.users.push(line.to_owned());
        self
    }

    /// Uses `storage` for the directory instead of the operating system's files.
    pub fn storage<T: Storage>(self, storage: T) -> Builder<T> {
        let Builder {
            config,
            users,
            clock,
            seed,
            shards,
            load_threads,
            read_only,
            ..
        } = self;
        Builder {
            config,
            users,
            storage: Some(storage),
            clock,
            seed,
            shards,
            load_threads,
            read_only,
        }
    }

    /// Takes the time from `clock` instead of the machine's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Builder<S> {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes every random choice follow from `seed`: the key of the hash, the replication id,
    /// random keys and members. Without it they can't be foreseen.
    pub fn seed(mut self, seed: u64) -> Builder<S> {
        self.seed = Some(seed);
        self
    }

    /// Splits the keyspace into `shards` parts with locks of their own, rounded up to a power of
    /// two; four a core by default.
    pub fn shards(mut self, shards: usize) -> Builder<S> {
        self.shards = shards.clamp(1, 256).next_power_of_two();
        self
    }

    /// Loads snapshots with `threads` threads: the caller's, and helpers that live within
    /// [`Builder::open`]. A save that its caller waits for is encoded by as many. As many as there
    /// are cores by default; with 1 no thread is started.
    pub fn load_threads(mut self, threads: usize) -> Builder<S> {
        self.load_threads = threads.max(1);
        self
    }

    /// Takes no lock and writes nothing.
    pub fn read_only(mut self) -> Builder<S> {
        self.read_only = true;
        self
    }

    /// Opens the directory, reads what is there, and returns the engine. See
    /// [`Engine::recovery_report`] for what was found.
    pub fn open(self) -> Result<Engine, OpenError> {
        let seed = self.seed.unwrap_or_else(random_seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let inner = Inner::new(Parts {
            keyspace: Keyspace::new(Options {
                shards: self.shards,
                databases: self.config.databases,
                hash_key: (rng.u64(..), rng.u64(..)),
                limits: self.config.limits,
            }),
            log: Log::new(new_journal(&mut rng)),
            config: self.config,
            clock: self.clock,
            seed,
            load_threads: self.load_threads,
            read_only: self.read_only,
        });
        let engine = Engine::from_inner(inner);
        engine
            .access()
            .add_configured(&self.users)
            .map_err(OpenError::Users)?;
        if let Some(storage) = self.storage {
            datadir::open(storage, &engine)?;
        }
        engine.load_users(!self.users.is_empty())?;
        Ok(engine)
    }
}

fn new_journal(rng: &mut fastrand::Rng) -> Journal {
    let mut bits = [0; 20];
    rng.fill(&mut bits);
    Journal::new(ReplId::from_bits(bits), ReplOffset(0), JOURNAL_BYTES_MAX)
}

/// From the operating system, by way of the standard library's hash keys: the key of the
/// keyspace's hash must not be guessed.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

use crate::OpenError;
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::config::{Config, ConfigError, Directive, Lines};
use crate::datadir;
use crate::engine::{Engine, Inner, Parts};
use crate::loading::Opening;
use crate::log::Log;
use crate::past::{LogHistory, Plan, Point};
use aof::Names;
use journal::Journal;
use keyspace::{Keyspace, Options};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{Os, Storage};
use units::{ReplId, ReplOffset};

/// How much of the journal is kept in memory while nobody follows it.
pub(crate) const JOURNAL_BYTES_MAX: u64 = 64 << 10;

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
    lines: Lines,
    config_file: Option<PathBuf>,
    storage: Option<S>,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    shards: usize,
    load_threads: usize,
    read_only: bool,
    at: Option<Point>,
}

impl Builder {
    pub(crate) fn new(path: &Path) -> Builder {
        let config = Config {
            dir: path.to_owned(),
            ..Config::default()
        };
        Builder {
            config,
            lines: Lines::default(),
            config_file: None,
            storage: Some(Os),
            clock: Arc::new(SystemClock),
            seed: None,
            shards: default_shards(),
            load_threads: cores(),
            read_only: false,
            at: None,
        }
    }

    pub(crate) fn in_memory() -> Builder {
        Builder {
            storage: None,
            ..Builder::new(Path::new(""))
        }
    }

    /// With the databases and encodings of `config`.
    pub(crate) fn like(mut self, config: &Config) -> Builder {
        self.config.databases = config.databases;
        self.config.limits = config.limits;
        self
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
        self.lines.users.push(line.to_owned());
        self
    }

    /// Adds settings of a front-end's own. The engine checks and keeps what they are set to, and
    /// answers `CONFIG GET`; [`Engine::on_config_change`] tells of changes.
    pub fn directives(mut self, directives: &[Directive]) -> Builder<S> {
        self.config.kept.add(directives);
        self
    }

    /// Takes over a line of `redis.conf` that was split into words: a name, and its values.
    pub fn line(mut self, words: &[&str]) -> Result<Builder<S>, ConfigError> {
        self.lines.read(&mut self.config, words)?;
        Ok(self)
    }

    /// The value of a setting as it is by now.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.config.get(name)
    }

    /// The file that the settings come from, which `CONFIG REWRITE` brings up to date.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Builder<S> {
        self.config_file = Some(path.into());
        self
    }

    /// Uses `storage` for the directory instead of the operating system's files.
    pub fn storage<T: Storage>(self, storage: T) -> Builder<T> {
        let Builder {
            config,
            lines,
            config_file,
            clock,
            seed,
            shards,
            load_threads,
            read_only,
            at,
            ..
        } = self;
        Builder {
            config,
            lines,
            config_file,
            storage: Some(storage),
            clock,
            seed,
            shards,
            load_threads,
            read_only,
            at,
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

    /// Opens the directory as it was at `point`, for reading alone: see [`Engine::open_at`].
    pub fn at(self, point: Point) -> Builder<S> {
        Builder {
            at: Some(point),
            ..self.read_only()
        }
    }

    /// What makes up the state to be opened, if it is one of the past; the clock then stands there.
    fn plan(&mut self) -> Result<Option<Plan>, OpenError> {
        let (Some(point), Some(storage)) = (&self.at, &self.storage) else {
            return Ok(None);
        };
        let config = &self.config;
        let names = Names::custom(&config.dir, &config.appendfilename, &config.appenddirname);
        let history = LogHistory::open(storage.clone(), &names, self.clock.now());
        let planned = history.and_then(|history| history.plan(point));
        let plan = planned.map_err(|error| OpenError::Past(Box::new(error)))?;
        if let Some(time) = plan.time() {
            self.clock = Arc::new(ManualClock::new(time));
        }
        Ok(Some(plan))
    }

    /// Opens the directory, reads what is there, and returns the engine. See
    /// [`Engine::recovery_report`] for what was found.
    pub fn open(self) -> Result<Engine, OpenError> {
        self.begin()?.load()
    }

    /// Locks the directory and looks what there is to read, without reading it.
    pub fn begin(mut self) -> Result<Opening, OpenError> {
        let plan = self.plan()?;
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
            config_file: self.config_file,
            clock: self.clock,
            seed,
            load_threads: self.load_threads,
            read_only: self.read_only,
        });
        let engine = Engine::from_inner(inner);
        engine
            .access()
            .add_configured(&self.lines.users)
            .map_err(OpenError::Users)?;
        if let Some(storage) = self.storage {
            datadir::open(storage, &engine)?;
        }
        engine.load_users(!self.lines.users.is_empty())?;
        Ok(Opening::new(engine, plan))
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

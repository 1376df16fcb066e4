//! Changing settings while the engine is open, and keeping them: `CONFIG SET`, `CONFIG REWRITE`.

use crate::config::{Config, ConfigError, Scope, rewrite};
use crate::{Engine, access::AccessControl};
use parking_lot::{Mutex, MutexGuard};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Where settings come from, and who is asked before they change.
pub(crate) struct Configuring {
    pub(crate) file: Option<PathBuf>,
    /// Held while settings change, so that they do one after the other. Taken before any shard.
    turn: Mutex<()>,
    front_end: Mutex<Option<FrontEnd>>,
}

type FrontEnd = Box<dyn Fn(&ConfigChange<'_>) -> Result<(), ConfigError> + Send>;

impl Configuring {
    pub(crate) fn new(file: Option<PathBuf>) -> Configuring {
        Configuring {
            file,
            turn: Mutex::new(()),
            front_end: Mutex::new(None),
        }
    }
}

impl fmt::Debug for Configuring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuring")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// The right to change settings, and how they were when it was taken.
pub(crate) struct ConfigTurn<'e> {
    engine: &'e Engine,
    before: Config,
    _turn: MutexGuard<'e, ()>,
}

impl ConfigTurn<'_> {
    /// Brings about what changed. It takes shards.
    pub(crate) fn end(self) {
        let after = self.engine.inner().config.read().clone();
        self.engine.apply(&self.before, &after);
    }
}

/// Settings that are about to change.
#[derive(Debug, Clone, Copy)]
pub struct ConfigChange<'c> {
    before: &'c Config,
    after: &'c Config,
}

impl ConfigChange<'_> {
    /// What a setting is to be; empty if there is none of that name.
    pub fn get(&self, name: &str) -> String {
        self.after.get(name).unwrap_or_default()
    }

    /// Whether any of these settings is to become another.
    pub fn concerns(&self, names: &[&str]) -> bool {
        let differs = |name: &&str| self.before.get(name) != self.after.get(name);
        names.iter().any(differs)
    }

    /// The refusal of what `name` is to be.
    pub fn refuse(&self, name: &'static str, why: &str) -> ConfigError {
        ConfigError::Invalid {
            name,
            value: self.get(name),
            expected: why.to_owned(),
        }
    }
}

/// Why the configuration file was not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum RewriteError {
    /// The engine was not opened with one.
    NoFile,
    /// What there is now is no text in UTF-8.
    NotText,
    /// It could not be read or written.
    Storage(storage::Error),
}

impl fmt::Display for RewriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RewriteError::NoFile => f.write_str("The server is running without a config file"),
            RewriteError::NotText => f.write_str("Rewriting config file: it is no text in UTF-8"),
            RewriteError::Storage(error) => write!(f, "Rewriting config file: {error}"),
        }
    }
}

impl std::error::Error for RewriteError {}

impl From<storage::Error> for RewriteError {
    fn from(error: storage::Error) -> RewriteError {
        RewriteError::Storage(error)
    }
}

impl Engine {
    /// The value of a setting, by its name in `redis.conf`.
    pub fn config(&self, name: &str) -> Option<String> {
        self.inner().config.read().get(name)
    }

    /// Changes a setting that may change while the engine is open.
    pub fn set_config(&self, name: &str, value: &str) -> Result<(), ConfigError> {
        self.set_configs(&[(name, value)])
    }

    /// Changes several settings, or none of them if one is refused.
    pub fn set_configs(&self, settings: &[(&str, &str)]) -> Result<(), ConfigError> {
        let turn = self.begin_configuring();
        self.change_configs(settings)?;
        turn.end();
        Ok(())
    }

    /// Waits until nobody else changes settings.
    pub(crate) fn begin_configuring(&self) -> ConfigTurn<'_> {
        let turn = self.inner().configuring.turn.lock();
        ConfigTurn {
            engine: self,
            before: self.inner().config.read().clone(),
            _turn: turn,
        }
    }

    /// Changes what settings are, all of them or none, for who has the turn. It takes no shard, and
    /// what follows from the change is brought about as the turn ends.
    pub(crate) fn change_configs(&self, settings: &[(&str, &str)]) -> Result<(), ConfigError> {
        let front_end = self.inner().configuring.front_end.lock();
        let before = self.inner().config.read().clone();
        let mut after = before.clone();
        for (name, value) in settings {
            after.set_while_open(name, value)?;
        }
        if let Some(agrees) = &*front_end {
            agrees(&ConfigChange {
                before: &before,
                after: &after,
            })?;
        }
        *self.inner().config.write() = after;
        Ok(())
    }

    /// Has `front_end` asked before settings change, one change at a time. It brings about what they
    /// mean to it, or refuses all of them. It must not change settings itself.
    pub fn on_config_change(
        &self,
        front_end: impl Fn(&ConfigChange<'_>) -> Result<(), ConfigError> + Send + 'static,
    ) {
        *self.inner().configuring.front_end.lock() = Some(Box::new(front_end));
    }

    fn apply(&self, before: &Config, after: &Config) {
        let inner = self.inner();
        inner.access.configure(before, after);
        inner.durable.configure(after);
        // While files are read, that follows once they are.
        if before.appendonly != after.appendonly && !inner.loading.is_on() {
            self.turn_log(after.appendonly == Some(true));
        }
        inner.loading.set_key_delay(after.key_load_delay());
        inner.eviction.set_limit(after.maxmemory);
        inner.clients.weights().set_limit(after.client_bytes_max());
        let wants_replicas = after.wants_replicas();
        inner
            .wants_replicas
            .store(wants_replicas, Ordering::Relaxed);
        inner
            .slow_log
            .configure(after.slowlog_log_slower_than, after.slowlog_max_len);
        inner.calls.track(after.latency_tracking);
        let threshold = after.latency_monitor_threshold;
        inner.spikes.set_threshold(threshold);
        inner.scripting.set_busy_after(after.busy_reply_threshold);
        inner.hub.set_limit(after.client_output_buffer_limit.pubsub);
        let most = after.tracking_table_max_keys;
        inner.tracking.forget_beyond(most, &inner.hub);
        // With the configuration unlocked again: who holds shards may read it.
        inner.keyspace.set_limits(after.limits);
        after.apply(&inner.keyspace);
        inner.settings_epoch.fetch_add(1, Ordering::Release);
        self.size_backlog();
        self.make_room();
    }

    /// Brings the configuration file up to date, as `CONFIG REWRITE` does.
    pub fn rewrite_config(&self) -> Result<(), RewriteError> {
        self.rewrite_config_file(Scope::Changed)
    }

    pub(crate) fn rewrite_config_file(&self, scope: Scope) -> Result<(), RewriteError> {
        let inner = self.inner();
        let path = inner.configuring.file.as_ref();
        let path = path.ok_or(RewriteError::NoFile)?;
        let directory = inner.directory().ok_or(RewriteError::NoFile)?;
        let text = match directory.read_file(path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| RewriteError::NotText)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let now = inner.config.read().clone();
        let text = rewrite(&text, &now, scope, |file, users| {
            self.users_to_write(file, users)
        });
        Ok(directory.replace_file(path, text.as_bytes())?)
    }

    /// All users, as lines of a configuration file that has other ones; `None` if it has them right,
    /// or if they have a file of their own.
    fn users_to_write(&self, file: &Config, lines: &[String]) -> Option<Vec<String>> {
        let inner = self.inner();
        if !inner.config.read().aclfile.is_empty() {
            return None;
        }
        let compat = inner.compat();
        let text = |access: &AccessControl| access.with_users(|users| users.text(compat));
        let there = AccessControl::new(file);
        let all = text(self.access());
        if there.add_configured(lines).is_ok() && text(&there) == all {
            return None;
        }
        let all = String::from_utf8_lossy(&all).into_owned();
        let users = all.lines().map(|line| {
            let rules = line.strip_prefix("user ");
            rules.unwrap_or(line).to_owned()
        });
        Some(users.collect())
    }
}

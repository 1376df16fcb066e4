//! Who may do what: the users of an engine, and what was refused to them.
//!
//! ```text
//!  ACL SETUSER, LOAD, requirepass --> Users, epoch + 1 --> sessions that wait for bytes are woken
//!                                                |
//!  a session, with each command: same epoch? ----+--> looks up its user again
//! ```
//!
//! A session keeps its user, and looks at nothing but the epoch and one flag as long as that user may
//! do everything. Who changes users does not go after sessions: each finds out by itself that its
//! user is gone.

mod persist;
pub(crate) mod refusal;

pub(crate) use persist::AccessFileError;

use crate::config::Config;
use crate::registry;
use acl::{AccessLog, Catalog, Refusal, Users};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use units::UnixMillis;

/// The commands that rules speak of.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        let is_argument = |name: &str| match name.split_once('|') {
            Some((container, _)) => container == registry::WITHOUT_SUBCOMMANDS,
            None => false,
        };
        Catalog::new(registry::specs().filter(|spec| !is_argument(spec.name)))
    });
    &CATALOG
}

/// The users, and what was refused to them. Its locks are taken last, and one at a time.
#[derive(Debug)]
pub(crate) struct AccessControl {
    users: RwLock<Users>,
    /// How often users changed.
    epoch: AtomicU64,
    refusals: Mutex<AccessLog>,
    /// Sessions that wait for bytes and want to know if their user is gone, by their ids.
    waiting: Mutex<HashMap<u64, Waker>>,
}

impl AccessControl {
    /// With the default user alone, as `config` has it.
    pub(crate) fn new(config: &Config) -> AccessControl {
        let mut users = Users::new(catalog());
        users.set_all_channels(config.acl_pubsub_default.allows_all());
        if !config.requirepass.is_empty() {
            users.set_default_password(config.requirepass.as_bytes());
        }
        AccessControl {
            users: RwLock::new(users),
            epoch: AtomicU64::new(0),
            refusals: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// Grows whenever a user changed.
    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Calls `f` with the users.
    pub(crate) fn with_users<R>(&self, f: impl FnOnce(&Users) -> R) -> R {
        f(&self.users.read())
    }

    /// Calls `f`, which may change users.
    pub(crate) fn change_users<R>(&self, f: impl FnOnce(&mut Users) -> R) -> R {
        let result = f(&mut self.users.write());
        self.epoch.fetch_add(1, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_values().for_each(Waker::wake);
        result
    }

    /// Takes over settings that changed.
    pub(crate) fn configure(&self, before: &Config, now: &Config) {
        if before.acl_pubsub_default != now.acl_pubsub_default {
            let all_channels = now.acl_pubsub_default.allows_all();
            self.users.write().set_all_channels(all_channels);
        }
        if before.requirepass != now.requirepass {
            self.change_users(|users| users.set_default_password(now.requirepass.as_bytes()));
        }
    }

    /// Has `waker` called when users change the next time. It is the session's only one.
    pub(crate) fn wake_on_change(&self, session: u64, waker: &Waker) {
        self.waiting.lock().insert(session, waker.clone());
    }

    /// Forgets the waker of a session that ends.
    pub(crate) fn forget_waker(&self, session: u64) {
        self.waiting.lock().remove(&session);
    }

    /// Notes that something was refused to `client`, a line of `CLIENT LIST`.
    pub(crate) fn note_refusal(
        &self,
        refusal: Refusal,
        client: String,
        now: UnixMillis,
        most: usize,
    ) {
        let now = u64::try_from(now.0).unwrap_or(0);
        self.refusals.lock().note(refusal, client, now, most);
    }

    /// Calls `f` with what was refused.
    pub(crate) fn with_refusals<R>(&self, f: impl FnOnce(&mut AccessLog) -> R) -> R {
        f(&mut self.refusals.lock())
    }
}

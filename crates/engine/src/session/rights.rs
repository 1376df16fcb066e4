//! What a session may do: whose rights it has, and the look at them before each command.

use super::Session;
use crate::access::refusal;
use crate::config::Allowed;
use crate::pubsub::Kind;
use crate::registry::{self, Entry};
use acl::{DEFAULT_USER, Denial, LogContext, LogReason, Refusal, User};
use commands::{Compat, Error, Flags, KeyAccess, Outcome, Spec};
use std::sync::Arc;
use std::task::{Context, Poll};

/// Whose rights a session has.
#[derive(Debug)]
pub(super) struct Rights {
    user: Arc<User>,
    /// The epoch of the users when `user` was looked up.
    epoch: u64,
    standing: Standing,
    /// Whether it belongs to somebody outside the program, who is nobody before it authenticated.
    of_stranger: bool,
    /// That somebody is on the same machine.
    is_local: bool,
    /// Nothing needs looking at: the program's own, or of a user who may do everything.
    unlimited: bool,
}

/// How a session stands to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is the program itself.
    Trusted,
    /// It is not known who it is.
    Unknown,
    /// It is that user.
    Authenticated,
    /// It was that user, who is gone, or may no longer listen to what it listens to.
    Expelled,
}

impl Rights {
    /// The program's own.
    pub(super) fn of_program(engine: &crate::Engine) -> Rights {
        Rights::new(engine, Standing::Trusted)
    }

    /// Those of somebody who just connected: the default user's, if it needs no password.
    fn of_stranger(engine: &crate::Engine) -> Rights {
        let mut rights = Rights::new(engine, Standing::Unknown);
        rights.of_stranger = true;
        if rights.user.is_enabled() && rights.user.needs_no_password() {
            rights.standing = Standing::Authenticated;
        }
        rights.decide();
        rights
    }

    fn new(engine: &crate::Engine, standing: Standing) -> Rights {
        let access = engine.access();
        let epoch = access.epoch();
        let mut rights = Rights {
            user: access.with_users(|users| users.default_user().clone()),
            epoch,
            standing,
            of_stranger: false,
            is_local: false,
            unlimited: false,
        };
        rights.decide();
        rights
    }

    /// Those of a session that starts anew.
    pub(super) fn renewed(&self, engine: &crate::Engine) -> Rights {
        match self.of_stranger {
            true => Rights {
                is_local: self.is_local,
                ..Rights::of_stranger(engine)
            },
            false => Rights::of_program(engine),
        }
    }

    /// Whether what is allowed to strangers as `to_whom` says is allowed here.
    fn allowed(&self, to_whom: Allowed) -> bool {
        match to_whom {
            _ if !self.of_stranger => true,
            Allowed::No => false,
            Allowed::Yes => true,
            Allowed::Local => self.is_local,
        }
    }

    fn decide(&mut self) {
        self.unlimited = match self.standing {
            Standing::Trusted => true,
            Standing::Authenticated => self.user.is_unrestricted(),
            Standing::Unknown | Standing::Expelled => false,
        };
    }
}

/// What is refused to strangers unless the configuration says otherwise.
impl Session {
    /// Settings that say where files lie.
    pub(crate) fn may_set_protected(&self) -> bool {
        let to_whom = self.engine.inner().config.read().enable_protected_configs;
        self.rights.allowed(to_whom)
    }

    /// `DEBUG`.
    pub(super) fn admit_protected(&self, spec: &Spec) -> Outcome {
        let to_whom = self.engine.inner().config.read().enable_debug_command;
        match self.rights.allowed(to_whom) {
            true => Ok(()),
            false => Err(not_allowed(spec)),
        }
    }
}

/// The refusal of a command that only the configuration can allow.
fn not_allowed(spec: &Spec) -> Error {
    let name = spec.name.split('|').next().unwrap_or(spec.name);
    let option = format!("enable-{name}-command");
    let name = name.to_ascii_uppercase();
    Error::err(format_args!(
        "{name} command not allowed. If the {option} option is set to \"local\", you can run it \
         from a local connection, otherwise you need to set this option in the configuration file, \
         and then restart the server."
    ))
}

/// For front-ends.
impl Session {
    /// Makes it a session of somebody outside the program: it has the rights of the user `default`
    /// if that one needs no password, and none before it authenticates otherwise.
    pub fn distrust(&mut self) {
        self.rights = Rights::of_stranger(&self.engine);
        self.show_user();
    }

    /// Says that the stranger is on the same machine, which `enable-debug-command local` is about.
    pub fn set_local(&mut self) {
        self.rights.is_local = true;
    }

    /// Whether it is known who the client is. Before that a front-end should not take much of it.
    pub fn is_authenticated(&self) -> bool {
        self.rights.standing != Standing::Unknown || !self.default_user_is_closed()
    }

    /// Whether the front-end must hang up: the client was killed, its user was removed, or may no
    /// longer listen to what the client listens to.
    pub fn is_expelled(&self) -> bool {
        match self.rights.standing {
            _ if self.card.is_killed() => true,
            Standing::Expelled => true,
            Standing::Authenticated => {
                let changed = self.rights.epoch != self.engine.access().epoch();
                changed && self.look_up_user().is_none()
            }
            Standing::Trusted | Standing::Unknown => false,
        }
    }

    /// Whether the users matter to a client that is silent.
    fn depends_on_users(&self) -> bool {
        let named = self.rights.user.name() != DEFAULT_USER;
        self.rights.standing == Standing::Authenticated && (named || self.is_subscribed())
    }

    /// Ready when the front-end must hang up; else the task of `cx` is woken when it may have to.
    pub fn poll_expelled(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.card.wake_when_killed(cx.waker());
        if self.depends_on_users() {
            self.engine.access().wake_on_change(self.id(), cx.waker());
        }
        match self.is_expelled() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Session {
    /// The name of the session's user.
    pub(crate) fn user_name(&self) -> &[u8] {
        self.rights.user.name()
    }

    /// Makes the session that user's, if the password is right. `command` is the word that asked for
    /// it.
    pub(crate) fn authenticate(&mut self, command: &[u8], name: &[u8], password: &[u8]) -> Outcome {
        let access = self.engine.access();
        let epoch = access.epoch();
        let user = access.with_users(|users| users.authenticate(name, password).cloned());
        let Some(user) = user else {
            self.note_failed_login(command, name);
            return Err(Error::Text(
                "WRONGPASS invalid username-password pair or user is disabled.".into(),
            ));
        };
        self.rights.user = user;
        self.rights.epoch = epoch;
        self.rights.standing = Standing::Authenticated;
        self.rights.decide();
        self.show_user();
        Ok(())
    }

    fn default_user_is_closed(&self) -> bool {
        let closed = |user: &User| !user.is_enabled() || !user.needs_no_password();
        self.engine
            .access()
            .with_users(|users| closed(users.default_user()))
    }

    /// Whether the session may do what `argv` asks for. Notes it if not.
    #[inline]
    pub(super) fn authorize(&mut self, entry: &Entry, argv: &[&[u8]]) -> Outcome {
        if self.refresh_rights() {
            return Ok(());
        }
        self.authorize_by_rules(entry, argv)
    }

    /// Looks the user up again if users changed; whether it may do everything.
    #[inline]
    fn refresh_rights(&mut self) -> bool {
        if self.rights.epoch != self.engine.access().epoch() {
            self.renew_user();
        }
        self.rights.unlimited
    }

    fn renew_user(&mut self) {
        let epoch = self.engine.access().epoch();
        let standing = self.rights.standing;
        match standing {
            Standing::Authenticated => match self.look_up_user() {
                Some(user) => self.rights.user = user,
                None => self.rights.standing = Standing::Expelled,
            },
            Standing::Unknown => {
                let access = self.engine.access();
                self.rights.user = access.with_users(|users| users.default_user().clone());
            }
            Standing::Trusted | Standing::Expelled => {}
        }
        self.rights.epoch = epoch;
        self.rights.decide();
    }

    /// The session's user as it is now, unless it is gone or may no longer listen to everything that
    /// the client listens to.
    fn look_up_user(&self) -> Option<Arc<User>> {
        let known = &self.rights.user;
        let access = self.engine.access();
        let user = access.with_users(|users| users.get(known.name()).cloned())?;
        let kinds = [Kind::Channel, Kind::Pattern, Kind::Sharded];
        let may_listen = kinds.into_iter().all(|kind| {
            let names = self.subscribed(kind);
            let allowed = |name: &Arc<[u8]>| user.allows_channel(name, kind == Kind::Pattern);
            names.iter().all(allowed)
        });
        (user.is_same(known) && may_listen).then_some(user)
    }

    fn authorize_by_rules(&mut self, entry: &Entry, argv: &[&[u8]]) -> Outcome {
        let spec = entry.spec();
        match self.rights.standing {
            Standing::Expelled => {
                self.client.quit = true;
                return Err(Error::err("the user of this connection was removed"));
            }
            Standing::Unknown if self.default_user_is_closed() => {
                return match spec.flags.contains(Flags::NO_AUTH) {
                    true => Ok(()),
                    false => Err(Error::Text("NOAUTH Authentication required.".into())),
                };
            }
            // The default user was opened since: everybody is it.
            Standing::Unknown | Standing::Trusted | Standing::Authenticated => {}
        }
        let context = match self.in_transaction() {
            true => LogContext::Multi,
            false => LogContext::TopLevel,
        };
        let denial = match self.check(spec, argv) {
            Ok(()) => return Ok(()),
            Err(denial) => denial,
        };
        self.note_denial(denial, context, spec, argv);
        Err(refusal::of_command(
            self.compat(),
            denial,
            self.user_name(),
            spec,
        ))
    }

    fn check(&self, spec: &Spec, argv: &[&[u8]]) -> Result<(), Denial> {
        match self.rights.standing {
            Standing::Expelled => Err(Denial::Command),
            _ => self.rights.user.check(crate::access::catalog(), spec, argv),
        }
    }

    /// The same once more when `EXEC` gets to a command that was queued: rules may have changed.
    pub(super) fn authorize_queued(&mut self, entry: &Entry, argv: &[&[u8]]) -> Outcome {
        if self.refresh_rights() {
            return Ok(());
        }
        let spec = entry.spec();
        let denial = match self.check(spec, argv) {
            Ok(()) => return Ok(()),
            Err(denial) => denial,
        };
        self.note_denial(denial, LogContext::Multi, spec, argv);
        Err(refusal::in_exec(denial))
    }

    /// Whether a script of the session may do what `argv` asks for; the error is the one that its
    /// call gets, and is noted for `ACL LOG`.
    pub fn authorize_in_script(&mut self, argv: &[&[u8]]) -> Result<(), Error> {
        let entry = registry::resolve(argv)?;
        if self.refresh_rights() {
            return Ok(());
        }
        let spec = entry.spec();
        let denial = match self.check(spec, argv) {
            Ok(()) => return Ok(()),
            Err(denial) => denial,
        };
        self.note_denial(denial, LogContext::Lua, spec, argv);
        Err(refusal::in_script(
            self.compat(),
            denial,
            self.user_name(),
            spec,
        ))
    }

    /// Whether the session may do what `argv` asks for, as its user; nothing is noted. An error if
    /// there is no such command.
    pub fn may_run(&mut self, argv: &[&[u8]]) -> Result<bool, Error> {
        let entry = registry::identify(argv)?;
        Ok(self.refresh_rights() || self.check(entry.spec(), argv).is_ok())
    }

    /// Whether what the command looks at beyond its arguments may be any key, as with `SORT .. BY`.
    pub(super) fn may_read_every_key(&self, spec: &Spec, argv: &[&[u8]]) -> bool {
        let catalog = crate::access::catalog();
        let user = &self.rights.user;
        self.rights.unlimited || user.check_any_key(catalog, spec, argv, KeyAccess::READ)
    }

    fn compat(&self) -> Compat {
        self.engine.inner().compat()
    }

    fn note_denial(&self, denial: Denial, context: LogContext, spec: &Spec, argv: &[&[u8]]) {
        let object = match denial {
            Denial::Command => spec.name.as_bytes().to_vec(),
            Denial::Key(at) | Denial::Channel(at) => argv[at].to_vec(),
        };
        self.note(Refusal {
            reason: LogReason::from(denial),
            context,
            object,
            user: self.user_name().to_vec(),
        });
    }

    fn note_failed_login(&self, command: &[u8], name: &[u8]) {
        let context = match self.in_exec {
            true => LogContext::Multi,
            false => LogContext::TopLevel,
        };
        self.note(Refusal {
            reason: LogReason::Auth,
            context,
            object: command.to_vec(),
            user: name.to_vec(),
        });
    }

    fn note(&self, refusal: Refusal) {
        let most = self.engine.inner().config.read().acllog_max_len;
        self.show();
        let client = crate::clients::line(&self.engine, &self.card);
        let now = self.engine.now();
        self.engine
            .access()
            .note_refusal(refusal, client, now, most);
    }
}

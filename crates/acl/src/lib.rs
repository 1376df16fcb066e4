//! Users and what they may do: Redis's access rules, compiled to sets of commands.
//!
//! ```text
//!  rules, as words ----> User --(one or more)--> Selector --> commands: a bit for each
//!  on >secret ~k:* +get   |                         |          patterns of keys, each for reading, writing or both
//!                         passwords, as hashes      |          patterns of channels
//!                                                   v
//!  arguments, their Spec ------------------> allowed | Denial
//! ```
//!
//! A request is allowed if one selector alone allows all of it. The [`Catalog`] numbers the
//! commands there are; [`Users`] holds the users by name and reads and writes them as text. Changing
//! a user makes a new [`User`], so whoever holds the old one goes on undisturbed until it looks.
//!
//! This crate knows no session, file or clock.

mod catalog;
mod command_rules;
mod denial;
mod file;
mod log;
mod password;
mod pattern;
mod rule_error;
mod selector;
mod user;
mod users;

pub use catalog::{Catalog, CommandId};
pub use denial::Denial;
pub use log::{AccessLog, LogContext, LogEntry, LogReason, Refusal};
pub use rule_error::RuleError;
pub use selector::Selector;
pub use user::User;
pub use users::{DEFAULT_USER, Users};

//! Users in the configuration and in a file of their own (`user` lines, `aclfile`).

use super::AccessControl;
use crate::OpenError;
use crate::datadir::DataDir;
use crate::engine::{Engine, Inner};
use std::fmt;
use std::path::PathBuf;

/// Why the file of users could not be read or written.
#[derive(Debug)]
pub(crate) enum AccessFileError {
    /// No `aclfile` is configured, or the engine has no directory.
    NotConfigured,
    /// The file could not be reached.
    Storage(storage::Error),
    /// What is wrong with what it says, line by line.
    Content(String),
}

impl fmt::Display for AccessFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessFileError::NotConfigured => f.write_str(
                "This Redis instance is not configured to use an ACL file. You may want to specify \
                 users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you \
                 have a Redis configuration file set) in order to store users in the Redis \
                 configuration.",
            ),
            AccessFileError::Storage(error) => write!(f, "Error loading ACLs, {error}"),
            AccessFileError::Content(faults) => f.write_str(faults),
        }
    }
}

impl From<storage::Error> for AccessFileError {
    fn from(error: storage::Error) -> AccessFileError {
        AccessFileError::Storage(error)
    }
}

impl AccessControl {
    /// Adds the users of `user` lines: name, then rules.
    pub(crate) fn add_configured(&self, lines: &[String]) -> Result<(), String> {
        let mut seen: Vec<&str> = Vec::new();
        for line in lines {
            let mut words = line.split_whitespace();
            let name = words.next().ok_or("a user without a name")?;
            if seen.contains(&name) {
                return Err(format!(
                    "Duplicate user '{name}' found. A user can only be defined once in config files"
                ));
            }
            seen.push(name);
            let rules: Vec<&[u8]> = ["reset"]
                .into_iter()
                .chain(words)
                .map(str::as_bytes)
                .collect();
            self.change_users(|users| users.set(name.as_bytes(), &rules))?;
        }
        Ok(())
    }

    /// Replaces all users by those of the file.
    pub(crate) fn load_file(&self, engine: &Inner) -> Result<(), AccessFileError> {
        let (directory, path) = file_of(engine)?;
        let text = directory.read_file(&path)?;
        let shown = engine.config.read().aclfile.clone();
        let go_on = !engine.compat().new_access_file_expels_clients();
        self.change_users(|users| users.load(&text, &shown, go_on))
            .map_err(AccessFileError::Content)
    }

    /// Writes all users to the file, in place of what it says.
    pub(crate) fn save_file(&self, engine: &Inner) -> Result<(), AccessFileError> {
        let (directory, path) = file_of(engine)?;
        if engine.read_only {
            let why = "The data directory was opened for reading only.";
            return Err(AccessFileError::Content(why.to_owned()));
        }
        let compat = engine.compat();
        let text = self.with_users(|users| users.text(compat));
        Ok(directory.replace_file(&path, &text)?)
    }
}

/// The file that is configured, and where it lies.
fn file_of(engine: &Inner) -> Result<(&dyn DataDir, PathBuf), AccessFileError> {
    let config = engine.config.read();
    if config.aclfile.is_empty() {
        return Err(AccessFileError::NotConfigured);
    }
    let directory = engine.directory().ok_or(AccessFileError::NotConfigured)?;
    Ok((directory, config.dir.join(&config.aclfile)))
}

impl Engine {
    /// Reads the file of users, if one is configured. `have_configured`: the configuration itself
    /// names users as well, so that it would not be clear who counts.
    pub(crate) fn load_users(&self, have_configured: bool) -> Result<(), OpenError> {
        match self.access().load_file(self.inner()) {
            Err(AccessFileError::NotConfigured) => Ok(()),
            _ if have_configured => Err(OpenError::Users(
                "Configuring users both in the configuration and in an aclfile is invalid: one of \
                 them has to go"
                    .to_owned(),
            )),
            loaded => loaded.map_err(|error| {
                OpenError::Users(format!("Aborting startup because of ACL errors: {error}"))
            }),
        }
    }
}

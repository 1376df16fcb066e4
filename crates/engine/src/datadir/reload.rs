//! Reading the files of a directory anew: `DEBUG RELOAD` and `DEBUG LOADAOF`.
//!
//! Commands of other sessions are not held up meanwhile; who wants an exact result sends none.

use super::{OpenError, SaveError};
use crate::engine::{Engine, Inner};
use crate::functions::Functions;
use crate::reply::Discard;
use crate::session::Session;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

/// What `DEBUG RELOAD` does besides reading the snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReloadOptions {
    /// Writes it first.
    pub(crate) save: bool,
    /// Empties the keyspace before.
    pub(crate) flush: bool,
    /// Keys and libraries that are there already are replaced, instead of being an error.
    pub(crate) merge: bool,
}

/// Why a reload failed.
#[derive(Debug)]
pub(crate) enum ReloadError {
    Save(Box<SaveError>),
    Load(Box<OpenError>),
    /// Something is there already, and nothing was said of merging.
    Taken,
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadError::Save(error) => write!(f, "Error trying to save the RDB dump: {error}"),
            ReloadError::Load(error) => write!(f, "Error trying to load the RDB dump: {error}"),
            ReloadError::Taken => {
                f.write_str("Error trying to load the RDB dump: something of it is there already")
            }
        }
    }
}

impl From<SaveError> for ReloadError {
    fn from(error: SaveError) -> ReloadError {
        ReloadError::Save(Box::new(error))
    }
}

impl From<OpenError> for ReloadError {
    fn from(error: OpenError) -> ReloadError {
        ReloadError::Load(Box::new(error))
    }
}

/// Empties `engine` and reads its log anew.
pub(crate) fn reload_log(engine: &Engine) -> Result<(), OpenError> {
    let inner = engine.inner();
    let Some(directory) = inner.directory().filter(|directory| directory.has_log()) else {
        return Err(OpenError::Log(Box::new(SaveError::NoLog)));
    };
    inner.finish_log();
    empty(engine);
    directory.load_log(engine)
}

/// Reads the snapshot anew. What is then in the keyspace and not in the log gets there by a rewrite.
pub(crate) fn reload_rdb(engine: &Engine, options: ReloadOptions) -> Result<(), ReloadError> {
    let inner = engine.inner();
    let directory = inner.directory().ok_or(SaveError::NoDirectory)?;
    if options.save {
        engine.save()?;
    }
    let config = inner.config.read().clone();
    if options.flush {
        empty(engine);
        directory.load_rdb(&config, engine)?;
    } else {
        let aside = engine.empty_twin()?;
        directory.load_rdb(&config, &aside)?;
        take_over(engine, &aside, options.merge)?;
    }
    if inner.durable.is_on() && !(options.save && options.flush) {
        engine.rewrite_log_in_background()?;
    }
    Ok(())
}

/// Takes out all keys and libraries, and logs nothing.
pub(crate) fn empty(engine: &Engine) {
    Session::replaying(engine.clone()).execute(&["FLUSHALL"]);
    let inner = engine.inner();
    inner.functions.write().clear();
    inner.forget_libraries();
    inner.module_aux.write().clear();
}

/// Copies everything that `from` holds.
fn take_over(engine: &Engine, from: &Engine, merge: bool) -> Result<(), ReloadError> {
    take_over_libraries(engine.inner(), from.inner(), merge)?;
    let mut session = Session::replaying(engine.clone());
    let mut view = from.freeze();
    let databases: Vec<_> = view.databases().map(|(db, ..)| db).collect();
    let target = engine.settings().1.dump_target;
    for db in databases {
        session.execute(&["SELECT", &db.to_string()]);
        let copied = view.for_each(db, |entry| {
            let payload = snapshot::dump(&entry.value, target).map_err(SaveError::Encode)?;
            let deadline = entry.deadline.map_or("0".to_owned(), |at| at.to_string());
            let argv: [&[u8]; 6] = [
                b"RESTORE",
                entry.key,
                deadline.as_bytes(),
                &payload,
                b"ABSTTL",
                b"REPLACE",
            ];
            let mut reply = Discard::default();
            let words = if merge { 6 } else { 5 };
            session.execute_into(&argv[..words], &mut reply);
            reply.error.map_or(Ok(()), |_| Err(ReloadError::Taken))
        });
        copied?;
    }
    Ok(())
}

fn take_over_libraries(inner: &Inner, from: &Inner, merge: bool) -> Result<(), ReloadError> {
    let mut functions = inner.functions.write();
    let loaded: Functions = from.functions.read().clone();
    if !merge && loaded.iter().any(|(_, name, _)| functions.contains(name)) {
        return Err(ReloadError::Taken);
    }
    for code in loaded.sources() {
        functions.adopt(code);
    }
    drop(functions);
    inner.forget_libraries();
    Ok(())
}

impl Engine {
    /// An engine without a directory that reads files as this one does.
    fn empty_twin(&self) -> Result<Engine, OpenError> {
        let twin = crate::Builder::in_memory().like(&self.inner().config.read());
        let twin = twin.open()?;
        let skip = self.inner().skip_checksums.load(Relaxed);
        twin.inner().skip_checksums.store(skip, Relaxed);
        Ok(twin)
    }
}

impl From<keyspace::ViewCancelled> for ReloadError {
    fn from(cancelled: keyspace::ViewCancelled) -> ReloadError {
        SaveError::Cancelled(cancelled).into()
    }
}

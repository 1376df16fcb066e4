//! Putting a new state in place of a log.

use crate::history::{Retention, retain};
use crate::{Manifest, Names};
use storage::{Stamp, Storage, Writer, ensure_dir, replace};

/// What a base is written in. Its content tells; its name follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseFormat {
    /// An RDB (`aof-use-rdb-preamble yes`).
    Rdb,
    /// Commands.
    Commands,
}

/// What becomes of files that a new base stands for (`aof-disable-auto-gc`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// They stay, listed as such.
    Kept,
    /// They go.
    Removed,
    /// They go to where superseded logs are kept, and stay there for a while
    /// (`aof-history-retention`).
    Retained(Retention),
}

/// Writes a new base by `write`, and puts it in place of everything in `listed` but the last incr
/// file, which goes on from it.
///
/// The manifest's rename is the commit: a crash before leaves the old log, one after it the new.
/// The old files are removed then if `history` says so, as far as that succeeds; what remains stays
/// listed as history.
///
/// `known` is the manifest's stamp, and follows every manifest that gets its name here, even if an
/// error comes after.
pub fn commit_base<S, E>(
    storage: &S,
    names: &Names,
    listed: &Manifest,
    known: &mut Option<Stamp>,
    format: BaseFormat,
    history: History,
    write: impl FnOnce(&mut Writer<S::File>) -> Result<(), E>,
) -> Result<Manifest, E>
where
    S: Storage,
    E: From<storage::Error>,
{
    let next = listed.rebased(names, format);
    if let Some(base) = &next.base {
        replace(storage, &names.file(&base.name), &mut None, write)?;
    }
    persist(storage, names, known, &next)?;
    Ok(match history {
        History::Kept => next,
        History::Removed => remove_history(storage, names, known, &next).unwrap_or(next),
        History::Retained(retention) => {
            retain(storage, names, known, &next, retention).unwrap_or(next)
        }
    })
}

/// A folder whose manifest says that there is nothing, so that a base which is not committed yet is
/// not taken for data that lost its manifest.
pub fn prepare_folder<S: Storage>(
    storage: &S,
    names: &Names,
    known: &mut Option<Stamp>,
) -> storage::Result<()> {
    ensure_dir(storage, &names.folder())?;
    if storage.stamp(&names.manifest())?.is_none() {
        persist(storage, names, known, &Manifest::default())?;
    }
    Ok(())
}

/// Writes the manifest, and returns once it outlives a power cut. `known` is its stamp, as of
/// [`replace`].
pub fn persist<S: Storage>(
    storage: &S,
    names: &Names,
    known: &mut Option<Stamp>,
    manifest: &Manifest,
) -> storage::Result<()> {
    replace(storage, &names.manifest(), known, |writer| {
        writer.write_all(manifest.to_text().as_bytes())
    })
}

/// The manifest without history, if its files are gone.
pub(crate) fn remove_history<S: Storage>(
    storage: &S,
    names: &Names,
    known: &mut Option<Stamp>,
    manifest: &Manifest,
) -> storage::Result<Manifest> {
    for file in &manifest.history {
        match storage.remove(&names.file(&file.name)) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    if !manifest.history.is_empty() {
        persist(storage, names, known, &manifest.clone().without_history())?;
    }
    Ok(manifest.clone().without_history())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Located, create_incr, locate};
    use std::path::Path;
    use storage::{Memory, Recording, read};

    fn disk() -> Recording<Memory> {
        let storage = Recording::new(Memory::new());
        storage.create_dir(Path::new("d")).unwrap();
        storage.take_transcript();
        storage
    }

    fn manifest_of(storage: &Recording<Memory>) -> Manifest {
        match locate(storage, &Names::new("d")).unwrap() {
            Located::Multi { manifest, .. } => manifest,
            _ => Manifest::default(),
        }
    }

    fn commit(storage: &Recording<Memory>, content: &str) -> Manifest {
        let names = Names::new("d");
        let write = |writer: &mut Writer<_>| writer.write_all(content.as_bytes());
        let mut known = storage.stamp(&names.manifest()).unwrap();
        prepare_folder(storage, &names, &mut known).unwrap();
        let (listed, _) = create_incr(storage, &names, &manifest_of(storage), false).unwrap();
        let format = BaseFormat::Rdb;
        let history = History::Removed;
        let committed = commit_base(storage, &names, &listed, &mut known, format, history, write);
        assert_eq!(known, storage.stamp(&names.manifest()).unwrap());
        committed.unwrap()
    }

    #[test]
    fn order_of_the_first_commit() {
        let storage = disk();
        let manifest = commit(&storage, "state");
        assert!(manifest.history.is_empty());
        let transcript = storage.take_transcript().replace("d/appendonlydir/", "");
        assert_eq!(
            transcript.replace("appendonly.aof", "A"),
            "\
create-dir d/appendonlydir
sync-dir d
create temp-A.manifest
append temp-A.manifest 24
sync temp-A.manifest
rename temp-A.manifest A.manifest
sync-dir d/appendonlydir
create A.1.incr.aof
sync A.1.incr.aof
sync-dir d/appendonlydir
create temp-A.1.base.rdb
append temp-A.1.base.rdb 5
sync temp-A.1.base.rdb
rename temp-A.1.base.rdb A.1.base.rdb
sync-dir d/appendonlydir
create temp-A.manifest
append temp-A.manifest 88
sync temp-A.manifest
rename temp-A.manifest A.manifest
sync-dir d/appendonlydir
"
        );
    }

    #[test]
    fn the_next_commit_leaves_its_own_files_only() {
        let storage = disk();
        commit(&storage, "one");
        let manifest = commit(&storage, "two");
        let names = Names::new("d");
        assert_eq!(
            locate(&storage, &names).unwrap(),
            Located::Multi {
                manifest: manifest.clone(),
                ignored: None
            }
        );
        let left: Vec<_> = storage
            .list(&names.folder())
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(
            left,
            [
                "appendonly.aof.2.base.rdb",
                "appendonly.aof.2.incr.aof",
                "appendonly.aof.manifest"
            ]
        );
        assert_eq!(
            read(&storage, &names.file(&manifest.base.unwrap().name), 9).unwrap(),
            b"two"
        );
    }

    #[test]
    fn a_failed_base_changes_nothing() {
        let storage = disk();
        commit(&storage, "one");
        let names = Names::new("d");
        let before = locate(&storage, &names).unwrap();
        let listed = manifest_of(&storage);
        let fail = |_: &mut Writer<_>| {
            Err(storage::Error::TooLarge {
                path: "".into(),
                len: 1,
                max: 0,
            })
        };
        let (mut known, format) = (None, BaseFormat::Rdb);
        let failed = commit_base(
            &storage,
            &names,
            &listed,
            &mut known,
            format,
            History::Kept,
            fail,
        );
        assert!(failed.is_err());
        assert_eq!(known, None);
        assert_eq!(locate(&storage, &names).unwrap(), before);
    }
}

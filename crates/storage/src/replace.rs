//! Replacing a file so that a crash leaves the old one or the new one, whole.

use crate::{Error, File as _, Mode, Operation, Result, Stamp, Storage, Writer};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Writes `path` anew: `write` fills `temp-<name>` beside it, which is synced and renamed over it,
/// and the directory is synced. A missing directory is made first, and its parent synced.
///
/// When this returns the new content outlives a power cut. On an error before the rename the
/// temporary file is removed and `path` is what it was. After the rename `known` is the stamp of the
/// new file, even if the directory could not be synced: the caller knows its own file again.
pub fn replace<S, E>(
    storage: &S,
    path: &Path,
    known: &mut Option<Stamp>,
    write: impl FnOnce(&mut Writer<S::File>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E>
where
    S: Storage,
    E: From<Error>,
{
    let dir = path.parent().unwrap_or(Path::new(""));
    if storage.stamp(dir)?.is_none() {
        ensure_dir(storage, dir)?;
    }
    let temp = temp_path(path)?;
    let renamed = write_whole(storage, &temp, write).and_then(|stamp| {
        storage.rename(&temp, path)?;
        Ok(stamp)
    });
    match renamed {
        Ok(stamp) => *known = Some(stamp),
        Err(error) => {
            let _ = storage.remove(&temp);
            return Err(error);
        }
    }
    Ok(storage.sync_dir(dir)?)
}

/// Returns the stamp of the file, which a rename does not change.
fn write_whole<S, E>(
    storage: &S,
    temp: &Path,
    write: impl FnOnce(&mut Writer<S::File>) -> std::result::Result<(), E>,
) -> std::result::Result<Stamp, E>
where
    S: Storage,
    E: From<Error>,
{
    let mut writer = Writer::new(storage.open(temp, Mode::Truncate)?);
    write(&mut writer)?;
    writer.sync()?;
    Ok(writer.into_file().stamp()?)
}

/// Redis names them so, too: `temp-appendonly.aof.manifest`.
fn temp_path(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        Error::io(
            Operation::Create,
            path,
            io::ErrorKind::InvalidFilename.into(),
        )
    })?;
    let mut temp = OsString::from("temp-");
    temp.push(name);
    Ok(path.with_file_name(temp))
}

/// Makes `dir` and what is missing above it, and syncs the parent of each. The parent of `dir` is
/// synced even if it was there: whoever made it may have died before doing so.
pub fn ensure_dir<S: Storage>(storage: &S, dir: &Path) -> Result<()> {
    let Some(parent) = dir.parent() else {
        return Ok(());
    };
    if storage.stamp(dir)?.is_none() {
        if storage.stamp(parent)?.is_none() {
            ensure_dir(storage, parent)?;
        }
        match storage.create_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    storage.sync_dir(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Os, Recording, read};

    fn hello<F: crate::File>(writer: &mut Writer<F>) -> Result<()> {
        writer.write_all(b"hello")
    }

    #[test]
    fn order_of_a_replacement() {
        let storage = Recording::new(Memory::new());
        storage.create_dir(Path::new("d")).unwrap();
        storage.take_transcript();
        let mut known = None;
        replace(&storage, Path::new("d/f"), &mut known, hello).unwrap();
        assert_eq!(known.unwrap().len, 5);
        assert_eq!(known, storage.stamp(Path::new("d/f")).unwrap());
        assert_eq!(
            storage.take_transcript(),
            "create d/temp-f\nappend d/temp-f 5\nsync d/temp-f\nrename d/temp-f d/f\nsync-dir d\n"
        );
    }

    #[test]
    fn missing_directories_are_made_and_their_parents_synced() {
        let storage = Recording::new(Memory::new());
        replace(&storage, Path::new("/a/b/f"), &mut None, hello).unwrap();
        assert_eq!(
            storage.take_transcript(),
            "create-dir /a\nsync-dir /\ncreate-dir /a/b\nsync-dir /a\ncreate /a/b/temp-f\n\
             append /a/b/temp-f 5\nsync /a/b/temp-f\nrename /a/b/temp-f /a/b/f\nsync-dir /a/b\n"
        );
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_other() {
        let storage = Recording::new(Memory::new());
        replace(&storage, Path::new("f"), &mut None, hello).unwrap();
        storage.take_transcript();
        let failed = replace(&storage, Path::new("f"), &mut None, |writer| {
            writer.write_all(b"bye")?;
            Err(Error::TooLarge {
                path: PathBuf::new(),
                len: 1,
                max: 0,
            })
        });
        assert!(failed.is_err());
        assert_eq!(storage.take_transcript(), "create temp-f\nremove temp-f\n");
        assert_eq!(read(&storage, Path::new("f"), 99).unwrap(), b"hello");
    }

    #[test]
    fn on_the_real_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x/f");
        let mut known = None;
        for _ in 0..2 {
            replace(&Os, &path, &mut known, hello).unwrap();
            assert_eq!(known, Os.stamp(&path).unwrap());
            assert_eq!(Os.open(&path, Mode::Read).unwrap().len().unwrap(), 5);
            assert_eq!(Os.list(&dir.path().join("x")).unwrap().len(), 1);
        }
    }
}

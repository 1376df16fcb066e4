//! Going on with a log: the file at its end made ready for what comes.

use crate::batch::first_line;
use crate::commit::persist;
use crate::{Manifest, Names};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use storage::{File as _, Mode, Reader, Result, Stamp, Storage, Writer, append_all, ensure_dir};

/// Cuts what does not count from the end of a log file: everything from `valid_up_to` on. The bytes
/// stay in a file beside it, named as it is with `.torn` behind, for a person to look at.
pub fn cut_tail<S: Storage>(storage: &S, path: &Path, valid_up_to: u64) -> Result<()> {
    let mut torn = Reader::at(storage.open(path, Mode::Read)?, valid_up_to);
    let beside = torn_path(path);
    let mut copy = Writer::new(storage.open(&beside, Mode::Truncate)?);
    while torn.fill()? > 0 {
        copy.write_all(torn.buffer())?;
        torn.consume(torn.buffer().len());
    }
    copy.sync()?;
    storage.sync_dir(path.parent().unwrap_or(Path::new("")))?;
    let file = storage.open(path, Mode::Append)?;
    file.set_len(valid_up_to)?;
    file.sync_data()
}

fn torn_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".torn");
    PathBuf::from(name)
}

/// Makes a single file the base of a folder, as servers from 7.0 on do: a manifest names it first,
/// then it moves. A crash between the two leaves what [`crate::locate`] takes for the single file.
pub fn adopt_single<S: Storage>(
    storage: &S,
    names: &Names,
    known: &mut Option<Stamp>,
) -> Result<Manifest> {
    ensure_dir(storage, &names.folder())?;
    let manifest = Manifest::of_single(names);
    persist(storage, names, known, &manifest)?;
    let inside = names.file(names.filename().as_bytes());
    storage.rename(&names.single(), &inside)?;
    storage.sync_dir(&names.folder())?;
    storage.sync_dir(names.data_dir())?;
    Ok(manifest)
}

/// Makes an incr file behind those of `manifest`, and returns it with the manifest that lists it.
/// Whoever wants it to count persists that. It is empty, or has the first line of a file of batches.
pub fn create_incr<S: Storage>(
    storage: &S,
    names: &Names,
    manifest: &Manifest,
    batches: bool,
) -> Result<(Manifest, S::File)> {
    let next = manifest.with_next_incr(names);
    let name = next.incr.last().map_or(&b""[..], |incr| &incr.name);
    let file = storage.open(&names.file(name), Mode::Truncate)?;
    if batches {
        append_all(&file, first_line().as_bytes())?;
    }
    file.sync_data()?;
    storage.sync_dir(&names.folder())?;
    Ok((next, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Located, locate};
    use storage::{Memory, Recording, read};

    fn disk(path: &str, content: &[u8]) -> Recording<Memory> {
        let storage = Recording::new(Memory::new());
        storage.create_dir(Path::new("d")).unwrap();
        let file = storage.open(Path::new(path), Mode::CreateNew).unwrap();
        assert_eq!(file.append(content).unwrap(), content.len());
        storage.take_transcript();
        storage
    }

    #[test]
    fn a_tail_is_copied_before_it_is_cut() {
        let storage = disk("d/log", b"*1\r\n$4\r\nPING\r\n*2\r\n$3");
        cut_tail(&storage, Path::new("d/log"), 14).unwrap();
        let content = |path| read(&storage, Path::new(path), 99).unwrap();
        assert_eq!(content("d/log"), b"*1\r\n$4\r\nPING\r\n");
        assert_eq!(content("d/log.torn"), b"*2\r\n$3");
        assert_eq!(
            storage.take_transcript(),
            "create d/log.torn\nappend d/log.torn 6\nsync d/log.torn\nsync-dir d\nopen d/log\n\
             set-len d/log 14\nsync d/log\n"
        );
    }

    #[test]
    fn a_single_file_becomes_the_base_and_an_incr_follows() {
        let storage = disk("d/appendonly.aof", b"");
        let names = Names::new("d");
        let mut known = None;
        let manifest = adopt_single(&storage, &names, &mut known).unwrap();
        let (next, _) = create_incr(&storage, &names, &manifest, false).unwrap();
        let found = locate(&storage, &names).unwrap();
        let ignored = None;
        assert_eq!(found, Located::Multi { manifest, ignored });
        persist(&storage, &names, &mut known, &next).unwrap();
        assert_eq!(
            next.to_text(),
            "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        );
    }
}

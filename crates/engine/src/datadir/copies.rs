//! Snapshots that stay (`snapshot-keep`): each `dump.rdb` that was saved gets a second name beside
//! it, `dump-<Unix milliseconds>.rdb`, and the oldest beyond a number go.
//!
//! A copy shares its bytes with `dump.rdb` until the next save puts another file there: snapshots are
//! replaced, never written into. The milliseconds have 15 digits, so names sort by time.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use storage::{Mode, Reader, Storage, replace};
use units::UnixMillis;

/// Enough for thirty thousand years.
const DIGITS: usize = 15;

/// Keeps what was saved at `path` under a name of its own, which it returns, and removes the oldest
/// such files beyond `keep`. Does neither if `keep` is 0. The new name is on disk before an old one
/// goes, so a crash leaves more, not fewer.
pub(super) fn keep<S: Storage>(
    storage: &S,
    path: &Path,
    now: UnixMillis,
    keep: u32,
) -> storage::Result<Option<PathBuf>> {
    if keep == 0 {
        return Ok(None);
    }
    let mut times = times(storage, path)?;
    // A clock that was set back must not make the newest copy look the oldest.
    let after_newest = times.last().map_or(0, |newest| newest.saturating_add(1));
    let time = u64::try_from(now.0).unwrap_or(0).max(after_newest);
    let copy = copy_path(path, time);
    link_or_copy(storage, path, &copy)?;
    storage.sync_dir(path.parent().unwrap_or(Path::new("")))?;
    times.push(time);
    let surplus = times.len().saturating_sub(keep as usize);
    for time in times.drain(..surplus) {
        storage.remove(&copy_path(path, time))?;
    }
    Ok(Some(copy))
}

/// When the copies of `path` were made, the oldest first.
fn times<S: Storage>(storage: &S, path: &Path) -> storage::Result<Vec<u64>> {
    let entries = storage.list(path.parent().unwrap_or(Path::new("")))?;
    let files = entries.iter().filter(|entry| !entry.is_dir);
    let mut times: Vec<u64> = files
        .filter_map(|entry| time_of(path, &entry.name))
        .collect();
    times.sort_unstable();
    Ok(times)
}

fn copy_path(path: &Path, time: u64) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{time:0DIGITS$}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The time in a name that [`copy_path`] gave; `None` for any other file.
fn time_of(path: &Path, name: &OsStr) -> Option<u64> {
    let (_, digits) = Path::new(name).file_stem()?.to_str()?.rsplit_once('-')?;
    let is_time = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    let time = digits.parse().ok().filter(|_| is_time)?;
    (copy_path(path, time).file_name() == Some(name)).then_some(time)
}

/// FAT, some network mounts and some sandboxes have no hard links; there the bytes are copied.
fn link_or_copy<S: Storage>(storage: &S, from: &Path, to: &Path) -> storage::Result<()> {
    use io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    match storage.link(from, to) {
        Err(error) if matches!(error.kind(), Unsupported | PermissionDenied | TooManyLinks) => {
            copy(storage, from, to)
        }
        linked => linked,
    }
}

fn copy<S: Storage>(storage: &S, from: &Path, to: &Path) -> storage::Result<()> {
    let mut source = Reader::new(storage.open(from, Mode::Read)?);
    replace(storage, to, &mut None, |file| {
        while source.fill()? > 0 {
            file.write_all(source.buffer())?;
            source.consume(source.buffer().len());
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Memory, Recording, read};

    fn put(storage: &impl Storage, path: &str) {
        let write = |file: &mut storage::Writer<_>| file.write_all(b"saved");
        replace::<_, storage::Error>(storage, Path::new(path), &mut None, write).unwrap();
    }

    #[test]
    fn other_files_are_no_copies() {
        let path = Path::new("/d/dump.rdb");
        let time = |name: &str| time_of(path, OsStr::new(name));
        assert_eq!(time("dump-000000000000012.rdb"), Some(12));
        for other in [
            "dump.rdb",
            "dump-12.rdb",
            "dump-+00000000000012.rdb",
            "dump-000000000000012.aof",
            "temp-dump-000000000000012.rdb",
            "other-000000000000012.rdb",
        ] {
            assert_eq!(time(other), None, "{other}");
        }
    }

    #[test]
    fn the_new_name_is_on_disk_before_an_old_one_goes() {
        let storage = Recording::new(Memory::new());
        let path = Path::new("/d/dump.rdb");
        put(&storage, "/d/dump.rdb");
        put(&storage, "/d/dump-000000000000007.rdb");
        storage.take_transcript();
        let kept = keep(&storage, path, UnixMillis(5), 1).unwrap();
        assert_eq!(kept, Some(PathBuf::from("/d/dump-000000000000008.rdb")));
        assert_eq!(
            storage.take_transcript(),
            "link /d/dump.rdb /d/dump-000000000000008.rdb\nsync-dir /d\n\
             remove /d/dump-000000000000007.rdb\n"
        );
        assert_eq!(keep(&storage, path, UnixMillis(9), 0).unwrap(), None);
        assert_eq!(storage.take_transcript(), "");
    }

    #[test]
    fn bytes_are_copied_where_there_are_no_links() {
        let storage = Memory::new();
        put(&storage, "/d/dump.rdb");
        let to = Path::new("/d/dump-000000000000008.rdb");
        copy(&storage, Path::new("/d/dump.rdb"), to).unwrap();
        assert_eq!(read(&storage, to, 99).unwrap(), b"saved");
    }
}

//! Logs that a rewrite superseded, kept for a while.
//!
//! They lie in a folder beside the log's files, where no server looks: what a manifest lists as
//! history servers delete. Each is a log of its own, with a manifest, under names that begin with the
//! Unix milliseconds at which it was superseded, in 15 digits, so that they sort by time:
//!
//! ```text
//! DIR/appendonlydir/history/001700000002000-appendonly.aof.manifest
//!                           001700000002000-appendonly.aof.1.base.rdb
//!                           001700000002000-appendonly.aof.1.incr.aof
//! ```
//!
//! The log's own manifest lists the files as history until they have moved: a manifest is written
//! here first, then each file gets its name here and loses its old one, then the lines go. What a
//! crash interrupts the next rewrite finishes.

use crate::commit::{persist, remove_history};
use crate::{FileInfo, Manifest, Names};
use std::io::ErrorKind;
use storage::{File as _, Mode, Result, Stamp, Storage, ensure_dir};

/// What is kept of superseded logs, and what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Now, in Unix milliseconds.
    pub now: u64,
    /// Logs that were superseded so many milliseconds ago go.
    pub keep_ms: u64,
}

/// A superseded log. [`locate`](crate::locate) finds its files by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLog {
    /// When it was superseded, in Unix milliseconds.
    pub until: u64,
    /// Where it lies.
    pub names: Names,
}

/// The superseded logs that are kept, the oldest first.
pub fn past_logs<S: Storage>(storage: &S, names: &Names) -> Result<Vec<PastLog>> {
    let manifest_of = |until: u64| names.past(until).manifest();
    let mut times: Vec<u64> = entries(storage, names)?
        .into_iter()
        .filter(|(until, name)| manifest_of(*until).file_name() == Some(name.as_ref()))
        .map(|(until, _)| until)
        .collect();
    times.sort_unstable();
    let log = |until| PastLog {
        until,
        names: names.past(until),
    };
    Ok(times.into_iter().map(log).collect())
}

/// Moves what `manifest` lists as history to where it is kept, and removes what was kept for long
/// enough. Returns the manifest without those lines, once it is on disk.
pub(crate) fn retain<S: Storage>(
    storage: &S,
    names: &Names,
    known: &mut Option<Stamp>,
    manifest: &Manifest,
    retention: Retention,
) -> Result<Manifest> {
    ensure_dir(storage, &names.history())?;
    for log in superseded(names, manifest) {
        keep(storage, names, &log, retention.now)?;
    }
    let left = remove_history(storage, names, known, manifest)?;
    let before = retention.now.saturating_sub(retention.keep_ms);
    forget(storage, names, before)?;
    Ok(left)
}

/// The logs that history lines were, the oldest first. Lines of one log stand together, its incr
/// files, newest first, in front of its base.
fn superseded(names: &Names, manifest: &Manifest) -> Vec<Manifest> {
    let mut logs = Vec::new();
    let mut incr = Vec::new();
    for file in &manifest.history {
        if names.is_base(&file.name) {
            incr.reverse();
            logs.push(Manifest {
                base: Some(file.clone()),
                incr: std::mem::take(&mut incr),
                ..Manifest::default()
            });
        } else {
            incr.push(file.clone());
        }
    }
    logs.reverse();
    logs
}

/// Gives a log its place, or goes on doing so. One of which files are gone is none any more.
fn keep<S: Storage>(storage: &S, names: &Names, log: &Manifest, now: u64) -> Result<()> {
    let last = past_logs(storage, names)?.pop();
    let begun = match &last {
        Some(last) if is_begun(storage, names, last, log)? => Some(last.until),
        _ => None,
    };
    let until = match begun {
        Some(until) => until,
        None if !is_whole(storage, names, log)? => return Ok(()),
        None => {
            let until = last.map_or(now, |last| now.max(last.until + 1));
            let past = names.past(until);
            persist(storage, &past, &mut None, &renamed(log, until))?;
            until
        }
    };
    take_over(storage, names, until, log)
}

/// Whether `log` was on its way to `past`: each of its files is in one of the places, or the same in
/// both. Numbers begin anew when a log does, so the names alone say nothing.
fn is_begun<S: Storage>(
    storage: &S,
    names: &Names,
    past: &PastLog,
    log: &Manifest,
) -> Result<bool> {
    let listed = match crate::locate::manifest_of(storage, &past.names) {
        Ok(listed) => listed,
        Err(_) => return Ok(false),
    };
    if listed != renamed(log, past.until) {
        return Ok(false);
    }
    for (here, there) in log.data().zip(listed.data()) {
        let here = storage.stamp(&names.file(&here.name))?;
        let there = storage.stamp(&past.names.file(&there.name))?;
        let is_one = match (here, there) {
            (Some(here), Some(there)) => here.inode == there.inode,
            (here, there) => here.is_some() || there.is_some(),
        };
        if !is_one {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_whole<S: Storage>(storage: &S, names: &Names, log: &Manifest) -> Result<bool> {
    for file in log.data() {
        if storage.stamp(&names.file(&file.name))?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The log as its own manifest lists it.
fn renamed(log: &Manifest, until: u64) -> Manifest {
    let rename = |file: &FileInfo| FileInfo {
        name: [past_prefix(until).as_bytes(), &file.name].concat(),
        ..file.clone()
    };
    Manifest {
        base: log.base.as_ref().map(rename),
        incr: log.incr.iter().map(rename).collect(),
        ..Manifest::default()
    }
}

/// Every file is on disk, and its new name, before an old one goes. Where there are no links, a file has
/// one name after the other.
fn take_over<S: Storage>(storage: &S, names: &Names, until: u64, log: &Manifest) -> Result<()> {
    let (mut linked, past) = (Vec::new(), renamed(log, until));
    for (file, kept) in log.data().zip(past.data()) {
        let from = names.file(&file.name);
        let to = names.past(until).file(&kept.name);
        if storage.stamp(&from)?.is_none() {
            continue;
        }
        // The last was not, if nothing came behind it.
        storage.open(&from, Mode::Append)?.sync_data()?;
        match storage.link(&from, &to) {
            Ok(()) => linked.push(from),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => linked.push(from),
            Err(error) if no_links(error.kind()) => storage.rename(&from, &to)?,
            Err(error) => return Err(error),
        }
    }
    storage.sync_dir(&names.history())?;
    for from in linked {
        storage.remove(&from)?;
    }
    storage.sync_dir(&names.folder())
}

fn no_links(kind: ErrorKind) -> bool {
    use ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    matches!(kind, Unsupported | PermissionDenied | TooManyLinks)
}

/// Removes what was superseded before a time: manifests first, so that none lists what is gone.
fn forget<S: Storage>(storage: &S, names: &Names, before: u64) -> Result<()> {
    let old = entries(storage, names)?;
    let old = old.into_iter().filter(|(until, _)| *until < before);
    let (manifests, files): (Vec<_>, Vec<_>) =
        old.partition(|(until, name)| names.past(*until).manifest().ends_with(name));
    for group in [manifests, files] {
        for (_, name) in &group {
            storage.remove(&names.history().join(name))?;
        }
        if !group.is_empty() {
            storage.sync_dir(&names.history())?;
        }
    }
    Ok(())
}

/// The files of the history's folder, with the times in their names.
fn entries<S: Storage>(storage: &S, names: &Names) -> Result<Vec<(u64, String)>> {
    if storage.stamp(&names.history())?.is_none() {
        return Ok(Vec::new());
    }
    let files = storage.list(&names.history())?.into_iter();
    let files = files.filter(|entry| !entry.is_dir);
    let timed = |entry: storage::Entry| {
        let name = entry.name.into_string().ok()?;
        let until = past_time(&name)?;
        Some((until, name))
    };
    Ok(files.filter_map(timed).collect())
}

/// What names of a log that was superseded at `until` begin with.
pub(crate) fn past_prefix(until: u64) -> String {
    format!("{until:0DIGITS$}-")
}

fn past_time(name: &str) -> Option<u64> {
    let (digits, _) = name.split_once('-')?;
    let is_time = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_time)
}

/// Enough for thirty thousand years.
const DIGITS: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BaseFormat, History, Located, commit_base, create_incr, locate, prepare_folder};
    use std::path::Path;
    use storage::{Crash, Faulty, Writer, append_all, read};

    const KEEP: u64 = 10_000;

    /// A rewrite to `content`, at a time, with the content as a command before the next.
    fn rewrite(disk: &Faulty, content: &str, now: u64) -> storage::Result<()> {
        let names = Names::new("d");
        let mut known = disk.stamp(&names.manifest())?;
        prepare_folder(disk, &names, &mut known)?;
        let old = crate::locate::manifest_of(disk, &names).unwrap();
        let (listed, file) = create_incr(disk, &names, &old, false)?;
        append_all(&file, content.as_bytes())?;
        file.sync_data()?;
        let retention = Retention { now, keep_ms: KEEP };
        let history = History::Retained(retention);
        let write = |writer: &mut Writer<_>| writer.write_all(content.as_bytes());
        let format = BaseFormat::Rdb;
        commit_base(disk, &names, &listed, &mut known, format, history, write).map(drop)
    }

    fn disk() -> Faulty {
        let disk = Faulty::new();
        disk.create_dir(Path::new("d")).unwrap();
        disk.sync_dir(Path::new("")).unwrap();
        disk
    }

    /// What the bases of whole past logs hold, the oldest first.
    fn kept(disk: &Faulty) -> Vec<String> {
        let logs = past_logs(disk, &Names::new("d")).unwrap();
        let text = |log: &PastLog| match locate(disk, &log.names) {
            Ok(Located::Multi { manifest, .. }) => {
                let texts = manifest.data().map(|file| {
                    let bytes = read(disk, &log.names.file(&file.name), 99).unwrap();
                    String::from_utf8(bytes).unwrap()
                });
                Some(texts.collect::<Vec<_>>().concat())
            }
            _ => None,
        };
        logs.iter().filter_map(text).collect()
    }

    #[test]
    fn superseded_logs_stay_for_as_long_as_asked_for() {
        let disk = disk();
        for (number, content) in ["one", "two", "three", "four"].iter().enumerate() {
            rewrite(&disk, content, 5_000 + 5_000 * number as u64).unwrap();
        }
        assert_eq!(kept(&disk), ["oneone", "twotwo", "threethree"]);
        let manifest = crate::locate::manifest_of(&disk, &Names::new("d")).unwrap();
        assert!(manifest.history.is_empty());
        rewrite(&disk, "five", 25_001).unwrap();
        assert_eq!(kept(&disk), ["threethree", "fourfour"]);
        let files = disk.list(&Names::new("d").history()).unwrap();
        assert_eq!(files.len(), 6);
        // A clock that was set back does not mix logs up.
        rewrite(&disk, "six", 24_000).unwrap();
        assert_eq!(kept(&disk), ["threethree", "fourfour", "fivefive"]);
    }

    #[test]
    fn what_a_crash_interrupts_the_next_rewrite_finishes() {
        let disk = disk();
        rewrite(&disk, "one", 5_000).unwrap();
        let images = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = std::sync::Arc::clone(&images);
        disk.watch(move |moment| {
            for how in Crash::ALL {
                let image = moment.crash(how, &mut |below| below / 2);
                seen.lock().unwrap().push((how, image));
            }
        });
        rewrite(&disk, "two", 6_000).unwrap();
        disk.watch(|_| {});
        let images = std::mem::take(&mut *images.lock().unwrap());
        assert!(images.len() > 100);
        for (how, image) in images {
            let names = Names::new("d");
            let before = crate::locate::manifest_of(&image, &names).unwrap();
            let base = before.base.expect("a whole log at any moment");
            let is_new = read(&image, &names.file(&base.name), 99).unwrap() == b"two";
            rewrite(&image, "three", 7_000).unwrap();
            let mut kept = kept(&image);
            // Where the disk had two names for a file, its image has two files.
            kept.dedup();
            assert!(kept[0].starts_with("one"), "{how:?}: {kept:?}");
            assert_eq!(kept.len(), 1 + usize::from(is_new), "{how:?}: {kept:?}");
        }
    }
}

//! Directories: which files of them are data, by the rules of servers and whatever they are called.

use super::aof::Place;
use super::report::{Damage, FileReport};
use super::{aof as log, rdb};
use aof::{Located, Manifest, Names, locate};
use duramen::storage::{self, Mode, Os, Storage as _};
use std::path::{Path, PathBuf};

/// Checks a data directory, or the folder of an append-only file.
pub(super) fn check(dir: &Path) -> Vec<FileReport> {
    let reports = match Contents::of(dir) {
        Err(error) => return vec![FileReport::unreadable(dir, error)],
        Ok(contents) => match contents.manifests.first() {
            Some(manifest) => check_folder_of(manifest),
            None => check_contents(dir, &contents),
        },
    };
    match reports.is_empty() {
        true => vec![FileReport::unreadable(
            dir,
            "there is no RDB file and no append-only file in it",
        )],
        false => reports,
    }
}

/// Checks the log that `manifest` lists, in the folder that it lies in.
pub(super) fn check_folder_of(manifest: &Path) -> Vec<FileReport> {
    match Names::of_manifest(manifest) {
        Some(names) => check_log(&names, &mut Vec::new()),
        None => vec![FileReport::unreadable(manifest, "not a name of a manifest")],
    }
}

/// What counts in a directory, by name.
#[derive(Debug, Default)]
struct Contents {
    snapshots: Vec<PathBuf>,
    logs: Vec<PathBuf>,
    manifests: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Contents {
    fn of(dir: &Path) -> storage::Result<Contents> {
        let mut contents = Contents::default();
        for entry in Os.list(dir)? {
            let path = dir.join(&entry.name);
            let extension = path.extension().and_then(|is| is.to_str());
            // Servers write under such names what they have not finished.
            let unfinished = entry.name.as_encoded_bytes().starts_with(b"temp-");
            match extension {
                _ if entry.is_dir => contents.folders.push(path),
                _ if unfinished => {}
                Some("rdb") => contents.snapshots.push(path),
                Some("aof") => contents.logs.push(path),
                Some("manifest") => contents.manifests.push(path),
                _ => {}
            }
        }
        Ok(contents)
    }
}

fn check_contents(dir: &Path, contents: &Contents) -> Vec<FileReport> {
    let mut reports = Vec::new();
    let mut known = Vec::new();
    for path in &contents.snapshots {
        reports.push(match Os.open(path, Mode::Read) {
            Ok(file) => rdb::check(file),
            Err(error) => FileReport::unreadable(path, error),
        });
    }
    for names in logs_of(dir, contents) {
        reports.extend(check_log(&names, &mut known));
    }
    for path in contents.logs.iter().filter(|path| !known.contains(path)) {
        reports.push(check_log_file(path, Place::Last));
    }
    reports
}

/// The log under Redis's own names, and those of folders that hold a manifest.
fn logs_of(dir: &Path, contents: &Contents) -> Vec<Names> {
    let mut logs = vec![Names::new(dir)];
    for folder in &contents.folders {
        let manifests = Contents::of(folder).unwrap_or_default().manifests;
        let names = manifests
            .iter()
            .filter_map(|manifest| Names::of_manifest(manifest));
        logs.extend(names.filter(|names| names.manifest() != Names::new(dir).manifest()));
    }
    logs
}

/// Checks a log, and notes in `known` the single file of those names, whether it counts or not.
fn check_log(names: &Names, known: &mut Vec<PathBuf>) -> Vec<FileReport> {
    match locate(&Os, names) {
        Ok(Located::Nothing) => Vec::new(),
        Ok(Located::Single { path }) => {
            let report = check_log_file(&path, Place::Last);
            known.push(path);
            vec![report]
        }
        Ok(Located::Multi { manifest, ignored }) => {
            let mut report = FileReport::new(&names.manifest(), "manifest");
            report.notes.extend(
                ignored
                    .iter()
                    .map(|path| format!("{} counts for nothing beside it", path.display())),
            );
            known.extend(ignored);
            let mut reports = vec![report];
            reports.extend(check_parts(names, &manifest));
            reports
        }
        Err(aof::Error::Storage(error)) => vec![FileReport::unreadable(&names.manifest(), error)],
        Err(error) => {
            let mut report = FileReport::new(&names.manifest(), "manifest");
            report.damaged(Damage::of_aof(&error));
            vec![report]
        }
    }
}

fn check_parts(names: &Names, manifest: &Manifest) -> Vec<FileReport> {
    let paths: Vec<PathBuf> = manifest.data().map(|file| names.file(&file.name)).collect();
    let last = paths.len().saturating_sub(1);
    let place = |i| if i == last { Place::Last } else { Place::Inner };
    let numbered = paths.iter().enumerate();
    numbered
        .map(|(i, path)| check_log_file(path, place(i)))
        .collect()
}

fn check_log_file(path: &Path, place: Place) -> FileReport {
    match Os.open(path, Mode::Read) {
        Ok(file) => log::check(file, place),
        Err(error) => FileReport::unreadable(path, error),
    }
}

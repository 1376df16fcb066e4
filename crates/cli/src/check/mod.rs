//! Whether files are sound, and where not.
//!
//! Nothing is loaded: files are read in blocks, decoded as events and counted, so that memory stays
//! at one item; names are hashed and sorted on temporary disk to notice those that occur twice.

mod aof;
mod archive;
mod directory;
mod loss;
mod rdb;
mod repeats;
mod report;

use crate::args::CheckArgs;
use duramen::storage::{self, File as _, Mode, Os, OsFile, Storage as _};
use report::{FileReport, Report};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Checks what is named and tells; the exit code is the worst that was found.
pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    let files = args.paths.iter().flat_map(|path| check(path));
    let mut report = Report {
        files: files.collect(),
    };
    report.files.iter_mut().for_each(loss::tell);
    let text = match args.json {
        true => format!("{:#}\n", report.to_json()),
        false => report.to_string(),
    };
    // If nobody reads it, the exit code still tells.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::from(report.verdict().exit_code())
}

fn check(path: &Path) -> Vec<FileReport> {
    match Os.stamp(path) {
        Ok(Some(stamp)) if stamp.is_dir => directory::check(path),
        Ok(Some(_)) if is_manifest(path) => directory::check_folder_of(path),
        Ok(Some(_)) => {
            let archive = archive::check(path, rdb::check);
            vec![archive.unwrap_or_else(|| check_file(path))]
        }
        Ok(None) => vec![FileReport::unreadable(path, "no such file or directory")],
        Err(error) => vec![FileReport::unreadable(path, error)],
    }
}

/// A file by itself: what it is follows from its name and its first bytes.
fn check_file(path: &Path) -> FileReport {
    let (file, begin) = match begin(path) {
        Ok(opened) => opened,
        Err(error) => return FileReport::unreadable(path, error),
    };
    let named = |extension: &str| path.extension().is_some_and(|is| is == extension);
    let is_log = named("aof") || matches!(begin.first(), Some(b'*' | b'#'));
    if is_log && !named("rdb") {
        aof::check(file, aof::Place::Last)
    } else {
        rdb::check(file)
    }
}

/// Opens a file and looks at how it begins.
fn begin(path: &Path) -> storage::Result<(OsFile, Vec<u8>)> {
    let file = Os.open(path, Mode::Read)?;
    let mut begin = [0; 16];
    let read = file.read_at(0, &mut begin)?;
    Ok((file, begin[..read].to_vec()))
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|is| is == "manifest")
}

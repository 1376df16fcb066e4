//! Archives: unpacked into a temporary file, and that is checked.

use super::report::FileReport;
use duramen::storage::{Mode, Os, OsFile, Storage as _, Writer};
use inspect::Error;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Checks the archive at `path`; `None` if it is none.
pub(super) fn check(path: &Path, check: impl Fn(OsFile) -> FileReport) -> Option<FileReport> {
    let (mut input, len) = inspect::open(&Os, path, |_| {}).ok()?;
    if len.is_some() {
        return None;
    }
    let temp = Temporary::new(path);
    let mut report = match temp.fill(path, &mut input) {
        Ok(file) => check(file),
        Err(error) => FileReport::unreadable(path, error),
    };
    report.path = path.to_owned();
    let note = "an archive: offsets are those of what is in it";
    report.notes.push(note.to_owned());
    Some(report)
}

/// A file that is gone when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(of: &Path) -> Temporary {
        let name = of.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("duramen-check-{}-{name}", std::process::id());
        Temporary(std::env::temp_dir().join(name))
    }

    fn fill(&self, path: &Path, input: &mut impl Read) -> Result<OsFile, Error> {
        let mut writer = Writer::new(Os.open(&self.0, Mode::CreateNew)?);
        io::copy(input, &mut writer).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        writer.flush()?;
        Ok(Os.open(&self.0, Mode::Read)?)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = Os.remove(&self.0);
    }
}

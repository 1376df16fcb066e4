//! The file that says which process serves (`pidfile`).

use crate::tell;
use duramen::storage::{Os, Storage as _, replace};
use std::path::{Path, PathBuf};

/// The file, removed when dropped. That it can't be written is no reason not to serve.
pub(crate) struct PidFile(Option<PathBuf>);

impl PidFile {
    /// Writes it, unless `path` is empty.
    pub(crate) fn new(path: &str) -> PidFile {
        if path.is_empty() {
            return PidFile(None);
        }
        let line = format!("{}\n", std::process::id());
        let written = replace(&Os, Path::new(path), &mut None, |file| {
            file.write_all(line.as_bytes())
        });
        match written {
            Ok(()) => PidFile(Some(PathBuf::from(path))),
            Err(error) => {
                tell::warn(&format!("Failed to write PID file: {error}"));
                PidFile(None)
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = Os.remove(path);
        }
    }
}

use aof::Tail;
use rdb::Version;
use std::fmt;
use std::path::PathBuf;

/// What was found when a data directory was opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The files that were read, in order.
    pub files: Vec<FileReport>,
    /// What the owner of the directory should know.
    pub warnings: Vec<String>,
}

/// What a file gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// The snapshot that it is or begins with.
    pub rdb: Option<RdbReport>,
    /// The log that it is or ends with.
    pub log: Option<LogReport>,
}

/// What a snapshot gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RdbReport {
    /// Its family and version.
    pub version: Option<Version>,
    /// Facts about it, by name, such as `redis-ver`.
    pub aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys that were loaded.
    pub keys: u64,
    /// Keys that were left out because their time had come.
    pub expired: u64,
    /// Keys that were left out because their collections had no elements.
    pub empty: u64,
    /// Function libraries.
    pub functions: usize,
}

/// What a log gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogReport {
    /// Commands that were carried out.
    pub commands: u64,
    /// Commands that were refused; servers log such and go on, and so does this.
    pub refused: u64,
    /// The first refusal.
    pub first_refusal: Option<commands::Error>,
    /// How the file ends, and what of it does not count.
    pub tail: Tail,
}

impl RecoveryReport {
    /// The log file whose end does not count, if one has such an end, and up to where it counts.
    pub(super) fn torn_end(&self) -> Option<(PathBuf, u64)> {
        let torn = |file: &FileReport| {
            let tail = file.log.as_ref()?.tail;
            (!tail.is_whole()).then(|| (file.path.clone(), tail.valid_up_to))
        };
        self.files.iter().find_map(torn)
    }

    /// Keys loaded from snapshots, and commands carried out from logs.
    pub fn totals(&self) -> (u64, u64) {
        let keys = self
            .files
            .iter()
            .filter_map(|file| file.rdb.as_ref())
            .map(|rdb| rdb.keys);
        let logs = self.files.iter().filter_map(|file| file.log.as_ref());
        (keys.sum(), logs.map(|log| log.commands).sum())
    }
}

/// A line a file, then a line a warning.
impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            f.write_str("nothing to load")?;
        }
        let files = self.files.iter().map(FileReport::to_string);
        let warnings = self
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}"));
        f.write_str(&files.chain(warnings).collect::<Vec<_>>().join("\n"))
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(rdb) = &self.rdb {
            write!(f, " {rdb}")?;
        }
        if let Some(log) = &self.log {
            write!(f, " {log}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RdbReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = self.version {
            write!(f, "{version}, ")?;
        }
        write!(f, "{} keys loaded", self.keys)?;
        for (count, what) in [(self.expired, "expired"), (self.empty, "empty")] {
            if count > 0 {
                write!(f, ", {count} {what} ones left out")?;
            }
        }
        if self.functions > 0 {
            write!(f, ", {} function libraries", self.functions)?;
        }
        Ok(())
    }
}

impl fmt::Display for LogReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} commands carried out", self.commands)?;
        if let Some(error) = &self.first_refusal {
            write!(f, ", {} refused, the first with '{error}'", self.refused)?;
        }
        if !self.tail.is_whole() {
            write!(f, "; {}", self.tail)?;
        }
        Ok(())
    }
}

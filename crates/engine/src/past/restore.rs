//! A state of the past as a data directory of its own.

use super::{LogHistory, PastError, Plan, PlannedFile, Point};
use aof::{BaseFormat, FileInfo, LogReader, Manifest, Names, copy_prefix, persist};
use std::path::{Path, PathBuf};
use storage::{Mode, Storage, ensure_dir};

/// What was made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Restored {
    /// The new data directory.
    pub dir: PathBuf,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// Bytes of them.
    pub bytes: u64,
    /// Commands in them behind the base.
    pub commands: u64,
    /// Unix seconds of the last time named in front of what was left out, or of the base.
    pub reached: Option<i64>,
    /// The history and the offset in it at which the last command ends, if something says so.
    pub offset: Option<(String, u64)>,
}

/// Makes `out` the data directory that `dir` was at a point. What is in `dir` stays as it is; `out`
/// must not be there. Real servers open it under `appendonly yes`.
pub fn restore(
    dir: impl AsRef<Path>,
    point: &Point,
    out: impl AsRef<Path>,
) -> Result<Restored, PastError> {
    LogHistory::of(dir)?.restore(point, out.as_ref())
}

impl<S: Storage> LogHistory<S> {
    /// Makes `out` the data directory that this was at a point; see [`restore`].
    ///
    /// Its manifest is written last: what an error or a crash leaves of it is refused when opened.
    pub fn restore(&self, point: &Point, out: &Path) -> Result<Restored, PastError> {
        if self.storage.stamp(out)?.is_some() {
            return Err(PastError::TargetExists(out.to_owned()));
        }
        let plan = self.plan(point)?;
        let names = Names::new(out);
        ensure_dir(&self.storage, out)?;
        ensure_dir(&self.storage, &names.folder())?;
        let manifest = self.copy(&plan, &names)?;
        persist(&self.storage, &names, &mut None, &manifest)?;
        let files = manifest.data().map(|file| names.file(&file.name));
        let mut restored = Restored {
            dir: out.to_owned(),
            files: files.collect(),
            bytes: 0,
            commands: plan.commands,
            reached: plan.reached,
            offset: plan.offset,
        };
        for file in &restored.files {
            restored.bytes += self.storage.stamp(file)?.map_or(0, |stamp| stamp.len);
        }
        Ok(restored)
    }

    fn copy(&self, plan: &Plan, names: &Names) -> Result<Manifest, PastError> {
        let mut manifest = Manifest::default();
        for file in &plan.files {
            let name = match file.is_base {
                true => names.base_name(1, self.format_of(file)?),
                false => {
                    manifest = manifest.with_next_incr(names);
                    let last = manifest.incr.last().map(|file| file.name.clone());
                    String::from_utf8_lossy(&last.unwrap_or_default()).into_owned()
                }
            };
            let end = file.end.unwrap_or(u64::MAX);
            copy_prefix(&self.storage, &file.path, &names.file(name.as_bytes()), end)?;
            if file.is_base {
                manifest.base = Some(FileInfo::new(name, 1));
            }
        }
        Ok(manifest)
    }

    /// What a base is, by its content; one that is a snapshot is compared with its checksum.
    fn format_of(&self, file: &PlannedFile) -> Result<BaseFormat, PastError> {
        let mut reader = LogReader::open(self.storage.open(&file.path, Mode::Read)?)?;
        if !reader.has_preamble() {
            return Ok(BaseFormat::Commands);
        }
        super::stretch::pass_snapshot(reader.preamble())?;
        Ok(BaseFormat::Rdb)
    }
}

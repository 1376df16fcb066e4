use crate::BaseFormat;
use crate::history::past_prefix;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Where the log of a data directory lies: the directory, `appendfilename` and `appenddirname`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    data_dir: PathBuf,
    filename: String,
    dirname: String,
}

impl Names {
    /// The log of `data_dir` under Redis's default names.
    pub fn new(data_dir: impl Into<PathBuf>) -> Names {
        Names::custom(data_dir, "appendonly.aof", "appendonlydir")
    }

    /// The log of `data_dir` under the names of `appendfilename` and `appenddirname`, which are
    /// bare names.
    pub fn custom(
        data_dir: impl Into<PathBuf>,
        filename: impl Into<String>,
        dirname: impl Into<String>,
    ) -> Names {
        Names {
            data_dir: data_dir.into(),
            filename: filename.into(),
            dirname: dirname.into(),
        }
    }

    /// The names of the log that a manifest belongs to, from where it lies; `None` if it is called
    /// otherwise than manifests are.
    pub fn of_manifest(manifest: &Path) -> Option<Names> {
        if manifest.extension().is_none_or(|is| is != "manifest") {
            return None;
        }
        let manifest = match manifest.parent()?.file_name() {
            Some(_) => manifest.to_owned(),
            None => std::path::absolute(manifest).ok()?,
        };
        let folder = manifest.parent()?;
        let dirname = folder.file_name()?.to_str()?;
        let filename = manifest.file_stem()?.to_str()?;
        Some(Names::custom(folder.parent()?, filename, dirname))
    }

    /// `appendfilename`: what all names begin with.
    pub fn filename(&self) -> &str {
        &self.filename
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The folder of the multi-part log.
    pub fn folder(&self) -> PathBuf {
        self.data_dir.join(&self.dirname)
    }

    /// The manifest, in the folder.
    pub fn manifest(&self) -> PathBuf {
        self.folder().join(self.manifest_name())
    }

    /// The single file of Redis up to 6.2, in the data directory.
    pub fn single(&self) -> PathBuf {
        self.data_dir.join(&self.filename)
    }

    /// A file of the folder, by the name that the manifest has for it.
    pub fn file(&self, name: &[u8]) -> PathBuf {
        self.folder().join(OsStr::from_bytes(name))
    }

    /// Name of the base with this sequence number.
    pub fn base_name(&self, seq: i64, format: BaseFormat) -> String {
        let extension = match format {
            BaseFormat::Rdb => "rdb",
            BaseFormat::Commands => "aof",
        };
        format!("{}.{seq}.base.{extension}", self.filename)
    }

    /// Name of the incr file with this sequence number.
    pub fn incr_name(&self, seq: i64) -> String {
        format!("{}.{seq}.incr.aof", self.filename)
    }

    /// True if a file of the folder with this name holds data, by its name: a base, an incr file, or
    /// a single file that was moved there.
    pub(crate) fn is_data(&self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        match name.strip_prefix(self.filename.as_bytes()) {
            None => false,
            Some(b"") => true,
            Some(rest) => {
                let ends = [&b".base.rdb"[..], b".base.aof", b".incr.aof"];
                rest.starts_with(b".") && ends.iter().any(|end| rest.ends_with(end))
            }
        }
    }

    /// True if a file of this name is a base, by its name.
    pub(crate) fn is_base(&self, name: &[u8]) -> bool {
        let rest = name.strip_prefix(self.filename.as_bytes());
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.ends_with(b".base.rdb") || rest.ends_with(b".base.aof")
        })
    }

    /// The folder of superseded logs, in that of the log.
    pub fn history(&self) -> PathBuf {
        self.folder().join(HISTORY)
    }

    /// The names of the log that was superseded at `until`, in Unix milliseconds.
    pub(crate) fn past(&self, until: u64) -> Names {
        let filename = format!("{}{}", past_prefix(until), self.filename);
        Names::custom(self.folder(), filename, HISTORY)
    }

    fn manifest_name(&self) -> String {
        format!("{}.manifest", self.filename)
    }
}

/// The folder of superseded logs.
const HISTORY: &str = "history";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_redis_s() {
        let names = Names::new("/data");
        assert_eq!(
            names.manifest(),
            Path::new("/data/appendonlydir/appendonly.aof.manifest")
        );
        assert_eq!(names.single(), Path::new("/data/appendonly.aof"));
        assert_eq!(
            names.base_name(3, BaseFormat::Rdb),
            "appendonly.aof.3.base.rdb"
        );
        assert_eq!(
            names.base_name(3, BaseFormat::Commands),
            "appendonly.aof.3.base.aof"
        );
        assert_eq!(names.incr_name(12), "appendonly.aof.12.incr.aof");
    }

    #[test]
    fn manifests_tell_the_names() {
        let names = Names::custom("/data", "a b.aof", "log");
        assert_eq!(Names::of_manifest(&names.manifest()), Some(names));
        assert_eq!(Names::of_manifest(Path::new("/data/log/x.aof")), None);
    }

    #[test]
    fn data_is_known_by_name() {
        let names = Names::new("");
        let is_data = |name: &str| names.is_data(OsStr::new(name));
        for name in [
            "appendonly.aof",
            "appendonly.aof.1.base.rdb",
            "appendonly.aof.12.incr.aof",
        ] {
            assert!(is_data(name), "{name}");
        }
        for name in [
            "appendonly.aof.manifest",
            "temp-appendonly.aof.manifest",
            "x.1.base.rdb",
        ] {
            assert!(!is_data(name), "{name}");
        }
    }
}

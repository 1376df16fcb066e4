//! The files that real servers wrote, each with what it holds.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kvdump::{Difference, Sidecar};

use crate::Build;

/// How many databases a server has unless told.
const DATABASES_DEFAULT: u32 = 16;

/// One snapshot or one data folder of the corpus.
#[derive(Debug, Clone)]
pub struct Case {
    /// Who wrote it.
    pub maker: Build,
    /// Its path below the corpus, such as `rdb/redis-7.0.15/types.rdb` or `aof/redis-7.0.15/fresh`.
    pub name: String,
    /// The file or folder.
    pub path: PathBuf,
    /// What it holds.
    pub sidecar: Sidecar,
}

impl Case {
    /// Whether it is a folder with an AOF.
    pub fn is_aof(&self) -> bool {
        self.path.is_dir()
    }

    /// The settings that a reader needs to find and understand it: how many databases, the policy,
    /// and the names of AOF files. Ours and real servers know them all.
    pub fn reading_settings(&self) -> Vec<(String, String)> {
        let wanted = ["maxmemory-policy", "appendfilename", "appenddirname"];
        let mut settings = self.sidecar.config.clone();
        settings.retain(|(name, _)| wanted.contains(&name.as_str()));
        let last = self.sidecar.dump.dbs.keys().last().copied().unwrap_or(0);
        if last >= DATABASES_DEFAULT {
            settings.push(("databases".to_owned(), (last + 1).to_string()));
        }
        settings
    }

    /// Whether loading depends on the time of day: 6.2 logs RESTORE with a relative time to live.
    pub fn is_undetermined(&self, difference: &Difference) -> bool {
        let name = format!("db{} {}", difference.db.unwrap_or(0), difference.key);
        let listed = self.sidecar.json["differs_from_live_before_shutdown"].as_array();
        let listed = listed.is_some_and(|keys| keys.iter().any(|key| *key == name.as_str()));
        listed && self.maker == Build::Redis62 && difference.path == "expire_ms"
    }

    /// The setting of that name under which it was written.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let config = &self.sidecar.config;
        config
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Copies it to where a server in `dir` looks for it.
    pub fn copy_into(&self, dir: &Path) -> io::Result<()> {
        match self.is_aof() {
            true => copy_tree(&self.path, dir),
            false => fs::copy(&self.path, dir.join("dump.rdb")).map(drop),
        }
    }
}

/// Every snapshot of `rdb/`, by server and name.
pub fn snapshots() -> io::Result<Vec<Case>> {
    cases("rdb", |path| {
        path.extension().is_some_and(|ext| ext == "rdb")
    })
}

/// Every file of the corpus that is a snapshot, bases of logs, captured ones and those of other projects' tests
/// included: its path below the corpus, and its bytes.
pub fn snapshot_files() -> io::Result<Vec<(String, Vec<u8>)>> {
    let (mut folders, mut files) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in sorted_entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rdb") {
                let name = path.strip_prefix(root()).unwrap_or(&path);
                files.push((name.to_string_lossy().into_owned(), fs::read(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Every data folder of `aof/` that has one content, by server and name.
pub fn aof_folders() -> io::Result<Vec<Case>> {
    cases("aof", |path| path.is_dir() && !path.ends_with("tails"))
}

/// The corpus.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/corpus")
}

fn cases(part: &str, is_case: fn(&Path) -> bool) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for maker in Build::ALL {
        for path in sorted_entries(&root().join(part).join(maker.folder()))? {
            if !is_case(&path) {
                continue;
            }
            let sidecar = Sidecar::load(&path.with_extension("json")).map_err(io::Error::other)?;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{part}/{}/{file}", maker.folder());
            cases.push(Case {
                maker,
                name,
                path,
                sidecar,
            });
        }
    }
    Ok(cases)
}

fn sorted_entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Copies the content of the folder `from` into the folder `to`.
pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for path in sorted_entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        match path.is_dir() {
            true => copy_tree(&path, &target)?,
            false => fs::copy(&path, &target).map(drop)?,
        }
    }
    Ok(())
}

//! The real servers that are compared with, and where their binaries are.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use duramen::DigestForm;

/// One build of a real server. The first of each family's versions that writes another RDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Build {
    /// Redis 6.2.14, REDIS 9.
    Redis62,
    /// Redis 7.0.15, REDIS 10.
    Redis70,
    /// Redis 8.2.3, REDIS 12.
    Redis82,
    /// Valkey 9.1.2, VALKEY 80.
    Valkey91,
}

impl Build {
    /// All of them.
    pub const ALL: [Build; 4] = [
        Build::Redis62,
        Build::Redis70,
        Build::Redis82,
        Build::Valkey91,
    ];

    /// The name in the list of peers.
    pub fn name(self) -> &'static str {
        match self {
            Build::Redis62 => "redis-6.2",
            Build::Redis70 => "redis-7.0",
            Build::Redis82 => "redis-8.2",
            Build::Valkey91 => "valkey-9.1",
        }
    }

    /// The name of its folder in the corpus: the server with its full version.
    pub fn folder(self) -> &'static str {
        match self {
            Build::Redis62 => "redis-6.2.14",
            Build::Redis70 => "redis-7.0.15",
            Build::Redis82 => "redis-8.2.3",
            Build::Valkey91 => "valkey-9.1.2",
        }
    }

    /// The build whose folder that is.
    pub fn of_folder(folder: &str) -> Option<Build> {
        Build::ALL
            .into_iter()
            .find(|build| build.folder() == folder)
    }

    /// Whether DEBUG is off unless asked for (7.0 and later).
    pub fn guards_debug(self) -> bool {
        self != Build::Redis62
    }

    /// How it computes digests.
    pub fn digest_form(self) -> DigestForm {
        match self {
            Build::Redis62 | Build::Redis70 => DigestForm::Redis70,
            Build::Redis82 => DigestForm::Redis74,
            Build::Valkey91 => DigestForm::Redis72,
        }
    }

    /// Whether its AOF is a folder of files with a manifest (7.0 and later).
    pub fn has_multi_part_aof(self) -> bool {
        self != Build::Redis62
    }

    /// The binary, checked to be of the version that the corpus was made with.
    pub fn find(self) -> Result<PathBuf, Missing> {
        let missing = |why: String| Missing { build: self, why };
        let list = list_path();
        let text = std::fs::read_to_string(&list)
            .map_err(|error| missing(format!("{}: {error}", list.display())))?;
        let path = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| *name == self.name())
            .map(|(_, path)| PathBuf::from(path))
            .ok_or_else(|| missing(format!("{} does not name it", list.display())))?;
        let told = Command::new(&path)
            .arg("--version")
            .output()
            .map_err(|error| missing(format!("{}: {error}", path.display())))?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let version = self.folder().rsplit('-').next().unwrap_or_default();
        match told.contains(&format!("v={version} ")) {
            true => Ok(path),
            false => Err(missing(format!("{} is {}", path.display(), told.trim()))),
        }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder())
    }
}

/// A server that is not on this machine.
#[derive(Debug)]
pub struct Missing {
    /// Which.
    pub build: Build,
    /// What was tried.
    pub why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no {}: {} (run interop/scripts/bring_peers)",
            self.build, self.why
        )
    }
}

impl std::error::Error for Missing {}

/// Those of `builds` that are on this machine.
///
/// A missing one is said so, and skipped; with `CI=true` it is an error.
pub fn available(builds: &[Build]) -> Result<Vec<(Build, PathBuf)>, Missing> {
    let mut found = Vec::new();
    for build in builds {
        match build.find() {
            Ok(path) => found.push((*build, path)),
            Err(missing) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
                return Err(missing);
            }
            Err(missing) => println!("SKIPPED: {missing}"),
        }
    }
    Ok(found)
}

/// The binary of our server: `DURAMEN_SERVER`, or else built here and now.
pub fn our_server() -> Result<PathBuf, Box<dyn std::error::Error>> {
    ours("DURAMEN_SERVER", "duramen-server", "duramen-server")
}

/// The binary of our command line: `DURAMEN`, or else built here and now.
pub fn our_program() -> Result<PathBuf, Box<dyn std::error::Error>> {
    ours("DURAMEN", "duramen-cli", "duramen")
}

/// The binary that a variable names, or else that of the package.
fn ours(
    variable: &str,
    package: &str,
    binary: &str,
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(PathBuf::from(path));
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", package, "--message-format", "json"]);
    cargo
        .arg("--manifest-path")
        .arg(manifest)
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    let output = cargo.stderr(Stdio::inherit()).output()?;
    let messages = String::from_utf8(output.stdout)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|message| message["target"]["name"] == binary && message["executable"].is_string())
        .and_then(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| format!("cargo built no {binary}").into())
}

fn list_path() -> PathBuf {
    match std::env::var_os("DURAMEN_PEERS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers.txt"),
    }
}

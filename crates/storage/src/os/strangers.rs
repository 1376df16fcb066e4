//! Servers that work in a directory without knowing our lock, found by their names.
//!
//! Redis and Valkey change to their data directory, so its path is their working directory. Only
//! Linux tells that, under `/proc`, and of other users' processes only to root: nobody found means
//! nothing.

use std::fs;
use std::path::Path;

/// How the names of such servers begin. The system keeps only 15 characters of a name.
const NAMES: [&str; 4] = ["redis-server", "valkey-server", "keydb-server", "redis-rdb"];

/// Servers whose working directory is `dir`, as "redis-server (pid 123)".
pub(super) fn working_in(dir: &Path) -> Vec<String> {
    let (Ok(dir), Ok(processes)) = (fs::canonicalize(dir), fs::read_dir("/proc")) else {
        return Vec::new();
    };
    let described = processes
        .flatten()
        .filter_map(|process| describe(&process.path(), &dir));
    described.collect()
}

fn describe(process: &Path, dir: &Path) -> Option<String> {
    let pid = process.file_name()?.to_str()?.parse::<u32>().ok()?;
    let name = fs::read_to_string(process.join("comm")).ok()?;
    let name = name.trim_end();
    let is_server = NAMES.iter().any(|known| name.starts_with(known));
    let is_here = is_server && fs::read_link(process.join("cwd")).ok()? == dir;
    is_here.then(|| format!("{name} (pid {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_another_name_is_no_stranger() {
        // This very process works here, and is no server.
        assert!(working_in(&std::env::current_dir().unwrap()).is_empty());
        assert!(working_in(Path::new("/no/such/directory")).is_empty());
    }
}

//! Files with a damaged byte: what `duramen check` calls sound, the checker of the server that wrote
//! the file does not refuse.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use interop::corpus::{self, Case};
use interop::{Build, Outcome, available, conclude, our_program};
use serde_json::Value;

/// Of files up to this size each byte is damaged, of the others so many bytes in all.
const SMALL: usize = 2 << 10;
const BYTES_OF_LARGE: usize = 1000;
/// Larger files hold more of the same.
const LARGE: usize = 16 << 10;
/// About so many sound copies of each file are shown to the server, which takes a new process for
/// each; all of them if `ALL` is set.
const SHOWN: usize = 50;
/// The checksum, which would tell any damage; 0 says that there is none.
const FOOTER: usize = 8;

type Problems = Vec<String>;

/// Writes a copy for each damaged byte, with nothing to check it by.
fn damage(case: &Case, dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut whole = std::fs::read(&case.path)?;
    let data = whole.len() - FOOTER;
    whole[data..].fill(0);
    let step = match data <= SMALL {
        true => 1,
        false => data.div_ceil(BYTES_OF_LARGE),
    };
    let mut copies = Vec::new();
    for at in (0..data).step_by(step).filter(|at| whole[*at] != 0) {
        let path = dir.join(format!("{at:05}.rdb"));
        let mut copy = whole.clone();
        copy[at] = 0;
        std::fs::write(&path, copy)?;
        copies.push(path);
    }
    Ok(copies)
}

/// Those of the files that ours calls sound.
fn sound(ours: &Path, files: &[PathBuf]) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let run = Command::new(ours)
        .args(["check", "--json"])
        .args(files)
        .output()?;
    if !run.stderr.is_empty() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    let report: Value = serde_json::from_slice(&run.stdout)?;
    let found = report["files"].as_array().ok_or("no list of files")?;
    if found.len() != files.len() {
        return Err(format!("{} files of {}", found.len(), files.len()).into());
    }
    // Records of Redis Enterprise are passed over, and counted.
    let is_sound = |file: &&Value| file["verdict"] == "sound" && file["rdb"]["skipped"] == 0;
    let sound = found.iter().filter(is_sound);
    Ok(sound
        .filter_map(|file| file["path"].as_str().map(PathBuf::from))
        .collect())
}

/// Why the server's own checker refuses the file, which looks into every value.
fn refusal(build: Build, server: &Path, file: &Path) -> std::io::Result<Option<String>> {
    let name = match build {
        Build::Valkey91 => "valkey-check-rdb",
        _ => "redis-check-rdb",
    };
    let run = Command::new(server)
        .arg0(name)
        .arg(file)
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    let reason = told.lines().find(|line| line.contains("ERROR"));
    Ok((!run.status.success()).then(|| reason.unwrap_or("no reason given").to_owned()))
}

#[test]
fn what_is_called_sound_is_not_refused() -> Outcome {
    let ours = our_program()?;
    let (mut problems, mut compared, mut called_sound) = (Problems::new(), 0, 0);
    let cases = corpus::snapshots()?;
    for (build, server) in available(&Build::ALL)? {
        for case in cases.iter().filter(|case| case.maker == build) {
            if std::fs::metadata(&case.path)?.len() > LARGE as u64 {
                continue;
            }
            let dir = tempfile::tempdir()?;
            let copies = damage(case, dir.path())?;
            compared += copies.len();
            let copies = sound(&ours, &copies)?;
            let step = match std::env::var_os("ALL") {
                Some(_) => 1,
                None => copies.len().div_ceil(SHOWN).max(1),
            };
            for copy in copies.into_iter().step_by(step) {
                called_sound += 1;
                if let Some(reason) = refusal(build, &server, &copy)? {
                    let at = copy.file_stem().unwrap_or_default().to_string_lossy();
                    problems.push(format!("{} with byte {at} zero: {reason}", case.name));
                }
            }
        }
    }
    println!("{called_sound} that were called sound were shown to their servers");
    conclude("damaged files", compared, &problems)
}

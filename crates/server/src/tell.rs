//! The log: lines on standard output, or in `logfile`.

use duramen::LogLevel;
use duramen::storage::{File as _, Mode, Os, OsFile, Storage as _};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Notice as u8);
static FILE: OnceLock<OsFile> = OnceLock::new();

/// From here on lines go to the end of a file.
pub(crate) fn into_file(path: &Path) -> duramen::storage::Result<()> {
    let file = Os.open(path, Mode::AppendOrCreate)?;
    let _ = FILE.set(file);
    Ok(())
}

/// Lines that matter less than `level`, a word of `loglevel`, are left out.
pub(crate) fn set_level(level: &str) {
    let level = match level {
        "debug" => LogLevel::Debug,
        "verbose" => LogLevel::Verbose,
        "warning" => LogLevel::Warning,
        _ => LogLevel::Notice,
    };
    LEVEL.store(level as u8, Relaxed);
}

/// Something that is good to know.
pub(crate) fn tell(line: &str) {
    at(LogLevel::Notice, line);
}

/// Something that somebody should look at.
pub(crate) fn warn(line: &str) {
    at(LogLevel::Warning, line);
}

/// A line, with the mark that Redis gives its level. The server goes on if nobody reads it any more.
pub(crate) fn at(level: LogLevel, line: &str) {
    if (level as u8) < LEVEL.load(Relaxed) {
        return;
    }
    let mark = match level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning => '#',
    };
    let line = format!("{}:M {mark} {line}\n", std::process::id());
    match FILE.get() {
        Some(file) => drop(file.append(line.as_bytes())),
        None => {
            let mut out = io::stdout().lock();
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
    }
}

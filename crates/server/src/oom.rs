//! How ready the system is to kill this process when memory runs out (`oom-score-adj`; Linux).

use duramen::storage::{File as _, Mode, Os, Storage as _};
use std::path::Path;
use std::sync::Mutex;

const SCORE: &str = "/proc/self/oom_score_adj";

/// Keeps the score that the process had before.
#[derive(Debug, Default)]
pub(crate) struct OomScore {
    base: Mutex<Option<i32>>,
}

impl OomScore {
    /// Sets the score as `oom-score-adj` and `oom-score-adj-values` say, or back to what it was; the
    /// score before, if it changed.
    pub(crate) fn adjust(&self, mode: &str, values: &str) -> Result<Option<i32>, String> {
        let mut base = self.base.lock().unwrap_or_else(|held| held.into_inner());
        let first = values.split_whitespace().next();
        let value: i32 = first.and_then(|word| word.parse().ok()).unwrap_or(0);
        if mode == "no" && base.is_none() {
            return Ok(None);
        }
        let before = read()?;
        let was = *base.get_or_insert(before);
        let score = match mode {
            "no" => was,
            "absolute" => value,
            _ => was + value,
        };
        if mode == "no" {
            *base = None;
        }
        write(score.clamp(-1000, 1000))?;
        Ok(Some(before))
    }

    /// Puts a score back.
    pub(crate) fn put(&self, score: i32) {
        let _ = write(score);
    }
}

fn read() -> Result<i32, String> {
    let text = std::fs::read_to_string(SCORE);
    let text = text.map_err(|error| format!("Unable to read oom_score_adj: {error}"))?;
    text.trim()
        .parse()
        .map_err(|_| format!("Unable to read oom_score_adj: '{text}'"))
}

fn write(score: i32) -> Result<(), String> {
    let failed = |error| format!("Unable to write oom_score_adj: {error}");
    let file = Os.open(Path::new(SCORE), Mode::Append).map_err(failed)?;
    file.append(score.to_string().as_bytes())
        .map(|_| ())
        .map_err(failed)
}

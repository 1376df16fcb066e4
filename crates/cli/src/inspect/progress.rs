//! How far reading has come, on a terminal only.

use duramen::storage::{Os, Result, Storage as _};
use inspect::report::bytes;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A line on standard error that is written over and over, and is gone in the end.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    total: Option<u64>,
    read: u64,
    begun: Instant,
    next: Duration,
}

/// Between two looks.
const EVERY: Duration = Duration::from_millis(100);
/// Back to the start of the line, and erase it.
const ERASE: &str = "\r\x1b[K";

impl Progress {
    /// Of so many bytes, if that is known.
    pub(crate) fn new(total: Option<u64>) -> Progress {
        Progress {
            shown: std::io::stderr().is_terminal(),
            total,
            read: 0,
            begun: Instant::now(),
            next: EVERY,
        }
    }

    /// Of all that these files have.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<Progress> {
        let mut total = 0;
        for file in files {
            total += Os.stamp(file)?.map_or(0, |stamp| stamp.len);
        }
        Ok(Progress::new(Some(total)))
    }

    /// So many more bytes were read.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.reach(self.read + bytes);
    }

    /// So many bytes were read in all.
    pub(crate) fn reach(&mut self, bytes: u64) {
        self.read = bytes;
        if !self.shown {
            return;
        }
        let took = self.begun.elapsed();
        if took >= self.next {
            self.next = took + EVERY;
            let line = line(self.read, self.total, took.as_secs_f64());
            // Whoever cannot see it misses nothing.
            let _ = write!(std::io::stderr(), "{ERASE}{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.next > EVERY {
            let _ = write!(std::io::stderr(), "{ERASE}");
        }
    }
}

fn line(read: u64, total: Option<u64>, secs: f64) -> String {
    let rate = read as f64 / secs;
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{}, {}/s", bytes(read), bytes(rate as u64));
    };
    let left = total.saturating_sub(read) as f64 / rate;
    format!(
        "{:3.0}% of {}, {}/s, {left:.0} s left",
        read as f64 * 100.0 / total as f64,
        bytes(total),
        bytes(rate as u64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_follow_from_what_was_read() {
        let text = line(25 << 20, Some(100 << 20), 0.5);
        assert_eq!(text, " 25% of 100.0 MiB, 50.0 MiB/s, 2 s left");
        assert_eq!(line(3 << 20, None, 1.0), "3.0 MiB, 3.0 MiB/s");
    }
}

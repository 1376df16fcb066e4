//! Spikes as a picture in text.

use crate::spikes::{Series, Spike};
use std::fmt::Write;

/// How many lines a picture has, and columns at most: the latest spikes.
const ROWS: usize = 4;
const COLUMNS: usize = 80;

/// Marks that fill a cell from below, the fullest last.
const LEVELS: [char; 4] = ['_', 'o', '#', '|'];

/// A picture of the spikes of a kind of event: a column each, higher for what took longer, and below
/// it how long ago that was.
pub(super) fn draw(kind: &str, series: &Series, now: i64) -> String {
    let spikes: Vec<&Spike> = series.spikes().collect();
    let shown = &spikes[spikes.len().saturating_sub(COLUMNS)..];
    let took = || shown.iter().map(|spike| spike.took);
    let (low, high) = (took().min().unwrap_or(0), took().max().unwrap_or(0));
    let mut text = String::new();
    let ever = series.max;
    let _ = writeln!(
        text,
        "{kind} - high {high} ms, low {low} ms (all time high {ever} ms)"
    );
    text.push_str(&"-".repeat(COLUMNS));
    text.push('\n');
    let heights: Vec<usize> = took().map(|took| height(took, low, high)).collect();
    for row in (0..ROWS).rev() {
        push_line(&mut text, heights.iter().map(|height| cell(*height, row)));
    }
    text.push('\n');
    let ages: Vec<String> = shown.iter().map(|spike| age(now - spike.at)).collect();
    let longest = ages.iter().map(String::len).max().unwrap_or(0);
    for at in 0..longest {
        let letter = |age: &String| age.chars().nth(at).unwrap_or(' ');
        push_line(&mut text, ages.iter().map(letter));
    }
    text
}

fn push_line(text: &mut String, letters: impl Iterator<Item = char>) {
    let line: String = letters.collect();
    text.push_str(line.trim_end());
    text.push('\n');
}

/// How many marks high a column is, from 1 to all rows filled.
fn height(took: u64, low: u64, high: u64) -> usize {
    let most = ROWS * LEVELS.len();
    match high - low {
        0 => most,
        range => 1 + ((took - low) as f64 / range as f64 * (most - 1) as f64) as usize,
    }
}

fn cell(height: usize, row: usize) -> char {
    match height.saturating_sub(row * LEVELS.len()) {
        0 => ' ',
        filled => LEVELS[filled.min(LEVELS.len()) - 1],
    }
}

/// Seconds in two or three letters: `7s`, `4m`, `3h`, `12d`.
fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{}s", seconds.max(0)),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use crate::spikes::Spikes;
    use std::sync::Arc;
    use std::time::Duration;
    use units::UnixMillis;

    #[test]
    fn columns_grow_with_what_took_longer() {
        let clock = Arc::new(ManualClock::new(UnixMillis(0)));
        let spikes = Spikes::new(1, clock.clone());
        for (at, took) in [(0, 10), (50_000, 20), (99_000, 40)] {
            clock.set(UnixMillis(at));
            spikes.note(Duration::from_millis(took), || "command");
        }
        let picture = draw("command", &spikes.of(b"command").unwrap(), 100);
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(
            lines[0],
            "command - high 40 ms, low 10 ms (all time high 40 ms)"
        );
        assert_eq!(lines[2..6], ["  |", "  |", " o|", "_||"]);
        assert_eq!(lines[7..], ["151", "m0s", " s"]);
    }
}

//! What a log's commands are, by name.

use std::collections::HashMap;
use std::fmt;

/// Where keys stand among a command's words: first, last (negative from the end) and step, as
/// `COMMAND` tells them; `None` if it has no keys.
pub type KeyPositions = Box<dyn FnMut(&[u8]) -> Option<(i64, i64, i64)>>;

/// Names beyond these are counted together.
const NAMES_MAX: usize = 1024;
/// No command has a longer name.
const NAME_BYTES_MAX: usize = 64;

/// Commands by name.
#[derive(Default)]
pub struct Commands {
    positions: Option<KeyPositions>,
    rows: HashMap<Vec<u8>, Row>,
    /// All together.
    pub total: CommandCount,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandCount {
    /// Commands.
    pub count: u64,
    /// Their bytes in the file.
    pub bytes: u64,
    /// The keys that they name; one named twice counts twice.
    pub keys: u64,
}

struct Row {
    count: CommandCount,
    positions: Option<(i64, i64, i64)>,
}

impl Commands {
    pub(crate) fn new(positions: Option<KeyPositions>) -> Commands {
        Commands {
            positions,
            ..Commands::default()
        }
    }

    /// Counts a command; `each_key` is given the keys that it names.
    pub(crate) fn add(
        &mut self,
        words: &resp::Request<'_>,
        bytes: u64,
        mut each_key: impl FnMut(&[u8]),
    ) {
        let name = words.get(0).unwrap_or_default();
        let mut lower = name.get(..NAME_BYTES_MAX).unwrap_or(name).to_vec();
        lower.make_ascii_lowercase();
        if self.rows.len() >= NAMES_MAX && !self.rows.contains_key(&lower) {
            lower = b"(others)".to_vec();
        }
        let positions = &mut self.positions;
        let row = self.rows.entry(lower).or_insert_with_key(|name| Row {
            count: CommandCount::default(),
            positions: positions.as_mut().and_then(|of| of(name)),
        });
        let mut keys = 0;
        for key in key_words(row.positions, words) {
            keys += 1;
            each_key(key);
        }
        for count in [&mut row.count, &mut self.total] {
            count.count += 1;
            count.bytes += bytes;
            count.keys += keys;
        }
    }

    /// Names and counts, the most bytes first.
    pub fn rows(&self) -> Vec<(&[u8], CommandCount)> {
        let rows = self.rows.iter();
        let mut rows: Vec<_> = rows
            .map(|(name, row)| (name.as_slice(), row.count))
            .collect();
        rows.sort_by(|a, b| b.1.bytes.cmp(&a.1.bytes).then(a.0.cmp(b.0)));
        rows
    }
}

/// The words at these positions.
fn key_words<'a>(
    positions: Option<(i64, i64, i64)>,
    words: &'a resp::Request<'_>,
) -> impl Iterator<Item = &'a [u8]> {
    let (first, last, step) = positions.unwrap_or((0, 0, 1));
    let last = if last < 0 {
        last + i64::try_from(words.len()).unwrap_or(i64::MAX)
    } else {
        last
    };
    let first = usize::try_from(first).unwrap_or(0);
    let end = usize::try_from(last + 1).unwrap_or(0);
    let step = usize::try_from(step).unwrap_or(1).max(1);
    let range = if first == 0 { 0..0 } else { first..end };
    range.step_by(step).map_while(|at| words.get(at))
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands")
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resp::{Limits, RequestDecoder};

    #[test]
    fn keys_are_where_the_command_has_them() {
        let positions: KeyPositions = Box::new(|name| match name {
            b"mset" => Some((1, -1, 2)),
            b"set" => Some((1, 1, 1)),
            _ => None,
        });
        let mut commands = Commands::new(Some(positions));
        let mut keys = Vec::new();
        for words in [
            &["SET", "a", "1"][..],
            &["mset", "b", "1", "c", "2"],
            &["PING"],
        ] {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            let mut bytes = Vec::new();
            resp::encode::command(&mut bytes, &words);
            let mut decoder = RequestDecoder::new(Limits::LOG);
            let request = decoder.decode(&bytes).unwrap().unwrap();
            commands.add(&request, bytes.len() as u64, |key| keys.push(key.to_vec()));
        }
        assert_eq!(keys, [b"a", b"b", b"c"]);
        let rows = commands.rows();
        assert_eq!((rows[0].0, rows[0].1.keys), (&b"mset"[..], 2));
        assert_eq!((commands.total.count, commands.total.keys), (3, 3));
    }
}

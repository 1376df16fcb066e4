use crate::KeyAccess;
use packed::number;
use smallvec::SmallVec;

/// Indexes into the arguments (name = 0) that are keys, in order of appearance.
pub type KeyPositions = SmallVec<[usize; 4]>;

/// Where the keys stand among a command's arguments.
#[derive(Debug, Clone, Copy)]
pub enum KeySpec {
    /// There are none.
    None,
    /// Every `step`th argument from `first` to `last`; a negative `last` counts from the end.
    Range {
        /// Index of the first key.
        first: usize,
        /// Index of the last key.
        last: isize,
        /// Distance from key to key.
        step: usize,
    },
    /// The argument at `count_at` says how many keys follow it; a destination may stand before.
    Numkeys {
        /// Index of the destination key, if the command stores its result.
        dest: Option<usize>,
        /// Index of the number.
        count_at: usize,
    },
    /// The argument at `count_at` says how many keys follow it, each with its value.
    CountedPairs {
        /// Index of the number.
        count_at: usize,
    },
    /// Behind the word `STREAMS`: the first half of what is left.
    Streams,
    /// Found by a function of the command's own.
    Custom {
        /// Pushes positions.
        find: fn(&[&[u8]], &mut KeyPositions),
        /// What clients are told of where they are, and of what is done with them.
        told: &'static [(KeyBegin, KeyAccess)],
    },
}

/// Where clients are told to look for a key (`COMMAND INFO`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBegin {
    /// At this index.
    Index(usize),
    /// Behind this word, looked for from this index on.
    Keyword(&'static str, usize),
    /// All that is behind this word, looked for backwards from this index, counted from the end.
    KeywordToEnd(&'static str, i64),
    /// Nowhere that could be told.
    Unknown,
}

impl KeySpec {
    /// One key right behind the name.
    pub const FIRST: KeySpec = KeySpec::Range {
        first: 1,
        last: 1,
        step: 1,
    };
    /// Two keys right behind the name.
    pub const FIRST_TWO: KeySpec = KeySpec::Range {
        first: 1,
        last: 2,
        step: 1,
    };
    /// Every argument is a key but the last.
    pub const ALL_BUT_LAST: KeySpec = KeySpec::Range {
        first: 1,
        last: -2,
        step: 1,
    };
    /// Every argument is a key.
    pub const ALL: KeySpec = KeySpec::Range {
        first: 1,
        last: -1,
        step: 1,
    };

    /// The positions of the keys in `argv`, or `None` if the arguments make no sense (a number of
    /// keys that is no number, or larger than what follows).
    pub fn positions(&self, argv: &[&[u8]]) -> Option<KeyPositions> {
        let mut found = KeyPositions::new();
        match *self {
            KeySpec::None => {}
            KeySpec::Range { first, last, step } => {
                let last = if last < 0 {
                    argv.len().checked_add_signed(last)?
                } else {
                    last as usize
                };
                if last >= argv.len() {
                    return None;
                }
                found.extend((first..=last).step_by(step));
            }
            KeySpec::Numkeys { dest, count_at } => {
                let count = counted(argv, count_at, 1)?;
                found.extend(dest);
                found.extend(count_at + 1..=count_at + count);
            }
            KeySpec::CountedPairs { count_at } => {
                let count = counted(argv, count_at, 2)?;
                found.extend((count_at + 1..).step_by(2).take(count));
            }
            KeySpec::Streams => {
                let word = streams_word(argv)?;
                let keys = (argv.len() - word - 1) / 2;
                found.extend(word + 1..=word + keys);
            }
            KeySpec::Custom { find, .. } => find(argv, &mut found),
        }
        Some(found)
    }

    /// First key, last key and step, as `COMMAND INFO` gives them; zeros where positions alone
    /// can't tell.
    pub fn legacy_range(&self) -> (i64, i64, i64) {
        match *self {
            KeySpec::Range { first, last, step } => (first as i64, last as i64, step as i64),
            KeySpec::Numkeys { dest: Some(at), .. } => (at as i64, at as i64, 1),
            // Those that are found by a function come behind a first one that is always there.
            KeySpec::Custom { told, .. } => match told.first() {
                Some(&(KeyBegin::Index(at), _)) => (at as i64, at as i64, 1),
                _ => (0, 0, 0),
            },
            _ => (0, 0, 0),
        }
    }
}

/// The index of the word `STREAMS`, the arguments of options before it not looked at: a group may be
/// called so.
fn streams_word(argv: &[&[u8]]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += match argv.get(at)?.to_ascii_uppercase().as_slice() {
            b"STREAMS" => return Some(at),
            b"COUNT" | b"BLOCK" => 2,
            b"GROUP" => 3,
            b"NOACK" => 1,
            _ => return None,
        };
    }
}

/// The number at `count_at`, if there are that many times `step` arguments behind it.
fn counted(argv: &[&[u8]], count_at: usize, step: usize) -> Option<usize> {
    let count = usize::try_from(number::parse_i64(argv.get(count_at)?)?).ok()?;
    let there = (argv.len() - count_at - 1) / step;
    (1..=there).contains(&count).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(spec: KeySpec, line: &str) -> Option<Vec<usize>> {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        spec.positions(&argv).map(|positions| positions.to_vec())
    }

    #[test]
    fn ranges_count_from_either_end() {
        assert_eq!(found(KeySpec::FIRST, "get k"), Some(vec![1]));
        assert_eq!(found(KeySpec::ALL, "del a b c"), Some(vec![1, 2, 3]));
        let mset = KeySpec::Range {
            first: 1,
            last: -1,
            step: 2,
        };
        assert_eq!(found(mset, "mset a 1 b 2"), Some(vec![1, 3]));
        assert_eq!(found(KeySpec::FIRST_TWO, "rename a"), None);
    }

    #[test]
    fn numbers_of_keys_are_not_believed_blindly() {
        let spec = KeySpec::Numkeys {
            dest: Some(1),
            count_at: 2,
        };
        assert_eq!(found(spec, "zunionstore d 2 a b"), Some(vec![1, 3, 4]));
        assert_eq!(found(spec, "zunionstore d 3 a b"), None);
        assert_eq!(found(spec, "zunionstore d x a b"), None);
        assert_eq!(found(spec, "zunionstore d 9223372036854775807 a"), None);
    }

    #[test]
    fn counted_keys_may_have_values() {
        let spec = KeySpec::CountedPairs { count_at: 1 };
        assert_eq!(found(spec, "msetex 2 a 1 b 2 nx"), Some(vec![2, 4]));
        assert_eq!(found(spec, "msetex 3 a 1 b 2 nx"), None);
        assert_eq!(found(spec, "msetex 0 a 1"), None);
    }

    #[test]
    fn streams_take_the_first_half() {
        assert_eq!(
            found(KeySpec::Streams, "xread count 1 streams a b 0 0"),
            Some(vec![4, 5])
        );
        assert_eq!(found(KeySpec::Streams, "xread count 1"), None);
        assert_eq!(
            found(KeySpec::Streams, "xreadgroup group streams c streams k >"),
            Some(vec![5])
        );
    }
}

//! Names that were met, to notice those that come twice.
//!
//! Only a 64-bit hash of each is kept, and no more than [`NAMES_MAX`] of them, so that memory stays
//! under about 100 MB whatever the file holds. Two different names with one hash would be taken for
//! one: one chance in two million for four million names.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// How many names are compared.
pub(super) const NAMES_MAX: usize = 1 << 22;

/// A set that is this large is given back instead of being emptied.
const KEPT_MAX: usize = 1 << 12;

/// A set of names.
#[derive(Debug, Default)]
pub(super) struct Seen {
    key: RandomState,
    hashes: HashSet<u64>,
    overflowed: bool,
}

impl Seen {
    /// Notes `name`; `false` if it was there before. Beyond the limit every name is new.
    pub(super) fn insert(&mut self, name: impl Hash) -> bool {
        if self.hashes.len() >= NAMES_MAX {
            self.overflowed = true;
            return true;
        }
        self.hashes.insert(self.key.hash_one(name))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        match self.hashes.capacity() > KEPT_MAX {
            true => self.hashes = HashSet::new(),
            false => self.hashes.clear(),
        }
    }

    /// Whether some names were not compared.
    pub(super) fn overflowed(&self) -> bool {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_once() {
        let mut seen = Seen::default();
        assert!(seen.insert((0, b"a".as_slice())));
        assert!(seen.insert((1, b"a".as_slice())));
        assert!(!seen.insert((0, b"a".as_slice())));
        seen.clear();
        assert!(seen.insert((0, b"a".as_slice())));
        assert!(!seen.overflowed());
    }
}

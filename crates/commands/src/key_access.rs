use bitflags::bitflags;
use smallvec::SmallVec;

bitflags! {
    /// What a command does with a key, by Redis's names (the flags of key specifications in
    /// `COMMAND INFO`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct KeyAccess: u16 {
        /// The value stays as it is.
        const RO = 1;
        /// The value changes, or may, and what it was before matters.
        const RW = 1 << 1;
        /// The value is replaced, whatever it was.
        const OW = 1 << 2;
        /// The key is removed, whatever it holds.
        const RM = 1 << 3;
        /// The reply shows, or something stores, what is in the value; not only how much, or of
        /// what type.
        const ACCESS = 1 << 4;
        /// What is in the value changes.
        const UPDATE = 1 << 5;
        /// Something is added.
        const INSERT = 1 << 6;
        /// Something is removed.
        const DELETE = 1 << 7;
        /// It is no key at all, but is routed like one: a channel of `SPUBLISH`.
        const NOT_KEY = 1 << 8;
        /// Not all keys can be found as it is told.
        const INCOMPLETE = 1 << 9;
        /// It depends on the other arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

/// What commands do with keys.
impl KeyAccess {
    /// Tells whether it is there, its type or its length.
    pub const LOOK: KeyAccess = KeyAccess::RO;
    /// Reads it.
    pub const READ: KeyAccess = KeyAccess::RO.union(KeyAccess::ACCESS);
    /// Reads it, and keeps beside it what was computed.
    pub const READ_AND_KEEP: KeyAccess = KeyAccess::RW.union(KeyAccess::ACCESS);
    /// Changes it, telling nothing of what it was.
    pub const CHANGE: KeyAccess = KeyAccess::RW.union(KeyAccess::UPDATE);
    /// Reads and changes it.
    pub const READ_AND_CHANGE: KeyAccess = KeyAccess::READ_AND_KEEP.union(KeyAccess::UPDATE);
    /// Adds to it.
    pub const GROW: KeyAccess = KeyAccess::RW.union(KeyAccess::INSERT);
    /// Adds to it what others hold, itself included.
    pub const MERGE: KeyAccess = KeyAccess::READ_AND_KEEP.union(KeyAccess::INSERT);
    /// Removes from it.
    pub const SHRINK: KeyAccess = KeyAccess::RW.union(KeyAccess::DELETE);
    /// Removes from it, or all of it, and tells what.
    pub const TAKE: KeyAccess = KeyAccess::READ_AND_KEEP.union(KeyAccess::DELETE);
    /// Puts another value in its place.
    pub const OVERWRITE: KeyAccess = KeyAccess::OW.union(KeyAccess::UPDATE);
    /// Puts a value where none is.
    pub const CREATE: KeyAccess = KeyAccess::OW.union(KeyAccess::INSERT);
    /// Removes the key.
    pub const REMOVE: KeyAccess = KeyAccess::RM.union(KeyAccess::DELETE);

    /// Whether it takes the right to read.
    pub fn reads(self) -> bool {
        self.contains(KeyAccess::ACCESS)
    }

    /// Whether it takes the right to write.
    pub fn writes(self) -> bool {
        self.intersects(KeyAccess::UPDATE | KeyAccess::INSERT | KeyAccess::DELETE)
    }

    /// The names of the flags that are set, in the order of `COMMAND INFO`.
    pub fn names(self) -> impl Iterator<Item = String> {
        let kinds = [KeyAccess::RO, KeyAccess::RW, KeyAccess::OW, KeyAccess::RM];
        let in_capitals = move |flag| kinds.contains(&flag);
        self.iter_names()
            .map(move |(name, flag)| match in_capitals(flag) {
                true => name.to_owned(),
                false => name.to_ascii_lowercase(),
            })
    }
}

/// A key among the arguments of a request, and what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef {
    /// Its index among the arguments, the name being 0.
    pub at: usize,
    /// What is done with it.
    pub access: KeyAccess,
}

/// The keys of a request, in order of appearance.
pub type KeyRefs = SmallVec<[KeyRef; 4]>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_follow_from_what_is_done() {
        assert!(!KeyAccess::LOOK.reads() && !KeyAccess::LOOK.writes());
        assert!(KeyAccess::READ.reads() && !KeyAccess::READ.writes());
        assert!(!KeyAccess::GROW.reads() && KeyAccess::GROW.writes());
        assert!(KeyAccess::TAKE.reads() && KeyAccess::TAKE.writes());
    }

    #[test]
    fn names_are_redis_s() {
        let names: Vec<String> = KeyAccess::READ_AND_CHANGE.names().collect();
        assert_eq!(names, ["RW", "access", "update"]);
        let names: Vec<String> = KeyAccess::NOT_KEY.names().collect();
        assert_eq!(names, ["not_key"]);
    }
}

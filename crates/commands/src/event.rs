use bitflags::bitflags;
use std::fmt;
use units::DbIndex;

bitflags! {
    /// The kinds of events that may be told of keys (`notify-keyspace-events`), and the two places
    /// where they are told.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct EventClass: u16 {
        /// Told on the channel of the key.
        const KEYSPACE = 1;
        /// Told on the channel of the event.
        const KEYEVENT = 1 << 1;
        /// What any type of key can meet with: `del`, `expire`, `rename_from` ...
        const GENERIC = 1 << 2;
        /// Commands on strings.
        const STRING = 1 << 3;
        /// Commands on lists.
        const LIST = 1 << 4;
        /// Commands on sets.
        const SET = 1 << 5;
        /// Commands on hashes.
        const HASH = 1 << 6;
        /// Commands on sorted sets.
        const ZSET = 1 << 7;
        /// A key was deleted because its time had come.
        const EXPIRED = 1 << 8;
        /// A key was deleted because memory was short.
        const EVICTED = 1 << 9;
        /// Commands on streams.
        const STREAM = 1 << 10;
        /// Types of modules.
        const MODULE = 1 << 11;
        /// A key was asked for and is not there. Not among [`EventClass::ALL`].
        const KEY_MISS = 1 << 12;
        /// A key came to be. Not among [`EventClass::ALL`].
        const NEW = 1 << 13;
    }
}

/// The letters of the classes, in the order in which Redis prints them.
const LETTERS: [(char, EventClass); 14] = [
    ('g', EventClass::GENERIC),
    ('$', EventClass::STRING),
    ('l', EventClass::LIST),
    ('s', EventClass::SET),
    ('h', EventClass::HASH),
    ('z', EventClass::ZSET),
    ('x', EventClass::EXPIRED),
    ('e', EventClass::EVICTED),
    ('t', EventClass::STREAM),
    ('d', EventClass::MODULE),
    ('n', EventClass::NEW),
    ('K', EventClass::KEYSPACE),
    ('E', EventClass::KEYEVENT),
    ('m', EventClass::KEY_MISS),
];

impl EventClass {
    /// What `A` stands for.
    pub const ALL: EventClass = EventClass::GENERIC
        .union(EventClass::STRING)
        .union(EventClass::LIST)
        .union(EventClass::SET)
        .union(EventClass::HASH)
        .union(EventClass::ZSET)
        .union(EventClass::EXPIRED)
        .union(EventClass::EVICTED)
        .union(EventClass::STREAM)
        .union(EventClass::MODULE);

    /// The classes that `letters` name; `None` if one names none.
    pub fn from_letters(letters: &str) -> Option<EventClass> {
        let class = |letter| match letter {
            'A' => Some(EventClass::ALL),
            _ => LETTERS
                .into_iter()
                .find_map(|(known, class)| (known == letter).then_some(class)),
        };
        letters
            .chars()
            .try_fold(EventClass::empty(), |sum, letter| {
                class(letter).map(|class| sum | class)
            })
    }

    /// Whether any event is told anywhere.
    pub fn tells_anything(self) -> bool {
        let places = EventClass::KEYSPACE | EventClass::KEYEVENT;
        self.intersects(places) && self.intersects(places.complement())
    }
}

/// As letters; `A` for all that it stands for.
impl fmt::Display for EventClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = *self;
        if self.contains(EventClass::ALL) {
            f.write_str("A")?;
            left.remove(EventClass::ALL);
        }
        let mut set = LETTERS.iter().filter(|(_, class)| left.contains(*class));
        set.try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

/// Something that happened to a key, by the names that Redis has for such things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The database of the key.
    pub db: DbIndex,
    /// What happened: `set`, `del`, `expired` ...
    pub name: &'static str,
    /// The key.
    pub key: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_printed() {
        for (text, printed) in [
            ("", ""),
            ("KEA", "AKE"),
            ("nmKE", "nKEm"),
            ("KE$n", "$nKE"),
            ("g$lshzxetdE", "AE"),
            ("Am", "Am"),
        ] {
            let class = EventClass::from_letters(text).unwrap();
            assert_eq!(class.to_string(), printed);
            assert_eq!(EventClass::from_letters(printed), Some(class));
        }
        assert_eq!(EventClass::from_letters("KEq"), None);
    }

    #[test]
    fn nothing_is_told_without_a_place_or_without_a_class() {
        let tells = |letters| EventClass::from_letters(letters).unwrap().tells_anything();
        assert!(tells("Kx") && tells("EA") && tells("KEm"));
        assert!(!tells("KE") && !tells("A") && !tells(""));
    }
}

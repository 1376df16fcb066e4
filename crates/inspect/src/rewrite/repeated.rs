//! Records that can be read, but whose key or elements came before: servers refuse a file with such.
//! The first of each name stays.
//!
//! What is to go is found in one pass and sorted by place, on disk if it is much; a second pass, in
//! the same order, leaves it out.

use crate::error::Error;
use crate::repeats::{Repeats, unique_name};
use crate::sorter::{Sorted, Sorter};
use rdb::{Event, Part};
use std::path::{Path, PathBuf};
use storage::Storage;

/// The offset of a key's record; the number of an element in its value, from 1 on, or 0; a count.
///
/// `(offset, 0, 0)`: the key came before. `(offset, 0, n)`: its value has `n` elements too many.
/// `(offset, i, 0)`: element `i` is one of them.
type Place = [u64; 3];
const PLACE_BYTES: usize = 3 * 8;

/// What was left out because it came before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeated {
    /// Keys.
    pub keys: u64,
    /// Members and fields of the keys that stay.
    pub elements: u64,
}

/// The value under way.
#[derive(Debug, Default)]
struct Value {
    offset: u64,
    in_set: bool,
    /// Names seen in it.
    names: u64,
}

impl Value {
    /// Follows an event; the name in it that must not have come before in the value, which is then
    /// number `self.names`.
    fn follow<'a>(&mut self, event: &Event<'a>, offset: u64) -> Option<&'a [u8]> {
        let Event::Value(part) = event else {
            if matches!(event, Event::Key { .. }) {
                *self = Value {
                    offset,
                    ..Value::default()
                };
            }
            return None;
        };
        self.in_set |= matches!(part, Part::Set { .. });
        let name = unique_name(part, self.in_set);
        self.names += u64::from(name.is_some());
        name
    }
}

/// Names of keys and elements, gathered in the order of the file.
pub(super) struct Names<S: Storage> {
    storage: S,
    temp: PathBuf,
    value: Value,
    keys: Repeats<S>,
    /// Of the value under way, once it has one.
    elements: Option<Repeats<S>>,
    found: Sorter<S, PLACE_BYTES>,
}

impl<S: Storage> Names<S> {
    /// No names yet. Sorting goes through `temp`.
    pub(super) fn new(storage: &S, temp: &Path) -> Names<S> {
        Names {
            storage: storage.clone(),
            temp: temp.to_owned(),
            value: Value::default(),
            keys: Repeats::new(storage, temp),
            elements: None,
            found: Sorter::new(storage, temp),
        }
    }

    /// Notes the names in an event.
    pub(super) fn note(&mut self, event: &Event<'_>, db: u32, offset: u64) -> Result<(), Error> {
        if let Event::Key { key, .. } = event {
            self.keys.note(db, key, offset)?;
        }
        if let Some(name) = self.value.follow(event, offset) {
            let new = || Repeats::new(&self.storage, &self.temp);
            let elements = self.elements.get_or_insert_with(new);
            elements.note(0, name, self.value.names)?;
        }
        if matches!(event, Event::Value(Part::EndValue)) {
            self.end_value()?;
        }
        Ok(())
    }

    fn end_value(&mut self) -> Result<(), Error> {
        let Some(elements) = self.elements.take() else {
            return Ok(());
        };
        let (found, offset, mut count) = (&mut self.found, self.value.offset, 0);
        elements.each(|repeat| {
            count += 1;
            found.push(to_bytes([offset, repeat.again, 0]))
        })?;
        if count > 0 {
            found.push(to_bytes([offset, 0, count]))?;
        }
        Ok(())
    }

    /// What is to be left out.
    pub(super) fn repeated(self) -> Result<Remover<S>, Error> {
        let mut found = self.found;
        self.keys
            .each(|repeat| found.push(to_bytes([repeat.again, 0, 0])))?;
        let mut remover = Remover {
            places: found.finish()?,
            next: None,
            value: Value::default(),
            drops_key: false,
            done: Repeated::default(),
        };
        remover.advance()?;
        Ok(remover)
    }
}

/// Leaves out what came before.
pub(super) struct Remover<S: Storage> {
    places: Sorted<S, PLACE_BYTES>,
    next: Option<Place>,
    value: Value,
    /// Whether the record under way goes as a whole.
    drops_key: bool,
    /// What was left out until now.
    pub(super) done: Repeated,
}

impl<S: Storage> Remover<S> {
    fn advance(&mut self) -> Result<(), Error> {
        self.next = self.places.next()?.map(from_bytes);
        Ok(())
    }

    /// The event as it is to be written, if it is. Events come as they were noted.
    pub(super) fn pass<'a>(
        &mut self,
        event: &Event<'a>,
        offset: u64,
    ) -> Result<Option<Event<'a>>, Error> {
        let name = self.value.follow(event, offset);
        match event {
            Event::Key { .. } => self.begin_key(offset)?,
            Event::Value(_) if self.drops_key => {}
            Event::Value(Part::Set { .. } | Part::Hash { .. } | Part::Zset { .. }) => {
                return self.header(event).map(Some);
            }
            Event::Value(_) if name.is_some() => {
                let is_repeated = self.next == Some([self.value.offset, self.value.names, 0]);
                if is_repeated {
                    self.done.elements += 1;
                    self.advance()?;
                }
                return Ok((!is_repeated).then_some(*event));
            }
            Event::Value(_) => {}
            _ => return Ok(Some(*event)),
        }
        Ok((!self.drops_key).then_some(*event))
    }

    fn begin_key(&mut self, offset: u64) -> Result<(), Error> {
        // Of a key that went, its elements were not asked for.
        while self.next.is_some_and(|[place, ..]| place < offset) {
            self.advance()?;
        }
        self.drops_key = self.next == Some([offset, 0, 0]);
        self.done.keys += u64::from(self.drops_key);
        Ok(())
    }

    /// The header of a value, with the number of elements that stay.
    fn header<'a>(&mut self, event: &Event<'a>) -> Result<Event<'a>, Error> {
        let fewer = match self.next {
            Some([offset, 0, count]) if offset == self.value.offset => count,
            _ => return Ok(*event),
        };
        self.advance()?;
        let mut event = *event;
        if let Event::Value(Part::Set { len } | Part::Hash { len, .. } | Part::Zset { len }) =
            &mut event
        {
            *len -= fewer;
        }
        Ok(event)
    }
}

/// Big-endian, so that the order of bytes is that of places.
fn to_bytes(place: Place) -> [u8; PLACE_BYTES] {
    let mut bytes = [0; PLACE_BYTES];
    let (numbers, _) = bytes.as_chunks_mut();
    for (bytes, number) in numbers.iter_mut().zip(place) {
        *bytes = number.to_be_bytes();
    }
    bytes
}

fn from_bytes(bytes: [u8; PLACE_BYTES]) -> Place {
    let (numbers, _) = bytes.as_chunks();
    std::array::from_fn(|i| numbers.get(i).map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rdb::KeyMeta;
    use std::collections::HashSet;
    use storage::Memory;

    /// A key of a name, a set or a list, and its elements.
    type Record = (u8, bool, Vec<u8>);

    fn events<'a>((name, is_set, elements): &'a Record) -> Vec<Event<'a>> {
        let len = elements.len() as u64;
        let header = match is_set {
            true => Part::Set { len },
            false => Part::List { len },
        };
        let key = Event::Key {
            key: std::slice::from_ref(name),
            meta: KeyMeta::default(),
        };
        let elements = elements.chunks(1).map(Part::Element);
        let parts = std::iter::once(header).chain(elements);
        let parts = parts.chain([Part::EndValue]).map(Event::Value);
        std::iter::once(key).chain(parts).collect()
    }

    /// The first record of each name, with the first of each member.
    fn firsts(records: &[Record]) -> Vec<Record> {
        let mut names = HashSet::new();
        let mut kept = records.to_vec();
        kept.retain(|(name, ..)| names.insert(*name));
        for (_, is_set, elements) in &mut kept {
            let mut members = HashSet::new();
            elements.retain(|element| !*is_set || members.insert(*element));
        }
        kept
    }

    proptest! {
        #[test]
        fn the_first_of_each_name_stays(
            records in vec((0u8..12, any::<bool>(), vec(0u8..8, 1..12)), 0..24),
        ) {
            let disk = Memory::new();
            let mut names = Names::new(&disk, Path::new("."));
            for (offset, record) in (0..).step_by(10).zip(&records) {
                for (at, event) in (offset..).zip(events(record)) {
                    names.note(&event, 0, at).unwrap();
                }
            }
            let mut remover = names.repeated().unwrap();
            let mut left = Vec::new();
            for (offset, record) in (0..).step_by(10).zip(&records) {
                for (at, event) in (offset..).zip(events(record)) {
                    left.extend(remover.pass(&event, at).unwrap());
                }
            }
            let expected = firsts(&records);
            prop_assert_eq!(left, expected.iter().flat_map(events).collect::<Vec<_>>());
            prop_assert_eq!(remover.done.keys as usize, records.len() - expected.len());
        }
    }
}

//! Names that come twice, wherever they are: 128-bit hashes of all names, sorted on temporary disk.

use crate::digest;
use crate::sorter::Sorter;
use rdb::Part;
use std::path::Path;
use storage::{Result, Storage};

/// The hash and the place, big-endian.
const RECORD: usize = 16 + 8;

/// Gathers names of one kind. Two different names would have to share a hash of 128 bits to be taken
/// for one.
#[derive(Debug)]
pub struct Repeats<S: Storage> {
    sorter: Sorter<S, RECORD>,
}

/// A name that came twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Its first place.
    pub first: u64,
    /// The place at which it came again.
    pub again: u64,
}

impl<S: Storage> Repeats<S> {
    /// No names yet. Sorting goes through `temp` if they are many.
    pub fn new(storage: &S, temp: &Path) -> Repeats<S> {
        Repeats {
            sorter: Sorter::new(storage, temp),
        }
    }

    /// Notes a name of database `db`, and its place: an offset or a number, higher than those before.
    pub fn note(&mut self, db: u32, name: &[u8], place: u64) -> Result<()> {
        let hash = digest::of_name(db, name).to_be_bytes();
        let mut record = [0; RECORD];
        if let Some((head, tail)) = record.split_first_chunk_mut() {
            *head = hash;
            tail.copy_from_slice(&place.to_be_bytes());
        }
        self.sorter.push(record)
    }

    /// The first name that came again.
    pub fn first(self) -> Result<Option<Repeat>> {
        let mut found = None::<Repeat>;
        self.each(|repeat| {
            if found.is_none_or(|found| repeat.again < found.again) {
                found = Some(repeat);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Each place at which a name came again, in no order.
    pub fn each(self, mut each: impl FnMut(Repeat) -> Result<()>) -> Result<()> {
        let mut sorted = self.sorter.finish()?;
        let mut before = None;
        while let Some(record) = sorted.next()? {
            let (hash, again) = split(&record);
            match before {
                Some((same, first)) if same == hash => each(Repeat { first, again })?,
                _ => before = Some((hash, again)),
            }
        }
        Ok(())
    }
}

/// The name in a part of a value that no other part of the value may have: a member of a set (`in_set`
/// tells it from an element of a list) or sorted set, a field of a hash. Of compact forms the decoder
/// takes care.
pub fn unique_name<'a>(part: &Part<'a>, in_set: bool) -> Option<&'a [u8]> {
    match *part {
        Part::Element(member) if in_set => Some(member),
        Part::Field { field: name, .. } | Part::Scored { member: name, .. } => Some(name),
        _ => None,
    }
}

fn split(record: &[u8; RECORD]) -> (u128, u64) {
    let hash = record.first_chunk().copied().unwrap_or_default();
    let place = record.last_chunk().copied().unwrap_or_default();
    (u128::from_be_bytes(hash), u64::from_be_bytes(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Memory;

    fn first(names: impl Iterator<Item = (u32, String)>) -> Option<Repeat> {
        let disk = Memory::new();
        disk.create_dir(Path::new("tmp")).unwrap();
        let mut repeats = Repeats::new(&disk, Path::new("tmp"));
        for (place, (db, name)) in names.enumerate() {
            repeats.note(db, name.as_bytes(), place as u64).unwrap();
        }
        repeats.first().unwrap()
    }

    #[test]
    fn the_earliest_repetition_is_found_among_many() {
        let names = |repeated: u64| (0..100_000).map(move |i| (0, (i % repeated).to_string()));
        assert_eq!(first(names(100_000)), None);
        let found = Repeat {
            first: 0,
            again: 60_000,
        };
        assert_eq!(first(names(60_000)), Some(found));
        assert_eq!(first((0..3).map(|db| (db, "k".to_owned()))), None);
    }
}

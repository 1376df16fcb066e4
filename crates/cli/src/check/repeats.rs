//! Keys of a file and elements of a value that occur twice, which servers refuse.

use super::rdb::Trouble;
use super::report::Damage;
use duramen::storage::{File, Os};
use inspect::Repeats;
use rdb::{Decoder, DecoderOptions, Event};

/// The keys of a file, with their offsets.
#[derive(Debug)]
pub(super) struct Keys(Repeats<Os>);

/// The elements of a value, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Members {
    seen: Option<Repeats<Os>>,
    count: u64,
}

fn nothing_yet() -> Repeats<Os> {
    Repeats::new(&Os, &std::env::temp_dir())
}

impl Default for Keys {
    fn default() -> Keys {
        Keys(nothing_yet())
    }
}

impl Keys {
    /// Notes a key whose record begins at `offset`.
    pub(super) fn note(&mut self, db: u32, name: &[u8], offset: u64) -> Result<(), Trouble> {
        Ok(self.0.note(db, name, offset)?)
    }

    /// Whether none came twice, of those in `file`.
    pub(super) fn check(self, file: &impl File) -> Result<(), Trouble> {
        let Some(repeat) = self.0.first()? else {
            return Ok(());
        };
        let (name, first) = (name_at(file, repeat.again)?, repeat.first);
        Err(Trouble::Damage(Damage {
            offset: Some(repeat.again),
            what: format!(
                "key \"{}\" occurs twice, first at byte {first}",
                name.escape_ascii()
            ),
        }))
    }
}

/// How many bytes a file's header has.
const HEADER: usize = 9;
/// How much is read at once while a name is looked up, in bytes.
const BLOCK: usize = 4 << 10;

/// The name of the key whose record, which could be read before, begins at `offset`.
fn name_at(file: &impl File, mut offset: u64) -> Result<Vec<u8>, Trouble> {
    let mut decoder = Decoder::new(DecoderOptions::default());
    let mut block = [0; BLOCK];
    let header = block.get_mut(..HEADER).unwrap_or_default();
    let mut read = file.read_at(0, header)?;
    loop {
        decoder.feed(block.get(..read).unwrap_or_default());
        while let Some(event) = decoder.next()? {
            if let Event::Key { key, .. } = event {
                return Ok(key.to_vec());
            }
        }
        read = file.read_at(offset, &mut block)?;
        offset += read as u64;
        if read == 0 {
            decoder.finish_input();
        }
    }
}

impl Members {
    /// Notes an element.
    pub(super) fn note(&mut self, name: &[u8]) -> Result<(), Trouble> {
        self.count += 1;
        let seen = self.seen.get_or_insert_with(nothing_yet);
        Ok(seen.note(0, name, self.count)?)
    }

    /// Whether none came twice in the value of `key`, which ends at `offset`; begins anew.
    pub(super) fn check(&mut self, key: &[u8], offset: u64) -> Result<(), Trouble> {
        self.count = 0;
        let Some(seen) = self.seen.take() else {
            return Ok(());
        };
        let Some(repeat) = seen.first()? else {
            return Ok(());
        };
        let (first, again, key) = (repeat.first, repeat.again, key.escape_ascii());
        Err(Trouble::Damage(Damage {
            offset: Some(offset),
            what: format!("elements {first} and {again} of key \"{key}\" are the same"),
        }))
    }
}

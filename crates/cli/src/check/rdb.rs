//! RDB files: every event is looked at, counted and forgotten.

use super::repeats::{Keys, Members};
use super::report::{Damage, DbFacts, FileReport, RdbFacts, Type, Verdict};
use crate::inspect::progress::Progress;
use duramen::storage::{self, File, Reader};
use packed::listpack::Listpack;
use rdb::{Decoder, DecoderOptions, ErrorKind, Event, Part, Version};

/// Checks a file that should be an RDB and nothing else.
pub(super) fn check<F: File>(file: F) -> FileReport {
    let mut report = FileReport::new(file.path(), "RDB file");
    let mut input = Reader::new(file);
    let outcome = follow(&mut input, &mut report).and_then(|()| rest(&mut input, &mut report));
    report.conclude(outcome);
    report
}

/// Why the end of a file was not reached.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is damaged.
    Damage(Damage),
    /// It holds what is not known here: damage, or another server's.
    Unknown(Damage),
    Storage(storage::Error),
}

impl From<rdb::Error> for Trouble {
    fn from(error: rdb::Error) -> Trouble {
        let damage = Damage::of_rdb(&error);
        match error.kind() {
            ErrorKind::UnsupportedVersion { .. } | ErrorKind::Unsupported { .. } => {
                Trouble::Unknown(damage)
            }
            _ => Trouble::Damage(damage),
        }
    }
}

impl From<storage::Error> for Trouble {
    fn from(error: storage::Error) -> Trouble {
        Trouble::Storage(error)
    }
}

/// Follows a snapshot to its end and stops behind its last byte. What was counted is in the report
/// even if it turns out to be damaged further on.
pub(super) fn follow<F: File>(
    input: &mut Reader<F>,
    report: &mut FileReport,
) -> Result<(), Trouble> {
    let mut follower = Follower::default();
    let outcome = follower.follow(input);
    report.rdb = Some(follower.facts);
    outcome?;
    follower.keys.check(input.file())
}

/// What follows the last byte. Servers do not look; but before version 5 the end is only a byte, and
/// whatever a damaged header makes of it looks like one.
fn rest<F: File>(input: &mut Reader<F>, report: &mut FileReport) -> Result<(), Trouble> {
    if input.buffer().is_empty() && input.fill()? == 0 {
        return Ok(());
    }
    let offset = input.position();
    let version = report.rdb.as_ref().and_then(|facts| facts.version);
    if version.is_some_and(Version::has_checksum) {
        let len = input.file().len()?;
        let count = len.saturating_sub(offset);
        report.notes.push(format!(
            "{count} bytes after the end, from byte {offset} on, do not count"
        ));
        return Ok(());
    }
    Err(Trouble::Damage(Damage {
        offset: Some(offset),
        what: "bytes after the end of a snapshot whose version has no checksum: the header is \
               probably damaged"
            .to_owned(),
    }))
}

/// Where in the events of a file we are.
#[derive(Debug, Default)]
struct Follower {
    facts: RdbFacts,
    db: u32,
    key: Vec<u8>,
    keys: Keys,
    /// Members or fields of the value under way.
    members: Members,
}

impl Follower {
    fn follow<F: File>(&mut self, input: &mut Reader<F>) -> Result<(), Trouble> {
        let mut decoder = Decoder::new(DecoderOptions::default());
        let mut progress = Progress::new(input.file().len().ok());
        loop {
            if input.buffer().is_empty() && input.fill()? == 0 {
                decoder.finish_input();
            }
            let fed = input.buffer().len();
            progress.add(fed as u64);
            decoder.feed(input.buffer());
            self.take_events(&mut decoder)?;
            if decoder.is_done() {
                input.consume(fed - decoder.rest().len());
                return Ok(());
            }
            input.consume(fed);
        }
    }

    fn take_events(&mut self, decoder: &mut Decoder) -> Result<(), Trouble> {
        loop {
            let offset = decoder.offset();
            // Taken by reference: to move an event costs more than most of them take to decode.
            match decoder.next() {
                Ok(Some(ref event)) => self.put(event, offset)?,
                Ok(None) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Counts an event that begins there.
    fn put(&mut self, event: &Event<'_>, offset: u64) -> Result<(), Trouble> {
        match event {
            Event::Start(version) => self.facts.version = Some(*version),
            Event::Aux { key, value } => self.facts.aux.push((lossy(key), lossy(value))),
            Event::SelectDb(db) => self.db = db.0,
            Event::Function(_) => self.facts.functions += 1,
            Event::ModuleAux(_) => self.facts.module_aux += 1,
            Event::Key { key, meta } => {
                self.key.clear();
                self.key.extend_from_slice(key);
                let db: &mut DbFacts = self.facts.dbs.entry(self.db).or_default();
                db.keys += 1;
                db.expires += u64::from(meta.expire.is_some());
                self.keys.note(self.db, key, offset)?;
            }
            Event::SkippedEmpty { .. } => self.facts.empty += 1,
            Event::Value(Part::EndValue) => return self.members.check(&self.key, offset),
            Event::Value(part) => return self.put_part(part, offset),
            Event::End { checksum } => self.facts.checksum = Some(*checksum),
            Event::SkippedOpcode(_) => self.facts.skipped += 1,
            Event::ModuleKeyMeta(_) => {}
            Event::ResizeDb { .. } | Event::SlotInfo { .. } | Event::SlotImport { .. } => {}
        }
        Ok(())
    }

    /// Compact forms were checked for repetitions by the decoder.
    fn put_part(&mut self, part: &Part<'_>, offset: u64) -> Result<(), Trouble> {
        if let Some(kind) = type_of(part) {
            *self.facts.types.entry(kind).or_default() += 1;
            self.facts.last_type = Some(kind);
        }
        let in_set = self.facts.last_type == Some(Type::Set);
        if let Some(name) = inspect::unique_name(part, in_set) {
            return self.members.note(name);
        }
        match part {
            Part::HashListpackTtl { listpack, .. } if !is_by_deadline(listpack) => {
                Err(Trouble::Damage(Damage {
                    offset: Some(offset),
                    what: format!(
                        "the fields of key \"{}\" are not in the order of their deadlines",
                        self.key.escape_ascii()
                    ),
                }))
            }
            _ => Ok(()),
        }
    }
}

/// Whether triples of fields, values and deadlines come with the next deadline first and those
/// without one last. Servers load others, but expire their fields too late; their own check refuses
/// them.
fn is_by_deadline(listpack: &[u8]) -> bool {
    let deadlines = Listpack::new(listpack).iter().skip(2).step_by(3);
    let deadlines = deadlines.map(|ms| ms.as_int().filter(|ms| *ms != 0).unwrap_or(i64::MAX));
    deadlines.is_sorted()
}

/// The type of value that begins with `part`.
fn type_of(part: &Part<'_>) -> Option<Type> {
    match part {
        Part::String(_) | Part::LongString { .. } => Some(Type::String),
        Part::List { .. } | Part::Quicklist { .. } => Some(Type::List),
        Part::Set { .. } | Part::SetIntset(_) | Part::SetListpack(_) => Some(Type::Set),
        Part::Hash { .. } | Part::HashListpack(_) | Part::HashListpackTtl { .. } => {
            Some(Type::Hash)
        }
        Part::Zset { .. } | Part::ZsetListpack(_) => Some(Type::Zset),
        Part::StreamHeader { .. } => Some(Type::Stream),
        Part::Module(_) => Some(Type::Module),
        _ => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl FileReport {
    /// Notes how following the file ended.
    pub(super) fn conclude(&mut self, outcome: Result<(), Trouble>) {
        match outcome {
            Ok(()) => {}
            Err(Trouble::Damage(damage)) => self.damaged(damage),
            Err(Trouble::Unknown(damage)) => {
                self.damaged(damage);
                self.verdict = Verdict::Unreadable;
            }
            Err(Trouble::Storage(error)) => {
                self.verdict = Verdict::Unreadable;
                self.notes.push(error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duramen::storage::{Memory, Mode, Storage as _};
    use std::path::Path;

    fn report(bytes: &[u8]) -> FileReport {
        let disk = Memory::new();
        let file = disk.open(Path::new("f.rdb"), Mode::CreateNew).unwrap();
        file.append(bytes).unwrap();
        check(file)
    }

    fn damage(bytes: &[u8]) -> (Option<u64>, String) {
        let report = report(bytes);
        let damage = report.damage.unwrap();
        (damage.offset, damage.what)
    }

    #[test]
    fn counts_what_there_is() {
        let report = report(b"REDIS0004\x00\x01k\x01v\xFE\x02\x02\x01s\x02\x01a\x01b\xFF");
        assert_eq!(report.verdict, Verdict::Sound);
        let facts = report.rdb.unwrap();
        assert_eq!(facts.dbs[&0].keys, 1);
        assert_eq!(facts.dbs[&2].keys, 1);
        assert_eq!(facts.types[&Type::Set], 1);
    }

    #[test]
    fn names_that_occur_twice_are_damage() {
        let (offset, what) = damage(b"REDIS0004\x00\x01k\x01v\x00\x01k\x01v\xFF");
        assert_eq!(
            (offset, what.as_str()),
            (Some(14), "key \"k\" occurs twice, first at byte 9")
        );
        let (_, what) = damage(b"REDIS0004\x02\x01s\x02\x01a\x01a\xFF");
        assert_eq!(what, "elements 1 and 2 of key \"s\" are the same");
        let lists_may = report(b"REDIS0004\x01\x01l\x02\x01a\x01a\xFF");
        assert_eq!(lists_may.verdict, Verdict::Sound);
        let other_db = report(b"REDIS0004\x00\x01k\x01v\xFE\x01\x00\x01k\x01v\xFF");
        assert_eq!(other_db.verdict, Verdict::Sound);
    }

    #[test]
    fn ends_are_looked_at() {
        let (offset, _) = damage(b"REDIS0004\x00\x01k\x01v\xFFmore");
        assert_eq!(offset, Some(15));
        let with_footer = report(b"REDIS0009\xFF\0\0\0\0\0\0\0\0more");
        assert_eq!(with_footer.verdict, Verdict::Sound);
        assert_eq!(with_footer.notes.len(), 1);
        assert!(damage(b"REDIS0004\x00\x01k\x01").1.contains("ends"));
        assert_eq!(damage(b"").0, Some(0));
    }

    #[test]
    fn fields_come_by_deadline() {
        let listpack = |deadlines: [i64; 3]| {
            let mut listpack = packed::listpack::ListpackBuf::new();
            for ms in deadlines {
                listpack.push_back(b"field");
                listpack.push_back(b"value");
                listpack.push_back_int(ms);
            }
            listpack.into_vec()
        };
        assert!(is_by_deadline(&listpack([5, 7, 0])));
        assert!(is_by_deadline(&listpack([0, 0, 0])));
        assert!(!is_by_deadline(&listpack([7, 5, 0])));
        assert!(!is_by_deadline(&listpack([5, 0, 7])));
    }

    #[test]
    fn what_is_not_known_is_not_called_damaged() {
        assert_eq!(report(b"REDIS0099").verdict, Verdict::Unreadable);
        assert_eq!(report(b"RADIS0009").verdict, Verdict::Damaged);
    }
}

//! What can be saved of a damaged snapshot: the records before a damage and those behind it.
//!
//! Records have no marks, so where the next one begins is found by trying: at each byte, whether
//! several records in a row can be read from there. The file is read twice, first to find what is
//! whole, then to write that. It is not changed.

use super::outputs::Outputs;
use super::repeated::Repeated;
use super::{Keep, Rewrite, Route, Written};
use crate::error::Error;
use crate::events;
use crate::filter::Filter;
use crate::input::{self, Blocks};
use rdb::{Checksum, Decoder, DecoderOptions, ErrorKind, Event, Part, Target, Version};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use storage::{File as _, Mode, Storage};

/// So many values in a row make a place the start of a record.
const RECORDS_IN_A_ROW: usize = 8;
/// What is looked at before a place is tried in earnest, in bytes.
const GLANCE: usize = 512;
/// How much is read at once while places are tried, in bytes.
const WINDOW: usize = 64 << 10;
const HEADER: u64 = 9;

/// Records that are whole, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Good {
    start: u64,
    end: u64,
    /// The database that is selected at the start.
    db: u32,
}

/// How far whole records go.
struct Walk {
    good: Good,
    /// The database selected now.
    db: u32,
    in_value: bool,
    names: Names,
    /// Where the last key began.
    last_key: u64,
}

impl Walk {
    fn new(start: u64, db: u32) -> Walk {
        Walk {
            good: Good {
                start,
                end: start,
                db,
            },
            db,
            in_value: false,
            names: Names::default(),
            last_key: start,
        }
    }

    fn event(&mut self, event: &Event<'_>, offset: u64) -> ControlFlow<()> {
        // A record is whole once the next begins, a value at its end.
        let ends = matches!(event, Event::Value(Part::EndValue));
        if !self.in_value || ends {
            self.good.end = offset;
        }
        if let Event::SelectDb(db) = event {
            self.db = db.0;
        }
        if self.names.repeat(event) {
            // Neither of the two is one.
            self.good.end = self.last_key;
            return ControlFlow::Break(());
        }
        if matches!(event, Event::Key { .. }) {
            self.last_key = offset;
            self.in_value = true;
        }
        self.in_value &= !ends;
        ControlFlow::Continue(())
    }
}

/// How following records ended.
enum Ending {
    /// At the end of the file; with what is wrong with the checksum.
    Whole(Option<String>),
    /// Where it was to stop.
    Stopped,
    /// At a damage: what it is, and in which key.
    Damage(String, Option<Vec<u8>>),
}

/// The last name, to notice one that comes again at once: bytes of one kind, zeros above all, read as
/// records of one name without end.
#[derive(Default)]
struct Names(Option<Vec<u8>>);

impl Names {
    fn repeat(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Key { key, .. } if self.0.as_deref() == Some(*key) => true,
            Event::Key { key, .. } => {
                self.0 = Some(key.to_vec());
                false
            }
            Event::SelectDb(_) => {
                self.0 = None;
                false
            }
            _ => false,
        }
    }
}

const REPEATED: &str = "a key twice in a row";
const EARLY_END: &str = "an end mark before the end of the file";

/// Bytes that cannot be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Where they begin.
    pub offset: u64,
    /// How many they are.
    pub len: u64,
    /// What is wrong with them.
    pub what: String,
    /// The key in whose value the damage was met; others may lie behind it.
    pub key: Option<Vec<u8>>,
}

/// What is whole in a snapshot, and what is not.
#[derive(Debug)]
pub struct Scan {
    path: PathBuf,
    header: Vec<u8>,
    version: Version,
    good: Vec<Good>,
    /// What cannot be saved, by offset.
    pub lost: Vec<Lost>,
    /// Why the whole cannot be trusted even where all could be read: the checksum is wrong.
    pub checksum: Option<String>,
}

/// What was saved.
#[derive(Debug)]
pub struct Salvage {
    /// The new file.
    pub file: Written,
    /// What is not in it.
    pub lost: Vec<Lost>,
    /// What could be read, but came before.
    pub repeated: Repeated,
    /// Set if values may be wrong that could be read.
    pub checksum: Option<String>,
}

impl Salvage {
    /// Whether nothing was wrong.
    pub fn is_sound(&self) -> bool {
        self.lost.is_empty() && self.checksum.is_none() && self.repeated == Repeated::default()
    }
}

impl Scan {
    /// Looks for what is whole in the file at `path`.
    pub fn of<S: Storage>(storage: &S, path: &Path) -> Result<Scan, Error> {
        let (mut blocks, len) = input::open_plain(storage, path, |_| {})?;
        let header = events::begin(path, &mut blocks)?;
        let version = version_of(path, &header)?;
        let mut scan = Scan {
            path: path.to_owned(),
            header,
            version,
            good: Vec::new(),
            lost: Vec::new(),
            checksum: None,
        };
        let mut next = Some((HEADER, 0));
        while let Some((start, db)) = next {
            next = scan.run(storage, start, db, len)?;
        }
        Ok(scan)
    }

    /// Follows records from `start` on; gives where to go on behind a damage, and the database there.
    fn run<S: Storage>(
        &mut self,
        storage: &S,
        start: u64,
        db: u32,
        len: u64,
    ) -> Result<Option<(u64, u32)>, Error> {
        let mut walk = Walk::new(start, db);
        let outcome = self.follow(storage, start, |event, offset| walk.event(event, offset));
        let Walk { good, db, .. } = walk;
        let (what, key) = match self.ending(outcome, start, len)? {
            Ending::Whole(checksum) => {
                self.good.push(good);
                self.checksum = checksum;
                return Ok(None);
            }
            Ending::Stopped => (REPEATED.to_owned(), None),
            Ending::Damage(what, key) => (what, key),
        };
        if good.end > good.start {
            self.good.push(good);
        }
        let next = self.resume(storage, good.end + 1, len)?;
        self.lost.push(Lost {
            offset: good.end,
            len: next.unwrap_or(len) - good.end,
            what,
            key,
        });
        Ok(next.map(|next| (next, db)))
    }

    /// What the end of following records means: an end mark before the end of the file is none, unless
    /// the checksum behind it is right.
    fn ending(
        &self,
        outcome: Result<(Decoder, Option<Checksum>), Error>,
        start: u64,
        len: u64,
    ) -> Result<Ending, Error> {
        let footer = if self.version.has_checksum() { 8 } else { 0 };
        match outcome {
            Ok((_, Some(Checksum::Verified(_)))) => Ok(Ending::Whole(None)),
            Ok((decoder, _)) if decoder.is_done() && start + decoder.offset() - HEADER == len => {
                Ok(Ending::Whole(None))
            }
            Ok((decoder, _)) if !decoder.is_done() => Ok(Ending::Stopped),
            Ok(_) => Ok(Ending::Damage(EARLY_END.to_owned(), None)),
            Err(Error::Snapshot { source, .. }) => {
                let what = source.kind().to_string();
                let is_footer = matches!(source.kind(), ErrorKind::ChecksumMismatch { .. });
                Ok(match is_footer {
                    true if start + source.offset() - HEADER + footer == len => {
                        // Behind a damage the checksum cannot be right.
                        Ending::Whole(Some(what).filter(|_| self.lost.is_empty()))
                    }
                    true => Ending::Damage(EARLY_END.to_owned(), None),
                    false => Ending::Damage(what, source.key().map(<[u8]>::to_vec)),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Follows records from `start` on, with offsets of the file; gives what the footer said, too.
    fn follow<S: Storage>(
        &self,
        storage: &S,
        start: u64,
        mut each: impl FnMut(&Event<'_>, u64) -> ControlFlow<()>,
    ) -> Result<(Decoder, Option<Checksum>), Error> {
        let file = storage.open(&self.path, Mode::Read)?;
        let mut blocks = Blocks::new(file, start, |_| {});
        let mut footer = None;
        let path = &self.path;
        let decoder = events::follow(path, &self.header, &mut blocks, |event, offset| {
            if let Event::End { checksum } = event {
                footer = Some(*checksum);
            }
            Ok(match event {
                Event::Start(_) => ControlFlow::Continue(()),
                _ => each(event, start + offset.saturating_sub(HEADER)),
            })
        })?;
        Ok((decoder, footer))
    }

    /// The first place from `from` on where records begin again.
    fn resume<S: Storage>(&self, storage: &S, from: u64, len: u64) -> Result<Option<u64>, Error> {
        let file = storage.open(&self.path, Mode::Read)?;
        let mut window = vec![0; WINDOW + GLANCE];
        let mut at = from;
        while at < len {
            let read = file.read_at(at, &mut window)?;
            let bytes = window.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(None);
            }
            for start in 0..bytes.len().min(WINDOW) {
                let glance = bytes.get(start..).unwrap_or_default();
                let glance = glance.get(..GLANCE).unwrap_or(glance);
                if self.may_begin(glance) && self.begins(storage, at + start as u64, len)? {
                    return Ok(Some(at + start as u64));
                }
            }
            at += bytes.len().min(WINDOW) as u64;
        }
        Ok(None)
    }

    /// Whether nothing is wrong with these bytes as the beginning of a record.
    fn may_begin(&self, bytes: &[u8]) -> bool {
        let mut decoder = Decoder::new(DecoderOptions {
            verify_checksum: false,
            ..DecoderOptions::default()
        });
        decoder.feed(&self.header);
        decoder.feed(bytes);
        let mut names = Names::default();
        loop {
            match decoder.next() {
                Err(_) => return false,
                Ok(None) => return true,
                Ok(Some(event)) if names.repeat(&event) => return false,
                Ok(Some(_)) => {}
            }
        }
    }

    /// Whether several records in a row can be read from there, or all up to the end of the file.
    fn begins<S: Storage>(&self, storage: &S, start: u64, len: u64) -> Result<bool, Error> {
        let (mut values, mut names, mut repeated) = (0, Names::default(), false);
        let outcome = self.follow(storage, start, |event, _| {
            values += usize::from(matches!(event, Event::Value(Part::EndValue)));
            repeated = names.repeat(event);
            match values < RECORDS_IN_A_ROW && !repeated {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        match self.ending(outcome, start, len)? {
            Ending::Whole(_) => Ok(!repeated),
            Ending::Stopped => Ok(values >= RECORDS_IN_A_ROW),
            Ending::Damage(..) => Ok(false),
        }
    }

    /// Whether every byte can be read; names may still occur twice.
    pub fn is_sound(&self) -> bool {
        self.lost.is_empty() && self.checksum.is_none()
    }

    /// Writes what is whole into a new file at `out`, and of what came before only the first. Sorting
    /// goes through `temp`.
    pub fn write<S: Storage>(self, storage: &S, temp: &Path, out: &Path) -> Result<Salvage, Error> {
        let filter = Filter::default();
        let rewrite = Rewrite {
            target: None,
            compress: true,
            archive: false,
            lossy: true,
            filter: &filter,
            redactor: None,
            route: Route::One(out.to_owned()),
            keep: Keep::Last,
        };
        let target = Target::for_version(self.version);
        let mut outputs = Outputs::new(storage, target, &rewrite)?;
        let mut names = super::repeated::Names::new(storage, temp);
        self.records(storage, |event, db, offset| names.note(event, db, offset))?;
        let mut remover = names.repeated()?;
        self.records(storage, |event, db, offset| {
            match remover.pass(event, offset)? {
                Some(event) => copy_event(&event, db, &mut outputs),
                None => Ok(()),
            }
        })?;
        let mut files = outputs.finish()?;
        let file = files.pop().ok_or_else(|| Error::Nothing {
            path: out.to_owned(),
            what: "nothing was written",
        })?;
        Ok(Salvage {
            file,
            lost: self.lost,
            repeated: remover.done,
            checksum: self.checksum,
        })
    }

    /// Follows all that is whole, in order: events with their database and offset.
    fn records<S: Storage>(
        &self,
        storage: &S,
        mut each: impl FnMut(&Event<'_>, u32, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.good
            .iter()
            .try_for_each(|good| self.records_of(storage, *good, &mut each))
    }

    fn records_of<S: Storage>(
        &self,
        storage: &S,
        good: Good,
        each: &mut impl FnMut(&Event<'_>, u32, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut db = good.db;
        let mut failed = Ok(());
        let outcome = self.follow(storage, good.start, |event, offset| {
            let is_end = matches!(event, Event::Value(Part::EndValue));
            if offset >= good.end && !is_end {
                return ControlFlow::Break(());
            }
            if let Event::SelectDb(selected) = event {
                db = selected.0;
            }
            failed = each(event, db, offset);
            match failed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        failed?;
        match outcome {
            // What is wrong is wrong behind the end of what is followed.
            Ok(_) | Err(Error::Snapshot { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn copy_event<S: Storage>(
    event: &Event<'_>,
    db: u32,
    outputs: &mut Outputs<S>,
) -> Result<(), Error> {
    match event {
        Event::Key { key, .. } => {
            outputs.route(db, key)?;
            outputs.put(event)?;
        }
        Event::Value(_) => outputs.put(event)?,
        Event::Aux { .. } | Event::Function(_) | Event::ModuleAux(_) | Event::ModuleKeyMeta(_) => {
            outputs.put_all(event)?
        }
        _ => {}
    }
    Ok(())
}

fn version_of(path: &Path, header: &[u8]) -> Result<Version, Error> {
    let mut version = None;
    let start = |event: &Event<'_>, _| {
        if let Event::Start(found) = event {
            version = Some(*found);
        }
        Ok(ControlFlow::Break(()))
    };
    events::follow(path, header, &mut std::io::empty(), start)?;
    version.ok_or_else(|| Error::Nothing {
        path: path.to_owned(),
        what: "no header",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Commands, Output};
    use crate::source::Source;
    use storage::Memory;

    /// Forty keys of 12 bytes a record, in two databases; version 9, checksum not computed.
    fn snapshot() -> Vec<u8> {
        let mut bytes = b"REDIS0009".to_vec();
        for db in 0..2 {
            bytes.extend_from_slice(&[0xFE, db]);
            for number in 0..20 {
                bytes.extend_from_slice(
                    format!("\x00\x04k{number:03}\x05val{number:02}").as_bytes(),
                );
            }
        }
        bytes.push(0xFF);
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }

    fn repair(bytes: &[u8]) -> (Salvage, Vec<String>) {
        let disk = Memory::new();
        let path = Path::new("d.rdb");
        disk.open(path, Mode::CreateNew)
            .unwrap()
            .append(bytes)
            .unwrap();
        disk.create_dir(Path::new("tmp")).unwrap();
        let scan = Scan::of(&disk, path).unwrap();
        let salvage = scan
            .write(&disk, Path::new("tmp"), Path::new("new.rdb"))
            .unwrap();
        let mut out = Vec::new();
        let mut commands = Commands::new(Output::new(&mut out, false));
        let filter = Filter::default();
        let (mut blocks, _) = input::open(&disk, Path::new("new.rdb"), |_| {}).unwrap();
        let mut source = Source::new(&filter, &mut commands);
        source.read(path, None, &mut blocks).unwrap();
        commands.finish().unwrap();
        let text = String::from_utf8_lossy(&out);
        let keys = text.split("\r\n").skip_while(|word| *word != "SET");
        let keys = keys.filter(|word| word.chars().count() == 4);
        let kept = storage::read(&disk, path, 1 << 20).unwrap();
        assert_eq!(kept, bytes, "the original is never touched");
        (salvage, keys.map(str::to_owned).collect())
    }

    #[test]
    fn records_around_a_damage_are_saved() {
        let mut bytes = snapshot();
        // The length of the value of key 10 of database 0: 9 + 2 + 10 records, 6 bytes on.
        let record = 11 + 10 * 12;
        bytes[record + 6] = 0xC9;
        let (salvage, keys) = repair(&bytes);
        assert_eq!(keys.len(), 39);
        assert!(keys[9] == "k009" && keys[10] == "k011");
        let lost = &salvage.lost[0];
        assert_eq!((lost.offset, lost.len), (record as u64, 12));
        assert_eq!(lost.key.as_deref(), Some(&b"k010"[..]));
    }

    #[test]
    fn zeros_are_no_records() {
        let mut bytes = snapshot();
        bytes[100..160].fill(0);
        let (salvage, keys) = repair(&bytes);
        // Six records are damaged; of the first enough is left to be one of an empty string.
        assert_eq!((keys.len(), salvage.file.keys), (35, 35));
        assert_eq!((salvage.lost[0].offset, salvage.lost[0].len), (102, 65));
    }

    #[test]
    fn what_a_cut_file_has_left_is_saved() {
        let bytes = snapshot();
        for cut in [20, 100, 250, bytes.len() - 9] {
            let (salvage, keys) = repair(&bytes[..cut]);
            assert_eq!(keys.len() as u64, salvage.file.keys);
            assert_eq!(keys.len(), (cut - 11 - if cut > 251 { 2 } else { 0 }) / 12);
            assert_eq!(salvage.lost.len(), 1);
        }
    }

    #[test]
    fn no_damage_to_one_byte_costs_much_or_panics() {
        let bytes = snapshot();
        for at in 9..bytes.len() - 8 {
            let mut damaged = bytes.clone();
            damaged[at] = [0x00, 0x80, 0xFF][at % 3];
            let (salvage, keys) = repair(&damaged);
            // Without the mark of database 1 its keys repeat those of 0.
            let read = keys.len() as u64 + salvage.repeated.keys;
            assert!(read >= 24, "byte {at}: {read} keys, {:?}", salvage.lost);
        }
    }

    #[test]
    fn a_key_that_came_before_is_left_out() {
        let mut bytes = snapshot();
        // Key 15 of database 0 gets the name of key 3; that of database 1 may have it.
        bytes[11 + 15 * 12 + 2..][..4].copy_from_slice(b"k003");
        let (salvage, keys) = repair(&bytes);
        assert!(salvage.lost.is_empty() && !salvage.is_sound());
        assert_eq!((salvage.repeated.keys, keys.len()), (1, 39));
        assert!(keys[3] == "k003" && keys[15] == "k016" && keys[22] == "k003");
    }
}

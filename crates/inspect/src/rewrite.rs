//! Snapshots out of snapshots: for another target, merged, split, redacted, or with fewer keys.
//!
//! Records pass from a decoder to encoders one by one, in the order of the files. New files are
//! written under a temporary name and renamed when they are whole; none that exists is overwritten.

mod outputs;
mod redacted;
mod repeated;
mod salvage;

pub use outputs::Written;
pub use repeated::Repeated;
pub use salvage::{Lost, Salvage, Scan};

use crate::digest;
use crate::error::Error;
use crate::events;
use crate::filter::Filter;
use crate::input;
use crate::redact::Redactor;
use crate::sorter::{Sorted, Sorter};
use outputs::Outputs;
use rdb::{Event, KeyMeta, Target};
use redacted::Redacted;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::{Path, PathBuf};
use storage::Storage;

/// What is to be written, and how.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// Whom the files are for; that of the first input if nothing is said.
    pub target: Option<Target>,
    /// Whether strings are compressed.
    pub compress: bool,
    /// Whether the new files are archives.
    pub archive: bool,
    /// Whether data that the target cannot hold is left out, rather than refused.
    pub lossy: bool,
    /// Which keys; types and sizes are not looked at.
    pub filter: &'a Filter,
    /// Makes other names and values.
    pub redactor: Option<Redactor>,
    /// Into which files.
    pub route: Route,
    /// Which of two keys of one name stays, if there are several inputs.
    pub keep: Keep,
}

/// Into which file a key goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// One file.
    One(PathBuf),
    /// A file for each database, `db-N.rdb` in this directory.
    Dbs(PathBuf),
    /// A file for each range of slots, `slots-FIRST-LAST.rdb` in this directory. Keys of other slots
    /// are left out.
    Slots(PathBuf, Vec<RangeInclusive<u16>>),
}

/// Which of two keys of one name stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// That of the earlier input.
    First,
    /// That of the later input.
    Last,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// The new files.
    pub files: Vec<Written>,
    /// Keys whose name came again, left out.
    pub duplicates: u64,
    /// What redaction left out, because nobody knows what is a text in it: functions and data of
    /// modules. Values of modules became strings.
    pub opaque: u64,
}

/// Which input, and the offset in it.
const PLACE: usize = 2 + 8;

impl Rewrite<'_> {
    /// Writes new files out of the inputs, in their order. Sorting goes through `temp`, and happens
    /// only if there are several; `progress` is told of bytes read.
    pub fn run<S: Storage>(
        self,
        storage: &S,
        temp: &Path,
        inputs: &[PathBuf],
        progress: &mut dyn FnMut(u64),
    ) -> Result<Rewritten, Error> {
        let mut state = State {
            losers: match inputs.len() {
                0 | 1 => None,
                _ => Some(losers(storage, temp, inputs, self.keep)?),
            },
            next_loser: None,
            done: Rewritten::default(),
            db: 0,
            state: Skip::No,
            redacted: self.redactor.clone().map(Redacted::new),
        };
        state.next_loser()?;
        let mut outputs: Option<Outputs<S>> = None;
        for (number, path) in inputs.iter().enumerate() {
            state.db = 0;
            let (mut blocks, _) = input::open(storage, path, &mut *progress)?;
            let begin = events::begin(path, &mut blocks)?;
            events::follow(path, &begin, &mut blocks, |event, offset| {
                if let (Event::Start(version), None) = (event, &outputs) {
                    let target = self.target.unwrap_or(Target::for_version(*version));
                    outputs = Some(Outputs::new(storage, target, &self)?);
                }
                if let Some(outputs) = &mut outputs {
                    let place = place(number, offset);
                    state.event(event, place, number == 0, &self, outputs)?;
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        state.done.opaque += state.redacted.map_or(0, |redacted| redacted.opaque);
        if let Some(outputs) = outputs {
            state.done.files = outputs.finish()?;
        }
        Ok(state.done)
    }

    fn is_plain(&self) -> bool {
        matches!(self.route, Route::One(_)) && self.filter.is_all()
    }
}

struct State<S: Storage> {
    losers: Option<Sorted<S, PLACE>>,
    next_loser: Option<[u8; PLACE]>,
    done: Rewritten,
    db: u32,
    state: Skip,
    redacted: Option<Redacted>,
}

/// Whether the value under way is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    No,
    Value,
}

impl<S: Storage> State<S> {
    fn next_loser(&mut self) -> Result<(), Error> {
        self.next_loser = match &mut self.losers {
            Some(losers) => losers.next()?,
            None => None,
        };
        Ok(())
    }

    /// Chooses whether a key is written, and where; its value follows it.
    fn key(
        &mut self,
        key: &[u8],
        meta: KeyMeta,
        place: [u8; PLACE],
        rewrite: &Rewrite<'_>,
        outputs: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let is_loser = self.next_loser == Some(place);
        if is_loser {
            self.done.duplicates += 1;
            self.next_loser()?;
        }
        let wanted = !is_loser
            && rewrite.filter.admits_name(self.db, key, meta.expire)
            && outputs.route(self.db, key)?;
        self.state = if wanted { Skip::No } else { Skip::Value };
        if !wanted {
            return Ok(());
        }
        let key = match &mut self.redacted {
            Some(redacted) => redacted.name(key),
            None => key,
        };
        outputs.put(&Event::Key { key, meta })
    }

    fn event(
        &mut self,
        event: &Event<'_>,
        place: [u8; PLACE],
        is_first: bool,
        rewrite: &Rewrite<'_>,
        outputs: &mut Outputs<S>,
    ) -> Result<(), Error> {
        match event {
            Event::SelectDb(db) => self.db = db.0,
            Event::Key { key, meta } => self.key(key, *meta, place, rewrite, outputs)?,
            Event::Value(_) if self.state == Skip::Value => {}
            Event::Value(part) => match &mut self.redacted {
                Some(redacted) => redacted.part(part, |part| outputs.put(&Event::Value(*part)))?,
                None => outputs.put(event)?,
            },
            // Hints of how many keys there are hold for the whole of one file only.
            Event::ResizeDb { .. } | Event::SlotInfo { .. } | Event::SlotImport { .. }
                if rewrite.is_plain() && self.losers.is_none() =>
            {
                outputs.put_in(self.db, event)?;
            }
            Event::Aux { .. } if is_first => outputs.put_all(event)?,
            Event::Function(_) | Event::ModuleAux(_) | Event::ModuleKeyMeta(_)
                if self.redacted.is_some() =>
            {
                self.done.opaque += 1;
            }
            // No target has a place for metadata, which is for the encoder to say.
            Event::Function(_) | Event::ModuleAux(_) | Event::ModuleKeyMeta(_) => {
                outputs.put_all(event)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn place(input: usize, offset: u64) -> [u8; PLACE] {
    let mut place = [0; PLACE];
    let input = u16::try_from(input).unwrap_or(u16::MAX).to_be_bytes();
    for (to, from) in place
        .iter_mut()
        .zip(input.into_iter().chain(offset.to_be_bytes()))
    {
        *to = from;
    }
    place
}

/// Places of the keys that another of their name displaces, in the order of reading.
fn losers<S: Storage>(
    storage: &S,
    temp: &Path,
    inputs: &[PathBuf],
    keep: Keep,
) -> Result<Sorted<S, PLACE>, Error> {
    let mut names = names(storage, temp, inputs)?;
    let mut losers = Sorter::new(storage, temp);
    let mut last: Option<[u8; 16 + PLACE]> = None;
    while let Some(name) = names.next()? {
        let same = |last: &[u8; 16 + PLACE]| last.first_chunk::<16>() == name.first_chunk();
        match last.filter(same) {
            None => last = Some(name),
            // Places rise among equal names.
            Some(first) => {
                let loser = if keep == Keep::First { name } else { first };
                losers.push(loser.last_chunk().copied().unwrap_or([0; PLACE]))?;
                last = Some(if keep == Keep::First { first } else { name });
            }
        }
    }
    Ok(losers.finish()?)
}

/// Hashes of all names with their places, sorted.
fn names<S: Storage>(
    storage: &S,
    temp: &Path,
    inputs: &[PathBuf],
) -> Result<Sorted<S, { 16 + PLACE }>, Error> {
    let mut sorter = Sorter::<S, { 16 + PLACE }>::new(storage, temp);
    for (number, path) in inputs.iter().enumerate() {
        let mut db = 0;
        let (mut blocks, _) = input::open(storage, path, |_| {})?;
        let begin = events::begin(path, &mut blocks)?;
        events::follow(path, &begin, &mut blocks, |event, offset| {
            match event {
                Event::SelectDb(selected) => db = selected.0,
                Event::Key { key, .. } => {
                    let mut record = [0; 16 + PLACE];
                    let name = digest::of_name(db, key).to_be_bytes();
                    let bytes = name.into_iter().chain(place(number, offset));
                    for (to, from) in record.iter_mut().zip(bytes) {
                        *to = from;
                    }
                    sorter.push(record)?;
                }
                _ => {}
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(sorter.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Commands, Output};
    use crate::source::Source;
    use storage::{File as _, Memory, Mode};

    fn disk(files: &[(&str, &[u8])]) -> Memory {
        let disk = Memory::new();
        disk.create_dir(Path::new("tmp")).unwrap();
        disk.create_dir(Path::new("out")).unwrap();
        for (name, bytes) in files {
            let file = disk.open(Path::new(name), Mode::CreateNew).unwrap();
            file.append(bytes).unwrap();
        }
        disk
    }

    fn rewrite(filter: &Filter, route: Route) -> Rewrite<'_> {
        Rewrite {
            target: Some(Target::Redis9),
            compress: true,
            archive: false,
            lossy: false,
            filter,
            redactor: None,
            route,
            keep: Keep::Last,
        }
    }

    fn commands(disk: &Memory, path: &str) -> String {
        let mut out = Vec::new();
        let mut commands = Commands::new(Output::new(&mut out, false));
        let filter = Filter::default();
        let (mut blocks, _) = input::open(disk, Path::new(path), |_| {}).unwrap();
        let mut source = Source::new(&filter, &mut commands);
        source.read(Path::new(path), None, &mut blocks).unwrap();
        commands.finish().unwrap();
        let words = String::from_utf8(out).unwrap();
        let words = words
            .split("\r\n")
            .filter(|word| !word.starts_with(['$', '*']));
        words.collect::<Vec<_>>().join(" ")
    }

    const A: &[u8] = b"REDIS0004\xFE\x00\x00\x01a\x011\x00\x01b\x012\xFE\x02\x00\x01a\x013\xFF";
    const B: &[u8] = b"REDIS0004\xFE\x00\x00\x01b\x019\x00\x01c\x014\xFF";

    #[test]
    fn merging_keeps_one_of_each_name() {
        let disk = disk(&[("a", A), ("b", B)]);
        let filter = Filter::default();
        let inputs = ["a", "b"].map(PathBuf::from);
        for (keep, expected) in [
            (
                Keep::Last,
                "SELECT 0 SET a 1 SELECT 2 SET a 3 SELECT 0 SET b 9 SET c 4 ",
            ),
            (
                Keep::First,
                "SELECT 0 SET a 1 SET b 2 SELECT 2 SET a 3 SELECT 0 SET c 4 ",
            ),
        ] {
            let out = format!("out/{keep:?}.rdb");
            let mut rewrite = rewrite(&filter, Route::One(out.clone().into()));
            rewrite.keep = keep;
            let done = rewrite
                .run(&disk, Path::new("tmp"), &inputs, &mut |_| {})
                .unwrap();
            assert_eq!((done.duplicates, done.files[0].keys), (1, 4));
            assert_eq!(commands(&disk, &out), expected);
        }
    }

    #[test]
    fn splitting_makes_a_file_for_each() {
        let disk = disk(&[("a", A)]);
        let filter = Filter::default();
        let run = |route| {
            let rewrite = rewrite(&filter, route);
            rewrite.run(&disk, Path::new("tmp"), &["a".into()], &mut |_| {})
        };
        let done = run(Route::Dbs("out".into())).unwrap();
        assert_eq!(
            done.files.iter().map(|file| file.keys).collect::<Vec<_>>(),
            [2, 1]
        );
        assert_eq!(commands(&disk, "out/db-2.rdb"), "SELECT 2 SET a 3 ");
        // a is in slot 15495, b in 3300.
        let done = run(Route::Slots("out".into(), vec![0..=8191, 8192..=16_383])).unwrap();
        assert_eq!(
            done.files.iter().map(|file| file.keys).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(commands(&disk, "out/slots-0-8191.rdb"), "SELECT 0 SET b 2 ");
        assert!(
            run(Route::Dbs("out".into())).is_err(),
            "nothing is overwritten"
        );
    }

    #[test]
    fn damage_leaves_nothing_behind() {
        let disk = disk(&[("a", A.strip_suffix(b"\x013\xFF").unwrap())]);
        let filter = Filter::default();
        let rewrite = rewrite(&filter, Route::One("out/x.rdb".into()));
        assert!(
            rewrite
                .run(&disk, Path::new("tmp"), &["a".into()], &mut |_| {})
                .is_err()
        );
        assert!(disk.list(Path::new("out")).unwrap().is_empty());
    }

    #[test]
    fn redaction_keeps_shapes() {
        let disk = disk(&[(
            "a",
            b"REDIS0004\x00\x06ab:123\x05hello\x02\x01s\x02\x0210\x02xy\xFF",
        )]);
        let filter = Filter::default();
        let mut rewrite = rewrite(&filter, Route::One("out/x.rdb".into()));
        rewrite.redactor = Some(Redactor::new(b"secret"));
        rewrite
            .run(&disk, Path::new("tmp"), &["a".into()], &mut |_| {})
            .unwrap();
        let words = commands(&disk, "out/x.rdb");
        let words: Vec<&str> = words.split(' ').collect();
        assert_eq!(
            words.iter().map(|word| word.len()).collect::<Vec<_>>(),
            [6, 1, 3, 6, 5, 4, 1, 2, 2, 0]
        );
        assert!(words[3].contains(':') && words[3] != "ab:123" && words[4] != "hello");
    }
}

use super::{Rewrite, Route};
use crate::archive::Packer;
use crate::error::Error;
use crate::slot;
use rdb::{Encoder, EncoderOptions, Event, Losses, Target};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use storage::{File, Mode, Storage, Writer};
use units::DbIndex;

/// Bytes that an encoder gathers before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// A file that was written.
#[derive(Debug)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Its keys.
    pub keys: u64,
    /// What was left out of it.
    pub losses: Losses,
}

/// The files under way, by what a key is routed by.
pub(super) struct Outputs<S: Storage> {
    storage: S,
    target: Target,
    options: EncoderOptions,
    archive: bool,
    route: Route,
    files: BTreeMap<u32, Output<S>>,
    /// Where the key under way goes, and its database.
    current: (u32, u32),
    /// What every file begins with, encoded as events were: aux fields and functions.
    common: Vec<Common>,
}

/// A record that belongs into every file.
enum Common {
    Aux(Vec<u8>, Vec<u8>),
    Function(Vec<u8>),
    ModuleAux(Vec<u8>),
}

/// Where encoded bytes go.
enum Sink<F: File> {
    Plain(Writer<F>),
    Archive(Packer<Writer<F>>),
}

impl<F: File> Sink<F> {
    fn new(file: F, archive: bool) -> io::Result<Sink<F>> {
        let writer = Writer::new(file);
        Ok(match archive {
            true => Sink::Archive(Packer::new(writer)?),
            false => Sink::Plain(writer),
        })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Sink::Plain(writer) => Ok(writer.write_all(bytes)?),
            Sink::Archive(packer) => packer.write_all(bytes).map_err(Error::Write),
        }
    }

    /// Has everything on disk; how many bytes the file has.
    fn finish(self) -> Result<u64, Error> {
        let mut writer = match self {
            Sink::Plain(writer) => writer,
            Sink::Archive(packer) => packer.finish().map_err(Error::Write)?,
        };
        writer.sync()?;
        Ok(writer.written())
    }
}

struct Output<S: Storage> {
    storage: S,
    encoder: Encoder,
    writer: Option<Sink<S::File>>,
    db: Option<u32>,
    keys: u64,
    path: PathBuf,
    temp: PathBuf,
}

impl<S: Storage> Outputs<S> {
    pub(super) fn new(
        storage: &S,
        target: Target,
        rewrite: &Rewrite<'_>,
    ) -> Result<Outputs<S>, Error> {
        let mut outputs = Outputs {
            storage: storage.clone(),
            target,
            options: EncoderOptions {
                compress: rewrite.compress,
                checksum: true,
                lossy: rewrite.lossy,
            },
            archive: rewrite.archive,
            route: rewrite.route.clone(),
            files: BTreeMap::new(),
            current: (0, 0),
            common: Vec::new(),
        };
        // A file for each database comes with its first key, the others whether they get one or not.
        let count = match &outputs.route {
            Route::One(_) => 1,
            Route::Dbs(_) => 0,
            Route::Slots(_, ranges) => u32::try_from(ranges.len()).unwrap_or(u32::MAX),
        };
        (0..count).try_for_each(|number| outputs.open(number))?;
        Ok(outputs)
    }

    fn path(&self, number: u32) -> PathBuf {
        let suffix = if self.archive { ".lz4" } else { "" };
        match &self.route {
            Route::One(path) => path.clone(),
            Route::Dbs(dir) => dir.join(format!("db-{number}.rdb{suffix}")),
            Route::Slots(dir, ranges) => {
                let range = ranges.get(number as usize);
                let (first, last) = range.map_or((0, 0), |range| (*range.start(), *range.end()));
                dir.join(format!("slots-{first}-{last}.rdb{suffix}"))
            }
        }
    }

    fn open(&mut self, number: u32) -> Result<(), Error> {
        let path = self.path(number);
        let mut output = Output::new(&self.storage, path, self.target, self.options, self.archive)?;
        for common in &self.common {
            output.put(&common.event())?;
        }
        self.files.insert(number, output);
        Ok(())
    }

    /// Chooses the file for a key; false if it goes into none.
    pub(super) fn route(&mut self, db: u32, name: &[u8]) -> Result<bool, Error> {
        let number = match &self.route {
            Route::One(_) => Some(0),
            Route::Dbs(_) => Some(db),
            Route::Slots(_, ranges) => {
                let slot = slot::of(name);
                let found = ranges.iter().position(|range| range.contains(&slot));
                found.and_then(|found| u32::try_from(found).ok())
            }
        };
        let Some(number) = number else {
            return Ok(false);
        };
        if !self.files.contains_key(&number) {
            self.open(number)?;
        }
        self.current = (number, db);
        if let Some(output) = self.files.get_mut(&number) {
            output.select(db)?;
            output.keys += 1;
        }
        Ok(true)
    }

    /// Writes a record of the key under way.
    pub(super) fn put(&mut self, event: &Event<'_>) -> Result<(), Error> {
        match self.files.get_mut(&self.current.0) {
            Some(output) => output.put(event),
            None => Ok(()),
        }
    }

    /// Writes a hint on a database into the one file.
    pub(super) fn put_in(&mut self, db: u32, event: &Event<'_>) -> Result<(), Error> {
        match self.files.get_mut(&0) {
            Some(output) => {
                output.select(db)?;
                output.put(event)
            }
            None => Ok(()),
        }
    }

    /// Writes a record into every file, those included that are yet to come.
    pub(super) fn put_all(&mut self, event: &Event<'_>) -> Result<(), Error> {
        for output in self.files.values_mut() {
            output.put(event)?;
        }
        if matches!(self.route, Route::Dbs(_)) {
            self.common.extend(Common::of(event));
        }
        Ok(())
    }

    /// Ends all files and gives them their names.
    pub(super) fn finish(self) -> Result<Vec<Written>, Error> {
        let outputs = self.files.into_values();
        outputs.map(Output::finish).collect()
    }
}

impl Common {
    fn of(event: &Event<'_>) -> Option<Common> {
        Some(match event {
            Event::Aux { key, value } => Common::Aux(key.to_vec(), value.to_vec()),
            Event::Function(source) => Common::Function(source.to_vec()),
            Event::ModuleAux(bytes) => Common::ModuleAux(bytes.to_vec()),
            _ => return None,
        })
    }

    fn event(&self) -> Event<'_> {
        match self {
            Common::Aux(key, value) => Event::Aux { key, value },
            Common::Function(source) => Event::Function(source),
            Common::ModuleAux(bytes) => Event::ModuleAux(bytes),
        }
    }
}

impl<S: Storage> Output<S> {
    fn new(
        storage: &S,
        path: PathBuf,
        target: Target,
        options: EncoderOptions,
        archive: bool,
    ) -> Result<Output<S>, Error> {
        refuse_existing(storage, &path)?;
        let mut name = std::ffi::OsString::from("temp-");
        name.push(path.file_name().unwrap_or_default());
        let temp = path.with_file_name(name);
        let file = storage.open(&temp, Mode::CreateNew)?;
        let mut output = Output {
            storage: storage.clone(),
            encoder: Encoder::new(target, options),
            writer: Some(Sink::new(file, archive).map_err(Error::Write)?),
            db: None,
            keys: 0,
            path,
            temp,
        };
        output.put(&Event::Start(target.version()))?;
        Ok(output)
    }

    fn select(&mut self, db: u32) -> Result<(), Error> {
        if self.db == Some(db) {
            return Ok(());
        }
        self.db = Some(db);
        self.put(&Event::SelectDb(DbIndex(db)))
    }

    fn put(&mut self, event: &Event<'_>) -> Result<(), Error> {
        self.encoder.put(event)?;
        match self.encoder.buffer().len() >= BUFFER_BYTES {
            true => self.drain(),
            false => Ok(()),
        }
    }

    fn drain(&mut self) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            writer.put(self.encoder.buffer())?;
        }
        self.encoder.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Written, Error> {
        self.encoder.finish()?;
        self.drain()?;
        refuse_existing(&self.storage, &self.path)?;
        let mut len = 0;
        if let Some(writer) = self.writer.take() {
            let finished = writer.finish();
            let renamed = finished.and_then(|finished| {
                len = finished;
                Ok(self.storage.rename(&self.temp, &self.path)?)
            });
            if let Err(error) = renamed {
                let _ = self.storage.remove(&self.temp);
                return Err(error);
            }
        }
        Ok(Written {
            path: self.path.clone(),
            len,
            keys: self.keys,
            losses: self.encoder.losses().clone(),
        })
    }
}

/// A file that did not come to its end is no file.
impl<S: Storage> Drop for Output<S> {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = self.storage.remove(&self.temp);
        }
    }
}

fn refuse_existing<S: Storage>(storage: &S, path: &Path) -> Result<(), Error> {
    match storage.stamp(path)? {
        None => Ok(()),
        Some(_) => Err(Error::Nothing {
            path: path.to_owned(),
            what: "exists already, and nothing is overwritten",
        }),
    }
}

//! From files to the keyspace.

use super::report::{FileReport, LogReport, RdbReport, RecoveryReport};
use super::{Names, OpenError};
use crate::engine::Engine;
use crate::loading::Loading;
use crate::past::Plan;
use crate::place::Place;
use crate::reply::Discard;
use crate::session::Session;
use aof::{Located, LogReader, Record};
use rdb::{Decoder, DecoderOptions, Event, Target, Version};
use snapshot::{LoadError, LoadOptions, LoadSummary, Loader};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use storage::{File, Mode, Reader, Storage};

/// Facts of a snapshot, by name.
type Aux = Vec<(Vec<u8>, Vec<u8>)>;

/// Real servers know nothing of the lock.
pub(super) fn warn_of_strangers<S: Storage>(storage: &S, dir: &Path, report: &mut RecoveryReport) {
    for stranger in storage.strangers(dir) {
        report.warnings.push(format!(
            "{stranger} seems to be running in {}; what is saved here may be lost to it",
            dir.display()
        ));
    }
}

/// Reads what counts: the append-only file if there is one and it is not turned off, else the
/// snapshot.
pub(super) fn recover<S: Storage>(
    storage: &S,
    engine: &Engine,
    located: &Located,
    names: &Names,
    rdb: &Path,
    report: &mut RecoveryReport,
) -> Result<(), OpenError> {
    let wanted = engine.inner().config.read().appendonly;
    let is_there = *located != Located::Nothing;
    engine.inner().config.write().appendonly = Some(wanted.unwrap_or(is_there));
    if is_there && wanted != Some(false) {
        return read_log(storage, engine, located, names, report);
    }
    if is_there {
        report.warnings.push(format!(
            "appendonly is off, so the append-only file in {} is not read; it is older or newer \
             than the snapshot",
            names.data_dir().display()
        ));
    }
    if storage.stamp(rdb)?.is_none() {
        return Ok(());
    }
    if wanted == Some(true) {
        report.warnings.push(format!(
            "appendonly is on but there is no append-only file: {} was loaded, where a server \
             would have started empty",
            rdb.display()
        ));
    }
    let aux = read_rdb(storage, engine, rdb, false, report)?;
    if let Some(place) = Place::of_aux(&aux) {
        engine.inner().resume_history(place);
    }
    Ok(())
}

/// Reads a snapshot; gives the facts that it says of itself.
pub(super) fn read_rdb<S: Storage>(
    storage: &S,
    engine: &Engine,
    path: &Path,
    keep_expired: bool,
    report: &mut RecoveryReport,
) -> Result<Aux, OpenError> {
    let mut input = Reader::new(storage.open(path, Mode::Read)?);
    engine.loading().expect(input.file().len()?);
    let summary = decode(&mut input, engine, path, keep_expired)?;
    let offset = input.position();
    if !input.buffer().is_empty() || input.fill()? > 0 {
        if !summary.version.is_some_and(Version::has_checksum) {
            return Err(OpenError::BytesAfterEnd {
                path: path.to_owned(),
                offset,
            });
        }
        report.warnings.push(format!(
            "{}: bytes after the end of the snapshot at offset {offset} do not count",
            path.display()
        ));
    }
    let rdb = take_in(engine, summary);
    let aux = rdb.aux.clone();
    report.files.push(FileReport {
        path: path.to_owned(),
        rdb: Some(rdb),
        log: None,
    });
    Ok(aux)
}

/// Decodes one snapshot from `input` into the keyspace, and stops behind its last byte.
fn decode<F: File>(
    input: &mut Reader<F>,
    engine: &Engine,
    path: &Path,
    keep_expired: bool,
) -> Result<LoadSummary, OpenError> {
    let options = LoadOptions {
        now: engine.now(),
        keep_expired,
        input_len: input.file().len()?,
        threads: engine.inner().load_threads,
    };
    let decoding = DecoderOptions {
        verify_checksum: !engine.inner().skip_checksums.load(Relaxed),
        ..DecoderOptions::default()
    };
    let loaded = snapshot::load(engine.keyspace(), options, |loader| {
        decode_into(input, path, decoding, loader, engine.loading())
    });
    let (decoded, summary) = loaded.map_err(|source| refused(path, source))?;
    decoded.map(|()| summary)
}

fn refused(path: &Path, source: LoadError) -> OpenError {
    let path = path.to_owned();
    OpenError::Load { path, source }
}

fn decode_into<F: File>(
    input: &mut Reader<F>,
    path: &Path,
    options: DecoderOptions,
    loader: &mut Loader<'_>,
    loading: &Loading,
) -> Result<(), OpenError> {
    let damaged = |source| OpenError::Rdb {
        path: path.to_owned(),
        source,
    };
    let mut decoder = Decoder::new(options);
    loop {
        if input.buffer().is_empty() && input.fill()? == 0 {
            decoder.finish_input();
        }
        let fed = input.buffer().len();
        loading.advance(fed as u64)?;
        decoder.feed(input.buffer());
        while let Some(event) = decoder.next().map_err(damaged)? {
            loader.put(&event).map_err(|source| refused(path, source))?;
            match event {
                Event::Aux {
                    key: b"used-mem",
                    value,
                } => loading.note_used_memory(value),
                Event::Key { .. } => loading.delay_key(),
                Event::End { .. } => break,
                _ => {}
            }
        }
        if decoder.is_done() {
            input.consume(fed - decoder.rest().len());
            return Ok(());
        }
        input.consume(fed);
    }
}

/// Keeps what a snapshot says besides keys.
fn take_in(engine: &Engine, summary: LoadSummary) -> RdbReport {
    let inner = engine.inner();
    let functions = summary.functions.len();
    for code in &summary.functions {
        // Libraries whose header is odd were loaded by a server once: they stay as they are.
        inner.functions.write().adopt(code);
    }
    inner.module_aux.write().extend(summary.module_aux);
    if let Some(version) = summary.version {
        engine.set_default_target(Target::for_version(version));
    }
    RdbReport {
        version: summary.version,
        aux: summary.aux,
        keys: summary.keys,
        expired: summary.expired,
        empty: summary.empty,
        functions,
    }
}

pub(super) fn read_log<S: Storage>(
    storage: &S,
    engine: &Engine,
    located: &Located,
    names: &Names,
    report: &mut RecoveryReport,
) -> Result<(), OpenError> {
    let paths: Vec<PathBuf> = match located {
        Located::Nothing => Vec::new(),
        Located::Single { path } => vec![path.clone()],
        Located::Multi { manifest, ignored } => {
            report.warnings.extend(ignored.iter().map(|path| {
                format!(
                    "{} counts for nothing beside the manifest's files",
                    path.display()
                )
            }));
            manifest.data().map(|file| names.file(&file.name)).collect()
        }
    };
    // A file is synced before the next one takes anything, so only the last with anything in it may
    // be torn.
    let mut last = 0;
    for (number, path) in paths.iter().enumerate() {
        let len = storage.stamp(path)?.map_or(0, |stamp| stamp.len);
        engine.loading().expect(len);
        if !aof::holds_nothing(len) {
            last = number;
        }
    }
    for (number, path) in paths.into_iter().enumerate() {
        let file = read_log_file(storage, engine, path, number >= last, None)?;
        report.files.push(file);
    }
    Ok(())
}

/// Reads a state of the past. Its files were looked at: what is torn is behind their ends.
pub(super) fn read_plan<S: Storage>(
    storage: &S,
    engine: &Engine,
    plan: &Plan,
    report: &mut RecoveryReport,
) -> Result<(), OpenError> {
    engine.inner().config.write().appendonly = Some(false);
    for file in &plan.files {
        let read = read_log_file(storage, engine, file.path.clone(), true, file.end)?;
        report.files.push(read);
    }
    Ok(())
}

/// Every file starts in database 0, outside of a transaction. Behind `end` nothing counts.
fn read_log_file<S: Storage>(
    storage: &S,
    engine: &Engine,
    path: PathBuf,
    is_last: bool,
    end: Option<u64>,
) -> Result<FileReport, OpenError> {
    let mut reader = LogReader::open(storage.open(&path, Mode::Read)?)?;
    reader.check_batches(storage.open(&path, Mode::Read)?)?;
    if let Some(end) = end {
        reader.stop_at(end);
    }
    let mut rdb = None;
    if reader.has_preamble() {
        let summary = decode(reader.preamble(), engine, &path, true)?;
        rdb = Some(take_in(engine, summary));
    }
    let mut replay = Replay::new(engine);
    let mut told = reader.offset();
    while let Some(record) = reader.next_record()? {
        if let Record::Command(request) = record {
            let argv: Vec<&[u8]> = request.iter().collect();
            let outcome = replay.run(&argv);
            let (path, offset) = (path.clone(), reader.offset());
            outcome.map_err(|error| OpenError::Command {
                path,
                offset,
                error,
            })?;
        }
        engine.loading().advance(reader.offset() - told)?;
        told = reader.offset();
    }
    let may_be_cut = is_last && engine.inner().config.read().aof_load_truncated;
    let tail = if may_be_cut {
        reader.finish()?
    } else {
        reader.finish_whole()?
    };
    let is_plain_rdb = rdb.is_some() && replay.commands == 0 && tail.is_whole();
    let log = (!is_plain_rdb).then(|| replay.report(tail));
    Ok(FileReport { path, rdb, log })
}

/// A session that carries out what a log says.
struct Replay {
    session: Session,
    commands: u64,
    refused: u64,
    first_refusal: Option<commands::Error>,
}

impl Replay {
    fn new(engine: &Engine) -> Replay {
        let session = Session::replaying(engine.clone());
        Replay {
            session,
            commands: 0,
            refused: 0,
            first_refusal: None,
        }
    }

    /// Carries out one command. Servers go on after one that is refused, because it was refused
    /// when it was logged as well; one that does not exist is a log of another server, or none.
    fn run(&mut self, argv: &[&[u8]]) -> Result<(), commands::Error> {
        if argv.is_empty() {
            return Ok(());
        }
        crate::registry::resolve(argv)?;
        let mut reply = Discard::default();
        self.session.execute_into(argv, &mut reply);
        self.commands += 1;
        if let Some(error) = reply.error {
            self.refused += 1;
            self.first_refusal.get_or_insert(error);
        }
        Ok(())
    }

    fn report(self, tail: aof::Tail) -> LogReport {
        let Replay {
            commands,
            refused,
            first_refusal,
            ..
        } = self;
        LogReport {
            commands,
            refused,
            first_refusal,
            tail,
        }
    }
}

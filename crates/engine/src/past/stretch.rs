//! The logs of a directory, in the order of time.

use super::walk::{Cut, Stop, walk};
use super::{PastError, PlannedFile};
use aof::{Annotation, Located, LogReader, Manifest, Names, Record, locate, past_logs};
use rdb::{Decoder, DecoderOptions, Event};
use std::path::{Path, PathBuf};
use storage::{File, Mode, Reader, Storage};
use units::UnixMillis;

/// One log: a state, and what was logged since.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) files: Vec<StretchFile>,
    /// When it was superseded; `None` for the log that counts.
    pub(super) until: Option<UnixMillis>,
    /// Unix seconds of its first state.
    pub(super) begins: Option<i64>,
    base_seq: Option<i64>,
}

#[derive(Debug)]
pub(super) struct StretchFile {
    pub(super) path: PathBuf,
    pub(super) part: Part,
}

/// What a file is in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The state, to be taken whole.
    Base,
    /// Commands since.
    Incr,
    /// Both in one, from before Redis 7.0.
    Single,
}

/// Every log of which all files are there.
pub(super) fn all<S: Storage>(storage: &S, names: &Names) -> Result<Vec<Stretch>, PastError> {
    let mut stretches = Vec::new();
    for past in past_logs(storage, names)? {
        // What a server deleted, or a crash interrupted, is not there to be had.
        if let Ok(Located::Multi { manifest, .. }) = locate(storage, &past.names) {
            let until = i64::try_from(past.until).unwrap_or(i64::MAX);
            let stretch = of_manifest(&past.names, &manifest, Some(UnixMillis(until)));
            stretches.push(stretch);
        }
    }
    match locate(storage, names)? {
        Located::Nothing => {}
        Located::Single { path } => stretches.push(Stretch {
            files: vec![StretchFile {
                path,
                part: Part::Single,
            }],
            until: None,
            begins: None,
            base_seq: None,
        }),
        Located::Multi { manifest, .. } => stretches.push(of_manifest(names, &manifest, None)),
    }
    for stretch in &mut stretches {
        stretch.begins = begin_of(storage, stretch)?;
    }
    Ok(stretches)
}

fn of_manifest(names: &Names, manifest: &Manifest, until: Option<UnixMillis>) -> Stretch {
    let base = manifest.base.iter().map(|file| (file, Part::Base));
    let incr = manifest.incr.iter().map(|file| (file, Part::Incr));
    let files = base.chain(incr).map(|(file, part)| StretchFile {
        path: names.file(&file.name),
        part,
    });
    Stretch {
        files: files.collect(),
        until,
        begins: None,
        base_seq: manifest.base.as_ref().map(|base| base.seq),
    }
}

impl Stretch {
    /// Whether the log of `next` took the place of this one, with nothing between.
    pub(super) fn is_followed_by(&self, next: &Stretch) -> bool {
        let (seq, next) = (self.base_seq, next.base_seq);
        seq.is_some() && seq.and_then(|seq| seq.checked_add(1)) == next
    }

    /// The files up to a cut; without one, the base.
    pub(super) fn up_to(&self, cut: Option<&Cut>) -> Vec<PlannedFile> {
        let planned = |(number, file): (usize, &StretchFile)| {
            let is_base = file.part != Part::Incr;
            let end = match cut {
                Some(cut) if number == cut.file => Some(cut.end),
                Some(cut) if number < cut.file => None,
                _ if is_base => None,
                _ => return None,
            };
            Some(PlannedFile {
                path: file.path.clone(),
                is_base,
                end,
            })
        };
        let files = self.files.iter().enumerate();
        files.filter_map(planned).collect()
    }
}

/// When the base was written, or else the first time that the log names.
fn begin_of<S: Storage>(storage: &S, stretch: &Stretch) -> Result<Option<i64>, PastError> {
    if let Some(file) = stretch.files.first().filter(|file| file.part != Part::Incr)
        && let Some(time) = time_of_base(storage, &file.path)?
    {
        return Ok(Some(time));
    }
    let walked = walk(storage, stretch, &Stop::AtFirstTime)?;
    Ok(walked.first_time)
}

/// What a base says of itself. One with commands behind the snapshot is a file from before Redis 7.0,
/// whose state is younger than its snapshot.
fn time_of_base<S: Storage>(storage: &S, path: &Path) -> Result<Option<i64>, PastError> {
    let mut reader = LogReader::open(storage.open(path, Mode::Read)?)?;
    if reader.has_preamble() {
        return ctime(reader.preamble());
    }
    Ok(match reader.next_record()? {
        Some(Record::Annotation(Annotation::Timestamp(secs))) => Some(secs),
        _ => None,
    })
}

/// The time that stands in front of a snapshot's values.
fn ctime<F: File>(input: &mut Reader<F>) -> Result<Option<i64>, PastError> {
    let mut found = None;
    decode(input, |event| match event {
        Event::Aux {
            key: b"ctime",
            value,
        } => {
            found = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
            found.is_none()
        }
        Event::Start(_) | Event::Aux { .. } => true,
        _ => false,
    })?;
    Ok(found)
}

/// Passes a snapshot, and compares its checksum.
pub(super) fn pass_snapshot<F: File>(input: &mut Reader<F>) -> Result<(), PastError> {
    decode(input, |_| true)
}

/// Compares a file, of a log or a snapshot, with what checksums it has.
pub(crate) fn verify<S: Storage>(storage: &S, path: &Path) -> Result<(), PastError> {
    let open = || storage.open(path, Mode::Read);
    let mut reader = LogReader::open(open()?)?;
    reader.check_batches(open()?)?;
    if reader.has_preamble() {
        pass_snapshot(reader.preamble())?;
    }
    while reader.next_record()?.is_some() {}
    Ok(reader.finish_whole().map(drop)?)
}

/// Decodes a snapshot for as long as `put` says.
fn decode<F: File>(
    input: &mut Reader<F>,
    mut put: impl FnMut(&Event<'_>) -> bool,
) -> Result<(), PastError> {
    let path = input.file().path().to_owned();
    let damaged = |source| PastError::Rdb {
        path: path.clone(),
        source: Box::new(source),
    };
    let mut decoder = Decoder::new(DecoderOptions::default());
    loop {
        if input.buffer().is_empty() && input.fill()? == 0 {
            decoder.finish_input();
        }
        let fed = input.buffer().len();
        decoder.feed(input.buffer());
        while let Some(event) = decoder.next().map_err(damaged)? {
            let is_end = matches!(event, Event::End { .. });
            if !put(&event) {
                return Ok(());
            }
            if is_end {
                break;
            }
        }
        if decoder.is_done() {
            input.consume(fed - decoder.rest().len());
            return Ok(());
        }
        input.consume(fed);
    }
}

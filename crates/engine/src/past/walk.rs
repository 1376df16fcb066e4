//! From the base of a stretch to a point in it.

use super::PastError;
use super::stretch::{Part, Stretch, StretchFile, pass_snapshot};
use aof::{Annotation, LogReader, Record, holds_nothing, lacks_bytes};
use std::fmt;
use storage::{File, Mode, Storage};

/// Offsets of one history that a log has, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetRange {
    /// The history.
    pub replid: String,
    /// Where it begins.
    pub from: u64,
    /// Where the last command ends.
    pub to: u64,
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset:{}:{} .. {}", self.replid, self.from, self.to)
    }
}

/// Where to stop.
#[derive(Debug)]
pub(super) enum Stop {
    /// At the end.
    Never,
    /// At the first time that is named.
    AtFirstTime,
    /// At the first time above these Unix seconds.
    After(i64),
    /// Before the first command of this range that ends behind an offset.
    Offset { range: usize, at: u64 },
}

/// What was met on the way.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The first and last time up to where it stopped, in Unix seconds.
    pub(super) stamps: Option<(i64, i64)>,
    /// The first time of all.
    pub(super) first_time: Option<i64>,
    pub(super) commands: u64,
    /// Commands in front of the first time.
    pub(super) unstamped: u64,
    pub(super) ranges: Vec<OffsetRange>,
    pub(super) has_stopped: bool,
    /// Behind the last command or transaction; `None` if there was none.
    pub(super) cut: Option<Cut>,
}

/// The end of what counts.
#[derive(Debug)]
pub(super) struct Cut {
    /// Number of the file.
    pub(super) file: usize,
    pub(super) end: u64,
    pub(super) stamp: Option<i64>,
    pub(super) offset: Option<(String, u64)>,
    pub(super) commands: u64,
}

/// How a file may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With its last command: others follow.
    Whole,
    /// Without what a failed write did not bring to the disk, and told nobody of. Nothing else harms
    /// the end of a log that another took the place of.
    Short,
    /// As a crash leaves it.
    Torn,
}

/// A record without its bytes.
enum Met {
    Command,
    Time(i64),
    Offset(String, u64),
    Other,
}

/// Reads the log of a stretch up to where to stop.
pub(super) fn walk<S: Storage>(
    storage: &S,
    stretch: &Stretch,
    stop: &Stop,
) -> Result<Walk, PastError> {
    let mut walk = Walk::default();
    let files = stretch.files.iter().enumerate();
    let files: Vec<_> = files.filter(|(_, file)| file.part != Part::Base).collect();
    // As when a log is opened: only the last file with anything in it may be torn.
    let mut last = 0;
    for (number, file) in &files {
        let len = storage.stamp(&file.path)?.map_or(0, |stamp| stamp.len);
        if !holds_nothing(len) {
            last = *number;
        }
    }
    for (number, file) in files {
        let ending = match stretch.until {
            _ if number < last => Ending::Whole,
            Some(_) => Ending::Short,
            None => Ending::Torn,
        };
        walk.file(storage, number, file, ending, stop)?;
        if walk.has_stopped {
            break;
        }
    }
    Ok(walk)
}

impl Walk {
    fn file<S: Storage>(
        &mut self,
        storage: &S,
        number: usize,
        file: &StretchFile,
        ending: Ending,
        stop: &Stop,
    ) -> Result<(), PastError> {
        let open = || storage.open(&file.path, Mode::Read);
        let mut reader = LogReader::open(open()?)?;
        reader.check_batches(open()?)?;
        if reader.has_preamble() {
            pass_snapshot(reader.preamble())?;
        }
        if file.part == Part::Single {
            self.cut_at(number, reader.offset(), None);
        }
        self.records(&mut reader, number, stop)?;
        if self.has_stopped || ending == Ending::Torn {
            return Ok(());
        }
        let tail = reader.finish()?;
        let is_short = || lacks_bytes(open()?, tail.valid_up_to);
        if tail.is_whole() || (ending == Ending::Short && is_short()?) {
            return Ok(());
        }
        let path = file.path.clone();
        Err(aof::Error::Truncated { path, tail }.into())
    }

    fn records<F: File>(
        &mut self,
        reader: &mut LogReader<F>,
        number: usize,
        stop: &Stop,
    ) -> Result<(), PastError> {
        // Of the history, if something said where in it this is.
        let mut offset = None;
        loop {
            let begin = reader.offset();
            let Some(record) = reader.next_record()? else {
                return Ok(());
            };
            match met(&record) {
                Met::Time(secs) => self.note_time(secs, stop),
                Met::Offset(replid, at) => {
                    self.note_offset(replid, at);
                    offset = Some(at);
                }
                Met::Other => {}
                Met::Command => {
                    let end = reader.offset();
                    offset = offset.map(|offset| offset + (end - begin));
                    self.has_stopped = self.is_behind(offset, stop);
                    if !self.has_stopped {
                        self.note_command(offset);
                    }
                    if !self.has_stopped && !reader.in_multi() {
                        self.cut_at(number, end, offset);
                    }
                }
            }
            if self.has_stopped {
                return Ok(());
            }
        }
    }

    /// The last time in front of the cut.
    pub(super) fn last_stamp(&self) -> Option<i64> {
        self.cut.as_ref().and_then(|cut| cut.stamp)
    }

    /// Where the history stands at the cut; without one, at the base.
    pub(super) fn last_offset(&self) -> Option<(String, u64)> {
        match &self.cut {
            Some(cut) => cut.offset.clone(),
            None => {
                let first = self.ranges.first();
                first.map(|range| (range.replid.clone(), range.from))
            }
        }
    }

    fn note_time(&mut self, secs: i64, stop: &Stop) {
        self.first_time.get_or_insert(secs);
        self.has_stopped = match stop {
            Stop::AtFirstTime => true,
            Stop::After(last) => secs > *last,
            Stop::Never | Stop::Offset { .. } => false,
        };
        if !self.has_stopped {
            let first = self.stamps.map_or(secs, |(first, _)| first);
            self.stamps = Some((first, secs));
        }
    }

    /// Bytes that only replicas got are missing between ranges of one history, and nothing else.
    fn note_offset(&mut self, replid: String, at: u64) {
        match self.ranges.last_mut() {
            Some(range) if range.replid == replid && at >= range.to => range.to = at,
            _ => self.ranges.push(OffsetRange {
                replid,
                from: at,
                to: at,
            }),
        }
    }

    fn note_command(&mut self, offset: Option<u64>) {
        self.commands += 1;
        if self.stamps.is_none() {
            self.unstamped += 1;
        }
        if let (Some(offset), Some(range)) = (offset, self.ranges.last_mut()) {
            range.to = range.to.max(offset);
        }
    }

    /// Whether a command that ends at `offset` is no part of what is wanted.
    fn is_behind(&self, offset: Option<u64>, stop: &Stop) -> bool {
        match stop {
            Stop::Offset { range, at } => {
                let here = self.ranges.len();
                here > range + 1 || (here == range + 1 && offset.is_some_and(|end| end > *at))
            }
            _ => false,
        }
    }

    fn cut_at(&mut self, file: usize, end: u64, offset: Option<u64>) {
        let replid = self.ranges.last().map(|range| range.replid.clone());
        self.cut = Some(Cut {
            file,
            end,
            stamp: self.stamps.map(|(_, last)| last),
            offset: replid.zip(offset),
            commands: self.commands,
        });
    }
}

fn met(record: &Record<'_>) -> Met {
    match record {
        Record::Command(_) => Met::Command,
        Record::Annotation(Annotation::Timestamp(secs)) => Met::Time(*secs),
        Record::Annotation(Annotation::Offset { replid, offset }) => {
            Met::Offset((*replid).to_owned(), *offset)
        }
        Record::Annotation(Annotation::Other(_)) => Met::Other,
    }
}

//! States that a data directory was in: out of its log and the superseded logs that
//! `aof-history-retention` keeps beside it.
//!
//! A *stretch* is one log: a base and what was logged since, up to when a rewrite superseded it. Which
//! stretch has a moment follows from when its base was written; where in it the moment lies, from the
//! annotations in it (`#TS:` for times, `#RO:` for offsets of replication).

mod error;
mod point;
mod restore;
mod stretch;
mod walk;

pub use error::PastError;
pub use point::{Point, PointError, Rfc3339};
pub use restore::{Restored, restore};
pub(crate) use stretch::verify;
pub use walk::OffsetRange;

use aof::Names;
use std::path::{Path, PathBuf};
use storage::{Os, Storage};
use stretch::Stretch;
use units::UnixMillis;
use walk::{Stop, Walk, walk};

/// The states that can be had of a data directory. Nothing in it is changed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use duramen::{Engine, LogHistory, Point};
/// # let dir = tempfile::tempdir()?;
/// let engine = Engine::builder(dir.path())
///     .config("appendonly", "yes")?
///     .config("aof-history-retention", "86400")?
///     .open()?;
/// engine.session().set("k", "v")?;
/// engine.rewrite_log()?;
///
/// let history = LogHistory::of(dir.path())?;
/// assert_eq!(history.stretches()?.len(), 2);
/// let restored = history.restore(&Point::Latest, &dir.path().join("copy"))?;
/// assert_eq!(Engine::open(restored.dir)?.session().get("k")?, Some(b"v".to_vec()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LogHistory<S: Storage = Os> {
    storage: S,
    now: UnixMillis,
    /// The oldest first; the log that counts is the last.
    stretches: Vec<Stretch>,
}

/// What can be had of one log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StretchReport {
    /// Its files, in order.
    pub files: Vec<PathBuf>,
    /// When it was superseded; `None` for the log that counts.
    pub until: Option<UnixMillis>,
    /// Unix seconds of the first state in it, if anything says so.
    pub begins: Option<i64>,
    /// Unix seconds of the last annotation in it.
    pub last: Option<i64>,
    /// Offsets of replication that it has.
    pub offsets: Vec<OffsetRange>,
    /// Commands behind its base, `SELECT`, `MULTI` and `EXEC` among them.
    pub commands: u64,
    /// Of these, the first that nothing says the time of.
    pub unstamped: u64,
}

/// What makes up a state: files, and up to where the last of them counts.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) files: Vec<PlannedFile>,
    /// Unix seconds of the last annotation in front of what was left out, or of the base.
    pub(crate) reached: Option<i64>,
    pub(crate) offset: Option<(String, u64)>,
    /// Commands behind the base.
    pub(crate) commands: u64,
    point: Point,
}

#[derive(Debug)]
pub(crate) struct PlannedFile {
    pub(crate) path: PathBuf,
    pub(crate) is_base: bool,
    /// Bytes that count; all if nothing is said.
    pub(crate) end: Option<u64>,
}

impl Plan {
    /// What the time was, for deadlines; `None` for now.
    pub(crate) fn time(&self) -> Option<UnixMillis> {
        let end_of = |secs: i64| UnixMillis(secs.saturating_mul(1000).saturating_add(999));
        match self.point {
            Point::Latest => None,
            Point::Time(secs) => Some(end_of(secs)),
            Point::Offset { .. } => self.reached.map(end_of),
        }
    }
}

impl LogHistory {
    /// The history of the log in `dir`, under Redis's default names.
    pub fn of(dir: impl AsRef<Path>) -> Result<LogHistory, PastError> {
        use crate::clock::{Clock as _, SystemClock};
        LogHistory::open(Os, &Names::new(dir.as_ref()), SystemClock.now())
    }
}

impl<S: Storage> LogHistory<S> {
    /// The same in another storage, under other names, at another time.
    pub(crate) fn open(
        storage: S,
        names: &Names,
        now: UnixMillis,
    ) -> Result<LogHistory<S>, PastError> {
        let stretches = stretch::all(&storage, names)?;
        if stretches.is_empty() {
            return Err(PastError::NoLog(names.data_dir().to_owned()));
        }
        Ok(LogHistory {
            storage,
            now,
            stretches,
        })
    }

    /// What there is, the oldest first: every file is read, but for the values in bases.
    pub fn stretches(&self) -> Result<Vec<StretchReport>, PastError> {
        let report = |stretch: &Stretch| {
            let walked = walk(&self.storage, stretch, &Stop::Never)?;
            Ok(StretchReport {
                files: stretch.files.iter().map(|file| file.path.clone()).collect(),
                until: stretch.until,
                begins: stretch.begins,
                last: walked.stamps.map(|(_, last)| last),
                commands: walked.commands,
                unstamped: walked.unstamped,
                offsets: walked.ranges,
            })
        };
        self.stretches.iter().map(report).collect()
    }

    /// The times that can be had, as ranges of Unix seconds.
    pub fn times(&self) -> Result<Vec<(i64, i64)>, PastError> {
        let mut times: Vec<(i64, i64)> = Vec::new();
        for (number, stretch) in self.stretches.iter().enumerate() {
            let Some(begins) = stretch.begins else {
                continue;
            };
            let over = self.end_of(number)?.unwrap_or(begins).max(begins);
            match times.last_mut() {
                Some((_, last)) if *last + 1 >= begins => *last = over.max(*last),
                _ => times.push((begins, over)),
            }
        }
        Ok(times)
    }

    /// The last second that a stretch has states of.
    fn end_of(&self, number: usize) -> Result<Option<i64>, PastError> {
        let stretch = self.stretches.get(number);
        match (stretch, self.stretches.get(number + 1)) {
            (Some(_), None) => Ok(Some(self.now.secs())),
            (Some(stretch), Some(next)) if stretch.is_followed_by(next) => Ok(next.begins),
            (Some(stretch), _) => {
                let walked = walk(&self.storage, stretch, &Stop::Never)?;
                Ok(walked.stamps.map(|(_, last)| last))
            }
            (None, _) => Ok(None),
        }
    }

    /// What makes up the state at a point.
    pub(crate) fn plan(&self, point: &Point) -> Result<Plan, PastError> {
        let found = match point {
            Point::Latest => self.latest()?,
            Point::Time(secs) => self.at_time(*secs)?,
            Point::Offset { replid, at } => self.at_offset(replid.as_deref(), *at)?,
        };
        let (stretch, walked) = found.ok_or(()).or_else(|()| self.outside(point))?;
        Ok(Plan {
            files: stretch.up_to(walked.cut.as_ref()),
            reached: walked.last_stamp().or(stretch.begins),
            offset: walked.last_offset(),
            commands: walked.cut.as_ref().map_or(0, |cut| cut.commands),
            point: point.clone(),
        })
    }

    fn latest(&self) -> Result<Option<(&Stretch, Walk)>, PastError> {
        let Some(stretch) = self.stretches.last() else {
            return Ok(None);
        };
        let walked = walk(&self.storage, stretch, &Stop::Never)?;
        Ok(Some((stretch, walked)))
    }

    fn at_time(&self, secs: i64) -> Result<Option<(&Stretch, Walk)>, PastError> {
        let begun = |stretch: &Stretch| stretch.begins.is_some_and(|begins| begins <= secs);
        let number = self.stretches.iter().rposition(begun);
        let number = number.filter(|_| secs <= self.now.secs());
        let stretch = number.and_then(|number| Some((number, self.stretches.get(number)?)));
        let Some((number, stretch)) = stretch else {
            return Ok(None);
        };
        let walked = walk(&self.storage, stretch, &Stop::After(secs))?;
        if walked.unstamped > 0 && walked.stamps.is_none() {
            return Err(PastError::Unstamped {
                path: stretch.files.last().map(|file| file.path.clone()),
                commands: walked.unstamped,
            });
        }
        if !walked.has_stopped && self.end_of(number)?.is_none_or(|end| end < secs) {
            return Ok(None);
        }
        Ok(Some((stretch, walked)))
    }

    /// The newest place of that offset: without a history's name, several may have it.
    fn at_offset(
        &self,
        replid: Option<&str>,
        at: u64,
    ) -> Result<Option<(&Stretch, Walk)>, PastError> {
        for stretch in self.stretches.iter().rev() {
            let ranges = walk(&self.storage, stretch, &Stop::Never)?.ranges;
            let range = ranges.iter().rposition(|range| {
                replid.is_none_or(|replid| range.replid == replid)
                    && (range.from..=range.to).contains(&at)
            });
            if let Some(range) = range {
                let stop = Stop::Offset { range, at };
                return Ok(Some((stretch, walk(&self.storage, stretch, &stop)?)));
            }
        }
        Ok(None)
    }

    fn outside<T>(&self, point: &Point) -> Result<T, PastError> {
        let mut offsets = Vec::new();
        if matches!(point, Point::Offset { .. }) {
            for stretch in self.stretches()? {
                offsets.extend(stretch.offsets);
            }
        }
        Err(PastError::Outside {
            point: point.clone(),
            times: self.times()?,
            offsets,
        })
    }
}

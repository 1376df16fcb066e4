//! Group commit: one append and one sync for all who wait.

use super::{Durable, Failure, FileEnd, Switch};
use crate::Engine;
use crate::datadir::SaveError;
use crate::engine::Inner;
use crate::log::select;
use aof::BatchHeader;
use commands::Error;
use journal::{Holder, Piece};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use storage::File;
use units::{ReplOffset, UnixMillis};

/// Small pieces are gathered to so many bytes, so that most commits are one append.
const GATHER_BYTES: usize = 64 << 10;

impl Engine {
    /// Waits until everything logged so far is as safe as `appendfsync` says. If that fails, it is
    /// an error only for who logged something himself, up to `wrote`: others are served from
    /// memory.
    #[inline]
    pub(crate) fn commit(&self, wrote: Option<ReplOffset>) -> Result<(), Error> {
        let inner = self.inner();
        if !inner.durable.is_on() {
            return Ok(());
        }
        let end = inner.log.end();
        match inner.durable.is_committed(end, || self.now()) {
            true => Ok(()),
            false => inner.commit_up_to(end, wrote),
        }
    }

    /// The same for what was logged up to `end`, without waiting for a sync, if somebody holds a
    /// [`super::Committer`]: `cx` is woken when it is worth asking again.
    pub(crate) fn poll_commit(
        &self,
        cx: &mut Context<'_>,
        end: ReplOffset,
        wrote: Option<ReplOffset>,
    ) -> Poll<Result<(), Error>> {
        let inner = self.inner();
        let durable = &inner.durable;
        if !durable.is_on() {
            return Poll::Ready(Ok(()));
        }
        if durable.is_committed(end, || self.now()) {
            return Poll::Ready(Ok(()));
        }
        // Who is alone keeps nobody waiting by syncing itself, and needs no other thread for it.
        let is_alone = self.open_sessions() <= 1;
        if is_alone || durable.committers.load(Ordering::Acquire) == 0 {
            return Poll::Ready(inner.commit_up_to(end, wrote));
        }
        if !durable.syncs_always.load(Ordering::Acquire) {
            inner.write_out();
        }
        durable.waiters.add(cx.waker());
        if durable.has_failed() {
            return Poll::Ready(durable.settle(wrote));
        }
        if durable.is_committed(end, || self.now()) {
            return Poll::Ready(Ok(()));
        }
        durable.wanted.ask();
        Poll::Pending
    }
}

impl Durable {
    /// What is said when the file takes no more.
    fn settle(&self, wrote: Option<ReplOffset>) -> Result<(), Error> {
        let safe = match self.syncs_always.load(Ordering::Acquire) {
            true => self.synced(),
            false => self.written(),
        };
        match wrote {
            Some(wrote) if wrote > safe => Err(self.refusal()),
            _ => Ok(()),
        }
    }

    fn note_written(&self, upto: ReplOffset, now: UnixMillis) {
        self.written.store(upto.0, Ordering::Release);
        let none = i64::MAX;
        let order = Ordering::AcqRel;
        let _ = (self.unsynced_since).compare_exchange(none, now.0, order, Ordering::Relaxed);
    }
}

impl Inner {
    #[cold]
    fn commit_up_to(&self, end: ReplOffset, wrote: Option<ReplOffset>) -> Result<(), Error> {
        let durable = &self.durable;
        let is_open = || durable.is_on() && !durable.has_failed();
        while is_open() && !durable.is_committed(end, || self.clock.now()) {
            if durable.syncs_always.load(Ordering::Acquire) {
                self.write_and_sync(end);
            } else {
                self.write_out();
                let nobody_else = durable.committers.load(Ordering::Acquire) == 0;
                let now = self.clock.now();
                if durable.is_stalled(|| now) || (nobody_else && durable.is_sync_due(now)) {
                    self.write_and_sync(end);
                }
            }
        }
        match durable.has_failed() {
            false => Ok(()),
            true => durable.settle(wrote),
        }
    }

    /// Hands what was logged to the file. Returns once everything logged before the call is there,
    /// or it failed.
    pub(crate) fn write_out(&self) {
        let durable = &self.durable;
        let failure = {
            let mut end = durable.end.lock();
            let is_open = durable.is_on() && !durable.has_failed();
            if !is_open || durable.written() >= self.log.journal().offset() {
                return;
            }
            self.append_rest(&mut end).err()
        };
        if let Some(failure) = failure {
            durable.fail(failure);
        }
    }

    /// Has everything logged up to `upto` on disk, or failed. Those who come meanwhile wait here,
    /// and mostly find theirs done.
    pub(crate) fn write_and_sync(&self, upto: ReplOffset) {
        let durable = &self.durable;
        let _only_one = durable.syncing.lock();
        if durable.synced() >= upto {
            return;
        }
        self.write_out();
        let (file, len, written) = {
            let end = durable.end.lock();
            (end.file.clone(), end.len, durable.written())
        };
        match file {
            Some(file) if !durable.has_failed() => self.sync(&file, len, written),
            _ => {}
        }
    }

    /// Syncs the file, in whose first `len` bytes everything up to `written` is. Those who append go
    /// on meanwhile.
    fn sync(&self, file: &Arc<dyn File>, len: u64, written: ReplOffset) {
        let durable = &self.durable;
        let began = self.clock.now();
        let synced = match durable.syncs_always.load(Ordering::Acquire) {
            true => self.spikes.watch("aof-fsync-always", || file.sync_data()),
            false => file.sync_data(),
        };
        if let Err(error) = synced {
            let error = SaveError::Storage(error);
            return durable.fail(Failure::of_the_file(&error, began));
        }
        let mut end = durable.end.lock();
        if end.file.as_ref().is_some_and(|now| Arc::ptr_eq(now, file)) {
            end.synced = len;
        }
        if durable.synced() < written {
            durable.synced.store(written.0, Ordering::Release);
        }
        let since = match durable.written() == written {
            true => i64::MAX,
            false => began.0,
        };
        durable.unsynced_since.store(since, Ordering::Release);
        drop(end);
        durable.waiters.wake();
    }

    /// Appends what the file lacks; at a switch, to one file and then the other.
    fn append_rest(&self, end: &mut FileEnd) -> Result<(), Failure> {
        let upto = self.log.journal().offset();
        // Only then: who appended behind a switch did so after it was made.
        let switch = self.durable.switch.lock().clone();
        if let Some(switch) = switch.filter(|switch| switch.place.at <= upto) {
            self.append_up_to(end, switch.place.at)?;
            self.leave_file(end)?;
            self.durable.switch.lock().take();
            let opened = FileEnd::open_at(switch);
            *end = opened.map_err(|error| Failure::of_the_file(&error, self.clock.now()))?;
        }
        self.append_up_to(end, upto)
    }

    /// Syncs a file before the next one takes anything: of two files, only the last may be torn.
    fn leave_file(&self, end: &FileEnd) -> Result<(), Failure> {
        let synced = end.file.as_ref().map_or(Ok(()), |file| file.sync_data());
        synced.map_err(|error| Failure::of_the_file(&SaveError::Storage(error), self.clock.now()))
    }

    fn append_up_to(&self, end: &mut FileEnd, upto: ReplOffset) -> Result<(), Failure> {
        let from = self.durable.written();
        if from >= upto {
            return Ok(());
        }
        let now = self.clock.now();
        let pieces = self.log.journal().read_history(from, upto);
        let pieces = pieces.expect("the journal holds what is not written");
        if pieces.is_empty() {
            self.note_appended(upto);
            return Ok(());
        }
        let file = self.file_at_end(end, now)?;
        let stamp = self.stamp(end, now);
        let is_stamped = !stamp.is_empty();
        let mut first = stamp.into_bytes();
        first.extend(end.unnamed.iter().flat_map(|db| select(*db)));
        first.extend(self.mark(end, from, is_stamped).into_bytes());
        let bytes: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let mut lines = end.header(&first, &pieces).into_bytes();
        lines.append(&mut first);
        let append = || append(&*file, &mut end.buffer, &lines, &pieces);
        let appended = self.spikes.watch("aof-write", append);
        let grown = match appended {
            Ok(grown) => grown,
            Err(error) => {
                // The annotation went with it.
                end.stamped = i64::MIN;
                return Err(undo(&*file, end.len, SaveError::Storage(error), now));
            }
        };
        end.len += grown;
        end.unnamed = None;
        end.marked = Some(ReplOffset(from.0 + bytes));
        self.durable
            .counters
            .size
            .fetch_add(grown, Ordering::Relaxed);
        self.note_appended(upto);
        Ok(())
    }

    fn note_appended(&self, upto: ReplOffset) {
        self.durable.note_written(upto, self.clock.now());
        self.log.journal().hold(Holder::File, Some(upto));
    }

    /// The file that is open, or the one that the directory goes on with.
    pub(super) fn file_at_end(
        &self,
        end: &mut FileEnd,
        now: UnixMillis,
    ) -> Result<Arc<dyn File>, Failure> {
        if let Some(file) = &end.file {
            return Ok(Arc::clone(file));
        }
        let failed = |error: &SaveError| Failure::of_the_file(error, now);
        let directory = self.directory().ok_or(SaveError::NoDirectory);
        let opened = directory.and_then(|directory| directory.open_log(self));
        let opened = opened.and_then(|file| Ok((FileEnd::open(Arc::clone(&file))?, file)));
        let (next, file) = opened.map_err(|error| failed(&error))?;
        *end = next;
        Ok(file)
    }

    /// The annotation in front of the first command of a second, if there is to be one.
    fn stamp(&self, end: &mut FileEnd, now: UnixMillis) -> String {
        let wanted = self.durable.settings.lock().timestamps;
        match wanted && end.stamped != now.secs() {
            false => String::new(),
            true => {
                end.stamped = now.secs();
                format!("#TS:{}\r\n", end.stamped)
            }
        }
    }
}

impl Inner {
    /// The annotation that says at which offset of the history the next command begins, if there is
    /// to be one: with each time, and where what stands in the file does not add up to it.
    fn mark(&self, end: &FileEnd, from: ReplOffset, is_stamped: bool) -> String {
        let adds_up = end.marked == Some(from) && !is_stamped;
        match self.durable.settings.lock().offsets && !adds_up {
            false => String::new(),
            true => aof::offset_line(&self.log.journal().replid().to_string(), from.0),
        }
    }
}

impl FileEnd {
    /// Goes on behind what is in `file`.
    pub(super) fn open(file: Arc<dyn File>) -> Result<FileEnd, SaveError> {
        Ok(FileEnd {
            len: file.len()?,
            has_batches: aof::has_batches(&*file)?,
            file: Some(file),
            ..FileEnd::default()
        })
    }

    /// Begins the file that takes what comes from a switch on.
    pub(super) fn open_at(switch: Switch) -> Result<FileEnd, SaveError> {
        Ok(FileEnd {
            unnamed: switch.place.db,
            ..FileEnd::open(switch.to)?
        })
    }

    /// The line in front of what is appended, if the file has such lines.
    fn header(&self, first: &[u8], pieces: &[Piece]) -> String {
        if !self.has_batches {
            return String::new();
        }
        let pieces = || {
            [first]
                .into_iter()
                .chain(pieces.iter().map(|piece| &**piece))
        };
        let header = BatchHeader {
            at: self.len,
            len: pieces().map(|piece| piece.len() as u64).sum(),
            synced: self.synced,
        };
        header.line(pieces())
    }
}

/// Appends all of it, and returns how many bytes that were.
fn append(
    file: &dyn File,
    buffer: &mut Vec<u8>,
    lines: &[u8],
    pieces: &[Piece],
) -> storage::Result<u64> {
    buffer.clear();
    buffer.extend_from_slice(lines);
    let mut appended = 0;
    for piece in pieces {
        if buffer.len() + piece.len() > GATHER_BYTES {
            storage::append_all(file, buffer)?;
            appended += buffer.len() as u64;
            buffer.clear();
        }
        buffer.extend_from_slice(piece);
    }
    storage::append_all(file, buffer)?;
    Ok(appended + buffer.len() as u64)
}

/// Takes back what a failed append left. If that works the file is as good as before.
fn undo(file: &dyn File, len: u64, error: SaveError, now: UnixMillis) -> Failure {
    match file.set_len(len) {
        Ok(()) => Failure::passing(&error, now),
        Err(_) => Failure::of_the_file(&error, now),
    }
}

//! What one replica is sent: a snapshot if it needs one, and then the log as it grows.

use super::{About, Replica, Stage, SyncFile};
use crate::Engine;
use commands::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use units::{ReplId, ReplOffset, UnixMillis};

/// Bytes that are handed to a front-end at once.
const BLOCK: usize = 256 << 10;

/// While a replica waits for a snapshot it gets an empty line this often, in milliseconds.
const LINE_EVERY: i64 = 1000;

/// What is sent to a replica. It is a replica as long as this lives.
#[derive(Debug)]
pub(crate) struct Feed {
    engine: Engine,
    replica: Arc<Replica>,
    step: Step,
    /// Whether it asked by `PSYNC`, so that it is told where the snapshot is in history.
    is_told: bool,
    line_at: UnixMillis,
    history: u64,
}

#[derive(Debug)]
enum Step {
    /// A snapshot of this number or a later one is to be made.
    Wait(u64),
    Snapshot {
        sync: SyncFile,
        at: u64,
    },
    Stream(ReplOffset),
    /// Nothing more is wanted.
    Over,
}

impl Feed {
    /// For a replica that has nothing.
    pub(crate) fn whole(engine: &Engine, id: u64, about: About, is_told: bool) -> Feed {
        let number = engine.replicas().snapshots.ask();
        let feed = Feed::new(engine, id, about, Step::Wait(number), is_told);
        if !engine.inner().saving.wake_saver() {
            // Whoever waits is told if it fails.
            let _ = engine.write_sync_file();
        }
        feed
    }

    /// For a replica that has everything up to `from`, and what it is told first; `None` if that is
    /// not known here any more.
    pub(crate) fn rest(
        engine: &Engine,
        id: u64,
        about: About,
        (replid, from): (ReplId, ReplOffset),
    ) -> Option<(Feed, String)> {
        let journal = engine.log().journal();
        let is_kept = journal.first_offset() <= from && from <= journal.offset();
        if !engine.inner().knows_history(replid, from) || !is_kept {
            return None;
        }
        let line = match about.knows_psync2 {
            true => format!("CONTINUE {}", journal.replid()),
            false => "CONTINUE".to_owned(),
        };
        let feed = Feed::new(engine, id, about, Step::Stream(from), true);
        feed.replica.enter(Stage::Online);
        feed.replica.sent.store(from.0, Relaxed);
        feed.replica.note_ack(from.0, None, engine.now());
        Some((feed, line))
    }

    fn new(engine: &Engine, id: u64, about: About, step: Step, is_told: bool) -> Feed {
        let now = engine.now();
        let replica = engine.replicas().add(id, about, now);
        engine.size_backlog();
        Feed {
            engine: engine.clone(),
            replica,
            step,
            is_told,
            line_at: now,
            history: engine.replicas().history.load(Relaxed),
        }
    }

    pub(crate) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Puts what is to be sent next into `out`, which is empty; or wakes the task of `cx` when there
    /// is something. An error ends the conversation.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
    ) -> Poll<Result<(), Error>> {
        if self.engine.replicas().history.load(Relaxed) != self.history {
            return Poll::Ready(Err(Error::err("history is another")));
        }
        loop {
            match &mut self.step {
                Step::Wait(number) => {
                    let Poll::Ready(made) = self.engine.replicas().snapshots.poll(cx, *number)
                    else {
                        return self.empty_line(out);
                    };
                    match made {
                        Ok(sync) => self.begin_snapshot(sync, out),
                        Err(why) => {
                            self.step = Step::Over;
                            return Poll::Ready(Err(Error::err(why)));
                        }
                    }
                    return Poll::Ready(Ok(()));
                }
                Step::Snapshot { sync, at } if *at < sync.len => {
                    return Poll::Ready(read(sync, at, out));
                }
                Step::Snapshot { sync, .. } => {
                    let offset = sync.offset;
                    self.end_snapshot(offset);
                }
                Step::Stream(_) => return self.poll_stream(cx, out),
                Step::Over => return Poll::Pending,
            }
        }
    }

    fn begin_snapshot(&mut self, sync: SyncFile, out: &mut Vec<u8>) {
        if self.is_told {
            let replid = self.engine.log().journal().replid();
            out.extend_from_slice(format!("+FULLRESYNC {replid} {}\r\n", sync.offset.0).as_bytes());
        }
        out.extend_from_slice(format!("${}\r\n", sync.len).as_bytes());
        self.replica.enter(Stage::Loads);
        self.replica.sent.store(sync.offset.0, Relaxed);
        self.engine.hold_for_replicas();
        self.step = Step::Snapshot { sync, at: 0 };
    }

    fn end_snapshot(&mut self, offset: ReplOffset) {
        self.step = match self.replica.about().only_snapshot {
            true => Step::Over,
            false => Step::Stream(offset),
        };
        self.replica.enter(Stage::Online);
        self.engine.replicas().snapshots.forget();
    }

    fn poll_stream(&mut self, cx: &Context<'_>, out: &mut Vec<u8>) -> Poll<Result<(), Error>> {
        let Step::Stream(at) = &mut self.step else {
            return Poll::Pending;
        };
        let log = self.engine.log();
        // First, so that nothing is missed between looking and sleeping.
        log.wake_when_longer(cx);
        let pieces = match log.journal().read_from(*at, BLOCK) {
            Ok(pieces) => pieces,
            Err(error) => return Poll::Ready(Err(Error::err(error))),
        };
        if pieces.is_empty() {
            return Poll::Pending;
        }
        for piece in &pieces {
            out.extend_from_slice(piece);
        }
        *at = *at + out.len() as u64;
        self.replica.sent.store(at.0, Relaxed);
        self.engine.hold_for_replicas();
        Poll::Ready(Ok(()))
    }

    /// So that a replica which waits for a snapshot sees that the line is up.
    fn empty_line(&mut self, out: &mut Vec<u8>) -> Poll<Result<(), Error>> {
        let now = self.engine.now();
        if now.since(self.line_at) < LINE_EVERY {
            return Poll::Pending;
        }
        self.line_at = now;
        out.push(b'\n');
        Poll::Ready(Ok(()))
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Step::Wait(_) = self.step {
            self.engine.replicas().snapshots.leave();
        }
        self.engine.replicas().remove(self.replica.id);
        self.engine.hold_for_replicas();
    }
}

fn read(sync: &SyncFile, at: &mut u64, out: &mut Vec<u8>) -> Result<(), Error> {
    let len = (sync.len - *at).min(BLOCK as u64) as usize;
    out.resize(len, 0);
    let read = sync.file.read_at(*at, out).map_err(Error::err)?;
    if read == 0 {
        return Err(Error::err("the snapshot is shorter than it was"));
    }
    out.truncate(read);
    *at += read as u64;
    Ok(())
}

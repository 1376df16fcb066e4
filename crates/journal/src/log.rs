//! Chunks that are full are sealed: shared with readers, never changed. The tail is the journal's
//! own; a reader gets a copy of the part that it asks for, which is short for one that keeps up.
//!
//! Invariants:
//! * `first + sealed lengths + tail.len() == end`;
//! * every sealed chunk has `CHUNK_BYTES` bytes, the tail fewer;
//! * at least `limit` bytes are kept if so many were appended, and less than `CHUNK_BYTES` more,
//!   or what is held and less than `CHUNK_BYTES` more, if that is more.

use crate::{Error, Piece};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use units::{ReplId, ReplOffset};

/// Bytes of a sealed chunk; what is kept is rounded up to it.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The replication log in memory. All calls are short and may come from any thread.
#[derive(Debug)]
pub struct Journal {
    log: Mutex<Log>,
}

#[derive(Debug)]
struct Log {
    replid: ReplId,
    /// Offset of the first byte kept.
    first: ReplOffset,
    sealed: VecDeque<Arc<Vec<u8>>>,
    tail: Vec<u8>,
    /// Bytes to keep.
    limit: u64,
    /// What is kept besides, for each [`Holder`]: everything from here on.
    held: Held,
    /// Records that are of the stream alone: where each begins and ends.
    stream_only: VecDeque<(ReplOffset, ReplOffset)>,
}

/// For whom the journal keeps more than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The append-only file, which has not taken it yet.
    File,
    /// Replicas that are on their way.
    Replicas,
}

#[derive(Debug, Default)]
struct Held {
    for_file: Option<ReplOffset>,
    for_replicas: Option<ReplOffset>,
}

impl Held {
    fn first(&self) -> Option<ReplOffset> {
        self.for_file.into_iter().chain(self.for_replicas).min()
    }
}

impl Journal {
    /// An empty journal of the history `replid` whose next byte has offset `start`, and which keeps
    /// the newest `limit` bytes (`repl-backlog-size`).
    pub fn new(replid: ReplId, start: ReplOffset, limit: u64) -> Journal {
        let log = Log {
            replid,
            first: start,
            sealed: VecDeque::new(),
            tail: Vec::new(),
            limit,
            held: Held::default(),
            stream_only: VecDeque::new(),
        };
        Journal {
            log: Mutex::new(log),
        }
    }

    /// Adds encoded effects; returns the offset behind them. The caller holds the locks of what the
    /// effects changed, so that their order here is the order in which they happened.
    pub fn append(&self, effects: &[u8]) -> ReplOffset {
        self.append_all(&[effects])
    }

    /// The same of several pieces, between which nothing else comes and no reader sees an end.
    pub fn append_all(&self, pieces: &[&[u8]]) -> ReplOffset {
        let mut log = self.log.lock();
        pieces.iter().for_each(|piece| log.append(piece));
        log.trim();
        log.end()
    }

    /// Adds a record that counts in offsets like any other and that replicas get, but which is no
    /// part of what happened: a ping, a question to replicas.
    pub fn append_stream_only(&self, record: &[u8]) -> ReplOffset {
        let mut log = self.log.lock();
        let begin = log.end();
        log.append(record);
        log.trim();
        let end = log.end();
        log.stream_only.push_back((begin, end));
        end
    }

    /// The offset behind the last byte, which is that of the next one.
    pub fn offset(&self) -> ReplOffset {
        self.log.lock().end()
    }

    /// The offset of the first byte that is kept.
    pub fn first_offset(&self) -> ReplOffset {
        self.log.lock().first
    }

    /// The history that the offsets belong to.
    pub fn replid(&self) -> ReplId {
        self.log.lock().replid
    }

    /// The bytes from `offset` on, in order, at most `max` of them; none at the journal's end.
    pub fn read_from(&self, offset: ReplOffset, max: usize) -> Result<Vec<Piece>, Error> {
        self.log.lock().read_from(offset, max)
    }

    /// The bytes from `offset` up to `end`, without records of the stream alone.
    pub fn read_history(&self, offset: ReplOffset, end: ReplOffset) -> Result<Vec<Piece>, Error> {
        self.log.lock().read_history(offset, end)
    }

    /// Changes how many bytes are kept, and drops what is too much.
    pub fn set_limit(&self, bytes: u64) {
        let mut log = self.log.lock();
        log.limit = bytes;
        log.trim();
    }

    /// Keeps everything from `offset` on, however much that is, until `holder` says otherwise; what
    /// was trimmed already is gone.
    pub fn hold(&self, holder: Holder, offset: Option<ReplOffset>) {
        let mut log = self.log.lock();
        match holder {
            Holder::File => log.held.for_file = offset,
            Holder::Replicas => log.held.for_replicas = offset,
        }
        log.trim();
    }

    /// Goes on under another name from here: what was appended before belongs to the old one.
    /// Returns the offset at which that happened.
    pub fn rename(&self, replid: ReplId) -> ReplOffset {
        let mut log = self.log.lock();
        log.replid = replid;
        log.end()
    }

    /// Drops everything and begins another history at `start`, as a replica does that was sent a
    /// whole state.
    pub fn reset(&self, replid: ReplId, start: ReplOffset) {
        let mut log = self.log.lock();
        log.replid = replid;
        log.first = start;
        log.sealed.clear();
        log.stream_only.clear();
        log.tail = Vec::new();
    }

    /// Bytes kept, for `repl_backlog_histlen` and memory accounting.
    pub fn bytes_kept(&self) -> u64 {
        let log = self.log.lock();
        log.end() - log.first
    }
}

impl Log {
    fn end(&self) -> ReplOffset {
        self.first + (self.sealed.len() * CHUNK_BYTES + self.tail.len()) as u64
    }

    fn append(&mut self, effects: &[u8]) {
        let mut rest = effects;
        while !rest.is_empty() {
            let room = CHUNK_BYTES - self.tail.len();
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.tail.extend_from_slice(now);
            rest = later;
            if self.tail.len() == CHUNK_BYTES {
                // The next tail will be full as well, so it takes its room at once.
                let full = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK_BYTES));
                self.sealed.push_back(Arc::new(full));
            }
        }
    }

    fn trim(&mut self) {
        let chunk = CHUNK_BYTES as u64;
        let held = self.held.first();
        let is_held = |first| held.is_some_and(|held| first + chunk > held);
        while !self.sealed.is_empty()
            && self.end() - self.first >= self.limit + chunk
            && !is_held(self.first)
        {
            self.sealed.pop_front();
            self.first = self.first + chunk;
        }
        let first = self.first;
        while self.stream_only.front().is_some_and(|only| only.1 <= first) {
            self.stream_only.pop_front();
        }
    }

    fn read_from(&self, asked: ReplOffset, max: usize) -> Result<Vec<Piece>, Error> {
        let (first, end) = (self.first, self.end());
        if asked < first {
            return Err(Error::Trimmed { asked, first });
        }
        if asked > end {
            return Err(Error::Ahead { asked, end });
        }
        // It is within what is kept in memory.
        let skip = (asked - first) as usize;
        let stop = skip.saturating_add(max).min((end - first) as usize);
        let mut pieces = Vec::new();
        let mut at = skip;
        while at < stop {
            let piece = self.piece(at, stop);
            at += piece.len();
            pieces.push(piece);
        }
        Ok(pieces)
    }

    fn read_history(&self, asked: ReplOffset, end: ReplOffset) -> Result<Vec<Piece>, Error> {
        let mut pieces = Vec::new();
        let mut at = asked;
        for &(begin, over) in &self.stream_only {
            if over <= at || begin >= end {
                continue;
            }
            if begin > at {
                pieces.extend(self.read_from(at, (begin - at) as usize)?);
            }
            at = over;
        }
        if at < end {
            pieces.extend(self.read_from(at, (end - at) as usize)?);
        }
        Ok(pieces)
    }

    /// The bytes of the chunk that holds `from`, up to `to`; both count from the first kept byte.
    fn piece(&self, from: usize, to: usize) -> Piece {
        let start = from % CHUNK_BYTES;
        let len = (to - from).min(CHUNK_BYTES - start);
        match self.sealed.get(from / CHUNK_BYTES) {
            Some(chunk) => Piece::new(Arc::clone(chunk), start..start + len),
            None => {
                let bytes = self.tail.get(start..start + len).unwrap_or_default();
                Piece::new(Arc::new(bytes.to_vec()), 0..len)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::thread;

    fn id(byte: u8) -> ReplId {
        ReplId::from_bits([byte; 20])
    }

    fn journal(start: u64, limit: u64) -> Journal {
        Journal::new(id(1), ReplOffset(start), limit)
    }

    fn bytes(pieces: &[Piece]) -> Vec<u8> {
        pieces
            .iter()
            .flat_map(|piece| piece.iter().copied())
            .collect()
    }

    #[test]
    fn offsets_count_bytes_from_the_start() {
        let journal = journal(1000, 1 << 20);
        assert_eq!(journal.append(b"hello "), ReplOffset(1006));
        assert_eq!(journal.append(b""), ReplOffset(1006));
        assert_eq!(journal.append(b"world"), ReplOffset(1011));
        assert_eq!(
            (journal.offset(), journal.first_offset()),
            (ReplOffset(1011), ReplOffset(1000))
        );
        assert_eq!(
            bytes(&journal.read_from(ReplOffset(1003), 99).unwrap()),
            b"lo world"
        );
        assert_eq!(
            bytes(&journal.read_from(ReplOffset(1003), 4).unwrap()),
            b"lo w"
        );
        assert!(journal.read_from(ReplOffset(1011), 99).unwrap().is_empty());
    }

    #[test]
    fn records_of_the_stream_alone_are_no_history() {
        let journal = journal(0, 0);
        journal.append(b"one");
        journal.append_stream_only(b"PING");
        journal.append(b"two");
        journal.append_stream_only(b"PING");
        let all = journal.read_from(ReplOffset(0), 99).unwrap();
        assert_eq!(bytes(&all), b"onePINGtwoPING");
        let history = |from, to| {
            let pieces = journal.read_history(ReplOffset(from), ReplOffset(to));
            bytes(&pieces.unwrap())
        };
        assert_eq!(history(0, 14), b"onetwo");
        assert_eq!(history(1, 9), b"netw");
        assert_eq!(history(3, 7), b"");
        assert_eq!(history(10, 14), b"");
    }

    #[test]
    fn what_anybody_holds_is_kept() {
        let journal = journal(0, 0);
        journal.hold(Holder::File, Some(ReplOffset(100)));
        journal.hold(Holder::Replicas, Some(ReplOffset(5 * CHUNK_BYTES as u64)));
        for _ in 0..10 {
            journal.append(&[0; CHUNK_BYTES]);
        }
        assert_eq!(journal.first_offset(), ReplOffset(0));
        journal.hold(Holder::File, Some(journal.offset()));
        assert_eq!(journal.first_offset(), ReplOffset(5 * CHUNK_BYTES as u64));
        journal.hold(Holder::Replicas, None);
        assert_eq!(journal.first_offset(), journal.offset());
    }

    #[test]
    fn both_edges_are_errors_that_say_so() {
        let journal = journal(10, 0);
        journal.append(&vec![0; CHUNK_BYTES + 5]);
        let first = ReplOffset(10 + CHUNK_BYTES as u64);
        assert_eq!(journal.first_offset(), first);
        let below = journal.read_from(ReplOffset(12), 1).unwrap_err();
        assert_eq!(
            below,
            Error::Trimmed {
                asked: ReplOffset(12),
                first
            }
        );
        let above = journal.read_from(first + 6, 1).unwrap_err();
        assert_eq!(
            above,
            Error::Ahead {
                asked: first + 6,
                end: first + 5
            }
        );
        assert!(above.to_string().contains("ahead of the journal"));
    }

    #[test]
    fn pieces_outlive_trimming_and_share_sealed_chunks() {
        let journal = journal(0, 1 << 20);
        journal.append(&vec![7; CHUNK_BYTES]);
        let one = journal.read_from(ReplOffset(0), usize::MAX).unwrap();
        let two = journal.read_from(ReplOffset(5), usize::MAX).unwrap();
        assert_eq!(one[0].as_ptr().wrapping_add(5), two[0].as_ptr());
        journal.set_limit(0);
        assert_eq!(journal.bytes_kept(), 0);
        assert_eq!((one[0].len(), two[0].len()), (CHUNK_BYTES, CHUNK_BYTES - 5));
    }

    #[test]
    fn the_limit_is_kept_in_full() {
        let limit = 3 * CHUNK_BYTES as u64 - 7;
        let journal = journal(0, limit);
        for _ in 0..1000 {
            journal.append(&[1; 999]);
        }
        let kept = journal.bytes_kept();
        assert!(
            (limit..limit + CHUNK_BYTES as u64).contains(&kept),
            "{kept}"
        );
    }

    #[test]
    fn what_is_held_is_kept_beyond_the_limit() {
        let journal = journal(0, 0);
        journal.hold(Holder::File, Some(ReplOffset(10)));
        journal.append_all(&[&[1; CHUNK_BYTES], &[2; 3 * CHUNK_BYTES]]);
        assert_eq!(journal.first_offset(), ReplOffset(0));
        journal.hold(Holder::File, Some(ReplOffset(2 * CHUNK_BYTES as u64)));
        assert_eq!(journal.first_offset(), ReplOffset(2 * CHUNK_BYTES as u64));
        journal.hold(Holder::File, None);
        assert_eq!(journal.bytes_kept(), 0);
    }

    #[test]
    fn a_rename_keeps_the_bytes_and_a_reset_does_not() {
        let journal = journal(0, 1 << 20);
        journal.append(b"abc");
        assert_eq!(journal.rename(id(2)), ReplOffset(3));
        assert_eq!(bytes(&journal.read_from(ReplOffset(0), 9).unwrap()), b"abc");
        journal.reset(id(3), ReplOffset(500));
        assert_eq!(
            (journal.replid(), journal.offset()),
            (id(3), ReplOffset(500))
        );
        assert!(journal.read_from(ReplOffset(0), 9).is_err());
    }

    #[test]
    fn appends_from_many_threads_stay_whole() {
        let journal = journal(0, 1 << 30);
        thread::scope(|scope| {
            for letter in b'a'..b'e' {
                let journal = &journal;
                scope.spawn(move || (0..500).for_each(|_| _ = journal.append(&[letter; 300])));
            }
        });
        let all = bytes(&journal.read_from(ReplOffset(0), usize::MAX).unwrap());
        assert_eq!(all.len(), 4 * 500 * 300);
        assert!(
            all.chunks(300)
                .all(|effect| effect.iter().all(|byte| *byte == effect[0]))
        );
    }

    #[derive(Debug, Clone)]
    enum Step {
        Append(usize),
        Limit(u64),
        Read { back: u64, max: usize },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..100_000usize).prop_map(Step::Append),
            4 => (0..50usize).prop_map(Step::Append),
            1 => (0..300_000u64).prop_map(Step::Limit),
            4 => (0..400_000u64, 0..200_000usize).prop_map(|(back, max)| Step::Read { back, max }),
        ];
        proptest::collection::vec(step, 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against all bytes ever appended in one vector.
        #[test]
        fn reads_as_a_flat_vector_does(start in 0..1000u64, steps in steps()) {
            let journal = journal(start, 200_000);
            let (mut model, mut limit) = (Vec::new(), 200_000);
            for step in steps {
                match step {
                    Step::Append(len) => {
                        let from = model.len();
                        model.extend((from..from + len).map(|i| (i % 251) as u8));
                        let end = journal.append(&model[from..]);
                        prop_assert_eq!(end, ReplOffset(start + model.len() as u64));
                    }
                    Step::Limit(bytes) => {
                        limit = bytes;
                        journal.set_limit(bytes);
                    }
                    Step::Read { back, max } => {
                        let Some(at) = (model.len() as u64).checked_sub(back) else { continue };
                        let asked = ReplOffset(start + at);
                        let first = journal.first_offset();
                        match journal.read_from(asked, max) {
                            Ok(pieces) => {
                                let at = at as usize;
                                let end = at.saturating_add(max).min(model.len());
                                prop_assert_eq!(bytes(&pieces), &model[at..end]);
                            }
                            Err(error) => prop_assert_eq!(error, Error::Trimmed { asked, first }),
                        }
                    }
                }
                let kept = journal.bytes_kept();
                prop_assert!(kept < limit + CHUNK_BYTES as u64, "{} kept", kept);
            }
            let kept = journal.bytes_kept() as usize;
            prop_assert!(kept <= model.len());
            let all = journal.read_from(journal.first_offset(), usize::MAX).unwrap();
            prop_assert_eq!(bytes(&all), &model[model.len() - kept..]);
        }
    }
}

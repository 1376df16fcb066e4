//! Streams.

use super::{Argv, FromReply, Pairs};
use crate::FieldValue;
use crate::reply::Reply;
use crate::session::Session;
use commands::Error;
use std::time::Duration;
use units::StreamId;

/// An entry of a stream: its id and its fields.
pub type StreamEntry = (StreamId, Vec<FieldValue>);

/// The key of a stream, and entries of it.
pub type KeyEntries = (Vec<u8>, Vec<StreamEntry>);

/// The options of [`Session::xadd`]: an id of the engine's, and nothing trimmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct XAdd {
    id: Option<StreamId>,
    no_create: bool,
    max_len: Option<usize>,
}

impl XAdd {
    /// With this id.
    pub fn id(mut self, id: StreamId) -> XAdd {
        self.id = Some(id);
        self
    }

    /// Only if the stream is there (`NOMKSTREAM`).
    pub fn no_create(mut self) -> XAdd {
        self.no_create = true;
        self
    }

    /// Leaves the newest `len` entries (`MAXLEN`).
    pub fn max_len(mut self, len: usize) -> XAdd {
        self.max_len = Some(len);
        self
    }

    fn add_to(self, argv: Argv<'_>) -> Argv<'_> {
        let argv = argv.flag("NOMKSTREAM", self.no_create);
        let argv = argv.option("MAXLEN", self.max_len);
        match self.id {
            Some(id) => argv.number(id),
            None => argv.token("*"),
        }
    }
}

/// Ids from one to another, ends included, and how many entries of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRange {
    from: StreamId,
    to: StreamId,
    reverse: bool,
    count: Option<usize>,
}

impl Default for StreamRange {
    fn default() -> StreamRange {
        StreamRange::new(StreamId::MIN, StreamId::MAX)
    }
}

impl StreamRange {
    /// All entries from one id to another.
    pub fn new(from: StreamId, to: StreamId) -> StreamRange {
        StreamRange {
            from,
            to,
            reverse: false,
            count: None,
        }
    }

    /// The newest first, as `XREVRANGE`.
    pub fn reverse(mut self) -> StreamRange {
        self.reverse = true;
        self
    }

    /// At most `count` (`COUNT`).
    pub fn count(mut self, count: usize) -> StreamRange {
        self.count = Some(count);
        self
    }
}

/// How much a reader of streams takes, and whether it waits: all there is, at once, unless said
/// otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct XRead {
    count: Option<usize>,
    wait: Option<Option<Duration>>,
}

impl XRead {
    /// At most `count` entries of each stream (`COUNT`).
    pub fn count(mut self, count: usize) -> XRead {
        self.count = Some(count);
        self
    }

    /// If there is none, waits for one on this thread, for `timeout` at most, or for ever (`BLOCK`).
    pub fn wait(mut self, timeout: Option<Duration>) -> XRead {
        self.wait = Some(timeout);
        self
    }

    pub(super) fn add_to(self, argv: Argv<'_>) -> Argv<'_> {
        // A timeout of 0 waits for ever.
        let millis = |timeout: Option<Duration>| timeout.map_or(0, |t| t.as_millis().max(1));
        let argv = argv.option("COUNT", self.count);
        argv.option("BLOCK", self.wait.map(millis))
    }
}

/// An entry as replies show it.
#[derive(Debug)]
pub(super) struct Shown(pub(super) StreamEntry);

/// Entries without what replies wrap them in.
pub(super) fn entries(shown: Vec<Shown>) -> Vec<StreamEntry> {
    shown.into_iter().map(|Shown(entry)| entry).collect()
}

impl FromReply for Shown {
    fn from_reply(reply: Reply) -> Option<Shown> {
        let mut parts = Vec::<Reply>::from_reply(reply)?.into_iter();
        let id = StreamId::from_reply(parts.next()?)?;
        let fields: Pairs<Vec<u8>, Vec<u8>> = Pairs::from_reply(parts.next()?)?;
        Some(Shown((id, fields.0)))
    }
}

impl Session {
    /// Appends an entry to the stream at `key` and returns its id; `None` if there is no stream and
    /// none was to be made. Like `XADD`.
    ///
    /// ```
    /// use duramen::{Engine, StreamId, StreamRange, XAdd};
    /// let mut session = Engine::open_in_memory().session();
    /// let first = XAdd::default().id(StreamId::new(1, 0));
    /// session.xadd("log", first, &[("event", "start")])?;
    /// session.xadd("log", XAdd::default().max_len(2), &[("event", "stop")])?;
    /// assert_eq!(session.xlen("log")?, 2);
    /// let newest = StreamRange::default().reverse().count(1);
    /// let entries = session.xrange("log", newest)?;
    /// assert_eq!(entries[0].1, [(b"event".to_vec(), b"stop".to_vec())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xadd<F: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        options: XAdd,
        fields: &[(F, V)],
    ) -> Result<Option<StreamId>, Error> {
        let argv = options.add_to(Argv::new("XADD").word(&key));
        self.ask(&argv.pairs(fields))
    }

    /// Entries by their ids. Like `XRANGE` and `XREVRANGE`; [`Session::xadd`] has an example.
    pub fn xrange(
        &mut self,
        key: impl AsRef<[u8]>,
        range: StreamRange,
    ) -> Result<Vec<StreamEntry>, Error> {
        let (name, first, last) = match range.reverse {
            true => ("XREVRANGE", range.to, range.from),
            false => ("XRANGE", range.from, range.to),
        };
        let argv = Argv::new(name).word(&key).number(first).number(last);
        Ok(entries(self.ask(&argv.option("COUNT", range.count))?))
    }

    /// How many entries there are. Like `XLEN`; [`Session::xadd`] has an example.
    pub fn xlen(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&Argv::new("XLEN").word(&key))
    }

    /// Deletes entries and returns how many were there. Like `XDEL`.
    ///
    /// ```
    /// use duramen::{Engine, XAdd};
    /// let mut session = Engine::open_in_memory().session();
    /// let id = session.xadd("log", XAdd::default(), &[("event", "start")])?;
    /// assert_eq!(session.xdel("log", &[id.unwrap()])?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xdel(&mut self, key: impl AsRef<[u8]>, ids: &[StreamId]) -> Result<usize, Error> {
        self.ask(&Argv::new("XDEL").word(&key).numbers(ids))
    }

    /// Leaves the newest `len` entries, and returns how many went. Like `XTRIM .. MAXLEN`;
    /// [`Session::xread`] has an example.
    pub fn xtrim(&mut self, key: impl AsRef<[u8]>, len: usize) -> Result<usize, Error> {
        let argv = Argv::new("XTRIM").word(&key);
        self.ask(&argv.option("MAXLEN", Some(len)))
    }

    /// Entries of several streams, of each those after an id; streams without any are left out. Like
    /// `XREAD`.
    ///
    /// ```
    /// use duramen::{Engine, StreamId, XAdd, XRead};
    /// let mut session = Engine::open_in_memory().session();
    /// for event in ["start", "stop"] {
    ///     session.xadd("log", XAdd::default(), &[("event", event)])?;
    /// }
    /// let streams = [("log", StreamId::MIN), ("none", StreamId::MIN)];
    /// let read = session.xread(XRead::default().count(1), &streams)?;
    /// let (stream, entries) = &read[0];
    /// assert_eq!((&stream[..], entries.len()), (&b"log"[..], 1));
    /// assert_eq!(session.xtrim("log", 1)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xread<K: AsRef<[u8]>>(
        &mut self,
        options: XRead,
        streams: &[(K, StreamId)],
    ) -> Result<Vec<KeyEntries>, Error> {
        let argv = options.add_to(Argv::new("XREAD")).token("STREAMS");
        let argv = streams.iter().fold(argv, |argv, (key, _)| argv.word(key));
        let after = streams.iter().map(|(_, id)| id);
        self.ask_streams(&after.fold(argv, Argv::number))
    }

    /// Runs a command that replies entries by stream.
    pub(super) fn ask_streams(&mut self, argv: &Argv<'_>) -> Result<Vec<KeyEntries>, Error> {
        let Pairs(streams) = self.ask::<Pairs<Vec<u8>, Vec<Shown>>>(argv)?;
        let each = streams.into_iter();
        Ok(each.map(|(key, shown)| (key, entries(shown))).collect())
    }
}

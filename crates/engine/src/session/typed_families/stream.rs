//! Streams.

use super::{FromReply, Pairs};
use crate::FieldValue;
use crate::reply::Reply;
use crate::session::Session;
use commands::Error;
use units::StreamId;

/// An entry of a stream: its id and its fields.
pub type StreamEntry = (StreamId, Vec<FieldValue>);

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

    fn words(self) -> Vec<String> {
        let mut words = Vec::new();
        if self.no_create {
            words.push("NOMKSTREAM".to_owned());
        }
        if let Some(len) = self.max_len {
            words.extend(["MAXLEN".to_owned(), len.to_string()]);
        }
        words.push(self.id.map_or("*".to_owned(), |id| id.to_string()));
        words
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

/// An entry as replies show it.
#[derive(Debug)]
struct Shown(StreamEntry);

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
        let words = options.words();
        let mut argv: Vec<&[u8]> = vec![b"XADD", key.as_ref()];
        argv.extend(words.iter().map(String::as_bytes));
        for (field, value) in fields {
            argv.extend([field.as_ref(), value.as_ref()]);
        }
        self.ask(&argv)
    }

    /// Entries by their ids. Like `XRANGE` and `XREVRANGE`; [`Session::xadd`] has an example.
    pub fn xrange(
        &mut self,
        key: impl AsRef<[u8]>,
        range: StreamRange,
    ) -> Result<Vec<StreamEntry>, Error> {
        let (from, to) = (range.from.to_string(), range.to.to_string());
        let count = range.count.map(|count| count.to_string());
        let (name, from, to): (&[u8], _, _) = match range.reverse {
            true => (b"XREVRANGE", to, from),
            false => (b"XRANGE", from, to),
        };
        let mut argv: Vec<&[u8]> = vec![name, key.as_ref(), from.as_bytes(), to.as_bytes()];
        if let Some(count) = &count {
            argv.extend([b"COUNT", count.as_bytes()]);
        }
        let entries: Vec<Shown> = self.ask(&argv)?;
        Ok(entries.into_iter().map(|Shown(entry)| entry).collect())
    }

    /// How many entries there are. Like `XLEN`; [`Session::xadd`] has an example.
    pub fn xlen(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&[b"XLEN", key.as_ref()])
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
        let ids: Vec<String> = ids.iter().map(StreamId::to_string).collect();
        self.ask_all(&[b"XDEL", key.as_ref()], &ids)
    }
}

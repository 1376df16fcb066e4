//! Streams: nodes, then counters, then consumer groups.
//!
//! # Layout
//!
//! ```text
//!   kinds 15 to 27   = len nodes, nodes x (str id16, str node)         see `stream_node.rs`
//!                      len length, id last
//!                      [19+: id first, id max_deleted, len entries_added]
//!                      len groups, groups x group
//!                      [26, 27: producers, see `stream_producers.rs`]
//!   group            = str name, id last, [19+: len entries_read, 2^64 - 1 = unknown]
//!                      len n, n x (id16, i64 delivered, len count)     pending
//!                      len n, n x consumer
//!   consumer         = str name, i64 seen, [21+: i64 active, -1 = never]
//!                      len n, n x id16                                 pending of this consumer
//!                      [27: len n, n x id16]                           given back by their consumers
//!   id               = len ms, len seq
//!   id16             = ms, seq as u64 big-endian; i64 little-endian, ms since the epoch
//! ```
//!
//! Example: `0F 01 73  00  00 00 00  00` the stream "s" without entries or groups.
//!
//! # Invariants
//!
//! - Master ids and ids of entries rise; `length` entries are alive.
//! - Names of groups and consumers differ. A pending entry occurs once in its group and has exactly
//!   one owner. Its stream entry may be gone.
//! - What kind 15 does not hold follows: nothing was deleted, as many were added as are there.

use std::collections::BTreeSet;

use units::{StreamId, UnixMillis};

use crate::blob::sound_listpack;
use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::Part;
use crate::kind::Kind;
use crate::object::stream_node::{self, NodeSummary, bad};
use crate::object::stream_producers as producers;
use crate::string::{Text, read_len, read_str};

/// A group's mark for an unknown number of entries read.
pub(crate) const ENTRIES_READ_UNKNOWN: u64 = u64::MAX;
/// A consumer's mark for never having got anything.
pub(crate) const NEVER_ACTIVE: i64 = -1;

/// Which optional pieces there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum StreamForm {
    #[default]
    V1,
    V2,
    V3,
    /// Kind 26: producers.
    V4,
    /// Kind 27: entries given back.
    V5,
}

/// Reads a stream part by part, and keeps what is needed to check the later ones.
#[derive(Debug, Default)]
pub(crate) struct StreamReader {
    form: StreamForm,
    place: Place,
    live: u64,
    first: Option<StreamId>,
    last_entry: Option<StreamId>,
    counters: Counters,
    groups: BTreeSet<Box<[u8]>>,
    consumers: BTreeSet<Box<[u8]>>,
    pending: PendingSet,
    groups_left: u64,
    consumers_left: u64,
}

/// What comes next, and how many of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Place {
    Nodes {
        left: u64,
    },
    Groups,
    Pending {
        left: u64,
    },
    Consumers,
    Owned {
        left: u64,
    },
    /// A group's number of entries given back.
    ReleasedCount,
    Released {
        left: u64,
    },
    Producers(producers::Place),
    #[default]
    End,
}

/// The counters that estimate how far a group has read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) len: u64,
    pub(crate) first: StreamId,
    pub(crate) last: StreamId,
}

impl Counters {
    /// How many entries a group has read whose last delivered id is `id`, if that follows, in a
    /// stream from which nothing was deleted.
    pub(crate) fn entries_read(&self, id: StreamId) -> Option<u64> {
        if self.len == 0 || id < self.first {
            Some(0)
        } else if id == self.last {
            Some(self.len)
        } else if id == self.first {
            Some(1)
        } else {
            None
        }
    }
}

/// A part whose strings are not borrowed yet.
pub(crate) struct StreamPart<'i> {
    pub(crate) text: Text<'i>,
    /// Its strings are empty.
    pub(crate) part: Part<'static>,
}

impl<'i> StreamPart<'i> {
    pub(crate) fn resolve<'a>(&self, scratch: &'a [u8]) -> Part<'a>
    where
        'i: 'a,
    {
        let mut part: Part<'a> = self.part;
        match &mut part {
            Part::StreamNode { listpack: text, .. }
            | Part::Group { name: text, .. }
            | Part::Consumer { name: text, .. }
            | Part::Producer { name: text, .. }
            | Part::Produced { name: text, .. } => *text = self.text.resolve(scratch),
            _ => {}
        }
        part
    }
}

impl From<Part<'static>> for StreamPart<'_> {
    fn from(part: Part<'static>) -> Self {
        let text = Text::Input(&[]);
        StreamPart { text, part }
    }
}

impl StreamReader {
    pub(crate) fn start(
        &mut self,
        kind: Kind,
        cur: &mut Cursor<'_>,
    ) -> Result<Part<'static>, Stop> {
        let nodes = read_len(cur, "a stream's number of nodes")?;
        *self = StreamReader {
            form: match kind {
                Kind::Stream15 => StreamForm::V1,
                Kind::Stream19 => StreamForm::V2,
                Kind::Stream21 => StreamForm::V3,
                Kind::Stream26 => StreamForm::V4,
                _ => StreamForm::V5,
            },
            place: Place::Nodes { left: nodes },
            ..StreamReader::default()
        };
        Ok(Part::StreamHeader { nodes })
    }

    /// The next part, `None` after the last.
    pub(crate) fn next<'i>(
        &mut self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<StreamPart<'i>>, Stop> {
        self.settle(cur)?;
        match self.place {
            Place::Nodes { left: 0 } => self.meta(cur).map(Some),
            Place::Nodes { left } => self.node(left, cur, scratch).map(Some),
            Place::Groups => self.group(cur, scratch).map(Some),
            Place::Pending { left: 0 } => self.consumer_count(cur).map(Some),
            Place::Pending { left } => self.pending(left, cur).map(Some),
            Place::Consumers => self.consumer(cur, scratch).map(Some),
            Place::Owned { left } => self.owned(left, cur).map(Some),
            Place::ReleasedCount => {
                let left = read_len(cur, "a group's number of entries given back")?;
                self.place = Place::Released { left };
                cur.commit();
                self.next(cur, scratch)
            }
            Place::Released { left } => self.released(left, cur).map(Some),
            Place::Producers(place) => {
                let (part, place) = place.read(cur, scratch)?;
                self.place = place.map_or(Place::End, Place::Producers);
                Ok(Some(part))
            }
            Place::End => Ok(None),
        }
    }

    /// Steps over places where nothing is left.
    fn settle(&mut self, cur: &Cursor<'_>) -> Result<(), Stop> {
        if self.place == (Place::Owned { left: 0 }) {
            self.place = Place::Consumers;
        }
        if self.place == Place::Consumers && self.consumers_left == 0 {
            self.place = match self.form {
                StreamForm::V5 => Place::ReleasedCount,
                _ => self.end_group(cur)?,
            };
        }
        if self.place == (Place::Released { left: 0 }) {
            self.place = self.end_group(cur)?;
        }
        if self.place == Place::Groups && self.groups_left == 0 {
            self.groups = BTreeSet::new();
            self.consumers = BTreeSet::new();
            self.pending = PendingSet::default();
            self.place = match self.form {
                StreamForm::V4 | StreamForm::V5 => Place::Producers(producers::Place::Start),
                _ => Place::End,
            };
        }
        Ok(())
    }

    fn end_group(&self, cur: &Cursor<'_>) -> Result<Place, Stop> {
        match self.pending.unowned() {
            Some(id) => Err(cur.wrong(cur.at(), bad("a pending entry has no owner", id))),
            None => Ok(Place::Groups),
        }
    }

    fn node<'i>(
        &mut self,
        left: u64,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<StreamPart<'i>, Stop> {
        let at = cur.at();
        let id = read_str(cur, scratch, "a stream node's id")?;
        let Ok(id) = id.resolve(scratch).try_into() else {
            let found = id.len();
            let kind = bad("a stream node's id is not of 16 bytes", found);
            return Err(cur.wrong(at, kind));
        };
        let master = StreamId::from_be_bytes(id);
        let at = cur.at();
        let text = read_str(cur, scratch, "a stream node")?;
        self.check_node(master, text.resolve(scratch))
            .map_err(|kind| cur.wrong(at, kind))?;
        self.place = Place::Nodes { left: left - 1 };
        let listpack = &[];
        let part = Part::StreamNode { master, listpack };
        Ok(StreamPart { text, part })
    }

    fn check_node(&mut self, master: StreamId, bytes: &[u8]) -> Result<(), ErrorKind> {
        if self.last_entry.is_some_and(|last| master <= last) {
            return Err(bad("a stream's ids do not rise", master));
        }
        let summary: NodeSummary = stream_node::check(master, sound_listpack(bytes)?)?;
        self.live = self.live.saturating_add(summary.live);
        self.last_entry = Some(summary.last);
        self.first = self.first.or(summary.first_live);
        Ok(())
    }

    fn meta<'i>(&mut self, cur: &mut Cursor<'i>) -> Result<StreamPart<'i>, Stop> {
        let at = cur.at();
        let len = read_len(cur, "a stream's length")?;
        if len != self.live {
            let kind = bad("a stream's length is not that of its nodes", len);
            return Err(cur.wrong(at, kind));
        }
        let last = read_id(cur, "a stream's last id")?;
        let mut first = self.first.unwrap_or(StreamId::MIN);
        let (mut max_deleted, mut entries_added) = (StreamId::MIN, len);
        if self.form >= StreamForm::V2 {
            first = read_id(cur, "a stream's first id")?;
            max_deleted = read_id(cur, "a stream's largest deleted id")?;
            entries_added = read_len(cur, "a stream's count of entries added")?;
        }
        let groups = read_len(cur, "a stream's number of groups")?;
        self.groups_left = groups;
        self.counters = Counters { len, first, last };
        self.place = Place::Groups;
        Ok(StreamPart::from(Part::StreamMeta {
            len,
            last,
            first,
            max_deleted,
            entries_added,
            groups,
        }))
    }

    fn group<'i>(
        &mut self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<StreamPart<'i>, Stop> {
        let at = cur.at();
        let text = read_str(cur, scratch, "a group's name")?;
        let last = read_id(cur, "a group's last id")?;
        let entries_read = match self.form {
            StreamForm::V1 => self.counters.entries_read(last),
            _ => {
                let read = read_len(cur, "a group's count of entries read")?;
                Some(read).filter(|read| *read != ENTRIES_READ_UNKNOWN)
            }
        };
        let pending = read_len(cur, "a group's number of pending entries")?;
        insert(&mut self.groups, text.resolve(scratch), "group")
            .map_err(|kind| cur.wrong(at, kind))?;
        self.groups_left -= 1;
        self.pending = PendingSet::default();
        self.consumers = BTreeSet::new();
        self.place = Place::Pending { left: pending };
        let name = &[];
        let part = Part::Group {
            name,
            last,
            entries_read,
            pending,
        };
        Ok(StreamPart { text, part })
    }

    fn pending<'i>(&mut self, left: u64, cur: &mut Cursor<'i>) -> Result<StreamPart<'i>, Stop> {
        let id = read_id16(cur)?;
        let delivered = UnixMillis(i64::from_le_bytes(cur.array("a pending entry's time")?));
        let count = read_len(cur, "a pending entry's count")?;
        self.pending.push(id);
        self.place = Place::Pending { left: left - 1 };
        Ok(StreamPart::from(Part::Pending {
            id,
            delivered,
            count,
        }))
    }

    fn consumer_count<'i>(&mut self, cur: &mut Cursor<'i>) -> Result<StreamPart<'i>, Stop> {
        let at = cur.at();
        let count = read_len(cur, "a group's number of consumers")?;
        if let Some(id) = self.pending.seal() {
            let (what, found) = ("pending entry", id.to_string().into_bytes().into());
            return Err(cur.wrong(at, ErrorKind::Repeated { what, found }));
        }
        self.consumers_left = count;
        self.place = Place::Consumers;
        Ok(StreamPart::from(Part::Consumers { count }))
    }

    fn consumer<'i>(
        &mut self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<StreamPart<'i>, Stop> {
        let at = cur.at();
        let text = read_str(cur, scratch, "a consumer's name")?;
        let seen = UnixMillis(i64::from_le_bytes(cur.array("a consumer's seen time")?));
        let mut active = Some(seen);
        if self.form == StreamForm::V3 {
            let ms = i64::from_le_bytes(cur.array("a consumer's active time")?);
            active = Some(UnixMillis(ms)).filter(|at| at.0 != NEVER_ACTIVE);
        }
        let pending = read_len(cur, "a consumer's number of pending entries")?;
        insert(&mut self.consumers, text.resolve(scratch), "consumer")
            .map_err(|kind| cur.wrong(at, kind))?;
        self.consumers_left -= 1;
        self.place = Place::Owned { left: pending };
        let name = &[];
        let part = Part::Consumer {
            name,
            seen,
            active,
            pending,
        };
        Ok(StreamPart { text, part })
    }

    fn owned<'i>(&mut self, left: u64, cur: &mut Cursor<'i>) -> Result<StreamPart<'i>, Stop> {
        let id = self.claimed(cur)?;
        self.place = Place::Owned { left: left - 1 };
        Ok(StreamPart::from(Part::ConsumerPending(id)))
    }

    fn released<'i>(&mut self, left: u64, cur: &mut Cursor<'i>) -> Result<StreamPart<'i>, Stop> {
        let id = self.claimed(cur)?;
        self.place = Place::Released { left: left - 1 };
        Ok(StreamPart::from(Part::Released(id)))
    }

    /// The id of a pending entry that nobody claimed before.
    fn claimed(&mut self, cur: &mut Cursor<'_>) -> Result<StreamId, Stop> {
        let at = cur.at();
        let id = read_id16(cur)?;
        let owned = self.pending.own(id);
        owned.map_err(|rule| cur.wrong(at, bad(rule, id)))?;
        Ok(id)
    }
}

pub(crate) fn read_id(cur: &mut Cursor<'_>, reading: &'static str) -> Result<StreamId, Stop> {
    let ms = read_len(cur, reading)?;
    let seq = read_len(cur, reading)?;
    Ok(StreamId { ms, seq })
}

fn read_id16(cur: &mut Cursor<'_>) -> Result<StreamId, Stop> {
    cur.array("a pending entry's id")
        .map(StreamId::from_be_bytes)
}

fn insert(
    names: &mut BTreeSet<Box<[u8]>>,
    name: &[u8],
    what: &'static str,
) -> Result<(), ErrorKind> {
    match names.insert(name.into()) {
        true => Ok(()),
        false => {
            let found = name.into();
            Err(ErrorKind::Repeated { what, found })
        }
    }
}

/// The pending entries of a group, and which of them have an owner.
#[derive(Debug, Default)]
struct PendingSet {
    /// Sorted by id once sealed.
    entries: Vec<(StreamId, bool)>,
}

impl PendingSet {
    fn push(&mut self, id: StreamId) {
        self.entries.push((id, false));
    }

    /// Sorts, and gives an id that occurs twice.
    fn seal(&mut self) -> Option<StreamId> {
        if !self.entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            self.entries.sort_unstable();
        }
        let mut pairs = self.entries.windows(2);
        let twice = pairs.find(|pair| pair.first() == pair.last())?;
        twice.first().map(|(id, _)| *id)
    }

    fn own(&mut self, id: StreamId) -> Result<(), &'static str> {
        let found = self.entries.binary_search_by_key(&id, |(id, _)| *id);
        match found.ok().and_then(|at| self.entries.get_mut(at)) {
            Some((_, true)) => Err("a pending entry has two owners"),
            Some((_, owned)) => {
                *owned = true;
                Ok(())
            }
            None => Err("a consumer's pending entry is not in its group"),
        }
    }

    fn unowned(&self) -> Option<StreamId> {
        let mut entries = self.entries.iter();
        entries.find(|(_, owned)| !owned).map(|(id, _)| *id)
    }
}

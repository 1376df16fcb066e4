//! From bytes to keys and pieces: the one place that knows the events of the crate `rdb`.

use crate::error::Error;
use crate::estimate::Estimator;
use crate::events::{self, BLOCK, read_some, unreadable};
use crate::filter::Filter;
use crate::record::{Encoding, Fact, Figures, Key, Piece, StreamMeta, Type, Visitor};
use crate::stream_node::each_entry;
use aof::{Annotation, Record, RecordReader};
use packed::intset::Intset;
use packed::listpack::Listpack;
use packed::{Element, number};
use rdb::{Event, KeyMeta, Part, Version};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use units::UnixMillis;

/// Follows one file after another and hands what they hold to a visitor.
pub struct Source<'a, V> {
    filter: &'a Filter,
    visitor: &'a mut V,
    db: u32,
    version: Option<Version>,
    value: Value,
}

/// The key and the value under way.
#[derive(Default)]
struct Value {
    name: Vec<u8>,
    meta: KeyMeta,
    offset: u64,
    /// Type and form, once its first part came.
    form: Option<(Type, Encoding)>,
    estimator: Estimator,
    admitted: bool,
    wants_pieces: bool,
    stream: StreamMeta,
}

/// Names beyond this give their memory back.
const NAME_KEPT: usize = 64 << 10;

impl<'a, V: Visitor> Source<'a, V> {
    /// A source whose keys pass through `filter`.
    pub fn new(filter: &'a Filter, visitor: &'a mut V) -> Source<'a, V> {
        Source {
            filter,
            visitor,
            db: 0,
            version: None,
            value: Value::default(),
        }
    }

    /// Follows a file, snapshot or log, to its end. `len` is how many bytes it has, if that is known;
    /// `path` is what errors call it.
    pub fn read(
        &mut self,
        path: &Path,
        len: Option<u64>,
        input: &mut impl Read,
    ) -> Result<(), Error> {
        let begin = events::begin(path, input)?;
        let is_log = matches!(begin.first(), None | Some(b'*' | b'#'))
            && path.extension().is_none_or(|is| is != "rdb");
        let (rest, offset) = match is_log {
            true => (begin, 0),
            false => self.snapshot(path, &begin, input)?,
        };
        let log = RecordReader::new(offset, len.unwrap_or(u64::MAX));
        match is_log || matches!(rest.first(), Some(b'*' | b'#')) {
            true => self.log(path, log, &rest, input),
            false => Ok(()),
        }
    }

    /// Follows a snapshot; gives the bytes read beyond it, and where they begin.
    fn snapshot(
        &mut self,
        path: &Path,
        begin: &[u8],
        input: &mut impl Read,
    ) -> Result<(Vec<u8>, u64), Error> {
        self.db = 0;
        let decoder = events::follow(path, begin, input, |event, offset| {
            self.event(event, offset).map_err(Error::Write)?;
            Ok(ControlFlow::Continue(()))
        })?;
        let offset = decoder.offset();
        Ok((decoder.into_rest(), offset))
    }

    /// Follows a snapshot that is one key of database `db`, as far as that; what comes behind it is
    /// not looked at. `begin` is the header of the file that the key comes from.
    pub(crate) fn one_key(
        &mut self,
        path: &Path,
        begin: &[u8],
        db: u32,
        input: &mut impl Read,
    ) -> Result<(), Error> {
        events::follow(path, begin, input, |event, offset| {
            self.db = db;
            self.event(event, offset).map_err(Error::Write)?;
            Ok(match event {
                Event::Value(Part::EndValue) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        })?;
        Ok(())
    }

    #[inline]
    fn event(&mut self, event: &Event<'_>, offset: u64) -> io::Result<()> {
        match event {
            Event::Value(Part::EndValue) => self.end_value(offset),
            Event::Value(part) => self.part(part),
            Event::Key { key, meta } => {
                self.value.start(key, *meta, offset);
                Ok(())
            }
            _ => self.record(event),
        }
    }

    /// A record that is no key.
    fn record(&mut self, event: &Event<'_>) -> io::Result<()> {
        let fact = match *event {
            Event::Start(version) => {
                self.version = Some(version);
                Fact::Snapshot(version)
            }
            Event::Aux { key, value } => Fact::Aux(key, value),
            Event::SelectDb(db) => {
                self.db = db.0;
                return Ok(());
            }
            Event::Function(source) => Fact::Function(source),
            Event::ModuleAux(bytes) => Fact::ModuleAux(bytes.len() as u64),
            Event::SkippedEmpty { key } => Fact::SkippedEmpty(key),
            Event::SkippedOpcode(byte) => Fact::SkippedRecord(byte),
            Event::End { checksum } => Fact::SnapshotEnd(checksum),
            _ => return Ok(()),
        };
        self.visitor.fact(&fact)
    }

    /// A part of a value. The first says what the value is.
    #[inline]
    fn part(&mut self, part: &Part<'_>) -> io::Result<()> {
        if self.value.form.is_none() && !self.start_value(part)? {
            return Ok(());
        }
        if !self.value.admitted {
            return Ok(());
        }
        if let Part::String(bytes) | Part::Chunk(bytes) = part {
            self.value.estimator.chunk(bytes.len());
        } else {
            self.value.measure(part);
        }
        match self.value.wants_pieces {
            true => pieces(part, &mut self.value.stream, self.visitor),
            false => Ok(()),
        }
    }

    /// Says what the value is, unless that takes another part.
    fn start_value(&mut self, part: &Part<'_>) -> io::Result<bool> {
        let Some(form) = self.value.form_of(part, self.version) else {
            return Ok(false);
        };
        self.value.form = Some(form);
        let key = self.value.key(self.db, form);
        let admitted = self.filter.admits(&key);
        let wants_pieces = admitted && self.visitor.key(&key)?;
        self.value.admitted = admitted;
        self.value.wants_pieces = wants_pieces;
        if admitted {
            let name = self.value.name.len();
            self.value.estimator.start(name, form.0, form.1);
        }
        Ok(true)
    }

    fn end_value(&mut self, end: u64) -> io::Result<()> {
        let Some(form) = self.value.form.take().filter(|_| self.value.admitted) else {
            return Ok(());
        };
        let (memory, elements, longest) = self.value.estimator.finish();
        let figures = Figures {
            elements,
            memory,
            serialized: end - self.value.offset,
            longest,
        };
        let key = self.value.key(self.db, form);
        let keep = self.filter.keeps(&figures);
        self.visitor.end_key(&key, &figures, keep)
    }

    fn log(
        &mut self,
        path: &Path,
        mut log: RecordReader,
        begin: &[u8],
        input: &mut impl Read,
    ) -> Result<(), Error> {
        let mut block = vec![0; BLOCK];
        log.feed(begin);
        loop {
            self.take_commands(path, &mut log)?;
            let read = read_some(input, &mut block);
            let read = read.map_err(|source| unreadable(path, source))?;
            if read == 0 {
                break;
            }
            log.feed(block.get(..read).unwrap_or_default());
        }
        let path = path.to_owned();
        match log.finish() {
            Ok(tail) if tail.is_whole() => Ok(()),
            Ok(tail) => Err(Error::Torn { path, tail }),
            Err(source) => {
                let source = Box::new(source);
                Err(Error::Log { path, source })
            }
        }
    }

    fn take_commands(&mut self, path: &Path, log: &mut RecordReader) -> Result<(), Error> {
        loop {
            let record = log.next_record().map_err(|source| Error::Log {
                path: path.to_owned(),
                source: Box::new(source),
            });
            let fact = match record? {
                None => return Ok(()),
                Some(Record::Command(words)) => {
                    let bytes = words.consumed() as u64;
                    Fact::Command { words, bytes }
                }
                Some(Record::Annotation(Annotation::Timestamp(secs))) => Fact::Timestamp(secs),
                Some(Record::Annotation(_)) => continue,
            };
            self.visitor.fact(&fact).map_err(Error::Write)?;
        }
    }
}

impl Value {
    #[inline]
    fn start(&mut self, name: &[u8], meta: KeyMeta, offset: u64) {
        self.name.clear();
        if self.name.capacity() > NAME_KEPT {
            self.name.shrink_to(NAME_KEPT);
        }
        self.name.extend_from_slice(name);
        self.meta = meta;
        self.form = None;
        self.offset = offset;
    }

    #[inline]
    fn key(&self, db: u32, (kind, encoding): (Type, Encoding)) -> Key<'_> {
        Key {
            db,
            name: &self.name,
            expire: self.meta.expire,
            idle_secs: self.meta.idle_secs,
            freq: self.meta.freq,
            kind,
            encoding,
            offset: self.offset,
        }
    }

    /// The type and form of a value that begins so.
    #[inline]
    fn form_of(&mut self, part: &Part<'_>, version: Option<Version>) -> Option<(Type, Encoding)> {
        let compact = match version {
            Some(version) if version.number < LISTPACKS_SINCE => Encoding::Ziplist,
            _ => Encoding::Listpack,
        };
        Some(match part {
            Part::String(bytes) => (Type::String, string_form(bytes)),
            Part::LongString { .. } => (Type::String, Encoding::Raw),
            // Whether a list of one node needs a quicklist follows from the node.
            Part::Quicklist { nodes: 1, .. }
                if version.is_some_and(|version| version.number >= LISTS_COMPACT_SINCE) =>
            {
                return None;
            }
            Part::NodeListpack(bytes) if bytes.len() <= LIST_LISTPACK_MAX => {
                (Type::List, Encoding::Listpack)
            }
            Part::NodeListpack(_) | Part::NodePlain(_) => (Type::List, Encoding::Quicklist),
            Part::List { .. } | Part::Quicklist { .. } => (Type::List, Encoding::Quicklist),
            Part::Set { .. } => (Type::Set, Encoding::Hashtable),
            Part::SetIntset(_) => (Type::Set, Encoding::Intset),
            Part::SetListpack(_) => (Type::Set, Encoding::Listpack),
            Part::Hash { .. } => (Type::Hash, Encoding::Hashtable),
            Part::HashListpack(_) => (Type::Hash, compact),
            Part::HashListpackTtl { .. } => (Type::Hash, Encoding::ListpackEx),
            Part::Zset { .. } => (Type::Zset, Encoding::Skiplist),
            Part::ZsetListpack(_) => (Type::Zset, compact),
            Part::StreamHeader { nodes } => {
                self.stream = StreamMeta::default();
                self.stream.nodes = *nodes;
                (Type::Stream, Encoding::Stream)
            }
            Part::Module(_) => (Type::Module, Encoding::Module),
            _ => return None,
        })
    }

    /// Notes what a part weighs.
    fn measure(&mut self, part: &Part<'_>) {
        let estimator = &mut self.estimator;
        match *part {
            Part::NodePlain(bytes) => estimator.list_node(bytes.len(), 1),
            Part::NodeListpack(bytes) => {
                estimator.list_node(bytes.len(), Listpack::new(bytes).len());
            }
            Part::Element(bytes) => estimator.element(bytes.len()),
            Part::SetIntset(bytes) => estimator.blob(bytes.len(), Intset::new(bytes).len()),
            Part::SetListpack(bytes) => estimator.blob(bytes.len(), Listpack::new(bytes).len()),
            Part::Field { field, value, .. } => estimator.field(field.len(), value.len()),
            Part::HashListpack(bytes) | Part::ZsetListpack(bytes) => {
                estimator.blob(bytes.len(), Listpack::new(bytes).len() / 2);
            }
            Part::HashListpackTtl { listpack, .. } => {
                estimator.blob(listpack.len(), Listpack::new(listpack).len() / 3);
            }
            Part::Scored { member, .. } => estimator.scored(member.len()),
            Part::Module(bytes) => estimator.blob(bytes.len(), 1),
            _ => self.measure_stream(part),
        }
    }

    fn measure_stream(&mut self, part: &Part<'_>) {
        let estimator = &mut self.estimator;
        match *part {
            Part::StreamNode { master, listpack } => estimator.stream_node(master, listpack.len()),
            Part::StreamMeta { len, .. } => estimator.stream_len(len),
            Part::Group { .. } => estimator.stream_group(),
            Part::Consumer { name, .. } => estimator.stream_consumer(name.len()),
            Part::Pending { id, .. } => estimator.stream_pending(id),
            Part::ConsumerPending(id) => estimator.stream_owned(id),
            _ => {}
        }
    }
}

/// From this version on compact values are listpacks.
const LISTPACKS_SINCE: u16 = 10;
/// From this version on short lists are one listpack without a quicklist around it.
const LISTS_COMPACT_SINCE: u16 = 11;
/// The largest of them by default (`list-max-listpack-size -2`), in bytes.
const LIST_LISTPACK_MAX: usize = 8 << 10;
/// The longest string that shares an allocation with its object.
const EMBSTR_MAX: usize = 44;
/// The longest text of an integer.
const INTEGER_MAX: usize = 20;

#[inline]
fn string_form(bytes: &[u8]) -> Encoding {
    match bytes.len() {
        1..=INTEGER_MAX if number::parse_i64(bytes).is_some() => Encoding::Int,
        ..=EMBSTR_MAX => Encoding::Embstr,
        _ => Encoding::Raw,
    }
}

/// Hands the pieces of a part to a visitor.
fn pieces(part: &Part<'_>, stream: &mut StreamMeta, visitor: &mut impl Visitor) -> io::Result<()> {
    match *part {
        Part::String(bytes) | Part::Chunk(bytes) => visitor.piece(&Piece::Chunk(bytes)),
        Part::Module(bytes) => visitor.piece(&Piece::Opaque(bytes)),
        Part::Element(bytes) | Part::NodePlain(bytes) => {
            visitor.piece(&Piece::Element(Element::Bytes(bytes)))
        }
        Part::NodeListpack(bytes) | Part::SetListpack(bytes) => {
            let mut elements = Listpack::new(bytes).iter();
            elements.try_for_each(|element| visitor.piece(&Piece::Element(element)))
        }
        Part::SetIntset(bytes) => {
            let mut members = Intset::new(bytes).iter();
            members.try_for_each(|int| visitor.piece(&Piece::Element(Element::Int(int))))
        }
        Part::Field {
            field,
            value,
            expire,
        } => {
            let (field, value) = (Element::Bytes(field), Element::Bytes(value));
            visitor.piece(&Piece::Field(field, value, expire))
        }
        Part::HashListpack(bytes) => fields(bytes, false, visitor),
        Part::HashListpackTtl { listpack, .. } => fields(listpack, true, visitor),
        Part::Scored { member, score } => {
            visitor.piece(&Piece::Scored(Element::Bytes(member), score))
        }
        Part::ZsetListpack(bytes) => scored(bytes, visitor),
        _ => stream_pieces(part, stream, visitor),
    }
}

fn fields(listpack: &[u8], ttl: bool, visitor: &mut impl Visitor) -> io::Result<()> {
    let mut elements = Listpack::new(listpack).iter();
    while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
        let deadline = ttl.then(|| elements.next()).flatten();
        let deadline = deadline.and_then(|ms| ms.as_int()).filter(|ms| *ms != 0);
        visitor.piece(&Piece::Field(field, value, deadline.map(UnixMillis)))?;
    }
    Ok(())
}

fn scored(listpack: &[u8], visitor: &mut impl Visitor) -> io::Result<()> {
    let mut elements = Listpack::new(listpack).iter();
    while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
        let score = match score {
            Element::Int(int) => int as f64,
            Element::Bytes(text) => number::parse_f64(text).unwrap_or_default(),
        };
        visitor.piece(&Piece::Scored(member, score))?;
    }
    Ok(())
}

fn stream_pieces(
    part: &Part<'_>,
    stream: &mut StreamMeta,
    visitor: &mut impl Visitor,
) -> io::Result<()> {
    let piece = match *part {
        Part::StreamNode { master, listpack } => {
            return each_entry(master, listpack, |entry| {
                visitor.piece(&Piece::Entry(entry))
            });
        }
        Part::StreamMeta {
            len,
            last,
            first,
            max_deleted,
            entries_added,
            ..
        } => {
            let nodes = stream.nodes;
            *stream = StreamMeta {
                len,
                nodes,
                last,
                first,
                max_deleted,
                entries_added,
            };
            Piece::StreamMeta(*stream)
        }
        Part::Group {
            name,
            last,
            entries_read,
            ..
        } => Piece::Group {
            name,
            last,
            entries_read,
        },
        Part::Pending {
            id,
            delivered,
            count,
        } => Piece::Pending {
            id,
            delivered,
            count,
        },
        Part::Consumer {
            name, seen, active, ..
        } => Piece::Consumer { name, seen, active },
        Part::ConsumerPending(id) => Piece::Owned(id),
        _ => return Ok(()),
    };
    visitor.piece(&piece)
}

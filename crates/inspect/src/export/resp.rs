//! The commands that make the same keys, as a client sends them and as an append-only file holds
//! them: `SET`, `RPUSH`, `SADD`, `HSET`, `ZADD`, `XADD` and what belongs to them.

use super::{Output, put_id, put_number};
use crate::record::{Entry, Fact, Figures, Key, Piece, StreamMeta, Type, Visitor};
use packed::{Element, IntText, number};
use resp::encode;
use std::collections::HashMap;
use std::io::{self, Write};
use units::{StreamId, UnixMillis};

/// Elements a command takes at most, as servers do when they rewrite a log.
const BATCH_ELEMENTS: usize = 64;
/// A command is complete at this size even if it has fewer, in bytes.
const BATCH_BYTES: usize = 64 << 10;

/// Writes keys as commands.
#[derive(Debug)]
pub struct Commands<W> {
    out: Output<W>,
    db: Option<u32>,
    key: Vec<u8>,
    /// Words of the command under way after its name and key, encoded.
    words: Vec<u8>,
    /// How many they are, and how many elements.
    count: usize,
    elements: usize,
    kind: Option<Type>,
    begun: bool,
    stream: Stream,
    /// Values of modules, which no command makes.
    skipped: u64,
}

/// What of a stream is needed until it is complete.
#[derive(Debug, Default)]
struct Stream {
    group: Vec<u8>,
    consumer: Vec<u8>,
    pending: HashMap<StreamId, (UnixMillis, u64)>,
    entries: u64,
}

impl<W: Write> Commands<W> {
    /// Commands to that output.
    pub fn new(out: Output<W>) -> Commands<W> {
        Commands {
            out,
            db: None,
            key: Vec::new(),
            words: Vec::new(),
            count: 0,
            elements: 0,
            kind: None,
            begun: false,
            stream: Stream::default(),
            skipped: 0,
        }
    }

    /// Writes everything out; gives how many values of modules were left out.
    pub fn finish(self) -> io::Result<u64> {
        self.out.finish()?;
        Ok(self.skipped)
    }

    /// Deletes a key.
    pub(crate) fn delete(&mut self, key: &Key<'_>) {
        self.select(key.db);
        self.command(&[b"DEL", key.name]);
    }

    /// Writes text in place of commands.
    pub(crate) fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.buffer().extend_from_slice(text);
        self.out.relieve()
    }

    fn command(&mut self, words: &[&[u8]]) {
        encode::command(self.out.buffer(), words);
    }

    fn word(&mut self, element: Element<'_>) {
        let mut text = IntText::new();
        encode::bulk(&mut self.words, element.text(&mut text));
        self.count += 1;
    }

    /// An element is complete; so is the command, if it is large.
    fn element(&mut self) -> io::Result<()> {
        self.elements += 1;
        match self.elements >= BATCH_ELEMENTS || self.words.len() >= BATCH_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes the command under way.
    fn flush(&mut self) -> io::Result<()> {
        if self.count > 0 {
            let name: &[u8] = match self.kind {
                Some(Type::List) => b"RPUSH",
                Some(Type::Set) => b"SADD",
                Some(Type::Hash) => b"HSET",
                Some(Type::Zset) => b"ZADD",
                _ => b"XADD",
            };
            let out = self.out.buffer();
            encode::array_len(out, self.count + 2);
            encode::bulk(out, name);
            encode::bulk(out, &self.key);
            out.extend_from_slice(&self.words);
        }
        self.words.clear();
        (self.count, self.elements) = (0, 0);
        self.out.relieve()
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let name: &[u8] = match std::mem::replace(&mut self.begun, true) {
            false => b"SET",
            true => b"APPEND",
        };
        encode::command(self.out.buffer(), &[name, &self.key, bytes]);
        self.out.relieve()
    }

    fn scored(&mut self, member: Element<'_>, score: f64) -> io::Result<()> {
        let mut text = Vec::new();
        number::write_f64_17g(score, &mut text);
        self.word(Element::Bytes(&text));
        self.word(member);
        self.element()
    }

    fn field(
        &mut self,
        field: Element<'_>,
        value: Element<'_>,
        expire: Option<UnixMillis>,
    ) -> io::Result<()> {
        self.word(field);
        self.word(value);
        let Some(at) = expire else {
            return self.element();
        };
        self.flush()?;
        let (mut ms, mut text) = (IntText::new(), IntText::new());
        let (ms, field) = (ms.write(at.0), field.text(&mut text));
        encode::command(
            self.out.buffer(),
            &[b"HPEXPIREAT", &self.key, ms, b"FIELDS", b"1", field],
        );
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.stream.entries += 1;
        self.word(Element::Bytes(&id_text(entry.id)));
        for (field, value) in entry.pairs() {
            self.word(field);
            self.word(value);
        }
        self.flush()
    }

    fn stream_meta(&mut self, meta: &StreamMeta) {
        let key = std::mem::take(&mut self.key);
        if self.stream.entries == 0 {
            // Only a stream that had an entry exists. None can have the id 0-0.
            let id = id_text(meta.last.max(StreamId::new(0, 1)));
            self.command(&[b"XADD", &key, b"MAXLEN", b"0", &id, b"x", b"y"]);
        }
        let (last, deleted) = (id_text(meta.last), id_text(meta.max_deleted));
        let mut added = Vec::new();
        put_number(meta.entries_added, &mut added);
        self.command(&[
            b"XSETID",
            &key,
            &last,
            b"ENTRIESADDED",
            &added,
            b"MAXDELETEDID",
            &deleted,
        ]);
        self.key = key;
    }

    fn group(&mut self, name: &[u8], last: StreamId, entries_read: Option<u64>) {
        self.stream.group.clear();
        self.stream.group.extend_from_slice(name);
        self.stream.pending.clear();
        let mut read = Vec::new();
        match entries_read {
            Some(entries) => put_number(entries, &mut read),
            None => read.extend_from_slice(b"-1"),
        }
        let (key, last) = (&self.key, id_text(last));
        let words: [&[u8]; 7] = [
            b"XGROUP",
            b"CREATE",
            key,
            name,
            &last,
            b"ENTRIESREAD",
            &read,
        ];
        encode::command(self.out.buffer(), &words);
    }

    fn consumer(&mut self, name: &[u8]) {
        self.stream.consumer.clear();
        self.stream.consumer.extend_from_slice(name);
        let words: [&[u8]; 5] = [
            b"XGROUP",
            b"CREATECONSUMER",
            &self.key,
            &self.stream.group,
            name,
        ];
        encode::command(self.out.buffer(), &words);
    }

    fn owned(&mut self, id: StreamId) -> io::Result<()> {
        let pending = self.stream.pending.get(&id).copied();
        let (delivered, times) = pending.unwrap_or((UnixMillis(0), 1));
        let (mut at, mut count) = (Vec::new(), Vec::new());
        put_number(delivered.0, &mut at);
        put_number(times, &mut count);
        let words: [&[u8]; 12] = [
            b"XCLAIM",
            &self.key,
            &self.stream.group,
            &self.stream.consumer,
            b"0",
            &id_text(id),
            b"TIME",
            &at,
            b"RETRYCOUNT",
            &count,
            b"JUSTID",
            b"FORCE",
        ];
        encode::command(self.out.buffer(), &words);
        self.out.relieve()
    }

    fn select(&mut self, db: u32) {
        if self.db != Some(db) {
            self.db = Some(db);
            let mut text = Vec::new();
            put_number(db, &mut text);
            self.command(&[b"SELECT", &text]);
        }
    }
}

fn id_text(id: StreamId) -> Vec<u8> {
    let mut text = Vec::new();
    put_id(id, &mut text);
    text
}

impl<W: Write> Visitor for Commands<W> {
    fn fact(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        match fact {
            Fact::Function(source) => self.command(&[b"FUNCTION", b"LOAD", b"REPLACE", source]),
            Fact::Command { words, .. } => {
                let out = self.out.buffer();
                encode::array_len(out, words.len());
                words.iter().for_each(|word| encode::bulk(out, word));
                // A log selects for itself.
                self.db = None;
            }
            _ => {}
        }
        self.out.relieve()
    }

    fn key(&mut self, key: &Key<'_>) -> io::Result<bool> {
        self.select(key.db);
        self.out.begin();
        self.key.clear();
        self.key.extend_from_slice(key.name);
        self.kind = Some(key.kind);
        self.begun = false;
        self.stream = Stream::default();
        self.skipped += u64::from(key.kind == Type::Module);
        Ok(true)
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        match *piece {
            Piece::Chunk(bytes) => self.chunk(bytes)?,
            Piece::Element(element) => {
                self.word(element);
                self.element()?;
            }
            Piece::Field(field, value, expire) => self.field(field, value, expire)?,
            Piece::Scored(member, score) => self.scored(member, score)?,
            Piece::Entry(ref entry) => self.entry(entry)?,
            Piece::StreamMeta(ref meta) => self.stream_meta(meta),
            Piece::Group {
                name,
                last,
                entries_read,
            } => self.group(name, last, entries_read),
            Piece::Pending {
                id,
                delivered,
                count,
            } => {
                self.stream.pending.insert(id, (delivered, count));
            }
            Piece::Consumer { name, .. } => self.consumer(name),
            Piece::Owned(id) => self.owned(id)?,
            Piece::Opaque(_) => {}
        }
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, _: &Figures, keep: bool) -> io::Result<()> {
        self.flush()?;
        if let Some(at) = key.expire.filter(|_| key.kind != Type::Module) {
            let mut ms = IntText::new();
            encode::command(self.out.buffer(), &[b"PEXPIREAT", key.name, ms.write(at.0)]);
        }
        self.out.end(keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Filter, Source};
    use std::path::Path;

    #[test]
    fn commands_make_the_keys_again() {
        let file = b"REDIS0004\xFE\x02\x00\x01k\x01v\x02\x01s\x02\x01a\x01b\xFF";
        let mut bytes = Vec::new();
        let mut commands = Commands::new(Output::new(&mut bytes, false));
        let filter = Filter::default();
        let mut source = Source::new(&filter, &mut commands);
        source
            .read(Path::new("f.rdb"), None, &mut &file[..])
            .unwrap();
        assert_eq!(commands.finish().unwrap(), 0);
        let mut expected = Vec::new();
        let words: [&[&[u8]]; 3] = [
            &[b"SELECT", b"2"],
            &[b"SET", b"k", b"v"],
            &[b"SADD", b"s", b"a", b"b"],
        ];
        for words in words {
            encode::command(&mut expected, words);
        }
        assert_eq!(bytes, expected);
    }
}

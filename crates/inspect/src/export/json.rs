//! JSON lines: a row a key, in the shape of kvdump/1 with the database in front.
//!
//! ```text
//! {"db":0,"key":"k","type":"hash","encoding":"listpack","expire_ms":null,"value":[["f","v",null]]}
//! ```
//!
//! Byte strings are JSON strings where all bytes are printable ASCII, else `{"b64": ..}`; those over
//! 300 bytes are `{"len": n, "sha256": hex}`, unless whole ones are asked for. Elements come in the
//! order of the file. Functions are rows of their own, `{"function": code}`. Pending entries stand as
//! the file has them: `[id, delivered, count]` in a group, and the bare ids in the consumer that owns
//! them.

use super::{Output, put_id, put_number};
use crate::record::{Entry, Fact, Figures, Key, Piece, StreamMeta, Type, Visitor};
use packed::{Element, number};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use units::UnixMillis;

/// How rows are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonOptions {
    /// Byte strings are whole, however long.
    pub whole: bool,
    /// Values are left out.
    pub keys_only: bool,
    /// Estimated memory, elements and bytes in the file follow each value.
    pub figures: bool,
}

/// Writes keys as JSON lines.
#[derive(Debug)]
pub struct JsonRows<W> {
    out: Output<W>,
    options: JsonOptions,
    text: Text,
    /// Whether an element was written, so that the next one takes a comma.
    follows: bool,
    stream: StreamState,
}

/// Which arrays of a stream's value are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum StreamState {
    #[default]
    Entries,
    Groups,
    GroupPending,
    ConsumerPending,
}

impl<W: Write> JsonRows<W> {
    /// Rows to that output.
    pub fn new(out: Output<W>, options: JsonOptions) -> JsonRows<W> {
        JsonRows {
            out,
            options,
            text: Text::default(),
            follows: false,
            stream: StreamState::Entries,
        }
    }

    /// Writes everything out.
    pub fn finish(self) -> io::Result<()> {
        self.out.finish()
    }

    fn put(&mut self, bytes: &[u8]) {
        put_bytes(bytes, self.options.whole, self.out.buffer());
    }

    fn element(&mut self, element: Element<'_>) {
        match element {
            Element::Bytes(bytes) => self.put(bytes),
            Element::Int(int) => {
                let out = self.out.buffer();
                out.push(b'"');
                put_number(int, out);
                out.push(b'"');
            }
        }
    }

    fn raw(&mut self, json: &[u8]) {
        self.out.buffer().extend_from_slice(json);
    }

    /// A comma, unless it is the first of its array.
    fn comma(&mut self) {
        if std::mem::replace(&mut self.follows, true) {
            self.out.buffer().push(b',');
        }
    }

    fn number(&mut self, number: impl itoa::Integer) {
        put_number(number, self.out.buffer());
    }

    fn id(&mut self, id: units::StreamId) {
        let out = self.out.buffer();
        out.push(b'"');
        put_id(id, out);
        out.push(b'"');
    }

    fn deadline(&mut self, expire: Option<UnixMillis>) {
        match expire {
            Some(at) => self.number(at.0),
            None => self.raw(b"null"),
        }
    }

    fn field(&mut self, field: Element<'_>, value: Element<'_>, expire: Option<UnixMillis>) {
        self.raw(b"[");
        self.element(field);
        self.raw(b",");
        self.element(value);
        self.raw(b",");
        self.deadline(expire);
        self.raw(b"]");
    }

    fn scored(&mut self, member: Element<'_>, score: f64) {
        self.raw(b"[");
        self.element(member);
        self.raw(b",{\"bits\":\"");
        let hex = |nibble: u64| HEX.get(nibble as usize & 15).copied().unwrap_or(b'0');
        let bits = score.to_bits();
        let digits = (0..16).rev().map(|at| hex(bits >> (4 * at)));
        self.out.buffer().extend(digits);
        self.raw(b"\",\"text\":\"");
        number::write_f64_17g(score, self.out.buffer());
        self.raw(b"\"}]");
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        self.raw(b"[");
        self.id(entry.id);
        self.raw(b",[");
        for (at, (field, value)) in entry.pairs().enumerate() {
            self.raw(if at == 0 { b"[" } else { b",[" });
            self.element(field);
            self.raw(b",");
            self.element(value);
            self.raw(b"]");
        }
        self.raw(b"]]");
    }

    fn stream_meta(&mut self, meta: &StreamMeta) {
        for (name, count) in [("],\"length", meta.len), ("\"nodes", meta.nodes)] {
            self.raw(name.as_bytes());
            self.raw(b"\":");
            self.number(count);
            self.raw(b",");
        }
        let ids = [
            ("last_id", meta.last),
            ("max_deleted_id", meta.max_deleted),
            ("first_id", meta.first),
        ];
        for (name, id) in ids {
            self.raw(b"\"");
            self.raw(name.as_bytes());
            self.raw(b"\":");
            self.id(id);
            self.raw(b",");
        }
        self.raw(b"\"entries_added\":");
        self.number(meta.entries_added);
        self.raw(b",\"groups\":[");
        self.stream = StreamState::Groups;
        self.follows = false;
    }

    /// Closes what the last group or consumer left open, so that a new one of `next` may begin.
    fn close_to(&mut self, next: StreamState) {
        match (self.stream, next) {
            (StreamState::GroupPending, StreamState::ConsumerPending) => {
                self.raw(b"],\"consumers\":[");
            }
            (StreamState::GroupPending, _) => self.raw(b"],\"consumers\":[]}"),
            (StreamState::ConsumerPending, StreamState::ConsumerPending) => self.raw(b"]},"),
            (StreamState::ConsumerPending, _) => self.raw(b"]}]}"),
            _ => {}
        }
    }

    fn group(&mut self, name: &[u8], last: units::StreamId, read: Option<u64>) {
        self.close_to(StreamState::Groups);
        if self.stream != StreamState::Groups {
            self.raw(b",");
        }
        self.raw(b"{\"name\":");
        self.put(name);
        self.raw(b",\"last_id\":");
        self.id(last);
        self.raw(b",\"entries_read\":");
        match read {
            Some(read) => self.number(read),
            None => self.raw(b"null"),
        }
        self.raw(b",\"pel\":[");
        self.stream = StreamState::GroupPending;
        self.follows = false;
    }

    fn consumer(&mut self, name: &[u8], seen: UnixMillis, active: Option<UnixMillis>) {
        self.close_to(StreamState::ConsumerPending);
        self.raw(b"{\"name\":");
        self.put(name);
        self.raw(b",\"seen_ms\":");
        self.number(seen.0);
        self.raw(b",\"active_ms\":");
        self.number(active.map_or(-1, |at| at.0));
        self.raw(b",\"pel\":[");
        self.stream = StreamState::ConsumerPending;
        self.follows = false;
    }

    fn pending(&mut self, id: units::StreamId, delivered: UnixMillis, count: u64) {
        self.comma();
        self.raw(b"[");
        self.id(id);
        self.raw(b",");
        self.number(delivered.0);
        self.raw(b",");
        self.number(count);
        self.raw(b"]");
    }

    fn end_value(&mut self, kind: Type) {
        match kind {
            Type::String => {
                let text = std::mem::take(&mut self.text);
                self.text = text.finish(self.options.whole, self.out.buffer());
            }
            Type::Stream => {
                self.close_to(StreamState::Groups);
                self.raw(b"]}");
            }
            Type::Module => {}
            _ => self.raw(b"]"),
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl<W: Write> Visitor for JsonRows<W> {
    fn fact(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        if let Fact::Function(source) = fact {
            self.raw(b"{\"function\":");
            self.put(source);
            self.raw(b"}\n");
        }
        self.out.relieve()
    }

    fn key(&mut self, key: &Key<'_>) -> io::Result<bool> {
        self.out.begin();
        self.raw(b"{\"db\":");
        self.number(key.db);
        self.raw(b",\"key\":");
        self.put(key.name);
        self.raw(b",\"type\":\"");
        self.raw(key.kind.name().as_bytes());
        self.raw(b"\",\"encoding\":\"");
        self.raw(key.encoding.name().as_bytes());
        self.raw(b"\",\"expire_ms\":");
        self.deadline(key.expire);
        if let Some(secs) = key.idle_secs {
            self.raw(b",\"idle_s\":");
            self.number(secs);
        }
        if let Some(freq) = key.freq {
            self.raw(b",\"freq\":");
            self.number(freq);
        }
        if self.options.keys_only {
            return Ok(false);
        }
        self.raw(match key.kind {
            Type::String => b",\"value\":",
            Type::Module => b",\"value\":null",
            Type::Stream => b",\"value\":{\"entries\":[",
            _ => b",\"value\":[",
        });
        self.follows = false;
        self.stream = StreamState::Entries;
        Ok(true)
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        match *piece {
            Piece::Chunk(bytes) => {
                self.text.chunk(bytes, self.options.whole);
                return Ok(());
            }
            Piece::Element(element) => {
                self.comma();
                self.element(element);
            }
            Piece::Field(field, value, expire) => {
                self.comma();
                self.field(field, value, expire);
            }
            Piece::Scored(member, score) => {
                self.comma();
                self.scored(member, score);
            }
            Piece::Entry(ref entry) => {
                self.comma();
                self.entry(entry);
            }
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
            } => self.pending(id, delivered, count),
            Piece::Consumer { name, seen, active } => self.consumer(name, seen, active),
            Piece::Owned(id) => {
                self.comma();
                self.id(id);
            }
            Piece::Opaque(_) => {}
        }
        self.out.relieve()
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> io::Result<()> {
        if !self.options.keys_only {
            self.end_value(key.kind);
        }
        if self.options.figures {
            let counts = [
                ("memory", figures.memory),
                ("elements", figures.elements),
                ("serialized", figures.serialized),
            ];
            for (name, count) in counts {
                self.raw(b",\"");
                self.raw(name.as_bytes());
                self.raw(b"\":");
                self.number(count);
            }
        }
        self.raw(b"}\n");
        self.out.end(keep)
    }
}

/// Longest byte string that is written out, unless whole ones are asked for.
const BYTES_SHOWN_MAX: usize = 300;

/// A byte string that comes in chunks. Only its beginning is kept; what is longer is hashed.
#[derive(Debug, Default)]
struct Text {
    begin: Vec<u8>,
    len: u64,
    hash: Option<Sha256>,
}

impl Text {
    fn chunk(&mut self, bytes: &[u8], whole: bool) {
        self.len += bytes.len() as u64;
        if whole || self.begin.len() + bytes.len() <= BYTES_SHOWN_MAX && self.hash.is_none() {
            self.begin.extend_from_slice(bytes);
            return;
        }
        let begin = &self.begin;
        let hash = self
            .hash
            .get_or_insert_with(|| Sha256::new_with_prefix(begin));
        hash.update(bytes);
    }

    /// Writes it; gives back the room for the next.
    fn finish(mut self, whole: bool, out: &mut Vec<u8>) -> Text {
        match self.hash.take() {
            Some(hash) => put_hash(self.len, hash, out),
            None => put_bytes(&self.begin, whole, out),
        }
        self.begin.clear();
        self.begin.shrink_to(BYTES_SHOWN_MAX);
        Text {
            begin: self.begin,
            len: 0,
            hash: None,
        }
    }
}

fn put_hash(len: u64, hash: Sha256, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"len\":");
    put_number(len, out);
    out.extend_from_slice(b",\"sha256\":\"");
    for byte in hash.finalize() {
        let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
        out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
    }
    out.extend_from_slice(b"\"}");
}

/// Appends a byte string.
#[inline]
fn put_bytes(bytes: &[u8], whole: bool, out: &mut Vec<u8>) {
    if bytes.len() > BYTES_SHOWN_MAX && !whole {
        let len = bytes.len() as u64;
        return put_hash(len, Sha256::new_with_prefix(bytes), out);
    }
    // No early end: this is compared many bytes at a time.
    let odd = bytes
        .iter()
        .fold(0, |odd, byte| odd | u8::from(!matches!(byte, 0x20..=0x7E)));
    if odd != 0 {
        out.extend_from_slice(b"{\"b64\":\"");
        put_base64(bytes, out);
        out.extend_from_slice(b"\"}");
        return;
    }
    out.push(b'"');
    put_escaped(bytes, out);
    out.push(b'"');
}

/// Printable ASCII, with quotes and backslashes escaped.
fn put_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let special = bytes.iter().fold(0, |found, byte| {
        found | u8::from(matches!(byte, b'"' | b'\\'))
    });
    if special == 0 {
        out.extend_from_slice(bytes);
        return;
    }
    for byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, section 4, with padding.
fn put_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |bits: u32, at: u32| {
        let sextet = (bits >> (18 - 6 * at)) as usize & 63;
        BASE64.get(sextet).copied().unwrap_or(b'=')
    };
    out.reserve(bytes.len().div_ceil(3) * 4);
    let (groups, rest) = bytes.as_chunks::<3>();
    for [a, b, c] in groups {
        let bits = u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c);
        out.extend_from_slice(&[0, 1, 2, 3].map(|at| digit(bits, at)));
    }
    match *rest {
        [a] => {
            let bits = u32::from(a) << 16;
            out.extend_from_slice(&[digit(bits, 0), digit(bits, 1), b'=', b'=']);
        }
        [a, b] => {
            let bits = u32::from(a) << 16 | u32::from(b) << 8;
            out.extend_from_slice(&[digit(bits, 0), digit(bits, 1), digit(bits, 2), b'=']);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> serde_json::Value {
        let mut out = Vec::new();
        put_bytes(bytes, false, &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn byte_strings_are_those_of_kvdump() {
        let long = vec![b'x'; 301];
        let all: Vec<u8> = (0..=255).collect();
        let cases: [&[u8]; 9] = [
            b"",
            b"a b",
            b"\"q\\",
            b"\xFF",
            b"\xFF\0",
            b"\xFF\0\n",
            &all,
            &long,
            &long[1..],
        ];
        for bytes in cases {
            assert_eq!(text(bytes), kvdump::to_json(bytes));
        }
        let mut chunks = Text::default();
        for chunk in long.chunks(100) {
            chunks.chunk(chunk, false);
        }
        let mut out = Vec::new();
        let next = chunks.finish(false, &mut out);
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&out).unwrap(),
            kvdump::to_json(&long)
        );
        assert_eq!((next.len, next.begin.len()), (0, 0));
    }
}

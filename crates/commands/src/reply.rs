use crate::Error;
use keyspace::StringRef;
use packed::Element;

/// The version of the protocol that a client speaks. Only what a reply *is* differs by it, not how
/// it is encoded: that is the sink's business.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The protocol of Redis 1.2 to 5, and every client's first word.
    #[default]
    Resp2,
    /// Redis 6 and later, after `HELLO 3`.
    Resp3,
}

/// Where a handler writes its reply: RESP bytes, a typed value, or nowhere.
///
/// Aggregates are announced by their length and followed by exactly that many items (pairs for a
/// map). A sink for RESP2 flattens what that protocol does not know.
pub trait ReplySink {
    /// The protocol of the reader; a few commands answer in another shape to RESP3.
    fn protocol(&self) -> Protocol;
    /// From here on the reader speaks `protocol`: `HELLO` answers in the one it switches to.
    fn set_protocol(&mut self, protocol: Protocol);
    /// A status line, such as `OK`.
    fn simple(&mut self, line: &str);
    /// A refusal.
    fn error(&mut self, error: &Error);
    /// A signed integer.
    fn integer(&mut self, number: i64);
    /// A byte string.
    fn bulk(&mut self, bytes: &[u8]);
    /// A byte string of `len` bytes that comes in parts.
    fn bulk_parts(&mut self, len: usize, parts: &mut dyn Iterator<Item = &[u8]>);
    /// The absence of a value (`$-1` in RESP2).
    fn null(&mut self);
    /// The absence of an aggregate (`*-1` in RESP2, the same null in RESP3).
    fn null_array(&mut self);
    /// The start of an array of `len` items.
    fn array(&mut self, len: usize);
    /// The start of a map of `pairs` keys, each followed by its value.
    fn map(&mut self, pairs: usize);
    /// The start of a set of `len` items.
    fn set(&mut self, len: usize);
    /// The start of an out-of-band message of `len` items.
    fn push(&mut self, len: usize);
    /// A floating point number; RESP2 gets its text as a bulk string.
    fn double(&mut self, number: f64);
    /// A truth value; RESP2 gets 1 or 0.
    fn boolean(&mut self, truth: bool);
    /// Text in a three-letter `format` (`txt`, `mkd`); RESP2 gets a bulk string.
    fn verbatim(&mut self, format: &str, text: &str);

    /// An integer of any size, in decimal digits; RESP2 gets a bulk string.
    fn big_number(&mut self, digits: &str) {
        self.bulk(digits.as_bytes());
    }

    /// The start of `pairs` pairs about the reply that follows, if the reader takes such: returns
    /// whether they are to be written.
    fn attribute(&mut self, _pairs: usize) -> bool {
        false
    }

    /// The status `OK`.
    fn ok(&mut self) {
        self.simple("OK");
    }

    /// An element of a compact encoding, as its text.
    fn element(&mut self, element: Element<'_>) {
        match element {
            Element::Bytes(bytes) => self.bulk(bytes),
            Element::Int(number) => self.bulk_int(number),
        }
    }

    /// An integer as a byte string of its decimal digits.
    fn bulk_int(&mut self, number: i64) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A stored string, whatever its form.
    fn string(&mut self, string: StringRef<'_>) {
        match string {
            StringRef::Int(number) => self.bulk_int(number),
            StringRef::Bytes(bytes) => self.bulk(bytes),
            StringRef::Chunked(_) => self.bulk_parts(string.len(), &mut string.chunks()),
        }
    }
}

//! A sink that keeps a reply as a flat list of items, downgraded as RESP2 would.

use crate::{Error, Protocol, ReplySink};
use packed::number;

/// One item of a reply; an aggregate is followed by its items.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(usize),
    Map(usize),
    Set(usize),
    Double(String),
    Boolean(bool),
}

pub(super) struct Recorder {
    protocol: Protocol,
    items: Vec<Item>,
}

impl Recorder {
    pub(super) fn new(protocol: Protocol) -> Recorder {
        Recorder {
            protocol,
            items: Vec::new(),
        }
    }

    pub(super) fn refuse(&mut self, error: &Error) {
        self.error(error);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn into_items(self) -> Vec<Item> {
        self.items
    }

    fn resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }
}

impl ReplySink for Recorder {
    fn protocol(&self) -> Protocol {
        self.protocol
    }
    fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }
    fn simple(&mut self, line: &str) {
        self.items.push(Item::Simple(line.to_owned()));
    }
    fn error(&mut self, error: &Error) {
        self.items.push(Item::Error(error.to_string()));
    }
    fn integer(&mut self, number: i64) {
        self.items.push(Item::Integer(number));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.items.push(Item::Bulk(bytes.to_vec()));
    }
    fn bulk_parts(&mut self, len: usize, parts: &mut dyn Iterator<Item = &[u8]>) {
        let bytes = parts.collect::<Vec<_>>().concat();
        assert_eq!(
            bytes.len(),
            len,
            "the parts of a string are as long as announced"
        );
        self.items.push(Item::Bulk(bytes));
    }
    fn null(&mut self) {
        self.items.push(Item::Nil);
    }
    fn null_array(&mut self) {
        self.items.push(Item::Nil);
    }
    fn array(&mut self, len: usize) {
        self.items.push(Item::Array(len));
    }
    fn map(&mut self, pairs: usize) {
        let item = if self.resp3() {
            Item::Map(pairs)
        } else {
            Item::Array(2 * pairs)
        };
        self.items.push(item);
    }
    fn set(&mut self, len: usize) {
        let item = if self.resp3() {
            Item::Set(len)
        } else {
            Item::Array(len)
        };
        self.items.push(item);
    }
    fn push(&mut self, len: usize) {
        self.items.push(Item::Array(len));
    }
    fn double(&mut self, number: f64) {
        let mut text = Vec::new();
        number::write_f64_shortest(number, &mut text);
        self.items.push(if self.resp3() {
            Item::Double(String::from_utf8_lossy(&text).into_owned())
        } else {
            Item::Bulk(text)
        });
    }
    fn boolean(&mut self, truth: bool) {
        let item = if self.resp3() {
            Item::Boolean(truth)
        } else {
            Item::Integer(truth.into())
        };
        self.items.push(item);
    }
    fn verbatim(&mut self, _format: &str, text: &str) {
        self.items.push(Item::Bulk(text.as_bytes().to_vec()));
    }
}

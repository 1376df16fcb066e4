use commands::{Error, Protocol, ReplySink};

/// A reply as a value: what [`crate::Session::execute`] returns.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// No value.
    Nil,
    /// A status line, such as `OK`.
    Status(String),
    /// A refusal.
    Error(Error),
    /// A signed integer.
    Integer(i64),
    /// A floating point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// An integer of any size, in decimal digits.
    BigNumber(String),
    /// A byte string.
    Bulk(Vec<u8>),
    /// Text with its three-letter format.
    Verbatim(String, String),
    /// Items in order.
    Array(Vec<Reply>),
    /// Items whose order means nothing.
    Set(Vec<Reply>),
    /// Keys with their values, in the order given.
    Map(Vec<(Reply, Reply)>),
    /// A message that answers no request.
    Push(Vec<Reply>),
}

impl Reply {
    /// The bytes of a byte string or status, `None` for anything else.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Reply::Bulk(bytes) => Some(bytes),
            Reply::Status(line) => Some(line.as_bytes()),
            Reply::Verbatim(_, text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// Writes it where the reply to a command goes.
    pub(crate) fn write_into(&self, reply: &mut dyn ReplySink) {
        match self {
            Reply::Nil => reply.null(),
            Reply::Status(line) => reply.simple(line),
            Reply::Error(error) => reply.error(error),
            Reply::Integer(number) => reply.integer(*number),
            Reply::Double(number) => reply.double(*number),
            Reply::Boolean(truth) => reply.boolean(*truth),
            Reply::BigNumber(digits) => reply.big_number(digits),
            Reply::Bulk(bytes) => reply.bulk(bytes),
            Reply::Verbatim(format, text) => reply.verbatim(format, text),
            Reply::Array(items) => {
                reply.array(items.len());
                write_items(items, reply);
            }
            Reply::Set(items) => {
                reply.set(items.len());
                write_items(items, reply);
            }
            Reply::Push(items) => {
                reply.push(items.len());
                write_items(items, reply);
            }
            Reply::Map(pairs) => {
                reply.map(pairs.len());
                for (key, value) in pairs {
                    key.write_into(reply);
                    value.write_into(reply);
                }
            }
        }
    }

    /// The items of an array or a set, `None` for anything else.
    pub fn as_items(&self) -> Option<&[Reply]> {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The refusal as an `Err`, anything else as an `Ok`.
    pub fn into_result(self) -> Result<Reply, Error> {
        match self {
            Reply::Error(error) => Err(error),
            reply => Ok(reply),
        }
    }
}

fn write_items(items: &[Reply], reply: &mut dyn ReplySink) {
    items.iter().for_each(|item| item.write_into(reply));
}

/// Builds one [`Reply`] from the calls of a handler.
#[derive(Debug)]
pub(crate) struct ReplyBuilder {
    protocol: Protocol,
    open: Vec<Open>,
    /// More than one only where a command answers more than once, as `SUBSCRIBE` does.
    done: Vec<Reply>,
}

/// An aggregate that lacks `missing` items.
#[derive(Debug)]
struct Open {
    shape: Shape,
    missing: usize,
    items: Vec<Reply>,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Array,
    Set,
    Map,
    Push,
}

impl ReplyBuilder {
    pub(crate) fn new(protocol: Protocol) -> ReplyBuilder {
        ReplyBuilder {
            protocol,
            open: Vec::new(),
            done: Vec::new(),
        }
    }

    /// The reply, an array of them if there are several; `None` if the handler wrote none, or not
    /// all of it.
    pub(crate) fn finish(mut self) -> Option<Reply> {
        match self.done.len() {
            _ if !self.open.is_empty() => None,
            0 | 1 => self.done.pop(),
            _ => Some(Reply::Array(self.done)),
        }
    }

    fn start(&mut self, shape: Shape, items: usize) {
        // Handlers announce lengths they hold in memory, but a limit costs nothing.
        let room = items.min(1 << 16);
        self.open.push(Open {
            shape,
            missing: items,
            items: Vec::with_capacity(room),
        });
        self.close_full();
    }

    fn put(&mut self, reply: Reply) {
        match self.open.last_mut() {
            None => self.done.push(reply),
            Some(open) => {
                open.items.push(reply);
                open.missing -= 1;
                self.close_full();
            }
        }
    }

    fn close_full(&mut self) {
        if self.open.last().is_some_and(|open| open.missing == 0) {
            let open = self.open.pop().expect("the last one was just looked at");
            self.put(open.shape.close(open.items));
        }
    }
}

impl Shape {
    fn close(self, items: Vec<Reply>) -> Reply {
        match self {
            Shape::Array => Reply::Array(items),
            Shape::Set => Reply::Set(items),
            Shape::Push => Reply::Push(items),
            Shape::Map => {
                let mut items = items.into_iter();
                let pairs = std::iter::from_fn(|| Some((items.next()?, items.next()?)));
                Reply::Map(pairs.collect())
            }
        }
    }
}

impl ReplySink for ReplyBuilder {
    fn protocol(&self) -> Protocol {
        self.protocol
    }
    fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }
    fn simple(&mut self, line: &str) {
        self.put(Reply::Status(line.to_owned()));
    }
    fn error(&mut self, error: &Error) {
        self.put(Reply::Error(error.clone()));
    }
    fn integer(&mut self, number: i64) {
        self.put(Reply::Integer(number));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.put(Reply::Bulk(bytes.to_vec()));
    }
    fn bulk_parts(&mut self, len: usize, parts: &mut dyn Iterator<Item = &[u8]>) {
        let mut bytes = Vec::with_capacity(len);
        parts.for_each(|part| bytes.extend_from_slice(part));
        self.put(Reply::Bulk(bytes));
    }
    fn null(&mut self) {
        self.put(Reply::Nil);
    }
    fn null_array(&mut self) {
        self.put(Reply::Nil);
    }
    fn array(&mut self, len: usize) {
        self.start(Shape::Array, len);
    }
    fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.start(Shape::Array, pairs * 2),
            Protocol::Resp3 => self.start(Shape::Map, pairs * 2),
        }
    }
    fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.start(Shape::Array, len),
            Protocol::Resp3 => self.start(Shape::Set, len),
        }
    }
    fn push(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.start(Shape::Array, len),
            Protocol::Resp3 => self.start(Shape::Push, len),
        }
    }
    fn double(&mut self, number: f64) {
        match self.protocol {
            Protocol::Resp2 => {
                let mut text = Vec::new();
                packed::number::write_f64_shortest(number, &mut text);
                self.put(Reply::Bulk(text));
            }
            Protocol::Resp3 => self.put(Reply::Double(number)),
        }
    }
    fn boolean(&mut self, truth: bool) {
        match self.protocol {
            Protocol::Resp2 => self.integer(i64::from(truth)),
            Protocol::Resp3 => self.put(Reply::Boolean(truth)),
        }
    }
    fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.put(Reply::BigNumber(digits.to_owned())),
        }
    }
    fn verbatim(&mut self, format: &str, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.put(Reply::Verbatim(format.to_owned(), text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_aggregates_close_from_the_inside() {
        let mut builder = ReplyBuilder::new(Protocol::Resp3);
        builder.array(3);
        builder.map(1);
        builder.bulk(b"k");
        builder.array(0);
        builder.integer(7);
        assert!(builder.done.is_empty());
        builder.null();
        let map = Reply::Map(vec![(Reply::Bulk(b"k".to_vec()), Reply::Array(vec![]))]);
        let whole = Reply::Array(vec![map, Reply::Integer(7), Reply::Nil]);
        assert_eq!(builder.finish(), Some(whole));
    }

    #[test]
    fn resp2_flattens() {
        let mut builder = ReplyBuilder::new(Protocol::Resp2);
        builder.map(1);
        builder.double(0.5);
        builder.boolean(true);
        let flat = Reply::Array(vec![Reply::Bulk(b"0.5".to_vec()), Reply::Integer(1)]);
        assert_eq!(builder.finish(), Some(flat));
    }
}

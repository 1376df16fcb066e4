//! The sinks that replies are written to: RESP bytes, a value, nowhere.

mod pushes;
mod resp;
mod value;

pub(crate) use pushes::OnlyPushes;
pub use resp::RespSink;
pub use value::Reply;
pub(crate) use value::ReplyBuilder;

use commands::{Error, Protocol, ReplySink};

/// A sink for replies that nobody reads: a log that is replayed.
#[derive(Debug, Default)]
pub(crate) struct Discard {
    /// The first refusal since the sink was made.
    pub(crate) error: Option<Error>,
}

impl ReplySink for Discard {
    fn protocol(&self) -> Protocol {
        Protocol::Resp2
    }
    fn set_protocol(&mut self, _: Protocol) {}
    fn error(&mut self, error: &Error) {
        self.error.get_or_insert_with(|| error.clone());
    }
    fn simple(&mut self, _: &str) {}
    fn integer(&mut self, _: i64) {}
    fn bulk(&mut self, _: &[u8]) {}
    fn bulk_parts(&mut self, _: usize, _: &mut dyn Iterator<Item = &[u8]>) {}
    fn null(&mut self) {}
    fn null_array(&mut self) {}
    fn array(&mut self, _: usize) {}
    fn map(&mut self, _: usize) {}
    fn set(&mut self, _: usize) {}
    fn push(&mut self, _: usize) {}
    fn double(&mut self, _: f64) {}
    fn boolean(&mut self, _: bool) {}
    fn verbatim(&mut self, _: &str, _: &str) {}
}

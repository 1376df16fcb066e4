use super::Kind;
use commands::ReplySink;
use std::sync::Arc;

/// What was published, once for all who get it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) channel: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// Published with `SPUBLISH`: patterns do not see it.
    pub(crate) sharded: bool,
}

impl Published {
    pub(crate) fn new(channel: &[u8], payload: &[u8]) -> Published {
        Published {
            channel: channel.to_vec(),
            payload: payload.to_vec(),
            sharded: false,
        }
    }

    pub(crate) fn sharded(channel: &[u8], payload: &[u8]) -> Published {
        Published {
            sharded: true,
            ..Published::new(channel, payload)
        }
    }

    /// The kind of subscription that names its channel.
    pub(super) fn kind(&self) -> Kind {
        match self.sharded {
            true => Kind::Sharded,
            false => Kind::Channel,
        }
    }
}

/// A message as one subscriber gets it. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Message {
    published: Arc<Published>,
    pattern: Option<Arc<[u8]>>,
}

impl Message {
    pub(super) fn new(published: Arc<Published>, pattern: Option<Arc<[u8]>>) -> Message {
        Message { published, pattern }
    }

    /// Where it was published.
    pub fn channel(&self) -> &[u8] {
        &self.published.channel
    }

    /// What was published.
    pub fn payload(&self) -> &[u8] {
        &self.published.payload
    }

    /// The pattern that let it through; `None` if the channel itself is subscribed to.
    pub fn pattern(&self) -> Option<&[u8]> {
        self.pattern.as_deref()
    }

    /// Whether it was published with `SPUBLISH`.
    pub fn is_sharded(&self) -> bool {
        self.published.sharded
    }

    /// The bytes it takes on the wire, about.
    pub(crate) fn cost(&self) -> usize {
        /// Lengths, line ends, and the word that says what it is.
        const FRAME: usize = 40;
        let pattern = self.pattern().map_or(0, <[u8]>::len);
        FRAME + pattern + self.channel().len() + self.payload().len()
    }

    /// Writes it as clients get it.
    pub(crate) fn write(&self, reply: &mut dyn ReplySink) {
        reply.push(3 + usize::from(self.pattern.is_some()));
        match self.pattern() {
            Some(pattern) => {
                reply.bulk(b"pmessage");
                reply.bulk(pattern);
            }
            None if self.is_sharded() => reply.bulk(b"smessage"),
            None => reply.bulk(b"message"),
        }
        reply.bulk(self.channel());
        reply.bulk(self.payload());
    }
}

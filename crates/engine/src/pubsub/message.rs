use super::Kind;
use crate::tracking::Names;
use commands::{Protocol, ReplySink};
use std::sync::Arc;

/// Where clients that speak RESP2 hear of keys that changed.
const INVALIDATION: &[u8] = b"__redis__:invalidate";

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
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Published {
        published: Arc<Published>,
        pattern: Option<Arc<[u8]>>,
    },
    /// Keys changed that the client tracks. Only clients get it.
    Invalidated(Names),
    /// The client that was to hear of them is gone.
    BrokenRedirection(u64),
    /// A command that somebody ran.
    Shown(Arc<str>),
}

impl Message {
    pub(super) fn new(published: Arc<Published>, pattern: Option<Arc<[u8]>>) -> Message {
        Message {
            body: Body::Published { published, pattern },
        }
    }

    /// Keys changed.
    pub(crate) fn invalidation(keys: Names) -> Message {
        Message {
            body: Body::Invalidated(keys),
        }
    }

    /// The client `target` is gone, which was to hear of keys that change.
    pub(crate) fn broken_redirection(target: u64) -> Message {
        Message {
            body: Body::BrokenRedirection(target),
        }
    }

    /// A command that somebody ran, as a line.
    pub(super) fn shown(line: String) -> Message {
        Message {
            body: Body::Shown(line.into()),
        }
    }

    fn published(&self) -> Option<&Published> {
        match &self.body {
            Body::Published { published, .. } => Some(published),
            Body::Invalidated(_) | Body::BrokenRedirection(_) | Body::Shown(_) => None,
        }
    }

    /// Where it was published.
    pub fn channel(&self) -> &[u8] {
        self.published()
            .map_or(INVALIDATION, |published| &published.channel)
    }

    /// What was published.
    pub fn payload(&self) -> &[u8] {
        self.published().map_or(b"", |published| &published.payload)
    }

    /// The pattern that let it through; `None` if the channel itself is subscribed to.
    pub fn pattern(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Published { pattern, .. } => pattern.as_deref(),
            Body::Invalidated(_) | Body::BrokenRedirection(_) | Body::Shown(_) => None,
        }
    }

    /// Whether it was published with `SPUBLISH`.
    pub fn is_sharded(&self) -> bool {
        self.published().is_some_and(|published| published.sharded)
    }

    /// Whether a client gets it that speaks this protocol and subscribed to something, or did not:
    /// without pushes, keys can be told only where messages are expected.
    pub(crate) fn is_for(&self, protocol: Protocol, subscribed: bool) -> bool {
        match &self.body {
            Body::Published { .. } | Body::Shown(_) => true,
            Body::Invalidated(_) => subscribed || protocol == Protocol::Resp3,
            Body::BrokenRedirection(_) => protocol == Protocol::Resp3,
        }
    }

    /// The bytes it takes on the wire, about.
    pub(crate) fn cost(&self) -> usize {
        /// Lengths, line ends, and the word that says what it is.
        const FRAME: usize = 40;
        let pattern = self.pattern().map_or(0, <[u8]>::len);
        let keys = match &self.body {
            Body::Shown(line) => line.len(),
            Body::Invalidated(Some(keys)) => keys.iter().map(|key| FRAME / 4 + key.len()).sum(),
            _ => 0,
        };
        FRAME + pattern + self.channel().len() + self.payload().len() + keys
    }

    /// Writes it as clients get it.
    pub(crate) fn write(&self, reply: &mut dyn ReplySink) {
        match &self.body {
            Body::Published { .. } => self.write_published(reply),
            Body::Invalidated(keys) => write_invalidation(keys, reply),
            Body::Shown(line) => reply.simple(line),
            Body::BrokenRedirection(target) => {
                reply.push(2);
                reply.bulk(b"tracking-redir-broken");
                reply.integer(*target as i64);
            }
        }
    }

    fn write_published(&self, reply: &mut dyn ReplySink) {
        reply.push(3 + usize::from(self.pattern().is_some()));
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

/// As a push of its own, or as a message on a channel.
fn write_invalidation(keys: &Names, reply: &mut dyn ReplySink) {
    match reply.protocol() {
        Protocol::Resp3 => {
            reply.push(2);
            reply.bulk(b"invalidate");
        }
        Protocol::Resp2 => {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(INVALIDATION);
        }
    }
    match keys {
        None => reply.null(),
        Some(keys) => {
            reply.array(keys.len());
            keys.iter().for_each(|key| reply.bulk(key));
        }
    }
}

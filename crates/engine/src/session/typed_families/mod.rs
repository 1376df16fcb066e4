//! Typed methods of the families that have options: lists, sets, sorted sets, streams, bits,
//! HyperLogLogs, places, scripts. (Messages: `Engine::publish` and `subscribe`.)
//!
//! They are put together from commands, and say what a command's reply means.

mod bits;
mod list;
mod places;
mod scripts;
mod set;
mod stream;
mod zset;

pub use list::{KeyElement, Side};
pub use stream::{StreamEntry, StreamRange, XAdd};
pub use zset::{ScoreRange, ZAdd};

use super::Session;
use crate::reply::Reply;
use commands::Error;
use units::StreamId;

impl Session {
    /// Runs a command whose reply is a `T`.
    fn ask<T: FromReply>(&mut self, argv: &[&[u8]]) -> Result<T, Error> {
        if self.in_transaction() {
            return Err(Error::err("typed methods do not queue: EXEC comes first"));
        }
        let reply = self.execute(argv).into_result()?;
        T::from_reply(reply).ok_or_else(|| Error::err("a reply of another kind than expected"))
    }

    /// The same for a command with a list of arguments at its end.
    fn ask_all<T: FromReply, A: AsRef<[u8]>>(
        &mut self,
        front: &[&[u8]],
        rest: &[A],
    ) -> Result<T, Error> {
        let rest = rest.iter().map(AsRef::as_ref);
        let argv: Vec<&[u8]> = front.iter().copied().chain(rest).collect();
        self.ask(&argv)
    }
}

/// What a reply of either protocol can be read as.
trait FromReply: Sized {
    /// `None` for a reply of another kind.
    fn from_reply(reply: Reply) -> Option<Self>;
}

impl FromReply for Reply {
    fn from_reply(reply: Reply) -> Option<Reply> {
        Some(reply)
    }
}

impl FromReply for i64 {
    fn from_reply(reply: Reply) -> Option<i64> {
        match reply {
            Reply::Integer(number) => Some(number),
            _ => None,
        }
    }
}

impl FromReply for usize {
    fn from_reply(reply: Reply) -> Option<usize> {
        i64::from_reply(reply).and_then(|number| number.try_into().ok())
    }
}

impl FromReply for bool {
    fn from_reply(reply: Reply) -> Option<bool> {
        match reply {
            Reply::Boolean(truth) => Some(truth),
            reply => i64::from_reply(reply).map(|number| number != 0),
        }
    }
}

impl FromReply for f64 {
    fn from_reply(reply: Reply) -> Option<f64> {
        match reply {
            Reply::Double(number) => Some(number),
            reply => std::str::from_utf8(reply.as_bytes()?).ok()?.parse().ok(),
        }
    }
}

impl FromReply for Vec<u8> {
    fn from_reply(reply: Reply) -> Option<Vec<u8>> {
        match reply {
            Reply::Bulk(bytes) => Some(bytes),
            Reply::Status(line) => Some(line.into_bytes()),
            _ => None,
        }
    }
}

impl FromReply for StreamId {
    fn from_reply(reply: Reply) -> Option<StreamId> {
        std::str::from_utf8(reply.as_bytes()?).ok()?.parse().ok()
    }
}

impl<T: FromReply> FromReply for Option<T> {
    fn from_reply(reply: Reply) -> Option<Option<T>> {
        match reply {
            Reply::Nil => Some(None),
            reply => T::from_reply(reply).map(Some),
        }
    }
}

impl<T: FromReply> FromReply for Vec<T> {
    fn from_reply(reply: Reply) -> Option<Vec<T>> {
        match reply {
            Reply::Array(items) | Reply::Set(items) => {
                items.into_iter().map(T::from_reply).collect()
            }
            _ => None,
        }
    }
}

/// Two things that follow each other in RESP2, and stand together in RESP3.
#[derive(Debug)]
struct Pairs<A, B>(Vec<(A, B)>);

impl<A: FromReply, B: FromReply> FromReply for Pairs<A, B> {
    fn from_reply(reply: Reply) -> Option<Pairs<A, B>> {
        let items = match reply {
            Reply::Nil => Vec::new(),
            reply => Vec::<Reply>::from_reply(reply)?,
        };
        let mut flat = items.into_iter().flat_map(|item| match item {
            Reply::Array(pair) => pair,
            item => vec![item],
        });
        let mut pairs = Vec::new();
        while let Some(first) = flat.next() {
            pairs.push((A::from_reply(first)?, B::from_reply(flat.next()?)?));
        }
        Some(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_in_both_protocols() {
        let (member, score) = (Reply::Bulk(b"m".to_vec()), Reply::Bulk(b"1.5".to_vec()));
        let flat = Reply::Array(vec![member.clone(), score]);
        let nested = Reply::Array(vec![Reply::Array(vec![member, Reply::Double(1.5)])]);
        for reply in [flat, nested] {
            let pairs = Pairs::<Vec<u8>, f64>::from_reply(reply).unwrap();
            assert_eq!(pairs.0, [(b"m".to_vec(), 1.5)]);
        }
        let half = Reply::Array(vec![Reply::Integer(1)]);
        assert!(Pairs::<i64, i64>::from_reply(half).is_none());
    }

    #[test]
    fn another_kind_of_reply_is_none() {
        assert_eq!(usize::from_reply(Reply::Integer(-1)), None);
        assert_eq!(bool::from_reply(Reply::Boolean(true)), Some(true));
        assert_eq!(Vec::<Vec<u8>>::from_reply(Reply::Integer(1)), None);
        assert_eq!(Option::<i64>::from_reply(Reply::Nil), Some(None));
    }

    #[test]
    fn typed_methods_do_not_queue() {
        let mut session = crate::Engine::open_in_memory().session();
        session.execute(&["MULTI"]);
        assert!(session.llen("l").is_err());
        assert_eq!(session.execute(&["EXEC"]), Reply::Array(vec![]));
    }
}

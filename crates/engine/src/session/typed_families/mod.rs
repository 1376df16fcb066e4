//! Typed methods of every family beyond the few of `typed.rs`. (Messages: `Engine::publish` and
//! `subscribe`.)
//!
//! They are put together from commands, and say what a command's reply means.

mod argv;
mod bit_field;
mod bits;
mod group;
mod hash;
mod hyperloglog;
mod key;
mod list;
mod places;
mod scan;
mod scripts;
mod set;
mod sort;
mod stream;
mod string;
mod zset;
mod zset_range;

pub use bit_field::{BitField, BitOverflow, BitWidth};
pub use bits::BitOp;
pub use group::{Claimed, Group, Pending, PendingEntry};
pub use list::{KeyElement, KeyElements, Side};
pub use places::{GeoArea, Place};
pub use scan::{Scan, Scanned};
pub use set::SetOp;
pub use sort::Sort;
pub use stream::{KeyEntries, StreamEntry, StreamRange, XAdd, XRead};
pub use string::SetIf;
pub use zset::{Extreme, KeyMemberScore, MemberScore, ZAdd};
pub use zset_range::{Aggregate, ZCombine, ZRange};

use super::{FieldValue, Session};
use crate::reply::Reply;
use argv::Argv;
use commands::Error;
use units::StreamId;

impl Session {
    /// Runs a command whose reply is a `T`.
    fn ask<T: FromReply>(&mut self, argv: &Argv<'_>) -> Result<T, Error> {
        if self.in_transaction() {
            return Err(Error::err("typed methods do not queue: EXEC comes first"));
        }
        let reply = self.execute(argv.as_slice()).into_result()?;
        T::from_reply(reply).ok_or_else(|| Error::err("a reply of another kind than expected"))
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

impl FromReply for u64 {
    fn from_reply(reply: Reply) -> Option<u64> {
        match reply {
            // Cursors are text.
            Reply::Bulk(digits) => std::str::from_utf8(&digits).ok()?.parse().ok(),
            reply => i64::from_reply(reply)?.try_into().ok(),
        }
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

impl FromReply for String {
    fn from_reply(reply: Reply) -> Option<String> {
        String::from_utf8(Vec::from_reply(reply)?).ok()
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

/// Reads an array of so many things as a tuple.
macro_rules! from_array {
    ($($part:ident)+) => {
        impl<$($part: FromReply),+> FromReply for ($($part,)+) {
            fn from_reply(reply: Reply) -> Option<Self> {
                let mut parts = Vec::<Reply>::from_reply(reply)?.into_iter();
                let read = ($($part::from_reply(parts.next()?)?,)+);
                parts.next().is_none().then_some(read)
            }
        }
    };
}
from_array!(A B);
from_array!(A B C);
from_array!(A B C D);

/// Two things that follow each other in RESP2, and stand together in RESP3.
#[derive(Debug)]
struct Pairs<A, B>(Vec<(A, B)>);

impl<A: FromReply, B: FromReply> FromReply for Pairs<A, B> {
    fn from_reply(reply: Reply) -> Option<Pairs<A, B>> {
        let items = match reply {
            Reply::Nil => Vec::new(),
            Reply::Map(pairs) => {
                let read = |(first, second)| Some((A::from_reply(first)?, B::from_reply(second)?));
                return pairs
                    .into_iter()
                    .map(read)
                    .collect::<Option<_>>()
                    .map(Pairs);
            }
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
    fn replies_of_both_protocols_mean_the_same() {
        let figures = |protocol| {
            let mut session = crate::Engine::open_in_memory().session();
            session.set_protocol(protocol);
            let (ten, two) = (StreamId::new(10, 0), &[(2.0, "b")]);
            session.zadd("z", ZAdd::default(), two).unwrap();
            session.hset("h", &[("f", "v")]).unwrap();
            let add = XAdd::default().id(ten);
            session.xadd("s", add, &[("f", "v")]).unwrap();
            let group = Group::new("s", "g");
            session.xgroup_create(group, StreamId::MIN).unwrap();
            let read = session.xread_group(group, "ann", XRead::default());
            let union = ZCombine::new(SetOp::Union);
            let scores = session.zcombine(&union, &["z"]).unwrap();
            let streams = session.xread(XRead::default(), &[("s", StreamId::MIN)]);
            let pending = session.xpending(group).unwrap();
            assert_eq!(pending.ends, Some((ten, ten)));
            assert_eq!(pending.consumers, [(b"ann".to_vec(), 1)]);
            let fields = session.hscan("h", Scan::default()).next().unwrap();
            let popped = session.zpop("z", Extreme::Max, 1).unwrap();
            assert_eq!(scores, popped);
            (
                read,
                streams,
                fields,
                popped,
                session.sort("h2", &Sort::default()),
            )
        };
        let told = figures(commands::Protocol::Resp2);
        assert_eq!(told, figures(commands::Protocol::Resp3));
        assert_eq!(told.0.unwrap().len(), 1);
        assert_eq!(told.1.unwrap()[0].1.len(), 1);
    }

    #[test]
    fn typed_methods_do_not_queue() {
        let mut session = crate::Engine::open_in_memory().session();
        session.execute(&["MULTI"]);
        assert!(session.llen("l").is_err());
        assert_eq!(session.execute(&["EXEC"]), Reply::Array(vec![]));
    }
}

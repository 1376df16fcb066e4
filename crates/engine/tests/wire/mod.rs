//! Two engines, one following the other, with the bytes between them carried by hand.
#![allow(dead_code, reason = "no test uses all of it")]

use duramen::storage::Memory;
use duramen::{Engine, Link, ManualClock, Primary, Reply, RespSink, Session, UnixMillis};
use resp::{Limits, RequestDecoder};
use std::task::{Context, Poll, Waker};

pub(crate) const START: UnixMillis = UnixMillis(1_700_000_000_000);

pub(crate) fn open(clock: &ManualClock, seed: u64) -> Engine {
    let builder = Engine::builder("/data").storage(Memory::new()).seed(seed);
    builder.clock(clock.clone()).open().unwrap()
}

pub(crate) fn run(session: &mut Session, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    session.execute(&words)
}

pub(crate) fn text(reply: Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes).unwrap(),
        Reply::Error(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

/// A connection: the session that the primary has for its replica, and the replica's end.
pub(crate) struct Wire {
    pub(crate) session: Session,
    decoder: RequestDecoder,
    pub(crate) to_primary: Vec<u8>,
    pub(crate) link: Link,
    /// What the primary sent, in all.
    pub(crate) sent: usize,
}

impl Wire {
    /// A connection that is about to begin.
    pub(crate) fn new(primary: &Engine, replica: &Engine) -> Wire {
        let mut to_primary = Vec::new();
        let link = replica.link(replica.primary().0, &mut to_primary);
        Wire {
            session: primary.session(),
            decoder: RequestDecoder::new(Limits::default()),
            to_primary,
            link,
            sent: 0,
        }
    }

    /// Carries bytes in pieces of `step` until neither side says anything; whether the replica hung
    /// up.
    pub(crate) fn carry(&mut self, step: usize) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let mut out = Vec::new();
            while let Some(request) = self.decoder.decode(&self.to_primary).unwrap() {
                let argv: Vec<Vec<u8>> = request.iter().map(<[u8]>::to_vec).collect();
                let consumed = request.consumed();
                self.to_primary.drain(..consumed);
                let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
                let protocol = self.session.protocol();
                self.session
                    .execute_into(&argv, &mut RespSink::new(&mut out, protocol));
            }
            let mut fed = Vec::new();
            while let Poll::Ready(more) = self.session.poll_feed(&mut cx, &mut fed) {
                if more.is_err() {
                    return true;
                }
                out.append(&mut fed);
            }
            if out.is_empty() {
                return false;
            }
            self.sent += out.len();
            for piece in out.chunks(step) {
                if self.link.feed(piece, &mut self.to_primary).is_err() {
                    return true;
                }
            }
        }
    }
}

pub(crate) fn follow(replica: &Engine) {
    replica.set_primary(Some(Primary {
        host: "primary".to_owned(),
        port: 6379,
    }));
}

pub(crate) fn info(engine: &Engine, field: &str) -> String {
    let all = text(run(&mut engine.session(), "INFO replication"));
    let begin = format!("{field}:");
    let line = all.lines().find_map(|line| line.strip_prefix(&begin));
    line.unwrap_or_else(|| panic!("no {field} in {all}"))
        .to_owned()
}

pub(crate) fn assert_same(a: &Engine, b: &Engine) {
    for field in ["master_replid", "master_repl_offset"] {
        assert_eq!(info(a, field), info(b, field), "{field}");
    }
    let digest = |engine: &Engine| engine.digest(duramen::DigestForm::Redis74);
    assert_eq!(digest(a).unwrap(), digest(b).unwrap());
}

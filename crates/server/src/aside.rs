//! Requests that may take as long as a script likes: answered on a thread of their own, so that the
//! connections beside it are served, and `SCRIPT KILL` is heard.

use duramen::{RespSink, Session};
use std::io;
use std::ops::{Deref, DerefMut};

/// A connection's session, which is away while another thread answers a request with it.
pub(crate) struct Seat(Option<Session>);

impl Seat {
    pub(crate) fn new(session: Session) -> Seat {
        Seat(Some(session))
    }

    /// Answers requests aside, at the end of `output`.
    pub(crate) async fn answer(
        &mut self,
        requests: Vec<Vec<Vec<u8>>>,
        output: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut session = self.0.take().expect("one request at a time");
        let mut replies = std::mem::take(output);
        let work = move || {
            for argv in &requests {
                let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
                let mut sink = RespSink::new(&mut replies, session.protocol());
                session.execute_into(&argv, &mut sink);
            }
            (session, replies)
        };
        let done = tokio::task::spawn_blocking(work).await;
        // A thread that panicked took the session with it: the conversation is over.
        let (session, replies) = done.map_err(io::Error::other)?;
        self.0 = Some(session);
        *output = replies;
        Ok(())
    }
}

impl Deref for Seat {
    type Target = Session;
    fn deref(&self) -> &Session {
        self.0.as_ref().expect("nothing else happens meanwhile")
    }
}

impl DerefMut for Seat {
    fn deref_mut(&mut self) -> &mut Session {
        self.0.as_mut().expect("nothing else happens meanwhile")
    }
}

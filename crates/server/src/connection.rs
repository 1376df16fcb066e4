//! One connection: bytes in, requests to the session, replies out; and messages, if the client
//! subscribed to any.

use crate::aside::Seat;
use crate::live::Live;
use crate::pipeline::{AHEAD, Pipeline};
use crate::shutdown::Stopped;
use duramen::{Buffers, Engine, RespSink, Session};
use resp::{Limits, RequestDecoder};
use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// How much is read at once, and at most reserved on a peer's word.
const READ_BYTES: usize = 16 << 10;
const RESERVE_BYTES_MAX: usize = 1 << 20;

/// Replies leave once there are this many bytes of them, even if more requests wait.
const WRITE_BYTES: usize = 64 << 10;

/// How much of what comes behind a command that waits is read while it does.
const AHEAD_BYTES_MAX: usize = 1 << 20;

/// How often a replica that waits for its snapshot hears something, and how long it may take no byte.
const LINE_EVERY: Duration = Duration::from_secs(1);
const REPLICA_SILENT_MAX: Duration = Duration::from_secs(60);

/// How much is read of requests while the peer takes no replies (`client-query-buffer-limit`).
const UNANSWERED_BYTES_MAX: usize = 1 << 30;

/// A buffer that grew beyond this for one request is given back afterwards.
const KEPT_BYTES_MAX: usize = 256 << 10;

/// Serves `stream` until the peer hangs up, says `QUIT`, breaks the protocol, stays silent for too
/// long, or the server ends.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    session: Session,
    live: &Live,
    stopped: Stopped,
) -> io::Result<()> {
    let mut connection = Connection::new(stream, session, live, stopped);
    while connection.turn().await? {}
    Ok(())
}

struct Connection<S> {
    stream: S,
    session: Seat,
    decoder: RequestDecoder,
    /// It is known who the peer is, so that its requests may be long.
    is_known: bool,
    pipeline: Pipeline,
    input: Vec<u8>,
    output: Vec<u8>,
    live: Live,
    stopped: Stopped,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(stream: S, session: Session, live: &Live, stopped: Stopped) -> Connection<S> {
        Connection {
            decoder: RequestDecoder::new(Limits::UNAUTHENTICATED),
            is_known: false,
            stream,
            session: Seat::new(session),
            pipeline: Pipeline::default(),
            input: Vec::new(),
            output: Vec::new(),
            live: live.clone(),
            stopped,
        }
    }

    /// Reads once, answers what is complete, and tells whether to go on; or passes on messages.
    async fn turn(&mut self) -> io::Result<bool> {
        let held = self.input.len();
        match self.next().await? {
            Event::End => return Ok(false),
            Event::Messages => {
                self.take_messages();
                self.write().await?;
                return Ok(!self.session.is_cut_off());
            }
            Event::Bytes if self.session.is_expelled() => return Ok(false),
            Event::Bytes => {
                self.session.note_traffic(self.input.len() - held, 0);
                self.note_buffers();
            }
        }
        let mut go_on = true;
        let mut done = 0;
        while go_on {
            let (answered, state) = self.answer(done);
            done += answered;
            let before = self.input.len();
            self.write().await?;
            go_on = match state {
                State::Waiting if self.input.len() > before => true,
                State::Waiting => break,
                State::More => true,
                State::Blocked => self.unblocked().await?,
                State::Aside(requests) => {
                    self.session.answer(requests, &mut self.output).await?;
                    !self.session.wants_to_quit()
                }
                State::Over => false,
            };
        }
        self.input.drain(..done);
        self.give_back();
        if self.session.is_fed() {
            return self.feed().await;
        }
        Ok(go_on)
    }

    /// Waits for bytes, or for messages. The conversation ends with the bytes, when none came for
    /// too long, or when the server ends: what was read is answered first, and a peer that never
    /// pauses can't hold it up.
    async fn next(&mut self) -> io::Result<Event> {
        let missing = self.decoder.bytes_missing(self.input.len());
        self.input
            .reserve(missing.clamp(READ_BYTES, RESERVE_BYTES_MAX));
        self.note_buffers();
        self.session.report();
        let session = &self.session;
        let subscribed = session.is_subscribed() || session.is_monitor();
        // Who listens may be silent for as long as it likes.
        let idle = self.live.idle().filter(|_| !subscribed);
        let silence = async {
            match idle {
                Some(idle) => tokio::time::sleep(idle).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stopped.wait() => Ok(Event::End),
            count = self.stream.read_buf(&mut self.input) => match count? {
                0 => Ok(Event::End),
                _ => Ok(Event::Bytes),
            },
            () = poll_fn(|cx| session.poll_messages(cx)), if session.expects_messages() => Ok(Event::Messages),
            () = poll_fn(|cx| session.poll_expelled(cx)) => Ok(Event::End),
            () = silence => Ok(Event::End),
        }
    }

    /// Waits until the command that waits has its reply, which goes to the output, and passes on
    /// messages meanwhile; `false` if the conversation is over.
    async fn unblocked(&mut self) -> io::Result<bool> {
        loop {
            let mut sink = RespSink::new(&mut self.output, self.session.protocol());
            if self.session.try_unblocked(&mut sink) {
                return Ok(true);
            }
            match self.next_while_blocked().await? {
                Event::End => return Ok(false),
                Event::Messages => {
                    self.take_messages();
                    self.write().await?;
                    if self.session.is_cut_off() {
                        return Ok(false);
                    }
                }
                Event::Bytes => {}
            }
        }
    }

    /// Waits for the command that waits to be served or its time to be over. Bytes are only read so
    /// that the peer's hanging up is noticed.
    async fn next_while_blocked(&mut self) -> io::Result<Event> {
        let session = &self.session;
        let time_is_over = async {
            match session.blocked_for() {
                Some(left) => tokio::time::sleep(left).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stopped.wait() => Ok(Event::End),
            () = poll_fn(|cx| session.poll_unblocked(cx)) => Ok(Event::Bytes),
            () = time_is_over => Ok(Event::Bytes),
            () = poll_fn(|cx| session.poll_expelled(cx)) => Ok(Event::End),
            () = poll_fn(|cx| session.poll_messages(cx)), if session.expects_messages() => {
                Ok(Event::Messages)
            }
            count = self.stream.read_buf(&mut self.input), if self.input.len() < AHEAD_BYTES_MAX => {
                match count? {
                    0 => Ok(Event::End),
                    _ => Ok(Event::Bytes),
                }
            }
        }
    }

    /// Sends a replica what it is to have, and hears how far it is, until it hangs up. Always `false`:
    /// the conversation is over then.
    async fn feed(&mut self) -> io::Result<bool> {
        loop {
            self.hear_replica()?;
            let (session, output) = (&mut self.session, &mut self.output);
            let next = poll_fn(|cx| match session.poll_feed(cx, output) {
                Poll::Ready(fed) => Poll::Ready(fed.map_err(io::Error::other).map(|()| true)),
                Poll::Pending => session.poll_expelled(cx).map(|()| Ok(false)),
            });
            let go_on = tokio::select! {
                biased;
                () = self.stopped.wait() => false,
                count = self.stream.read_buf(&mut self.input) => count? > 0,
                fed = next => fed?,
                () = tokio::time::sleep(LINE_EVERY) => true,
            };
            if !go_on {
                return Ok(false);
            }
            let sent =
                tokio::time::timeout(REPLICA_SILENT_MAX, self.stream.write_all(&self.output));
            sent.await.map_err(io::Error::other)??;
            self.output.clear();
        }
    }

    /// Carries out what a replica said. It gets no replies.
    fn hear_replica(&mut self) -> io::Result<()> {
        let mut done = 0;
        let mut replies = Vec::new();
        while let Some(request) = self
            .decoder
            .decode(&self.input[done..])
            .map_err(io::Error::other)?
        {
            let argv: Vec<&[u8]> = request.iter().collect();
            let consumed = request.consumed();
            if !argv.is_empty() {
                let mut sink = RespSink::new(&mut replies, self.session.protocol());
                self.session.execute_into(&argv, &mut sink);
            }
            done += consumed;
        }
        self.input.drain(..done);
        self.session.report();
        Ok(())
    }

    /// Moves messages that wait to the output, as many as leave at once.
    fn take_messages(&mut self) {
        let mut sink = RespSink::new(&mut self.output, self.session.protocol());
        self.session.write_messages(&mut sink, WRITE_BYTES);
    }

    /// Answers requests from offset `start` of the input, and returns how many bytes they took.
    fn answer(&mut self, start: usize) -> (usize, State) {
        let mut done = 0;
        loop {
            if self.output.len() >= WRITE_BYTES {
                return (done, State::More);
            }
            let Some((argv, consumed)) = self.pipeline.next(&self.input) else {
                match self.fill(start + done) {
                    None => continue,
                    Some(state) => return (done, state),
                }
            };
            done += consumed;
            if self.session.may_take_long(&argv) {
                let mut requests = vec![argv.iter().map(|arg| arg.to_vec()).collect()];
                drop(argv);
                let long = |argv: &[&[u8]]| self.session.may_take_long(argv);
                let (more, consumed) = self.pipeline.take_while(&self.input, long);
                requests.extend(more);
                return (done + consumed, State::Aside(requests));
            }
            if !argv.is_empty() {
                let mut sink = RespSink::new(&mut self.output, self.session.protocol());
                if self.session.expects_messages() {
                    // What was published before the request comes before its reply.
                    self.session.write_messages(&mut sink, WRITE_BYTES);
                }
                self.session.execute_into(&argv, &mut sink);
                if self.session.is_blocked() {
                    return (done, State::Blocked);
                }
            }
            if self.session.wants_to_quit() {
                return (done, State::Over);
            }
        }
    }

    /// Decodes more requests, from offset `at` of the input on; what else is to be done if there is
    /// none.
    fn fill(&mut self, at: usize) -> Option<State> {
        let most = self.requests_ahead();
        let filled = self.pipeline.fill(&mut self.decoder, &self.input, at, most);
        match filled {
            Ok(0) => Some(State::Waiting),
            Ok(1) => None,
            Ok(_) => {
                self.session.expect_keys(&self.pipeline.keys(&self.input));
                None
            }
            Err(error) => {
                resp::encode::error(&mut self.output, format!("ERR {error}").as_bytes());
                Some(State::Over)
            }
        }
    }

    /// How many requests to decode at once: one by one until it is known who the peer is, as that
    /// may be what the next one says.
    fn requests_ahead(&mut self) -> usize {
        if !self.is_known && self.session.is_authenticated() {
            self.is_known = true;
            self.decoder.set_limits(limits(self.session.engine()));
        }
        match self.is_known {
            true => AHEAD,
            false => 1,
        }
    }

    /// Sends the output, once all that it tells of is as safe as `appendfsync` says. If that failed
    /// the peer is told so and nothing else, and the conversation is over.
    async fn write(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let session = &mut self.session;
        let upto = session.logged();
        if let Err(error) = poll_fn(|cx| session.poll_committed(cx, upto)).await {
            self.output.clear();
            resp::encode::error(&mut self.output, error.to_string().as_bytes());
            self.send().await?;
            return Err(io::ErrorKind::Other.into());
        }
        self.note_buffers();
        self.send().await
    }

    /// Meanwhile requests are read: a peer that sends all of many before it reads a reply would wait
    /// for us as we for it.
    async fn send(&mut self) -> io::Result<()> {
        // Strangers have to take their replies.
        let (mut sent, mut reads) = (0, self.is_known);
        while sent < self.output.len() {
            let (session, stream) = (&self.session, &mut self.stream);
            let (input, rest) = (&mut self.input, &self.output[sent..]);
            let moved = poll_fn(|cx| {
                let read = match Pin::new(&mut *stream).poll_write(cx, rest) {
                    Poll::Pending if reads => poll_read_ahead(stream, cx, input),
                    Poll::Pending => return Poll::Pending,
                    written => return written.map_ok(Moved::Written),
                };
                read.map_ok(Moved::Read)
            });
            let moved = tokio::select! {
                biased;
                moved = moved => moved?,
                // A peer that does not read while messages come: it is not waited for.
                () = cut_off(session), if session.expects_messages() => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                () = poll_fn(|cx| session.poll_expelled(cx)) => {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            };
            match moved {
                Moved::Written(0) => return Err(io::ErrorKind::WriteZero.into()),
                Moved::Written(count) => sent += count,
                // It says nothing more, and may still listen.
                Moved::Read(0) => reads = false,
                Moved::Read(count) => {
                    self.session.note_traffic(count, 0);
                    self.note_buffers();
                }
            }
        }
        self.session.note_traffic(0, self.output.len());
        self.output.clear();
        Ok(())
    }

    fn note_buffers(&mut self) {
        let (input, output) = (&self.input, &self.output);
        let buffers = Buffers {
            input: input.len(),
            input_free: input.capacity() - input.len(),
            output: output.capacity(),
        };
        self.session.note_buffers(buffers);
    }

    fn give_back(&mut self) {
        for buffer in [&mut self.input, &mut self.output] {
            if buffer.capacity() > KEPT_BYTES_MAX && buffer.len() <= READ_BYTES {
                buffer.shrink_to(READ_BYTES);
            }
        }
    }
}

/// What moved on a connection, in bytes.
enum Moved {
    Written(usize),
    Read(usize),
}

/// Reads what is there, unless too much waits to be answered already.
fn poll_read_ahead<S: AsyncRead + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    input: &mut Vec<u8>,
) -> Poll<io::Result<usize>> {
    if input.len() >= UNANSWERED_BYTES_MAX {
        return Poll::Pending;
    }
    let mut block = [0; READ_BYTES];
    let mut block = ReadBuf::new(&mut block);
    let read = Pin::new(stream).poll_read(cx, &mut block);
    input.extend_from_slice(block.filled());
    read.map_ok(|()| block.filled().len())
}

/// How often to see how long messages have waited.
const LIMIT_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// Waits until more messages wait for the client than may, or do for too long.
async fn cut_off(session: &Session) {
    loop {
        tokio::select! {
            () = poll_fn(|cx| session.poll_cut_off(cx)) => return,
            () = tokio::time::sleep(LIMIT_LOOKED_AT_EVERY) => {
                if session.is_cut_off() {
                    return;
                }
            }
        }
    }
}

/// What a peer may send in one request.
fn limits(engine: &Engine) -> Limits {
    let bulk = engine.config("proto-max-bulk-len");
    let bulk = bulk.and_then(|bytes| bytes.parse().ok());
    bulk.map_or_else(Limits::default, |bytes| {
        Limits::default().with_bulk_bytes_max(bytes)
    })
}

/// What a connection waits for.
enum Event {
    /// Bytes from the peer.
    Bytes,
    /// Messages for it.
    Messages,
    /// There is nothing more to wait for.
    End,
}

/// What is left to do after some requests were answered.
enum State {
    /// Nothing, until more bytes come.
    Waiting,
    /// Requests are left, but replies must leave first.
    More,
    /// A command waits, and those behind it with it.
    Blocked,
    /// Requests are to be answered aside, and then more may be left.
    Aside(Vec<Vec<Vec<u8>>>),
    /// The conversation is over.
    Over,
}

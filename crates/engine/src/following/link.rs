//! One connection to the primary: bytes in, bytes out.

use super::transfer::{End, Transfer};
use super::{Progress, Stage, State};
use crate::Engine;
use crate::datadir::{OpenError, SaveError};
use crate::reply::Discard;
use crate::session::Session;
use resp::{Limits, RequestDecoder};
use units::{DbIndex, ReplId, ReplOffset};

/// The longest line that a primary replies with.
const LINE_MAX: usize = 64 << 10;

/// Why a connection to a primary is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The primary said no, or something else than was expected.
    #[error("the primary said {said:?} to {to}")]
    Refused {
        /// Its reply.
        said: String,
        /// What it was asked.
        to: &'static str,
    },
    /// The primary did not take our password.
    #[error("Unable to AUTH to MASTER: {0}")]
    Login(String),
    /// What came is no stream of commands.
    #[error("the stream is damaged at offset {0}: {1}")]
    Stream(u64, resp::ProtocolError),
    /// What came could not be kept.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The snapshot that came could not be loaded.
    #[error("the primary's snapshot: {0}")]
    Load(Box<OpenError>),
    /// Another primary was chosen.
    #[error("another primary was chosen")]
    OutOfDate,
}

/// What is done with the next bytes.
#[derive(Debug)]
enum Step {
    /// A line is the reply to this.
    Ask(Question),
    /// A line says how long the snapshot is that stands for this point of a history.
    Size(ReplId, ReplOffset),
    Snapshot(Transfer, ReplId, ReplOffset),
    Stream,
}

/// What a primary is asked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Ping,
    Auth,
    Port,
    Address,
    Capabilities,
    Psync,
}

/// The replica's end of a connection to its primary. Dropping it is hanging up.
#[derive(Debug)]
pub struct Link {
    engine: Engine,
    /// Carries out what comes.
    session: Session,
    choice: u64,
    step: Step,
    input: Vec<u8>,
    decoder: RequestDecoder,
    /// Bytes of a transaction that is not whole yet.
    pending: Vec<u8>,
}

impl Engine {
    /// A connection to the primary that was chosen as [`Engine::primary`] told, and what is said
    /// first.
    pub fn link(&self, choice: u64, out: &mut Vec<u8>) -> Link {
        let mut link = Link {
            engine: self.clone(),
            session: Session::replaying(self.clone()),
            choice,
            step: Step::Ask(Question::Ping),
            input: Vec::new(),
            decoder: RequestDecoder::new(Limits::default()),
            pending: Vec::new(),
        };
        link.enter(Stage::Connecting);
        link.ask(Question::Ping, out);
        link
    }
}

impl Link {
    /// Takes bytes that came, and puts what is to be sent into `out`. Loading a snapshot takes as
    /// long as that takes.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        let now = self.engine.now();
        self.note(|state| state.heard_at = now);
        self.input.extend_from_slice(bytes);
        while self.step(out)? {
            self.check_choice()?;
        }
        self.check_choice()
    }

    /// Says how far this replica is, which is to be done every second.
    pub fn report(&mut self, out: &mut Vec<u8>) -> Result<(), LinkError> {
        self.check_choice()?;
        match self.step {
            Step::Stream => self.acknowledge(out),
            // So that the primary sees that the line is up.
            Step::Snapshot(..) => out.push(b'\n'),
            Step::Ask(_) | Step::Size(..) => {}
        }
        Ok(())
    }

    /// Does one thing with what came; whether there may be more.
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, LinkError> {
        match &mut self.step {
            Step::Stream => self.stream(out),
            Step::Snapshot(transfer, id, offset) => {
                let (taken, is_whole) = transfer.take(&self.input)?;
                self.input.drain(..taken);
                let (id, offset) = (*id, *offset);
                let progress = Progress {
                    total: transfer.total(),
                    read: transfer.written(),
                };
                self.note(|state| state.transfer = progress);
                if is_whole {
                    self.load(id, offset)?;
                    self.acknowledge(out);
                }
                Ok(is_whole)
            }
            Step::Ask(_) | Step::Size(..) => match self.line()? {
                None => Ok(false),
                // While it prepares, a primary sends empty lines.
                Some(line) if line.is_empty() => Ok(true),
                Some(line) => self.answer(&line, out).map(|()| true),
            },
        }
    }

    /// The next line, if it is whole.
    fn line(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let Some(end) = self.input.iter().position(|byte| *byte == b'\n') else {
            return match self.input.len() > LINE_MAX {
                true => Err(self.refused(&self.input[..100], "its question")),
                false => Ok(None),
            };
        };
        let mut line: Vec<u8> = self.input.drain(..=end).collect();
        while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            line.pop();
        }
        Ok(Some(line))
    }

    fn answer(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        match &self.step {
            Step::Size(id, offset) => {
                let (id, offset) = (*id, *offset);
                let end = End::parse(line).ok_or_else(|| self.refused(line, "PSYNC"))?;
                let transfer = Transfer::new(self.engine.inner().receive()?, end);
                self.step = Step::Snapshot(transfer, id, offset);
                self.enter(Stage::Syncing);
                Ok(())
            }
            Step::Ask(Question::Psync) => self.answer_to_psync(line),
            Step::Ask(question) => self.answer_to(*question, line, out),
            Step::Snapshot(..) | Step::Stream => Ok(()),
        }
    }

    /// Of what comes before `PSYNC`, only passwords have to be taken.
    fn answer_to(
        &mut self,
        question: Question,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), LinkError> {
        let next = match question {
            Question::Ping => {
                let known = [
                    &b"+"[..],
                    b"-NOAUTH",
                    b"-NOPERM",
                    b"-ERR operation not permitted",
                ];
                if !known.iter().any(|begin| line.starts_with(begin)) {
                    return Err(self.refused(line, "PING"));
                }
                Question::Auth
            }
            Question::Auth if line.starts_with(b"-") => {
                let said = String::from_utf8_lossy(line).into_owned();
                return Err(LinkError::Login(said));
            }
            Question::Auth => Question::Port,
            Question::Port => Question::Address,
            Question::Address => Question::Capabilities,
            Question::Capabilities | Question::Psync => Question::Psync,
        };
        self.ask(next, out);
        Ok(())
    }

    /// Asks, or what comes next if there is nothing to ask.
    fn ask(&mut self, question: Question, out: &mut Vec<u8>) {
        let setting = |name| self.engine.config(name).filter(|value| !value.is_empty());
        let ours = |announced, own| {
            setting(announced)
                .filter(|value| value != "0")
                .or_else(|| setting(own))
        };
        let words: Vec<String> = match question {
            Question::Ping => vec!["PING".to_owned()],
            Question::Auth => match setting("masterauth") {
                None => return self.ask(Question::Port, out),
                Some(password) => {
                    let user = setting("masteruser");
                    let name = ["AUTH".to_owned()].into_iter();
                    name.chain(user).chain([password]).collect()
                }
            },
            Question::Port => {
                let port = ours("replica-announce-port", "port").unwrap_or_default();
                vec!["REPLCONF".to_owned(), "listening-port".to_owned(), port]
            }
            Question::Address => match setting("replica-announce-ip") {
                None => return self.ask(Question::Capabilities, out),
                Some(address) => vec!["REPLCONF".to_owned(), "ip-address".to_owned(), address],
            },
            Question::Capabilities => ["REPLCONF", "capa", "eof", "capa", "psync2"]
                .map(str::to_owned)
                .to_vec(),
            Question::Psync => {
                let journal = self.engine.log().journal();
                let next = journal.offset().0 + 1;
                let words = [
                    "PSYNC".to_owned(),
                    journal.replid().to_string(),
                    next.to_string(),
                ];
                // By this word the other side takes over.
                let takes_over = self.engine.failover().is_in_progress();
                let last = takes_over.then(|| "FAILOVER".to_owned());
                words.into_iter().chain(last).collect()
            }
        };
        let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
        resp::encode::command(out, &words);
        self.step = Step::Ask(question);
    }

    fn answer_to_psync(&mut self, line: &[u8]) -> Result<(), LinkError> {
        let text = String::from_utf8_lossy(line).into_owned();
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            ["+FULLRESYNC", id, offset] => {
                let (id, offset) = (id.parse().ok(), offset.parse().ok());
                let (Some(id), Some(offset)) = (id, offset) else {
                    return Err(self.refused(line, "PSYNC"));
                };
                self.engine.end_failover();
                self.step = Step::Size(id, ReplOffset(offset));
            }
            ["+CONTINUE"] => self.go_on(),
            ["+CONTINUE", id] => {
                let id = id.parse().map_err(|_| self.refused(line, "PSYNC"))?;
                self.engine.inner().rename_history(id);
                self.go_on();
            }
            _ => {
                if self.engine.failover().is_in_progress() {
                    let why = "Failover target rejected psync request";
                    self.engine.take_back_failover(why);
                }
                return Err(self.refused(line, "PSYNC"));
            }
        }
        Ok(())
    }

    /// The stream goes on where this engine is, with the database that it had there.
    fn go_on(&mut self) {
        self.engine.end_failover();
        let place = self.engine.log().place();
        self.session = Session::replaying(self.engine.clone());
        self.session.go_on_in(place.db.unwrap_or(DbIndex::ZERO));
        self.note(|state| (state.read, state.processed) = (place.at, place.at));
        self.step = Step::Stream;
        self.enter(Stage::Up);
    }

    /// Takes over what came.
    fn load(&mut self, id: ReplId, offset: ReplOffset) -> Result<(), LinkError> {
        let loading = self.engine.loading();
        loading.begin(self.engine.now());
        let loaded = self.engine.load_received(id, offset);
        loading.end();
        loaded?;
        self.go_on();
        Ok(())
    }

    /// Carries out the next command of the stream, if it is whole.
    fn stream(&mut self, out: &mut Vec<u8>) -> Result<bool, LinkError> {
        let at = self.engine.log().end().0 + self.pending.len() as u64;
        let request = self.decoder.decode(&self.input);
        let Some(request) = request.map_err(|error| LinkError::Stream(at, error))? else {
            return Ok(false);
        };
        let consumed = request.consumed();
        let argv: Vec<Vec<u8>> = request.iter().map(<[u8]>::to_vec).collect();
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let raw: Vec<u8> = self.input.drain(..consumed).collect();
        self.note(|state| state.read = state.read + consumed as u64);
        self.pending.extend_from_slice(&raw);
        if is(&argv, &[b"REPLCONF", b"GETACK"]) {
            // It is no part of what it asks for.
            self.acknowledge(out);
        }
        self.apply(&argv);
        Ok(true)
    }

    fn apply(&mut self, argv: &[&[u8]]) {
        let only_stream =
            is(argv, &[b"PING"]) || is(argv, &[b"REPLCONF"]) || is(argv, &[b"PUBLISH"]);
        let is_begun = self.session.in_transaction() || is(argv, &[b"MULTI"]);
        if is_begun && !is(argv, &[b"EXEC"]) {
            return self.run(argv);
        }
        let raw = std::mem::take(&mut self.pending);
        match only_stream {
            true => {
                if !is(argv, &[b"REPLCONF"]) {
                    self.run(argv);
                }
                let db = self.session.db();
                self.engine.log().relay(&raw, true, db);
            }
            false => {
                self.session.relay(raw);
                self.run(argv);
                self.session.end_relay();
            }
        }
        let end = self.engine.log().end();
        self.note(|state| state.processed = end);
    }

    /// What fails here failed there.
    fn run(&mut self, argv: &[&[u8]]) {
        if !argv.is_empty() {
            self.session.execute_into(argv, &mut Discard::default());
        }
    }

    fn acknowledge(&self, out: &mut Vec<u8>) {
        let end = self.engine.log().end().0.to_string();
        let synced = self.engine.inner().durable.synced_if_on();
        let synced = synced.map(|offset| offset.0.to_string());
        let mut words: Vec<&[u8]> = vec![b"REPLCONF", b"ACK", end.as_bytes()];
        if let Some(synced) = &synced {
            words.extend([b"FACK".as_slice(), synced.as_bytes()]);
        }
        resp::encode::command(out, &words);
    }

    fn check_choice(&self) -> Result<(), LinkError> {
        match self.engine.following().state.lock().choice == self.choice {
            true => Ok(()),
            false => Err(LinkError::OutOfDate),
        }
    }

    fn enter(&self, stage: Stage) {
        let now = self.engine.now();
        self.note(|state| {
            state.stage = stage;
            if stage == Stage::Up {
                state.down_since = None;
            }
            state.heard_at = now;
        });
    }

    /// Notes something, unless another primary was chosen.
    fn note(&self, what: impl FnOnce(&mut State)) {
        let mut state = self.engine.following().state.lock();
        if state.choice == self.choice {
            what(&mut state);
        }
    }

    fn refused(&self, line: &[u8], to: &'static str) -> LinkError {
        let said = String::from_utf8_lossy(line).into_owned();
        LinkError::Refused { said, to }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let now = self.engine.now();
        self.note(|state| {
            state.stage = Stage::Down;
            state.down_since.get_or_insert(now);
        });
    }
}

/// Whether a request begins with these words, in any case.
fn is(argv: &[&[u8]], words: &[&[u8]]) -> bool {
    argv.len() >= words.len()
        && argv
            .iter()
            .zip(words)
            .all(|(arg, word)| arg.eq_ignore_ascii_case(word))
}

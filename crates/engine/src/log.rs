//! Effects on their way into the journal: encoded once, outside its lock, appended in one piece.

use crate::place::Place;
use crate::stats::Apart;
use journal::Journal;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use units::{DbIndex, ReplId, ReplOffset};

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// The journal, and the database that its last effect was for.
#[derive(Debug)]
pub(crate) struct Log {
    journal: Journal,
    /// The journal's end, for who only wants to know whether there is more.
    end: Apart<AtomicU64>,
    selected: Mutex<Option<DbIndex>>,
    readers: Readers,
    /// Another's history is passed on: nothing of our own belongs in it.
    relays: AtomicBool,
}

/// Who is told when there is more.
#[derive(Debug, Default)]
struct Readers {
    is_any: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Log {
    pub(crate) fn new(journal: Journal) -> Log {
        Log {
            end: Apart(AtomicU64::new(journal.offset().0)),
            journal,
            selected: Mutex::new(None),
            readers: Readers::default(),
            relays: AtomicBool::new(false),
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Appends the batch and empties it, and in the same step does `also`. Called inside the locks
    /// under which the changes were made: the order of calls is the order of history, and what
    /// `also` puts elsewhere has the same order.
    pub(crate) fn append(&self, batch: &mut Batch, also: impl FnOnce()) -> Option<ReplOffset> {
        let first = batch.first_db;
        let Some(first) = first.filter(|_| !self.relays.load(Ordering::Relaxed)) else {
            batch.clear();
            also();
            return None;
        };
        let mut selected = self.selected.lock();
        also();
        let select = match *selected == Some(first) {
            true => Vec::new(),
            false => select(first),
        };
        let (multi, exec) = match batch.commands > 1 {
            true => (MULTI, EXEC),
            false => (&b""[..], &b""[..]),
        };
        let end = self
            .journal
            .append_all(&[&select, multi, &batch.records, exec]);
        *selected = batch.last_db;
        self.end.store(end.0, Ordering::Release);
        drop(selected);
        batch.clear();
        self.readers.wake();
        Some(end)
    }

    /// Appends a command that only replicas get, for a database if that matters; see
    /// [`Journal::append_stream_only`].
    pub(crate) fn append_stream_only(&self, db: Option<DbIndex>, argv: &[&[u8]]) -> ReplOffset {
        let mut selected = self.selected.lock();
        if let Some(db) = db.filter(|db| *selected != Some(*db)) {
            self.journal.append(&select(db));
            *selected = Some(db);
        }
        let end = self.journal.append_stream_only(&command(argv));
        self.end.store(end.0, Ordering::Release);
        self.readers.wake();
        end
    }

    /// Whether a primary's history is passed on from now on, and nothing else appended.
    pub(crate) fn set_relaying(&self, on: bool) {
        let _selected = self.selected.lock();
        self.relays.store(on, Ordering::Relaxed);
    }

    /// Appends bytes of a primary's stream, as they came; `only_stream` if they are no history. What
    /// follows is for the database `db`, if it does not say otherwise.
    pub(crate) fn relay(&self, bytes: &[u8], only_stream: bool, db: DbIndex) -> ReplOffset {
        let mut selected = self.selected.lock();
        *selected = Some(db);
        let end = match only_stream {
            true => self.journal.append_stream_only(bytes),
            false => self.journal.append(bytes),
        };
        self.end.store(end.0, Ordering::Release);
        self.readers.wake();
        end
    }

    /// Goes on under another name; where that is. The next effect names its database.
    pub(crate) fn begin_history(&self, replid: ReplId) -> ReplOffset {
        *self.selected.lock() = None;
        self.journal.rename(replid)
    }

    /// Forgets everything and goes on at that point of a history.
    pub(crate) fn reset(&self, place: Place) {
        let mut selected = self.selected.lock();
        self.journal.reset(place.replid, place.at);
        self.end.store(place.at.0, Ordering::Release);
        *selected = place.db;
        self.readers.wake();
    }

    /// Wakes the task of `cx` when something is appended, once.
    pub(crate) fn wake_when_longer(&self, cx: &Context<'_>) {
        let mut wakers = self.readers.wakers.lock();
        if !wakers.iter().any(|known| known.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        self.readers.is_any.store(true, Ordering::SeqCst);
    }

    /// Wakes all who wait for more, though there may be none.
    pub(crate) fn wake_readers(&self) {
        self.readers.wake();
    }

    /// Where the journal ends, without waiting for anybody.
    pub(crate) fn end(&self) -> ReplOffset {
        ReplOffset(self.end.load(Ordering::Acquire))
    }

    /// Makes the next effect name its database, so that a file may begin with it; what another's
    /// history goes on with can't be made to, and is in the place. Called when nothing can be
    /// appended: under the locks of all shards.
    pub(crate) fn cut(&self) -> Place {
        let mut selected = self.selected.lock();
        if !self.relays.load(Ordering::Relaxed) {
            *selected = None;
        }
        self.place_with(*selected)
    }

    /// Where the history is. Called when nothing can be appended.
    pub(crate) fn place(&self) -> Place {
        self.place_with(*self.selected.lock())
    }

    fn place_with(&self, db: Option<DbIndex>) -> Place {
        Place {
            replid: self.journal.replid(),
            at: self.journal.offset(),
            db,
        }
    }
}

impl Readers {
    #[inline]
    fn wake(&self) {
        if self.is_any.load(Ordering::SeqCst) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut wakers = self.wakers.lock();
        self.is_any.store(false, Ordering::SeqCst);
        wakers.drain(..).for_each(Waker::wake);
    }
}

/// The effects of one command or transaction, encoded.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    records: Vec<u8>,
    commands: usize,
    first_db: Option<DbIndex>,
    last_db: Option<DbIndex>,
}

impl Batch {
    /// Adds a command that was carried out in database `db`.
    pub(crate) fn push<'a>(&mut self, db: DbIndex, argv: impl Iterator<Item = &'a [u8]> + Clone) {
        if self.first_db.is_none() {
            self.first_db = Some(db);
        } else if self.last_db != Some(db) {
            self.records.extend_from_slice(&select(db));
        }
        self.last_db = Some(db);
        self.commands += 1;
        resp::encode::array_len(&mut self.records, argv.clone().count());
        argv.for_each(|arg| resp::encode::bulk(&mut self.records, arg));
    }

    fn clear(&mut self) {
        self.records.clear();
        *self = Batch {
            records: std::mem::take(&mut self.records),
            ..Batch::default()
        };
    }
}

/// What has the next command be for a database.
pub(crate) fn select(db: DbIndex) -> Vec<u8> {
    command(&[b"SELECT", db.to_string().as_bytes()])
}

fn command(argv: &[&[u8]]) -> Vec<u8> {
    let mut record = Vec::new();
    resp::encode::command(&mut record, argv);
    record
}

#[cfg(test)]
mod tests {
    use crate::{Engine, ManualClock, Session, UnixMillis};
    use std::fmt::Write as _;
    use units::ReplOffset;

    const START: UnixMillis = UnixMillis(1_700_000_000_000);

    /// An engine whose clock stands still, and a session of it.
    fn session() -> (ManualClock, Session) {
        let clock = ManualClock::new(START);
        let engine = Engine::builder("/data")
            .storage(storage::Memory::new())
            .clock(clock.clone())
            .seed(1)
            .open()
            .unwrap();
        (clock, engine.session())
    }

    /// What the lines leave in the log, a command a line.
    fn logged(session: &mut Session, lines: &[&str]) -> String {
        let from = session.engine().log().journal().offset();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            session.execute(&words);
        }
        text(session, from)
    }

    fn text(session: &Session, from: ReplOffset) -> String {
        let journal = session.engine().log().journal();
        let pieces = journal.read_from(from, usize::MAX).unwrap();
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        let (mut text, mut at) = (String::new(), 0);
        let mut decoder = resp::RequestDecoder::new(resp::Limits::default());
        while let Some(request) = decoder.decode(&bytes[at..]).unwrap() {
            at += request.consumed();
            let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
            writeln!(text, "{}", words.join(" ")).unwrap();
        }
        assert_eq!(at, bytes.len(), "the log ends with a whole command");
        text
    }

    #[test]
    fn a_write_is_logged_as_sent_and_a_read_is_not() {
        let (_, mut session) = session();
        let lines = [
            "SET a 1", "GET a", "INCR a", "DEL none", "GET none", "SET a",
        ];
        assert_eq!(logged(&mut session, &lines), "SELECT 0\nSET a 1\nINCR a\n");
    }

    #[test]
    fn what_depends_on_time_or_chance_is_logged_by_its_result() {
        let (_, mut session) = session();
        let lines = ["SET a 1 EX 10", "SADD s x", "SPOP s", "INCRBYFLOAT f 0.5"];
        assert_eq!(
            logged(&mut session, &lines),
            "SELECT 0\nSET a 1 PXAT 1700000010000\nSADD s x\nSREM s x\nSET f 0.5 KEEPTTL\n"
        );
    }

    #[test]
    fn a_transaction_is_logged_once_and_in_one_piece() {
        let (_, mut session) = session();
        let lines = ["MULTI", "SET a 1", "GET a", "SET b 2", "EXEC"];
        let expected = "SELECT 0\nMULTI\nSET a 1\nSET b 2\nEXEC\n";
        assert_eq!(logged(&mut session, &lines), expected);
        let reads = ["MULTI", "GET a", "EXEC"];
        assert_eq!(logged(&mut session, &reads), "");
        let aborted = ["MULTI", "SET a 2", "GET", "EXEC"];
        assert_eq!(logged(&mut session, &aborted), "");
    }

    #[cfg(feature = "scripts")]
    #[test]
    fn a_script_is_logged_by_its_effects_in_one_piece() {
        let (_, mut session) = session();
        let script = "redis.call('SET','a',1)redis.call('select',3)redis.call('spop',KEYS[1])\
                      redis.call('INCR','b')redis.set_repl(redis.REPL_NONE)redis.call('incr','c')";
        let lines = [&format!("EVAL {script} 1 s"), "SET d 1"];
        let expected = "SELECT 0\nMULTI\nSET a 1\nSELECT 3\nINCR b\nEXEC\nSELECT 0\nSET d 1\n";
        assert_eq!(logged(&mut session, &lines), expected);
        let failing = ["EVAL redis.call('SET','a',2)error('x') 0"];
        assert_eq!(logged(&mut session, &failing), "SET a 2\n");
        let reading = ["EVAL return{redis.call('get','a')} 0"];
        assert_eq!(logged(&mut session, &reading), "");
    }

    #[test]
    fn the_database_is_named_when_it_changes() {
        let (_, mut session) = session();
        let lines = [
            "SET a 1", "SELECT 2", "SET a 1", "SET b 1", "SELECT 0", "SET b 1",
        ];
        assert_eq!(
            logged(&mut session, &lines),
            "SELECT 0\nSET a 1\nSELECT 2\nSET a 1\nSET b 1\nSELECT 0\nSET b 1\n"
        );
    }

    /// Else a replay would append to the old value.
    #[test]
    fn a_write_to_an_expired_key_is_logged_behind_its_deletion() {
        let (clock, mut session) = session();
        logged(&mut session, &["SET a old PX 50"]);
        clock.advance(60);
        let expected = "MULTI\nDEL a\nAPPEND a new\nEXEC\n";
        assert_eq!(logged(&mut session, &["APPEND a new"]), expected);
    }

    #[test]
    fn a_read_of_an_expired_key_logs_its_deletion_once() {
        let (clock, mut session) = session();
        logged(&mut session, &["SET a 1 PX 50"]);
        clock.advance(60);
        assert_eq!(logged(&mut session, &["GET a", "GET a"]), "DEL a\n");
    }

    #[test]
    fn keys_that_expire_by_themselves_are_logged() {
        let (clock, mut session) = session();
        logged(
            &mut session,
            &["SET a 1 PX 50", "SELECT 1", "SET b 1 PX 50"],
        );
        let from = session.engine().log().journal().offset();
        clock.advance(60);
        assert_eq!(session.engine().tick(), None);
        let mut lines: Vec<String> = text(&session, from).lines().map(str::to_owned).collect();
        lines.retain(|line| !line.starts_with("SELECT"));
        lines.sort();
        assert_eq!(lines, ["DEL a", "DEL b"]);
    }

    /// Repeats the log up to `end` in an engine of its own, and returns that one's digest.
    fn repeated(engine: &Engine, end: ReplOffset) -> [u8; 20] {
        let journal = engine.log().journal();
        let pieces = journal.read_from(ReplOffset(0), usize::MAX).unwrap();
        let mut bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        bytes.truncate(end.0 as usize);
        let mut session = Engine::open_in_memory().session();
        let (mut decoder, mut at) = (resp::RequestDecoder::new(resp::Limits::default()), 0);
        while let Some(request) = decoder.decode(&bytes[at..]).unwrap() {
            at += request.consumed();
            let argv: Vec<&[u8]> = request.iter().collect();
            session.execute(&argv);
        }
        assert_eq!(at, bytes.len(), "an offset lies between commands");
        session.engine().digest(false).unwrap()
    }

    #[test]
    fn a_view_holds_what_was_logged_before_its_offset() {
        let engine = Engine::open_in_memory();
        engine.log().journal().set_limit(1 << 20);
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let mut session = engine.session();
                scope.spawn(move || {
                    for n in 0..1000 {
                        let key = format!("key:{}", n % 70);
                        session.execute(&["APPEND", &key, &format!("{thread}{n},")]);
                        session.execute(&["RPUSH", "list", &format!("{thread}:{n}")]);
                    }
                });
            }
            for _ in 0..5 {
                let view = engine.freeze();
                let offset = view.offset();
                let digest = snapshot::digest(view, engine.now(), false).unwrap();
                assert_eq!(digest, repeated(&engine, offset));
            }
        });
        let end = engine.freeze().offset();
        assert_eq!(repeated(&engine, end), engine.digest(false).unwrap());
    }
}

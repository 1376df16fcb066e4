use crate::cursor::{Cursor, Stop};
use crate::error::{Error, ErrorKind};
use crate::event::{Checksum, Event, Part};
use crate::header::{HEADER_LEN, Version};
use crate::input::Input;
use crate::kind::Kind;
use crate::object::ValueReader;
use crate::record::{Prefix, RecordReader};

/// How a [`Decoder`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderOptions {
    /// Whether the checksum is computed and compared (`rdbchecksum`).
    pub verify_checksum: bool,
    /// The longest string that is accepted, in bytes. Whoever claims a longer one is refused at the
    /// claim, before anything is kept.
    pub string_len_max: u64,
}

impl Default for DecoderOptions {
    fn default() -> DecoderOptions {
        DecoderOptions {
            verify_checksum: true,
            string_len_max: STRING_LEN_MAX,
        }
    }
}

/// Listpacks cannot be longer; strings of commands are limited to 512 MB by default.
pub(crate) const STRING_LEN_MAX: u64 = u32::MAX as u64;

/// Turns the bytes of a file into events.
///
/// [`Decoder::feed`] bytes in any split (or read into [`Decoder::space`] and [`Decoder::advance`]),
/// and call [`Decoder::next`] until it says that it needs more. When there are no more, say so with
/// [`Decoder::finish_input`]. After [`Event::End`] the remaining bytes are the caller's:
/// [`Decoder::rest`]. An error is final: the same one comes again.
///
/// Memory is bounded by the bytes fed: an item is kept until it is whole, and nothing is reserved for
/// what the file only claims. A string that is a value is an item of its own up to [`CHUNK_LEN`] bytes and
/// comes in such chunks beyond; a collection comes element by element, or as blobs of at most 4 GiB.
///
/// [`CHUNK_LEN`]: crate::CHUNK_LEN
///
/// ```
/// use rdb::{Decoder, DecoderOptions, Event, Part};
///
/// let mut decoder = Decoder::new(DecoderOptions::default());
/// decoder.feed(b"REDIS0004\x00\x01k\x01v\xFFmore");
/// decoder.finish_input();
/// let mut strings = 0;
/// while let Some(event) = decoder.next()? {
///     strings += usize::from(matches!(event, Event::Value(Part::String(b"v"))));
/// }
/// assert_eq!((strings, decoder.rest()), (1, b"more".as_slice()));
/// # Ok::<(), rdb::Error>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    options: DecoderOptions,
    input: Input,
    input_ended: bool,
    /// Waiting bytes below which the next item cannot be whole.
    needed: usize,
    state: State,
    records: RecordReader,
    value: ValueReader,
    failed: Option<Error>,
}

/// What comes next in the input.
#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    Record(Version),
    /// A key was read, but not given out, because its value may have no elements.
    Key(Version, Kind),
    Value(Version, Kind),
    Footer(Version),
    Done,
}

impl Decoder {
    /// A decoder that expects the first byte of a header.
    pub fn new(options: DecoderOptions) -> Decoder {
        Decoder {
            options,
            input: Input::new(options.verify_checksum),
            input_ended: false,
            needed: 0,
            state: State::Header,
            records: RecordReader::default(),
            value: ValueReader::new(),
            failed: None,
        }
    }

    /// Adds input.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.feed(bytes);
    }

    /// Room for at least `min` bytes of input; [`Decoder::advance`] says how many came.
    pub fn space(&mut self, min: usize) -> &mut [u8] {
        self.input.space(min)
    }

    /// Adds the first `count` bytes of the room that [`Decoder::space`] gave.
    pub fn advance(&mut self, count: usize) {
        self.input.advance(count);
    }

    /// Says that no more input comes, so that an item that is not whole is an error.
    pub fn finish_input(&mut self) {
        self.input_ended = true;
    }

    /// Bytes from the start of the input to the next item. Inside a value it moves part by part.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// How many bytes must come before the next event can, at least. 0 after the end.
    pub fn missing(&self) -> usize {
        self.needed.saturating_sub(self.input.waiting_len())
    }

    /// Whether [`Event::End`] was given.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The bytes fed that are part of no event yet: after [`Event::End`], those that follow the file.
    pub fn rest(&self) -> &[u8] {
        self.input.waiting()
    }

    /// [`Decoder::rest`] as a vector, without copying where possible.
    pub fn into_rest(self) -> Vec<u8> {
        self.input.into_waiting()
    }

    /// The next event, or `None` if it takes more input, or after the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "events borrow from the decoder"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.input.waiting_len() < self.needed && !self.input_ended {
            return Ok(None);
        }
        match self.state {
            State::Value(version, _) if self.value.is_at_end() => {
                self.state = State::Record(version);
                return Ok(Some(Event::Value(Part::EndValue)));
            }
            State::Value(_, Kind::String) => return self.give_string(),
            _ => {}
        }
        match self.prepare()? {
            Some(item) => self.give(item),
            None => Ok(None),
        }
    }

    /// Finds out what the next event is, as far as that takes no borrowing from the input.
    fn prepare(&mut self) -> Result<Option<Item>, Error> {
        loop {
            match self.state {
                State::Header => return Ok(Some(Item::Header)),
                State::Record(version) => {
                    let prefix = self.read(|records, value, cur| {
                        records.read_prefix(version, &mut value.templates, cur)
                    })?;
                    match prefix {
                        None => return Ok(None),
                        Some(Prefix::Record) => return Ok(Some(Item::Record(version))),
                        Some(Prefix::End) => self.state = State::Footer(version),
                        Some(Prefix::Key(kind)) => {
                            self.value.start(kind);
                            if kind == Kind::String {
                                self.state = State::Value(version, kind);
                                return Ok(Some(Item::Key));
                            }
                            self.state = State::Key(version, kind);
                        }
                    }
                }
                State::Key(version, kind) => return self.prepare_key(version, kind),
                State::Value(version, kind) => return Ok(Some(Item::Part(version, kind))),
                State::Footer(version) => return self.prepare_end(version),
                State::Done => return Ok(None),
            }
        }
    }

    fn prepare_key(&mut self, version: Version, kind: Kind) -> Result<Option<Item>, Error> {
        let ended = self.input_ended.then_some(self.input.waiting_len());
        let empty = self.read(|records, value, cur| {
            let empty = value.skip_empty(cur);
            if let Ok(true) = empty {
                cur.commit();
            }
            empty.map_err(|stop| in_value(stop, ended, records, kind))
        })?;
        let (item, state) = match empty {
            None => return Ok(None),
            Some(true) => (Item::SkippedEmpty, State::Record(version)),
            Some(false) => (Item::Key, State::Value(version, kind)),
        };
        self.state = state;
        Ok(Some(item))
    }

    fn prepare_end(&mut self, version: Version) -> Result<Option<Item>, Error> {
        let computed = self.input.checksum();
        let verify = self.options.verify_checksum;
        let checksum = self.read(|_, _, cur| {
            let checksum = match version.has_checksum() {
                true => check_footer(cur, verify.then_some(computed))?,
                false => Checksum::Absent,
            };
            cur.commit();
            Ok(checksum)
        })?;
        let Some(checksum) = checksum else {
            return Ok(None);
        };
        self.state = State::Done;
        self.needed = 0;
        Ok(Some(Item::End(checksum)))
    }

    /// Runs a reader that borrows nothing; `None` if it takes more input.
    fn read<T>(
        &mut self,
        reader: impl FnOnce(&mut RecordReader, &mut ValueReader, &mut Cursor<'_>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Error> {
        let base = self.input.offset();
        let (waiting, start) = self.input.split();
        let mut cur = Cursor::new(waiting, self.options.string_len_max);
        let done = reader(&mut self.records, &mut self.value, &mut cur);
        *start += cur.committed();
        match done {
            Ok(done) => Ok(Some(done)),
            Err(stop) => {
                let ended = self.input_ended.then_some(waiting.len());
                let stopped = stopped(stop, ended, cur.committed(), base);
                note_stop(stopped, &mut self.needed, &mut self.failed).map(|()| None)
            }
        }
    }

    /// Gives out a part of a string, as [`Decoder::give`] would. Most events of most files are these: they
    /// are not passed through the part of any value.
    #[inline]
    fn give_string(&mut self) -> Result<Option<Event<'_>>, Error> {
        let base = self.input.offset();
        let (waiting, start) = self.input.split();
        let ended = self.input_ended.then_some(waiting.len());
        let mut cur = Cursor::new(waiting, self.options.string_len_max);
        let given = self.value.next_string(&mut cur);
        *start += cur.committed();
        match given {
            Ok(part) => {
                self.needed = 0;
                Ok(Some(Event::Value(part)))
            }
            Err(stop) => {
                let stop = in_value(stop, ended, &self.records, Kind::String);
                let stopped = stopped(stop, ended, cur.committed(), base);
                note_stop(stopped, &mut self.needed, &mut self.failed).map(|()| None)
            }
        }
    }

    /// Gives out what [`Decoder::prepare`] found.
    fn give(&mut self, item: Item) -> Result<Option<Event<'_>>, Error> {
        let base = self.input.offset();
        let (waiting, start) = self.input.split();
        let ended = self.input_ended.then_some(waiting.len());
        let mut cur = Cursor::new(waiting, self.options.string_len_max);
        let (records, value) = (&mut self.records, &mut self.value);
        let given = match item {
            Item::Header => read_header(&mut cur)
                .inspect(|version| {
                    self.state = State::Record(*version);
                })
                .map(Event::Start),
            Item::Record(version) => records.read_record(version.family, &mut cur),
            Item::Key => {
                let (meta, key) = (records.take_meta(), &records.key);
                Ok(Event::Key { key, meta })
            }
            Item::SkippedEmpty => {
                records.take_meta();
                let key = &records.key;
                Ok(Event::SkippedEmpty { key })
            }
            Item::Part(version, kind) => match value.next(&mut cur) {
                Ok(part) => {
                    if part == Part::EndValue {
                        self.state = State::Record(version);
                    }
                    Ok(Event::Value(part))
                }
                Err(stop) => Err(in_value(stop, ended, records, kind)),
            },
            Item::End(checksum) => Ok(Event::End { checksum }),
        };
        *start += cur.committed();
        match given {
            Ok(event) => {
                self.needed = 0;
                Ok(Some(event))
            }
            Err(stop) => {
                let stopped = stopped(stop, ended, cur.committed(), base);
                note_stop(stopped, &mut self.needed, &mut self.failed).map(|()| None)
            }
        }
    }
}

/// What the next event is.
enum Item {
    Header,
    Record(Version),
    Key,
    SkippedEmpty,
    Part(Version, Kind),
    End(Checksum),
}

/// How many bytes must be waiting before it is worth trying again, or the final error. `ended` is how
/// many bytes wait, if that is all there will be.
fn stopped(stop: Stop, ended: Option<usize>, committed: usize, base: u64) -> Result<usize, Error> {
    match at_end(stop, ended) {
        Stop::Need { end, .. } => Ok(end - committed),
        Stop::Wrong(error) => Err(error.shifted(base)),
    }
}

/// Keeps what [`stopped`] found, for the next call.
#[cold]
fn note_stop(
    stopped: Result<usize, Error>,
    needed: &mut usize,
    failed: &mut Option<Error>,
) -> Result<(), Error> {
    match stopped {
        Ok(more) => {
            *needed = more;
            Ok(())
        }
        Err(error) => Err(failed.insert(error).clone()),
    }
}

fn at_end(stop: Stop, ended: Option<usize>) -> Stop {
    match ended {
        Some(len) => stop.at_end_of_input(len),
        None => stop,
    }
}

fn in_value(stop: Stop, ended: Option<usize>, records: &RecordReader, kind: Kind) -> Stop {
    at_end(stop, ended).within(&records.key, kind.name())
}

fn read_header(cur: &mut Cursor<'_>) -> Result<Version, Stop> {
    let at = cur.at();
    let header: [u8; HEADER_LEN] = cur.array("the header")?;
    let version = Version::parse(&header).map_err(|kind| cur.wrong(at, kind))?;
    cur.commit();
    Ok(version)
}

fn check_footer(cur: &mut Cursor<'_>, computed: Option<u64>) -> Result<Checksum, Stop> {
    let at = cur.at();
    let stored = u64::from_le_bytes(cur.array("the checksum")?);
    match computed {
        _ if stored == 0 => Ok(Checksum::NotComputed),
        Some(computed) if computed != stored => {
            Err(cur.wrong(at, ErrorKind::ChecksumMismatch { stored, computed }))
        }
        _ => Ok(Checksum::Verified(stored)),
    }
}

//! The commands of one log file: bytes in, in any split, [`Record`]s out, and at the end a verdict
//! on the [`Tail`].
//!
//! Two ways of being wrong are kept apart. Bytes that could go on to be a record, but end, are a
//! torn tail. Bytes that could not are an error with their offset, unless they and all that follow
//! are NUL.

use crate::record::ANNOTATION_BYTES_MAX;
use crate::{Annotation, Record, Tail, TailReason};
use memchr::memchr2;
use resp::{Limits, ProtocolError, RequestDecoder};
use std::fmt;

/// Bytes of one log in, records out. Knows no file; see [`crate::LogReader`] for one.
///
/// Feed it everything, take records until there is none, and so on; then ask it to
/// [`finish`](Self::finish).
#[derive(Debug)]
pub struct RecordReader {
    decoder: RequestDecoder,
    buffer: Vec<u8>,
    /// Bytes of the buffer that belong to records handed out, but for the last.
    consumed: usize,
    /// The last record handed out, and its length in bytes.
    found: Found,
    taken: usize,
    /// Offset in the file of the buffer's first byte.
    start: u64,
    file_len: u64,
    /// Offset of the MULTI that is open.
    multi: Option<u64>,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// At the start of a record, or inside one.
    Records,
    /// Wrong bytes, all of them NUL so far: the error if another one comes.
    Nuls(RecordError),
    /// Inside a record that the file cannot complete; the rest is not looked at.
    Torn,
    Failed(RecordError),
}

/// Bytes in a log that are no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// Offset in the file of the record.
    pub record: u64,
    /// Offset in the file of the first wrong byte.
    pub at: u64,
    /// What is wrong with it.
    pub problem: RecordProblem,
}

/// What is wrong with bytes that should be a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordProblem {
    /// They are no command.
    Command(ProtocolError),
    /// A command of no arguments (`*0`, `*-1`).
    NoArguments,
    /// An annotation longer than 1,023 bytes, which no server could read.
    LongAnnotation,
    /// A NUL byte in an annotation.
    NulInAnnotation,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: ", self.at)?;
        match &self.problem {
            RecordProblem::Command(error) => {
                let text = error.to_string();
                f.write_str(text.strip_prefix("Protocol error: ").unwrap_or(&text))?;
            }
            RecordProblem::NoArguments => f.write_str("a command without arguments")?,
            RecordProblem::LongAnnotation => {
                write!(f, "an annotation of more than {ANNOTATION_BYTES_MAX} bytes")?;
            }
            RecordProblem::NulInAnnotation => f.write_str("a NUL in an annotation")?,
        }
        write!(f, ", in the record at offset {}", self.record)
    }
}

impl std::error::Error for RecordError {}

/// Looks for the end of the annotation that `unread` starts with.
fn annotation(unread: &[u8], record: u64) -> Result<Found, RecordError> {
    let error = |at, problem| {
        Err(RecordError {
            record,
            at: record + at as u64,
            problem,
        })
    };
    match memchr2(b'\n', 0, unread) {
        Some(end) if end > ANNOTATION_BYTES_MAX + LINE_END => {
            error(ANNOTATION_BYTES_MAX, RecordProblem::LongAnnotation)
        }
        None if unread.len() > ANNOTATION_BYTES_MAX + LINE_END => {
            error(ANNOTATION_BYTES_MAX, RecordProblem::LongAnnotation)
        }
        None => Ok(Found::Nothing),
        Some(end) if unread.get(end) == Some(&0) => error(end, RecordProblem::NulInAnnotation),
        Some(end) => {
            let text = unread.get(1..end).unwrap_or_default();
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            Ok(Found::Annotation {
                text: text.len(),
                line: end + 1,
            })
        }
    }
}

/// CR and LF, at most.
const LINE_END: usize = 2;

/// A record at the front of the unread bytes.
#[derive(Debug, Clone, Copy)]
enum Found {
    Command,
    /// Length of its text without `#` and line end, and of the whole line.
    Annotation {
        text: usize,
        line: usize,
    },
    Nothing,
}

impl RecordReader {
    /// Reads a file of `file_len` bytes from `offset` on (0, or behind an RDB preamble).
    pub fn new(offset: u64, file_len: u64) -> RecordReader {
        RecordReader {
            decoder: RequestDecoder::new(Limits::LOG),
            buffer: Vec::new(),
            consumed: 0,
            found: Found::Nothing,
            taken: 0,
            start: offset,
            file_len,
            multi: None,
            state: State::Records,
        }
    }

    /// Takes the file's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        match self.state {
            State::Torn | State::Failed(_) => {}
            State::Nuls(_) => self.expect_nuls(bytes),
            State::Records => {
                self.drop_consumed();
                self.buffer.extend_from_slice(bytes);
            }
        }
    }

    /// Offset in the file of the next record.
    pub fn offset(&self) -> u64 {
        self.start + (self.consumed + self.taken) as u64
    }

    /// True between MULTI and EXEC.
    pub fn in_multi(&self) -> bool {
        self.multi.is_some()
    }

    /// The next record; `None` means that more bytes are wanted, or the end.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        Ok(if self.advance()? {
            self.current()
        } else {
            None
        })
    }

    /// Moves to the next record. False if more bytes are wanted, or at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, RecordError> {
        self.found = Found::Nothing;
        match &self.state {
            State::Records => {}
            State::Failed(error) => return Err(error.clone()),
            State::Torn | State::Nuls(_) => return Ok(false),
        }
        self.consumed += std::mem::take(&mut self.taken);
        match self.find() {
            Ok(Found::Nothing) => {
                self.give_up_if_torn();
                Ok(false)
            }
            Ok(found) => {
                self.take(found);
                Ok(true)
            }
            Err(error) => self.doubt(error),
        }
    }

    /// The record that `advance` moved to.
    pub(crate) fn current(&self) -> Option<Record<'_>> {
        let unread = self.unread();
        match self.found {
            Found::Nothing => None,
            Found::Command => Some(Record::Command(self.decoder.last(unread))),
            Found::Annotation { text, .. } => {
                let text = unread.get(1..=text).unwrap_or_default();
                Some(Record::Annotation(Annotation::of(text)))
            }
        }
    }

    /// Says how the log ends, once all bytes were fed and all records taken.
    pub fn finish(self) -> Result<Tail, RecordError> {
        let end = self.offset();
        let rest = self.unread().get(self.taken..).unwrap_or_default();
        let reason = match &self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Nuls(_) => TailReason::Nuls,
            _ if self.multi.is_some() => TailReason::OpenMulti,
            State::Torn => TailReason::TornCommand,
            State::Records if rest.is_empty() => TailReason::Whole,
            State::Records if rest.starts_with(b"#") => TailReason::TornAnnotation,
            State::Records => TailReason::TornCommand,
        };
        let valid_up_to = self.multi.unwrap_or(end);
        Ok(Tail {
            valid_up_to,
            file_len: self.file_len.max(valid_up_to),
            reason,
        })
    }

    fn find(&mut self) -> Result<Found, RecordError> {
        let record = self.offset();
        let unread = self.buffer.get(self.consumed..).unwrap_or_default();
        if unread.first() == Some(&b'#') {
            return annotation(unread, record);
        }
        let decoded = self.decoder.decode(unread);
        let found = decoded.map(|request| request.map(|request| !request.is_empty()));
        let at = record + self.decoder.position() as u64;
        match found {
            Ok(None) => Ok(Found::Nothing),
            Ok(Some(true)) => Ok(Found::Command),
            Ok(Some(false)) => Err(RecordError {
                record,
                at: record + 1,
                problem: RecordProblem::NoArguments,
            }),
            Err(error) => Err(RecordError {
                record,
                at,
                problem: RecordProblem::Command(error),
            }),
        }
    }

    fn take(&mut self, found: Found) {
        self.taken = match found {
            Found::Nothing => 0,
            Found::Annotation { line, .. } => line,
            Found::Command => self.note_transaction(),
        };
        self.found = found;
    }

    /// Notices MULTI and EXEC; returns the length of the command that was found.
    fn note_transaction(&mut self) -> usize {
        let record = self.start + self.consumed as u64;
        let request = self
            .decoder
            .last(self.buffer.get(self.consumed..).unwrap_or_default());
        match request.get(0) {
            Some(name) if name.eq_ignore_ascii_case(b"MULTI") => {
                self.multi.get_or_insert(record);
            }
            Some(name) if name.eq_ignore_ascii_case(b"EXEC") => self.multi = None,
            _ => {}
        }
        request.consumed()
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// Wrong bytes: an error, unless it is NULs up to the end of the file.
    fn doubt(&mut self, error: RecordError) -> Result<bool, RecordError> {
        let wrong = usize::try_from(error.at - self.start).unwrap_or(usize::MAX);
        let rest = self.buffer.split_off(wrong.min(self.buffer.len()));
        self.buffer.truncate(self.consumed);
        self.state = State::Nuls(error);
        self.expect_nuls(&rest);
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            _ => Ok(false),
        }
    }

    fn expect_nuls(&mut self, bytes: &[u8]) {
        if let State::Nuls(error) = &self.state
            && bytes.iter().any(|byte| *byte != 0)
        {
            self.state = State::Failed(error.clone());
        }
    }

    /// An argument that is longer than the rest of the file is torn: there is no use in gathering
    /// what there is of it.
    fn give_up_if_torn(&mut self) {
        let unread = self.buffer.len() - self.consumed;
        let to_come = self
            .file_len
            .saturating_sub(self.start + self.buffer.len() as u64);
        if self.decoder.bytes_missing(unread) as u64 > to_come {
            self.state = State::Torn;
            self.buffer.truncate(self.consumed);
        }
    }

    fn drop_consumed(&mut self) {
        self.consumed += std::mem::take(&mut self.taken);
        self.found = Found::Nothing;
        if self.consumed * 2 >= self.buffer.len() {
            self.buffer.drain(..self.consumed);
            self.start += self.consumed as u64;
            self.consumed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each record as text, then how the log ends.
    type Read = (Vec<String>, Result<Tail, RecordError>);

    fn read_by(input: &[u8], step: usize) -> Read {
        let mut reader = RecordReader::new(0, input.len() as u64);
        let mut records = Vec::new();
        for piece in input.chunks(step.max(1)) {
            reader.feed(piece);
            loop {
                match reader.next_record() {
                    Ok(Some(record)) => records.push(shown(record)),
                    Ok(None) => break,
                    Err(error) => return (records, Err(error)),
                }
            }
        }
        (records, reader.finish())
    }

    fn shown(record: Record<'_>) -> String {
        match record {
            Record::Command(command) => command
                .iter()
                .map(|arg| arg.escape_ascii().to_string())
                .collect::<Vec<_>>()
                .join(" "),
            Record::Annotation(annotation) => format!("{annotation:?}"),
        }
    }

    fn tail(input: &str) -> (u64, TailReason) {
        let tail = read_by(input.as_bytes(), 7).1.unwrap();
        assert_eq!(tail.file_len, input.len() as u64);
        (tail.valid_up_to, tail.reason)
    }

    fn error(input: &str) -> (u64, u64, RecordProblem) {
        let error = read_by(input.as_bytes(), 7).1.unwrap_err();
        (error.record, error.at, error.problem)
    }

    const PING: &str = "*1\r\n$4\r\nPING\r\n";
    const MULTI: &str = "*1\r\n$5\r\nmulti\r\n";
    const EXEC: &str = "*1\r\n$4\r\nEXEC\r\n";

    #[test]
    fn commands_and_annotations_come_in_order() {
        let input = format!("#TS:17\r\n{PING}#x\n*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n");
        let (records, tail) = read_by(input.as_bytes(), 1000);
        assert_eq!(
            records,
            ["Timestamp(17)", "PING", "Other([120])", "GET \\r\\n"]
        );
        assert!(tail.unwrap().is_whole());
        assert!(read_by(b"", 1).1.unwrap().is_whole());
    }

    #[test]
    fn a_torn_end_is_cut_behind_the_last_record() {
        let whole = PING.len() as u64;
        for cut in 1..PING.len() {
            let input = format!("{PING}{}", &PING[..cut]);
            assert_eq!(tail(&input), (whole, TailReason::TornCommand), "{cut}");
        }
        assert_eq!(
            tail(&format!("{PING}#TS:17")),
            (whole, TailReason::TornAnnotation)
        );
        assert_eq!(
            tail(&format!("{PING}{PING}")),
            (2 * whole, TailReason::Whole)
        );
    }

    #[test]
    fn an_argument_whose_line_end_is_cut_is_torn_in_any_split() {
        let input = format!("{PING}*1\r\n$4\r\nPINGx");
        for step in [1, 7, input.len()] {
            let tail = read_by(input.as_bytes(), step).1.unwrap();
            assert_eq!(tail.reason, TailReason::TornCommand, "{step}");
        }
    }

    #[test]
    fn a_torn_transaction_is_cut_before_its_multi() {
        let before = PING.len() as u64;
        let whole = format!("{PING}{MULTI}{PING}{EXEC}");
        for cut in PING.len() + MULTI.len()..whole.len() {
            assert_eq!(
                tail(&whole[..cut]),
                (before, TailReason::OpenMulti),
                "{cut}"
            );
        }
        assert_eq!(tail(&whole), (whole.len() as u64, TailReason::Whole));
        let torn = format!("{PING}{MULTI}#TS:1");
        assert_eq!(tail(&torn), (before, TailReason::OpenMulti));
    }

    #[test]
    fn nuls_up_to_the_end_are_cut_and_others_are_not() {
        let whole = PING.len() as u64;
        for torn in [
            "",
            "*",
            "*1\r\n",
            "*1\r\n$4\r\nPI",
            "*1\r\n$4\r\nPING",
            "#TS",
            "*1\r\n$",
            "*1\r",
        ] {
            let input = format!("{PING}{torn}{}", "\0".repeat(64));
            let (at, reason) = tail(&input);
            assert_eq!((at, reason), (whole, TailReason::Nuls), "{torn:?}");
            let (record, ..) = error(&format!("{input}x"));
            assert_eq!(record, whole);
        }
        let input = format!("{MULTI}{PING}\0\0");
        assert_eq!(tail(&input), (0, TailReason::Nuls));
    }

    #[test]
    fn wrong_bytes_are_refused_with_their_offset() {
        use RecordProblem::*;
        let at = |text: &str| error(&format!("{PING}{text}"));
        assert_eq!(
            at("garbage"),
            (14, 14, Command(ProtocolError::ExpectedMultibulk(b'g')))
        );
        assert_eq!(
            at("\r\n"),
            (14, 14, Command(ProtocolError::ExpectedMultibulk(b'\r')))
        );
        assert_eq!(at("*0\r\n"), (14, 15, NoArguments));
        assert_eq!(at("*-1\r\n"), (14, 15, NoArguments));
        assert_eq!(
            at("*1\r\n$-1\r\n"),
            (14, 19, Command(ProtocolError::InvalidBulkLength))
        );
        assert_eq!(
            at("*1\r\n$abc\r\n"),
            (14, 19, Command(ProtocolError::InvalidBulkLength))
        );
        assert_eq!(
            at("*1\r\n$1\r\nabc"),
            (14, 23, Command(ProtocolError::ExpectedCrlf(b'b')))
        );
        assert_eq!(at(&format!("#{}\r\n", "x".repeat(2000))).2, LongAnnotation);
        assert_eq!(at("#a\0b\r\n"), (14, 16, NulInAnnotation));
        let text = read_by(b"*x", 1).1.unwrap_err().to_string();
        assert_eq!(
            text,
            "offset 1: invalid multibulk length, in the record at offset 0"
        );
    }

    #[test]
    fn a_claim_beyond_the_file_gathers_nothing() {
        let mut reader = RecordReader::new(0, 1 << 20);
        reader.feed(b"*1\r\n$2000000\r\n");
        assert!(reader.next_record().unwrap().is_none());
        for _ in 0..100 {
            reader.feed(&[b'x'; 10_000]);
        }
        assert!(reader.buffer.len() < 100);
        assert_eq!(reader.finish().unwrap().valid_up_to, 0);
    }

    #[test]
    fn offsets_count_from_the_file_s_start() {
        let mut reader = RecordReader::new(100, 200);
        reader.feed(PING.repeat(2).as_bytes());
        reader.next_record().unwrap();
        assert_eq!(reader.offset(), 114);
        reader.next_record().unwrap();
        reader.feed(b"?");
        let error = reader.next_record().unwrap_err();
        assert_eq!((error.record, error.at), (128, 128));
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            PING,
            MULTI,
            EXEC,
            "#TS:1\r\n",
            "#x",
            "*1\r\n",
            "$1\r\n",
            "a\r\n",
            "\0",
            "\0\0\0",
            "*2",
            "\r\n",
            "$9\r\n",
        ]);
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Any bytes in any split: the same records, the same verdict; and what is kept after a cut
        /// is whole.
        #[test]
        fn any_split_reads_the_same(input in pieces(), step in 1usize..9) {
            let input = input.as_bytes();
            let whole = read_by(input, input.len());
            prop_assert_eq!(&read_by(input, step), &whole);
            if let Ok(tail) = whole.1 {
                let kept = &input[..tail.valid_up_to as usize];
                prop_assert!(read_by(kept, step).1.unwrap().is_whole());
            }
        }
    }
}

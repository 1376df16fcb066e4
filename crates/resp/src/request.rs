//! Requests: `*<n> CR LF` and n times `$<len> CR LF <bytes> CR LF`, or one line of words.
//!
//! ```text
//! *2\r\n $3\r\nGET\r\n $1\r\nk\r\n        multibulk: GET k
//! GET k\r\n                               inline: the same
//! ```
//!
//! Invariants of [`RequestDecoder`] while a request is incomplete:
//! * every argument found lies whole in front of `position`;
//! * `position` only grows, so a request that arrives in any split is read in linear time;
//! * room is taken for arguments that have arrived, never for those that are announced.

use crate::inline;
use crate::number::{Header, header};
use crate::{Limits, ProtocolError};
use memchr::memchr;
use smallvec::SmallVec;

/// Where an argument lies, in bytes from the start of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgRange {
    /// Offset of its first byte.
    pub start: u32,
    /// Its length in bytes.
    pub len: u32,
}

impl ArgRange {
    /// The argument's bytes in `bytes`, which starts where the request does. Empty if they are not
    /// there.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        bytes
            .get(start..start + self.len as usize)
            .unwrap_or_default()
    }
}

/// One complete request, borrowed from the buffer (and, if it was inline, from the decoder).
///
/// No arguments (`*0`, a negative count, a blank line) is a request to which nobody answers.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    bytes: &'a [u8],
    args: &'a [ArgRange],
    is_inline: bool,
    consumed: usize,
}

impl<'a> Request<'a> {
    /// The number of arguments, the command's name included.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// True for a request without arguments.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// The argument at `index`; the command's name is at 0.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.args.get(index).map(|range| range.of(self.bytes))
    }

    /// All arguments in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let bytes = self.bytes;
        self.args.iter().map(move |range| range.of(bytes))
    }

    /// Where the arguments lie: in [`Request::words`] if there are such, else in the buffer that was
    /// decoded.
    pub fn ranges(&self) -> &'a [ArgRange] {
        self.args
    }

    /// The arguments of an inline request, which are not as they came; `None` for others.
    pub fn words(&self) -> Option<&'a [u8]> {
        self.is_inline.then_some(self.bytes)
    }

    /// The bytes of the buffer that this request took.
    pub fn consumed(&self) -> usize {
        self.consumed
    }
}

/// Finds requests in a buffer that grows at its end.
///
/// The caller keeps the bytes: it calls [`decode`](Self::decode) with all of them from the start of
/// the current request, and drops the consumed ones once a request came out. After an error the
/// decoder stays at the offending byte and answers the same again.
#[derive(Debug)]
pub struct RequestDecoder {
    limits: Limits,
    /// Bytes of the buffer that need not be looked at again.
    position: usize,
    state: State,
    args: SmallVec<[ArgRange; 8]>,
    /// The unquoted words of an inline request.
    words: Vec<u8>,
    /// The last request was inline, its arguments lie in `words`.
    inline: bool,
    failed: Option<ProtocolError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is known of the request, or all: the next call begins a new one.
    Start,
    /// Inside a line; no line feed in front of `position`.
    Inline,
    /// At the header of one of this many arguments that are still to come.
    BulkHeader { left: u32 },
    /// At the first byte of an argument of `len` bytes, `left` counting it.
    Bulk { left: u32, len: u32 },
}

impl RequestDecoder {
    /// A decoder at the start of a request.
    pub fn new(limits: Limits) -> RequestDecoder {
        RequestDecoder {
            limits,
            position: 0,
            state: State::Start,
            args: SmallVec::new(),
            words: Vec::new(),
            inline: false,
            failed: None,
        }
    }

    /// Changes the limits, for the headers from here on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Offset in the buffer of the byte that comes next; after an error, of the offending one.
    pub fn position(&self) -> usize {
        self.position
    }

    /// At least this many more bytes are needed to complete the argument that is under way, 0 if
    /// none is. It is what the peer claims, so reserve with care.
    pub fn bytes_missing(&self, buffer_len: usize) -> usize {
        match self.state {
            State::Bulk { len, .. } => {
                (self.position + len as usize + CRLF).saturating_sub(buffer_len)
            }
            _ => 0,
        }
    }

    /// Looks for the request at the start of `buffer`; `None` means that bytes are missing.
    #[inline]
    pub fn decode<'a>(
        &'a mut self,
        buffer: &'a [u8],
    ) -> Result<Option<Request<'a>>, ProtocolError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let done = match self.advance(buffer) {
            Ok(done) => done,
            Err(error) => {
                self.failed = Some(error);
                return Err(error);
            }
        };
        if !done {
            return Ok(None);
        }
        self.inline = self.state == State::Inline;
        self.state = State::Start;
        Ok(Some(self.last(buffer)))
    }

    /// The request that [`decode`](Self::decode) returned last, from the same buffer. For a caller
    /// that had to let go of it.
    #[inline]
    pub fn last<'a>(&'a self, buffer: &'a [u8]) -> Request<'a> {
        Request {
            bytes: if self.inline { &self.words } else { buffer },
            args: &self.args,
            is_inline: self.inline,
            consumed: self.position,
        }
    }

    /// Goes on where the bytes ended last time. True once the request is whole.
    #[inline]
    fn advance(&mut self, buffer: &[u8]) -> Result<bool, ProtocolError> {
        match self.state {
            State::Start => {
                self.position = 0;
                self.clear();
                self.start(buffer)
            }
            State::Inline => self.inline(buffer),
            State::BulkHeader { left } => self.bulks(buffer, left),
            State::Bulk { left, len } => {
                Ok(self.bulk(buffer, len)? && self.bulks(buffer, left - 1)?)
            }
        }
    }

    /// Forgets the last request, and its room if it was a large one.
    fn clear(&mut self) {
        self.args.clear();
        if self.args.capacity() > ARGS_KEPT_MAX {
            self.args = SmallVec::new();
        }
        self.words.clear();
    }

    fn start(&mut self, buffer: &[u8]) -> Result<bool, ProtocolError> {
        match buffer.first() {
            None => Ok(false),
            Some(b'*') => self.multibulk(buffer),
            Some(&found) if self.limits.inline_bytes_max == 0 => {
                Err(ProtocolError::ExpectedMultibulk(found))
            }
            Some(_) => {
                self.state = State::Inline;
                self.inline(buffer)
            }
        }
    }

    fn multibulk(&mut self, buffer: &[u8]) -> Result<bool, ProtocolError> {
        let count = match self.header(buffer, ProtocolError::InvalidMultibulkLength)? {
            None => return Ok(false),
            Some(count) => count,
        };
        if count > i64::from(self.limits.args_max) {
            self.position = 1;
            return Err(
                if self.limits.unauthenticated && count <= i64::from(i32::MAX) {
                    ProtocolError::UnauthenticatedMultibulkLength
                } else {
                    ProtocolError::InvalidMultibulkLength
                },
            );
        }
        self.bulks(buffer, u32::try_from(count).unwrap_or(0))
    }

    /// Reads up to `left` arguments, each from its header on. True once none is left.
    fn bulks(&mut self, buffer: &[u8], mut left: u32) -> Result<bool, ProtocolError> {
        while left > 0 {
            self.state = State::BulkHeader { left };
            let Some(len) = self.bulk_header(buffer)? else {
                return Ok(false);
            };
            self.state = State::Bulk { left, len };
            if !self.bulk(buffer, len)? {
                return Ok(false);
            }
            left -= 1;
        }
        Ok(true)
    }

    #[inline]
    fn bulk_header(&mut self, buffer: &[u8]) -> Result<Option<u32>, ProtocolError> {
        match buffer.get(self.position) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(&found) => return Err(ProtocolError::ExpectedBulk(found)),
        }
        let at = self.position;
        let Some(len) = self.header(buffer, ProtocolError::InvalidBulkLength)? else {
            return Ok(None);
        };
        let refused = |decoder: &mut Self, error| {
            decoder.position = at + 1;
            Err(error)
        };
        match u32::try_from(len) {
            Ok(len) if len <= self.limits.bulk_bytes_max => Ok(Some(len)),
            Ok(_) if self.limits.unauthenticated => {
                refused(self, ProtocolError::UnauthenticatedBulkLength)
            }
            _ => refused(self, ProtocolError::InvalidBulkLength),
        }
    }

    /// Takes the argument at `position` if it has arrived whole, with its CR LF.
    #[inline]
    fn bulk(&mut self, buffer: &[u8], len: u32) -> Result<bool, ProtocolError> {
        let start = u32::try_from(self.position).map_err(|_| ProtocolError::TooBigRequest)?;
        let end = self.position + len as usize;
        match buffer.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            // Even a wrong byte waits for the other one: at the end of a log, an argument whose line
            // end is cut is torn, not corrupt, whatever there is of it.
            None | Some([] | [_]) => return Ok(false),
            Some([b'\r', found, ..]) => return self.missing_crlf(end + 1, *found),
            Some([found, ..]) => return self.missing_crlf(end, *found),
        }
        self.args.push(ArgRange { start, len });
        self.position = end + CRLF;
        Ok(true)
    }

    #[cold]
    fn missing_crlf(&mut self, at: usize, found: u8) -> Result<bool, ProtocolError> {
        self.position = at;
        Err(ProtocolError::ExpectedCrlf(found))
    }

    /// The number behind the type byte at `position`, which then moves behind the line.
    #[inline]
    fn header(
        &mut self,
        buffer: &[u8],
        error: ProtocolError,
    ) -> Result<Option<i64>, ProtocolError> {
        let digits = self.position + 1;
        match header(buffer.get(digits..).unwrap_or_default()) {
            Header::Number(number, used) => {
                self.position = digits + used;
                Ok(Some(number))
            }
            Header::Incomplete => Ok(None),
            Header::Bad(at) => {
                self.position = digits + at;
                Err(error)
            }
        }
    }

    fn inline(&mut self, buffer: &[u8]) -> Result<bool, ProtocolError> {
        let unseen = buffer.get(self.position..).unwrap_or_default();
        let Some(found) = memchr(b'\n', unseen) else {
            self.position = buffer.len();
            return if buffer.len() > self.limits.inline_bytes_max as usize {
                Err(ProtocolError::TooBigInlineRequest)
            } else {
                Ok(false)
            };
        };
        let end = self.position + found;
        let line = buffer.get(..end).unwrap_or_default();
        self.words(line.strip_suffix(b"\r").unwrap_or(line))?;
        self.position = end + 1;
        Ok(true)
    }

    fn words(&mut self, line: &[u8]) -> Result<(), ProtocolError> {
        if line.len() > self.limits.inline_bytes_max as usize {
            return Err(ProtocolError::TooBigInlineRequest);
        }
        let RequestDecoder { args, words, .. } = self;
        let each = |word: &[u8]| {
            // Bounded by the line, hence by 64 KiB or so.
            args.push(ArgRange {
                start: words.len() as u32,
                len: word.len() as u32,
            });
            words.extend_from_slice(word);
        };
        inline::split_into(line, each, &mut Vec::new()).map_err(|_| ProtocolError::UnbalancedQuotes)
    }
}

const CRLF: usize = 2;

/// Room for this many arguments is kept for the next request.
const ARGS_KEPT_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;
    use proptest::prelude::*;

    /// The arguments and the bytes consumed.
    type Decoded = Option<(Vec<Vec<u8>>, usize)>;

    fn decode(input: &[u8]) -> Result<Decoded, ProtocolError> {
        decode_within(input, Limits::default())
    }

    fn decode_within(input: &[u8], limits: Limits) -> Result<Decoded, ProtocolError> {
        let mut decoder = RequestDecoder::new(limits);
        let request = decoder.decode(input)?;
        Ok(request.map(|request| {
            (
                request.iter().map(<[u8]>::to_vec).collect(),
                request.consumed(),
            )
        }))
    }

    fn args(words: &[&str]) -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn one_request_is_taken_from_a_pipeline() {
        let input = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\nPING\r\n";
        assert_eq!(decode(input).unwrap(), Some((args(&["SET", "k", ""]), 26)));
        assert_eq!(decode(&input[26..]).unwrap(), Some((args(&["PING"]), 6)));
    }

    #[test]
    fn requests_without_arguments() {
        for (input, consumed) in [
            ("*0\r\n", 4),
            ("*-10\r\n", 6),
            ("\r\n", 2),
            ("\n", 1),
            ("  \n", 3),
        ] {
            assert_eq!(
                decode(input.as_bytes()).unwrap(),
                Some((Vec::new(), consumed)),
                "{input:?}"
            );
        }
    }

    #[test]
    fn inline_words_with_quotes() {
        let input = b"SET \"a b\" 'c'\r\n*1\r\n";
        assert_eq!(
            decode(input).unwrap(),
            Some((args(&["SET", "a b", "c"]), 15))
        );
        assert_eq!(decode(b"SET \"a\n"), Err(ProtocolError::UnbalancedQuotes));
    }

    #[test]
    fn errors_at_the_first_wrong_byte() {
        use ProtocolError::*;
        for (input, error, position) in [
            ("*\0", InvalidMultibulkLength, 1),
            ("*x\r\n", InvalidMultibulkLength, 1),
            ("*1048577\r\n", InvalidMultibulkLength, 1),
            ("*99999999999999999999\r\n", InvalidMultibulkLength, 19),
            (
                "*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n",
                ExpectedBulk(b'f'),
                20,
            ),
            ("*1\r\n$-1\r\n", InvalidBulkLength, 5),
            ("*1\r\n$536870913\r\n", InvalidBulkLength, 5),
            ("*1\r\n$abc\r\n", InvalidBulkLength, 5),
            ("*1\r\n$1\r\nabc\r\n", ExpectedCrlf(b'b'), 9),
            ("*1\r\n$1\r\na\rc\r\n", ExpectedCrlf(b'c'), 10),
        ] {
            let mut decoder = RequestDecoder::new(Limits::default());
            for _ in 0..2 {
                assert_eq!(
                    decoder.decode(input.as_bytes()).map(|_| ()),
                    Err(error),
                    "{input:?}"
                );
                assert_eq!(decoder.position(), position, "{input:?}");
            }
        }
    }

    #[test]
    fn limits_before_authentication_and_of_logs() {
        use ProtocolError::*;
        let strict = Limits::UNAUTHENTICATED;
        assert_eq!(
            decode_within(b"*11\r\n", strict),
            Err(UnauthenticatedMultibulkLength)
        );
        assert_eq!(
            decode_within(b"*1\r\n$16385\r\n", strict),
            Err(UnauthenticatedBulkLength)
        );
        assert_eq!(decode_within(b"*10\r\n$16384\r\n", strict), Ok(None));
        assert_eq!(
            decode_within(b"PING\r\n", Limits::LOG),
            Err(ExpectedMultibulk(b'P'))
        );
        assert_eq!(
            decode_within(b"*1\r\n$4294967295\r\n", Limits::LOG),
            Ok(None)
        );
        assert_eq!(
            decode_within(b"*1\r\n$4294967296\r\n", Limits::LOG),
            Err(InvalidBulkLength)
        );
    }

    #[test]
    fn inline_limit_holds_with_and_without_a_line_end() {
        let mut line = vec![b'a'; 65_536];
        assert_eq!(decode(&line), Ok(None));
        line.push(b'a');
        assert_eq!(decode(&line), Err(ProtocolError::TooBigInlineRequest));
        line.push(b'\n');
        assert_eq!(decode(&line), Err(ProtocolError::TooBigInlineRequest));
    }

    #[test]
    fn a_claim_reserves_nothing() {
        let mut decoder = RequestDecoder::new(Limits::default());
        assert!(
            decoder
                .decode(b"*1048576\r\n$536870912\r\nab")
                .unwrap()
                .is_none()
        );
        assert!(!decoder.args.spilled());
        assert_eq!(decoder.bytes_missing(24), 536_870_912);
    }

    fn requests() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
        let argument = proptest::collection::vec(any::<u8>(), 0..40);
        proptest::collection::vec(proptest::collection::vec(argument, 1..12), 1..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever the split, the same requests come out.
        #[test]
        fn any_split(requests in requests(), step in 1usize..20) {
            let mut input = Vec::new();
            for request in &requests {
                let parts: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
                encode::command(&mut input, &parts);
            }
            let mut decoder = RequestDecoder::new(Limits::default());
            let (mut start, mut end, mut seen) = (0, 0, Vec::new());
            while start < input.len() {
                end = (end + step).min(input.len());
                while let Some(request) = decoder.decode(&input[start..end]).unwrap() {
                    start += request.consumed();
                    seen.push(request.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
                    if start == end { break }
                }
            }
            prop_assert_eq!(seen, requests);
        }

        /// Any bytes: a request, more please, or an error; the same at once and byte by byte.
        #[test]
        fn any_bytes(input in proptest::collection::vec(
            proptest::sample::select(b"*$0123456789\r\n-ab\"\\ ".to_vec()), 0..40)) {
            let whole = decode(&input);
            let mut decoder = RequestDecoder::new(Limits::default());
            let mut drip = Ok(None);
            for end in 0..=input.len() {
                drip = decoder.decode(&input[..end]).map(|request| request.map(|request| {
                    (request.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), request.consumed())
                }));
                if drip != Ok(None) { break }
            }
            prop_assert_eq!(drip, whole);
        }
    }
}

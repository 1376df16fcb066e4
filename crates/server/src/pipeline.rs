//! Requests that arrived together: decoded ahead, answered one after the other.

use resp::{ArgRange, ProtocolError, RequestDecoder};
use smallvec::SmallVec;
use std::ops::Range;

/// How many are decoded ahead, and so how many keys are looked up side by side.
pub(crate) const AHEAD: usize = 16;

/// The arguments of a request.
pub(crate) type Argv<'a> = SmallVec<[&'a [u8]; 8]>;

/// Requests that are decoded and not yet answered.
#[derive(Default)]
pub(crate) struct Pipeline {
    requests: Vec<Held>,
    /// Of all of them.
    args: Vec<ArgRange>,
    /// The words of inline requests.
    words: Vec<u8>,
    /// The next to be answered.
    next: usize,
}

/// A request: where its bytes begin, and its arguments among those of all.
struct Held {
    source: Source,
    args: Range<usize>,
    /// Bytes that it took of the input.
    consumed: usize,
}

enum Source {
    Input(usize),
    Words(usize),
}

impl Pipeline {
    /// Decodes what is whole from offset `at` of the input on, `most` requests at once, in place of
    /// requests that are all answered; how many they are. An error shows once it comes first.
    pub(crate) fn fill(
        &mut self,
        decoder: &mut RequestDecoder,
        input: &[u8],
        mut at: usize,
        most: usize,
    ) -> Result<usize, ProtocolError> {
        self.clear();
        while self.requests.len() < most {
            let request = match decoder.decode(&input[at..]) {
                Ok(Some(request)) => request,
                Err(error) if self.requests.is_empty() => return Err(error),
                Ok(None) | Err(_) => break,
            };
            let source = match request.words() {
                None => Source::Input(at),
                Some(words) => {
                    self.words.extend_from_slice(words);
                    Source::Words(self.words.len() - words.len())
                }
            };
            let first = self.args.len();
            self.args.extend_from_slice(request.ranges());
            self.requests.push(Held {
                source,
                args: first..self.args.len(),
                consumed: request.consumed(),
            });
            at += request.consumed();
        }
        Ok(self.requests.len())
    }

    fn clear(&mut self) {
        self.requests.clear();
        self.args.clear();
        self.words.clear();
        self.next = 0;
    }

    /// The first argument of each request, where most commands have their key.
    pub(crate) fn keys<'a>(&'a self, input: &'a [u8]) -> SmallVec<[&'a [u8]; AHEAD]> {
        let key = |held: &'a Held| {
            let range = self.args.get(held.args.clone())?.get(1)?;
            Some(range.of(self.bytes(held, input)))
        };
        self.requests.iter().filter_map(key).collect()
    }

    /// The next request, and the bytes that it took of the input.
    pub(crate) fn next<'a>(&'a mut self, input: &'a [u8]) -> Option<(Argv<'a>, usize)> {
        self.next += 1;
        let held = self.requests.get(self.next - 1)?;
        let bytes = self.bytes(held, input);
        let ranges = &self.args[held.args.clone()];
        Some((
            ranges.iter().map(|range| range.of(bytes)).collect(),
            held.consumed,
        ))
    }

    /// The next requests as long as they are `wanted`, owned, and the bytes that they took of the
    /// input.
    pub(crate) fn take_while(
        &mut self,
        input: &[u8],
        wanted: impl Fn(&[&[u8]]) -> bool,
    ) -> (Vec<Vec<Vec<u8>>>, usize) {
        let (mut taken, mut total) = (Vec::new(), 0);
        let at = loop {
            let at = self.next;
            match self.next(input) {
                Some((argv, consumed)) if wanted(&argv) => {
                    taken.push(argv.iter().map(|arg| arg.to_vec()).collect());
                    total += consumed;
                }
                _ => break at,
            }
        };
        self.next = at;
        (taken, total)
    }

    fn bytes<'a>(&'a self, held: &Held, input: &'a [u8]) -> &'a [u8] {
        match held.source {
            Source::Input(start) => &input[start..],
            Source::Words(start) => &self.words[start..],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resp::Limits;

    fn decoder() -> RequestDecoder {
        RequestDecoder::new(Limits::default())
    }

    fn taken(pipeline: &mut Pipeline, input: &[u8]) -> Vec<(Vec<String>, usize)> {
        let mut all = Vec::new();
        while let Some((argv, consumed)) = pipeline.next(input) {
            let text = |arg: &&[u8]| String::from_utf8_lossy(arg).into_owned();
            all.push((argv.iter().map(text).collect(), consumed));
        }
        all
    }

    #[test]
    fn requests_of_both_kinds_come_out_in_order() {
        let input =
            b"*2\r\n$3\r\nGET\r\n$1\r\na\r\nSET b 'c d'\r\n\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGE";
        let (mut pipeline, mut decoder) = (Pipeline::default(), decoder());
        assert_eq!(pipeline.fill(&mut decoder, input, 0, AHEAD), Ok(4));
        assert_eq!(pipeline.keys(input).to_vec(), [&b"a"[..], b"b"]);
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        let expected = [
            (words(&["GET", "a"]), 20),
            (words(&["SET", "b", "c d"]), 13),
            (words(&[]), 2),
            (words(&["PING"]), 14),
        ];
        assert_eq!(taken(&mut pipeline, input), expected);
        assert_eq!(
            pipeline.fill(&mut decoder, input, 49, AHEAD),
            Ok(0),
            "one is not whole"
        );
        let more = [&input[..], b"T\r\n$1\r\nz\r\n"].concat();
        assert_eq!(pipeline.fill(&mut decoder, &more, 49, AHEAD), Ok(1));
        assert_eq!(taken(&mut pipeline, &more), [(words(&["GET", "z"]), 20)]);
    }

    #[test]
    fn requests_of_one_kind_are_taken_together() {
        let input = b"EVAL a\r\nEVAL b\r\nPING\r\nEVAL c\r\n";
        let (mut pipeline, mut decoder) = (Pipeline::default(), decoder());
        assert_eq!(pipeline.fill(&mut decoder, input, 0, AHEAD), Ok(4));
        let wanted = |argv: &[&[u8]]| argv[0] == b"EVAL";
        let (requests, consumed) = pipeline.take_while(input, wanted);
        assert_eq!((requests.len(), consumed), (2, 16));
        assert_eq!(requests[1], [b"EVAL".to_vec(), b"b".to_vec()]);
        let none = pipeline.take_while(input, wanted);
        assert_eq!(none, (Vec::new(), 0));
        assert_eq!(taken(&mut pipeline, input)[0].0, ["PING"]);
    }

    #[test]
    fn no_more_than_a_lot_is_decoded_ahead() {
        let input = b"PING\r\n".repeat(AHEAD + 3);
        let (mut pipeline, mut decoder) = (Pipeline::default(), decoder());
        assert_eq!(pipeline.fill(&mut decoder, &input, 0, AHEAD), Ok(AHEAD));
        assert_eq!(pipeline.fill(&mut decoder, &input, AHEAD * 6, AHEAD), Ok(3));
    }

    #[test]
    fn an_error_waits_for_the_requests_before_it() {
        let input = b"PING\r\n*1\r\n!";
        let (mut pipeline, mut decoder) = (Pipeline::default(), decoder());
        assert_eq!(pipeline.fill(&mut decoder, input, 0, AHEAD), Ok(1));
        assert_eq!(taken(&mut pipeline, input).len(), 1);
        assert!(pipeline.fill(&mut decoder, input, 6, AHEAD).is_err());
    }
}

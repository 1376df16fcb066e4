//! What a stream remembers of producers, so that an entry sent again is not added again (Redis 8.6).
//!
//! # Layout
//!
//! ```text
//!   producers = len duration (s), len most entries of each, len n, n x producer, len added, len repeated
//!   producer  = str name, len n, n x (str the producer's name for the entry, len ms, len seq)
//! ```
//!
//! Example: `64 64 00 00 00` nobody sent anything, and would be remembered for 100 s.
//!
//! No server that writes this was at hand; the layout is as others who read it describe it. It is
//! read and not written.

use crate::cursor::{Cursor, Stop};
use crate::event::Part;
use crate::object::stream::{StreamPart, read_id};
use crate::string::{read_len, read_str};

/// What comes next, and how many of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Start,
    Producers { left: u64 },
    Entries { left: u64, producers: u64 },
}

const READING: &str = "a stream's producers";

impl Place {
    /// The next part, and what comes after it, `None` if nothing does.
    pub(crate) fn read<'i>(
        self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<(StreamPart<'i>, Option<Place>), Stop> {
        match self {
            Place::Start => {
                let duration_secs = read_len(cur, READING)?;
                let entries_max = read_len(cur, READING)?;
                let count = read_len(cur, READING)?;
                let part = Part::Producers {
                    duration_secs,
                    entries_max,
                    count,
                };
                Ok((part.into(), Some(Place::Producers { left: count })))
            }
            Place::Producers { left: 0 } => {
                let (added, repeated) = (read_len(cur, READING)?, read_len(cur, READING)?);
                Ok((Part::ProducedTotals { added, repeated }.into(), None))
            }
            Place::Entries { left: 0, producers } => {
                Place::Producers { left: producers }.read(cur, scratch)
            }
            Place::Producers { left } => {
                let text = read_str(cur, scratch, READING)?;
                let entries = read_len(cur, READING)?;
                let part = Part::Producer { name: &[], entries };
                let (left, producers) = (entries, left - 1);
                let place = Place::Entries { left, producers };
                Ok((StreamPart { text, part }, Some(place)))
            }
            Place::Entries { left, producers } => {
                let text = read_str(cur, scratch, READING)?;
                let id = read_id(cur, READING)?;
                let part = Part::Produced { name: &[], id };
                let left = left - 1;
                let place = Place::Entries { left, producers };
                Ok((StreamPart { text, part }, Some(place)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Decoder, DecoderOptions, Event};

    /// The parts of a stream with this kind and these bytes, fed byte by byte.
    fn parts(kind: u8, stream: &[u8]) -> Vec<String> {
        let mut decoder = Decoder::new(DecoderOptions::default());
        let mut found = Vec::new();
        let end = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0];
        for byte in [b"REDIS0014", &[kind, 1, b's'][..], stream, &end].concat() {
            decoder.feed(&[byte]);
            while let Some(event) = decoder.next().expect("sound") {
                if let Event::Value(part) = event {
                    found.push(format!("{part:?}"));
                }
            }
        }
        assert!(decoder.is_done());
        found
    }

    /// No nodes, ids and counters of zero.
    const EMPTY: &[u8] = b"\0\0\0\0\0\0\0\0\0";

    #[test]
    fn producers_come_after_the_groups() {
        let producers = b"\x40\x64\x0A\x01\x01p\x02\x01a\x05\x06\x01b\x05\x07\x02\x01";
        let found = parts(26, &[EMPTY, b"\0", producers].concat());
        let expected = [
            "Producers { duration_secs: 100, entries_max: 10, count: 1 }",
            "Producer { name: [112], entries: 2 }",
            "Produced { name: [97], id: StreamId { ms: 5, seq: 6 } }",
            "Produced { name: [98], id: StreamId { ms: 5, seq: 7 } }",
            "ProducedTotals { added: 2, repeated: 1 }",
            "EndValue",
        ];
        assert_eq!(found[2..], expected);
    }

    #[test]
    fn entries_given_back_have_no_consumer() {
        let id = [0; 16];
        let group = [
            &b"\x01\x01g\0\0\0\x01"[..],
            &id,
            &[0; 8],
            b"\x01\0\x01",
            &id,
        ];
        let stream = [EMPTY, &group.concat(), b"\0\0\0\0\0"].concat();
        let found = parts(27, &stream);
        assert_eq!(
            found[4..6],
            [
                "Consumers { count: 0 }",
                "Released(StreamId { ms: 0, seq: 0 })"
            ]
        );
    }
}

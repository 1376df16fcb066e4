//! A node of a stream: a listpack of entries relative to a master id.
//!
//! # Layout
//!
//! ```text
//!   master entry = count, deleted, n, field1 .. fieldN, 0
//!   entry        = flags, ms - master.ms, seq - master.seq, body, k
//!   body         = n, field1, value1 ..        flags without 2; k = 2n + 4
//!                | value1 .. valueN            flags with 2 (fields of the master); k = N + 3
//!   flags        = 1 deleted | 2 same fields
//! ```
//!
//! Example: `1 0 1 "f" 0   2 0 0 "v" 4` one entry f = v under the master's own id.
//!
//! # Invariants
//!
//! - `count` entries are alive and `deleted` are not; nothing follows them.
//! - Ids rise. Differences wrap around, so that a seq below the master's is a negative one.

use packed::Element;
use packed::listpack::Listpack;
use units::StreamId;

use crate::error::ErrorKind;

const FLAG_DELETED: i64 = 1;
const FLAG_SAME_FIELDS: i64 = 2;

/// What a node holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeSummary {
    pub(crate) live: u64,
    pub(crate) first_live: Option<StreamId>,
    pub(crate) last: StreamId,
}

/// Checks every piece of a node whose listpack is sound.
pub(crate) fn check(master: StreamId, listpack: Listpack<'_>) -> Result<NodeSummary, ErrorKind> {
    let mut pieces = Pieces {
        elements: listpack.iter(),
    };
    let live = pieces.count("a stream node's count")?;
    let deleted = pieces.count("a stream node's count of deleted entries")?;
    let fields = pieces.count("a stream node's number of fields")?;
    pieces.skip(fields)?;
    pieces.expect(0, "the end of a stream node's master entry")?;
    let summary = check_entries(master, fields, &mut pieces)?;
    if summary.live != live || summary.deleted != deleted {
        let found = format!("{live} and {deleted} said, {summary:?} found");
        return Err(bad(
            "a stream node's counts are not those of its entries",
            found,
        ));
    }
    Ok(NodeSummary {
        live,
        first_live: summary.first_live,
        last: summary.last.unwrap_or(master),
    })
}

#[derive(Debug, Default)]
struct Entries {
    live: u64,
    deleted: u64,
    first_live: Option<StreamId>,
    last: Option<StreamId>,
}

fn check_entries<'a>(
    master: StreamId,
    fields: u64,
    pieces: &mut Pieces<impl Iterator<Item = Element<'a>>>,
) -> Result<Entries, ErrorKind> {
    let mut entries = Entries::default();
    while let Some(flags) = pieces.next_int() {
        let flags = flags?;
        if flags & !(FLAG_DELETED | FLAG_SAME_FIELDS) != 0 {
            return Err(bad("a stream entry has unknown flags", flags));
        }
        let id = check_entry(flags, master, fields, pieces)?;
        if id < master || entries.last.is_some_and(|last| id <= last) {
            return Err(bad("a stream's ids do not rise", id));
        }
        entries.last = Some(id);
        if flags & FLAG_DELETED != 0 {
            entries.deleted += 1;
        } else {
            entries.live += 1;
            entries.first_live.get_or_insert(id);
        }
    }
    Ok(entries)
}

fn check_entry<'a>(
    flags: i64,
    master: StreamId,
    master_fields: u64,
    pieces: &mut Pieces<impl Iterator<Item = Element<'a>>>,
) -> Result<StreamId, ErrorKind> {
    let ms = pieces.int("a stream entry's ms")?.cast_unsigned();
    let seq = pieces.int("a stream entry's seq")?.cast_unsigned();
    let before_k = if flags & FLAG_SAME_FIELDS != 0 {
        pieces.skip(master_fields)?;
        master_fields.checked_add(3)
    } else {
        let fields = pieces.count("a stream entry's number of fields")?;
        let both = fields.saturating_mul(2);
        pieces.skip(both)?;
        both.checked_add(4)
    };
    pieces.expect(
        before_k.unwrap_or(u64::MAX),
        "a stream entry's closing count",
    )?;
    Ok(StreamId {
        ms: master.ms.wrapping_add(ms),
        seq: master.seq.wrapping_add(seq),
    })
}

struct Pieces<I> {
    elements: I,
}

impl<'a, I: Iterator<Item = Element<'a>>> Pieces<I> {
    fn next_int(&mut self) -> Option<Result<i64, ErrorKind>> {
        let element = self.elements.next()?;
        let text = || String::from_utf8_lossy(&element.to_vec()).into_owned();
        let int = element.as_int();
        Some(int.ok_or_else(|| bad("a stream node has text where a number is due", text())))
    }

    fn int(&mut self, what: &'static str) -> Result<i64, ErrorKind> {
        let ended = || bad("a stream node ends early", what);
        self.next_int().ok_or_else(ended)?
    }

    fn count(&mut self, what: &'static str) -> Result<u64, ErrorKind> {
        let found = self.int(what)?;
        u64::try_from(found).map_err(|_| {
            let (expected, found) = (what, i128::from(found));
            ErrorKind::BadNumber { expected, found }
        })
    }

    fn expect(&mut self, wanted: u64, what: &'static str) -> Result<(), ErrorKind> {
        match self.count(what)? {
            found if found == wanted => Ok(()),
            found => {
                let (expected, found) = (what, i128::from(found));
                Err(ErrorKind::BadNumber { expected, found })
            }
        }
    }

    /// Passes over `count` texts; ends with the listpack, however large the count.
    fn skip(&mut self, count: u64) -> Result<(), ErrorKind> {
        for _ in 0..count {
            if self.elements.next().is_none() {
                return Err(bad("a stream node ends early", "a field or value"));
            }
        }
        Ok(())
    }
}

pub(crate) fn bad(rule: &'static str, found: impl std::fmt::Display) -> ErrorKind {
    let found = found.to_string().into();
    ErrorKind::BadStream { rule, found }
}

#[cfg(test)]
mod tests {
    use packed::listpack::ListpackBuf;

    use super::*;

    const MASTER: StreamId = StreamId::new(1000, 5);

    fn check_pieces(pieces: &str) -> Result<NodeSummary, ErrorKind> {
        let mut listpack = ListpackBuf::new();
        for piece in pieces.split_whitespace() {
            listpack.push_back(piece.as_bytes());
        }
        check(MASTER, listpack.as_ref())
    }

    #[test]
    fn a_sound_node_is_summed_up() {
        let summary = check_pieces("2 1 1 f 0  3 0 0 v 4  2 0 1 v 4  0 1 -5 2 a 1 b 2 8");
        let expected = NodeSummary {
            live: 2,
            first_live: Some(StreamId::new(1000, 6)),
            last: StreamId::new(1001, 0),
        };
        assert_eq!(summary, Ok(expected));
    }

    #[test]
    fn wrong_pieces_are_refused() {
        for (pieces, why) in [
            ("", "empty"),
            ("1 0 9223372036854775807 f 0", "too many fields"),
            ("1 0 -1 0", "negative fields"),
            ("1 0 1 f 1  2 0 0 v 4", "master entry not closed"),
            ("2 0 1 f 0  2 0 0 v 4", "count above entries"),
            ("0 1 1 f 0  2 0 0 v 4", "deleted that is alive"),
            ("1 0 1 f 0  2 0 0 v 5", "wrong closing count"),
            ("1 0 1 f 0  2 0 0 v", "no closing count"),
            ("1 0 1 f 0  2 0 0", "no values"),
            ("1 0 1 f 0  7 0 0 v 4", "unknown flags"),
            ("2 0 1 f 0  2 0 1 v 4  2 0 1 v 4", "an id twice"),
            ("1 0 1 f 0  2 -1 0 v 4", "an id below the master's"),
            ("1 0 1 f 0  2 x 0 v 4", "text for a number"),
        ] {
            assert!(check_pieces(pieces).is_err(), "{why}");
        }
    }
}
